"""The registry of equations: where each is printed, computed and tested.

A displayed equation is named after its closing dollars: ``$$ ... $$ (eq-name)`` when
it states a computation, ``(step-name)`` when it is a step of a derivation. Exactly
one public function cites an ``eq-`` name in its docstring, as ``:eq:`eq-name` ``, and
a test that evaluates the printed form by another route says so with
``@pytest.mark.equation("eq-name")``.

    python -m tools.equations    print the registry and what is wrong with it
"""

import ast
import importlib
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

ROOT = Path(__file__).resolve().parents[1]
# What readers import from; see CONTRIBUTING, "Package".
MODULES = ("emgmm", "emgmm.starts", "emgmm.data", "emgmm.plots", "emgmm.checks")
CITED = re.compile(r"(?:\{eq\}|:eq:)`(?:[^`<]*<)?([^`<>]+)>?`")
# As Jupyter Book sets it: two dollars make a displayed equation inside a line too.
MYST = create_md_parser(
    MdParserConfig(
        enable_extensions={"amsmath", "colon_fence", "dollarmath"},
        dmath_double_inline=True,
    ),
    RendererHTML,
)


@dataclass
class Equation:
    """One displayed equation; the label is empty when it has none."""

    label: str
    page: str
    cited: bool = False
    functions: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)

    @property
    def is_step(self) -> bool:
        return self.label.startswith("step-")


def labels(text: str) -> Iterator[str]:
    """The label, or "", of every displayed equation of a page, directives included."""
    for token in MYST.parse(text):
        inline = {child.markup for child in token.children or ()}
        directive = re.match(r"\{([\w-]+)\}", token.info)
        if token.type == "math_block_label":
            yield token.info
        elif token.type in ("math_block", "amsmath") or "$$" in inline:
            yield ""
        elif token.type in ("fence", "colon_fence") and directive:
            # A math directive is labeled by an option, which the book does not use.
            yield from [""] if directive[1] == "math" else labels(token.content)


def names(module: ModuleType) -> list[str]:
    """The public names: ``__all__``, or what is defined there without underscore."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    ]
    return list(getattr(module, "__all__", own))


def public() -> Iterator[tuple[str, str]]:
    """Name and docstring of each public function, class, method and property."""
    for module in map(importlib.import_module, MODULES):
        for name in names(module):
            thing = getattr(module, name)
            if inspect.isroutine(thing) or inspect.isclass(thing):
                yield f"{module.__name__}.{name}", inspect.getdoc(thing) or ""
            for member, value in vars(thing).items() if inspect.isclass(thing) else ():
                if not member.startswith("_") and hasattr(value, "__doc__"):
                    doc = inspect.cleandoc(value.__doc__ or "")
                    yield f"{module.__name__}.{name}.{member}", doc


def marked_tests(file: Path) -> Iterator[tuple[str, str]]:
    """Pairs of label and test, from the marks @pytest.mark.equation(label, ...)."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            for mark in filter(is_mark, node.decorator_list):
                for label in getattr(mark, "args", ()):
                    yield ast.literal_eval(label), f"{file.stem}.{node.name}"


def is_mark(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).startswith("pytest.mark.equation(")


def registry(root: Path = ROOT) -> list[Equation]:
    """Every displayed equation of the chapters, in the order of the pages."""
    texts = {
        page.relative_to(root / "chapters").with_suffix("").as_posix(): (
            page.read_text(encoding="utf-8")
        )
        for folder in ("chapters", "chapters/solutions")
        for page in sorted((root / folder).glob("*.md"))
    }
    found = [Equation(name, page) for page in texts for name in labels(texts[page])]
    docs = list(public())
    cited = {c for text in [*texts.values(), *dict(docs).values()] for c in cites(text)}
    marks = [m for file in sorted(root.glob("tests/*.py")) for m in marked_tests(file)]
    for equation in found:
        equation.cited = equation.label in cited
        equation.functions = [n for n, doc in docs if equation.label in cites(doc)]
        equation.tests = [test for label, test in marks if label == equation.label]
    return found


def cites(text: str) -> list[str]:
    return CITED.findall(text)


def problems(found: list[Equation]) -> list[str]:
    """What breaks the promise, one line each."""
    count = Counter(equation.label for equation in found)
    bad = [f"{e.page}: a displayed equation has no label" for e in found if not e.label]
    bad += [f"{name}: printed {n} times" for name, n in count.items() if name and n > 1]
    for e in found:
        if e.label:
            bad += [f"{e.page}: {e.label} {what}" for what in wrong_with(e)]
    return bad


def wrong_with(equation: Equation) -> Iterator[str]:
    if not re.fullmatch(r"(eq|step)-[a-z0-9-]+", equation.label):
        yield "is not named eq-... or step-..."
    if not equation.cited:
        yield "is cited nowhere"
    if not equation.is_step and len(equation.functions) != 1:
        yield f"has {len(equation.functions)} functions, not one: {equation.functions}"
    if not equation.is_step and not equation.tests:
        yield "is evaluated by no test"


def unknown(root: Path = ROOT) -> list[str]:
    """Labels that the package or a test names and no page prints."""
    printed = {equation.label for equation in registry(root)}
    named = [m[0] for f in root.glob("tests/*.py") for m in marked_tests(f)]
    for file in root.rglob("emgmm/*.py"):
        named += cites(file.read_text(encoding="utf-8"))
    return sorted(set(named) - printed)


def main() -> int:
    found = registry()
    for e in found:
        print(f"{e.label:32} {e.page:20} {', '.join(e.functions + e.tests)}")
    bad = problems(found) + [f"{label} is printed nowhere" for label in unknown()]
    print("\n".join(bad) or "every equation is labeled, cited, computed and tested")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
