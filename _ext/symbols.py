"""Symbols lead to the page of notation, with a preview of what it says.

The first time that a section uses a symbol of the tables there, the symbol becomes a
link. The row's text goes to the foot of the page, hidden; assets/preview.js shows it.
"""

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

NOTATION = "chapters/notation"


def rows(notation: nodes.document) -> Iterator[tuple[list[str], nodes.row]]:
    """Rows about symbols of this book, not those of other books' names for them."""
    for table in notation.findall(nodes.table):
        if table.next_node(nodes.entry).astext() == "Symbol":
            for row in table.next_node(nodes.tbody).findall(nodes.row):
                named = row.next_node(nodes.entry).findall(nodes.math)
                yield [math.astext() for math in named], row


def slug(symbol: str) -> str:
    return "symbol-" + re.sub(r"\W+", "-", symbol).strip("-")


class Symbols(SphinxPostTransform):
    default_priority = 5  # before references are resolved: the rows contain some

    def run(self, **kwargs: Any) -> None:
        page = self.env.docname
        if page == NOTATION:
            for symbols, row in rows(self.document):
                row["ids"].append(slug(symbols[0]))
                row.parent.parent.parent["classes"].append("cards")
        elif page.split("/")[-1][:2].isdigit() and NOTATION in self.env.found_docs:
            self.link(page)

    def link(self, page: str) -> None:
        known = {s: row for symbols, row in self.table() for s in symbols}
        anchors = {s: slug(symbols[0]) for symbols, _ in self.table() for s in symbols}
        previews: dict[str, nodes.row] = {}
        target = self.app.builder.get_relative_uri(page, NOTATION)
        for math in first_uses(self.document, known):
            anchor = anchors[math.astext()]
            previews[anchor] = known[math.astext()]
            math.replace_self(linked(math, f"{target}#{anchor}"))
        for anchor, row in previews.items():
            self.document += preview(anchor, row, page)

    def table(self) -> list[tuple[list[str], nodes.row]]:
        return list(rows(self.env.get_doctree(NOTATION)))


def first_uses(document: nodes.document, known: Any) -> list[nodes.math]:
    """One of each symbol in each section, in running text only."""
    found = []
    for section in document.children[0].findall(nodes.section):
        seen: set[str] = set()
        for math in section.findall(nodes.math):
            text = math.astext()
            if text in known and text not in seen and plain(math):
                seen.add(text)
                found += [math] * (math not in found)
    return found


def plain(math: nodes.math) -> bool:
    return isinstance(math.parent, nodes.paragraph)


def linked(math: nodes.math, target: str) -> list[nodes.Node]:
    """A link that has a name for those who do not see the drawing."""
    name = re.sub(r"[\\\\{}]", "", math.astext())
    anchor = target.split("#")[1]
    start = (
        f'<a class="symbol" href="{target}" aria-label="{escape(name)}"'
        f' aria-describedby="preview-{anchor}">'
    )
    before, after = (nodes.raw("", html, format="html") for html in (start, "</a>"))
    return [before, math.deepcopy(), after]


def preview(anchor: str, row: nodes.row, page: str) -> nodes.container:
    """Meaning and name in code, hidden until the script shows it."""
    box = nodes.container(ids=[f"preview-{anchor}"], classes=["preview"])
    for entry in row.children[1:]:
        for part in entry.deepcopy().children:
            box += part
    for reference in box.findall(addnodes.pending_xref):
        reference["refdoc"] = page
    return box


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(Symbols)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
