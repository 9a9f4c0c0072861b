"""Where the code of a public name stands: in which file, and where in the book.

`import` does not tell: `emgmm.em` is a function, and its module has the same name; a
constant does not know where it comes from. The text of the files tells.
"""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tools.equations import MODULES


@cache
def parsed(module: str) -> ast.Module:
    """The source of a module, by its full name."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def home(module: str, name: str) -> str:
    """The module that defines a name, behind all imports from one to the next."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.ImportFrom) and name in {a.name for a in node.names}:
            return home(str(node.module), name)
    return module


def constants(module: str) -> dict[str, tuple[int, int]]:
    """First and last line of each name to which a module assigns a value."""
    return {
        target.id: (node.lineno, node.end_lineno or node.lineno)
        for node in parsed(module).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def place(name: str) -> tuple[str, str]:
    """Page and anchor of the code of a public name, such as emgmm.Mixture.sample."""
    module = max((m for m in MODULES if name.startswith(f"{m}.")), key=len)
    anchor = name.removeprefix(f"{module}.")
    return page(home(module, anchor.split(".")[0])), anchor


def page(module: str) -> str:
    """The page of a module's source, as `sphinx.ext.viewcode` names it."""
    return f"_modules/{module.replace('.', '/')}"
