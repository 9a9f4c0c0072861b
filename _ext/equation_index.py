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
        found = registry()
        text = [
            *computations(e for e in found if not e.is_step),
            "",
            "Steps of derivations:",
            "",
            *steps(e for e in found if e.is_step),
        ]
        holder = nodes.container()
        self.state.nested_parse(StringList(text, "equation-index"), 0, holder)
        return holder.children


def computations(rows: Iterable[Equation]) -> Iterable[str]:
    yield "| Equation | Name | Page | Function | Tests |"
    yield "| --- | --- | --- | --- | --- |"
    for e in rows:
        functions = " ".join(f"{{py:obj}}`{name}`" for name in e.functions)
        tests = " ".join(f"`{name}`" for name in e.tests)
        yield f"{start(e)} | {functions} | {tests} |"


def steps(rows: Iterable[Equation]) -> Iterable[str]:
    yield "| Equation | Name | Page |"
    yield "| --- | --- | --- |"
    for e in rows:
        yield f"{start(e)} |"


def start(e: Equation) -> str:
    return f"| {{eq}}`{e.label}` | `{e.label}` | {{doc}}`{e.page}`"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("equation-index", EquationIndex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
