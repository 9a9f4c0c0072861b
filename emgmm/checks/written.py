"""A chapter's exercises from its file, chapter_4.toml: texts, recipes and slips.

The file holds solutions. An edition without solutions has it packed, by zlib.
"""

import re
import tomllib
import zlib
from importlib.resources import files
from types import ModuleType
from typing import Any

from emgmm.checks import recipe
from emgmm.checks.exercise import Exercise, Slip


def exercises(module: ModuleType) -> tuple[Exercise, ...]:
    """Those of a chapter; its module has CASES and SHOWN, the inputs by name."""
    tables = tomllib.loads(text(module.__name__.split(".")[-1]))
    return tuple(_exercise(name, table, module) for name, table in tables.items())


def text(chapter: str) -> str:
    """The file of a chapter, packed or not."""
    folder = files("emgmm.checks")
    plain, packed = folder / f"{chapter}.toml", folder / f"{chapter}.toml.z"
    data = (
        plain.read_bytes() if plain.is_file() else zlib.decompress(packed.read_bytes())
    )
    return data.decode("utf-8")


def _exercise(name: str, table: dict[str, Any], module: ModuleType) -> Exercise:
    steps = recipe.parse(table.pop("recipe"))

    def reference(*case: Any) -> Any:
        known = steps.run(case)
        right = tuple(known[part] for part in steps.parts)
        return right if len(right) > 1 else right[0]

    return Exercise(
        name=name,
        arguments=steps.arguments,
        parts=steps.parts,
        reference=reference,
        recipe=steps,
        slips=slips(table.pop("slips")),
        hints=tuple(table.pop("hints")),
        cases=module.CASES.get(name, lambda: [()]),
        shown=module.SHOWN.get(name),
        alone=tuple(table.pop("alone")) if "alone" in table else None,
        **table,
    )


def slips(text: str) -> tuple[Slip, ...]:
    """Blocks of a line `name -- equation` and, indented, changes and a sentence."""
    blocks = re.findall(r"^(\S.*)\n((?:[ \t]+.*\n?)+)", text.strip(), re.MULTILINE)
    return tuple(_slip(head, body) for head, body in blocks)


def _slip(head: str, body: str) -> Slip:
    name, _, equation = head.partition(" -- ")
    lines = [line.strip() for line in body.splitlines()]
    edits = [s for s in lines if recipe.CHANGE.fullmatch(s.split(";")[0])]
    says = " ".join(s for s in lines if s not in edits)
    if not edits or not says:
        raise SyntaxError(f"the slip {name!r} needs a change and a sentence")
    wrong = tuple(change for s in edits for change in recipe.changes(s))
    return Slip(name.strip(), wrong, says, equation.strip())
