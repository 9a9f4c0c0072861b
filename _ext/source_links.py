"""Every entry of the package leads to its lines of code.

`sphinx.ext.viewcode` makes a page of each file that has an entry in the book. It is
told here what it does not find: constants, properties, and names that have the name of
their module. The exercises' checks get no page: they know the answers.
"""

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

# The book is built without installing tools/ as a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import sources

Tags = dict[str, tuple[str, int, int]]


def leave_out_checks(app: Sphinx, doctree: nodes.document) -> None:
    """An entry without a module is none of viewcode's business."""
    for signature in doctree.findall(addnodes.desc_signature):
        if str(signature.get("module")).startswith("emgmm.checks"):
            signature["module"] = None


def find_module(app: Sphinx, module: str | None, name: str) -> str | None:
    return sources.home(module, name.split(".")[0]) if module else None


def find_lines(app: Sphinx, module: str) -> tuple[str, Tags]:
    """The text of a module, and where in it each name is defined."""
    analyzer = ModuleAnalyzer.for_module(module)
    tags: Tags = dict(analyzer.find_tags())
    for name, (first, last) in sources.constants(module).items():
        tags[name] = ("other", first, last)
    return analyzer.code, tags


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.viewcode")
    app.connect("doctree-read", leave_out_checks, priority=400)  # before viewcode
    app.connect("viewcode-follow-imported", find_module)
    app.connect("viewcode-find-source", find_lines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
