"""Level, minutes and points in the box of each exercise and above its solution.

They come from the package's own exercises. The directive {exercise-table} lists all.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective
from sphinx_exercise.nodes import exercise_enumerable_node

# The book is built without installing tools/ as a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import times


class Facts(SphinxTransform):
    default_priority = 700  # the boxes are whole

    def apply(self, **kwargs: Any) -> None:
        for box in self.document.findall(exercise_enumerable_node):
            box.next_node(nodes.section).insert(0, line(box["label"]))
        for label, question in list(questions(self.document)):
            question.parent.insert(question.parent.index(question) + 1, line(label))


def line(label: str) -> nodes.paragraph:
    text = times.facts(label)
    return nodes.paragraph(text, text, classes=["exercise-facts"])


def questions(document: nodes.document) -> Iterator[tuple[str, nodes.paragraph]]:
    """The lines "The question: Exercise 4.3." of the solutions."""
    for link in document.findall(pending_xref):
        if link.parent.astext().startswith("The question:"):
            yield link["reftarget"], link.parent


class ExerciseTable(SphinxDirective):
    """Write the table as MyST, so that every entry is an ordinary, checked link."""

    def run(self) -> list[nodes.Node]:
        text = list(times.table(lambda label: f"{{ref}}`{label}`"))
        holder = nodes.container()
        self.state.nested_parse(StringList(text, "exercise-table"), 0, holder)
        return holder.children


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(Facts)
    app.add_directive("exercise-table", ExerciseTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
