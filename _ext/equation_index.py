"""The directive {equation-index}: the registry of equations as two tables."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

# The book is built without installing tools/ as a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools.equations import Equation, registry


class EquationIndex(SphinxDirective):
    """Write the tables as MyST, so that every entry is an ordinary, checked link."""

    def run(self) -> list[nodes.Node]:
        # A students' copy has fewer pages than the repository.
        built = self.env.found_docs
        found = [e for e in registry() if f"chapters/{e.page}" in built]
        text = [
            *computations(e for e in found if not e.is_step),
            "",
            "Steps of derivations:",
            "",
            *steps(e for e in found if e.is_step),
        ]
        holder = nodes.container()
        self.state.nested_parse(StringList(text, "equation-index"), 0, holder)
        for table in holder.findall(nodes.table):
            table["classes"] += ["equation-index", "cards"]
        return holder.children


def computations(rows: Iterable[Equation]) -> Iterable[str]:
    yield "| Equation | Name | Function, then its tests |"
    yield "| --- | --- | --- |"
    for e in rows:
        functions = [f"{{py:obj}}`{name}`" for name in e.functions]
        tests = [spoken(name) for name in e.tests]
        yield f"{start(e)} | {'<br>'.join(functions + tests)} |"


def spoken(test: str) -> str:
    """A test's name in words, which a narrow column can break, after its file."""
    file, name = test.split(".", 1)
    return f"`{file}`: {name.removeprefix('test_').replace('_', ' ')}"


def steps(rows: Iterable[Equation]) -> Iterable[str]:
    yield "| Equation | Name |"
    yield "| --- | --- |"
    for e in rows:
        yield f"{start(e)} |"


def start(e: Equation) -> str:
    folder, _, name = e.page.rpartition("/")
    number = name[:2]
    place = f"{folder or 'chapter'} {int(number)}" if number.isdigit() else e.page
    chapter = f"{{doc}}`{place} <{e.page}>`"
    return f"| {{eq}}`{e.label}`<br>{chapter} | `{e.label}`"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("equation-index", EquationIndex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
