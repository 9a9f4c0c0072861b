"""Symbols lead to the page of notation, with a preview of what it says.

The first time that a section uses a symbol of the tables there, the symbol becomes a
link. The row's text goes to the foot of the page, hidden; assets/preview.js shows it.

A letter that a comment `% local: ...` declares is no link in the section or exercise
where the comment stands; {local-symbols} lists all of them. A symbol that is neither
in the tables nor declared is a warning of the build.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join, logging
from sphinx.util.docutils import SphinxDirective

# The book is built without installing tools/ as a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools.symbols import declared, fits, malformed, symbols

LOG = logging.getLogger(__name__)
NOTATION = "chapters/notation"
Row = tuple[list[str], nodes.row]


class LocalSymbols(SphinxDirective):
    """The place on the page of notation for what is declared elsewhere."""

    def run(self) -> list[nodes.Node]:
        return [nodes.container(classes=["local-symbols"])]


@dataclass
class Local:
    """Letters with one meaning inside one part of a page: `% local: c (a factor)`."""

    letters: str
    meaning: str
    place: nodes.Element

    @property
    def symbols(self) -> set[str]:
        return set(symbols(self.letters))

    def holds_at(self, node: nodes.Node | None) -> bool:
        while node and node is not self.place:
            node = node.parent
        return node is not None


def locals_of(document: nodes.document) -> list[Local]:
    return [
        Local(letters, meaning, comment.parent)
        for comment in document.findall(nodes.comment)
        for letters, meaning in declared(comment.astext())
    ]


def rows(notation: nodes.document) -> Iterator[Row]:
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
            self.finish_notation()
        elif NOTATION in self.env.found_docs:
            table = list(rows(self.env.get_doctree(NOTATION)))
            local = locals_of(self.document)
            known = {s for named, _ in table for f in named for s in symbols(f)}
            for what, where in problems(self.document, known, local):
                LOG.warning(what, location=where)
            if page.split("/")[-1][:2].isdigit():
                self.link(page, table, local)

    def finish_notation(self) -> None:
        table = list(rows(self.document))
        for symbol in ambiguous([named for named, _ in table]):
            LOG.warning(f"symbol {symbol} stands in two rows", location=NOTATION)
        for named, row in table:
            row["ids"].append(slug(named[0]))
            row.parent.parent.parent["classes"].append("cards")
        for holder in self.document.findall(nodes.container):
            if "local-symbols" in holder["classes"]:
                holder += self.local_list()

    def local_list(self) -> nodes.bullet_list:
        """Each letter with its meaning, and links to the places where it holds."""
        links: dict[tuple[str, str], list[nodes.Node]] = {}
        for page in sorted(self.env.found_docs - {NOTATION}):
            target = self.app.builder.get_relative_uri(NOTATION, page)
            for one in locals_of(self.env.get_doctree(page)):
                key = one.letters, one.meaning
                links.setdefault(key, []).append(link_to(one, target))
        items = [spelled(*key, links[key]) for key in sorted(links, key=alphabetic)]
        return nodes.bullet_list("", *items)

    def link(self, page: str, table: list[Row], local: list[Local]) -> None:
        known = {symbol: row for named, row in table for symbol in named}
        anchors = {symbol: slug(named[0]) for named, _ in table for symbol in named}
        previews: dict[str, nodes.row] = {}
        target = self.app.builder.get_relative_uri(page, NOTATION)
        for math in first_uses(self.document, known, local):
            anchor = anchors[math.astext()]
            previews[anchor] = known[math.astext()]
            math.replace_self(linked(math, f"{target}#{anchor}"))
        for anchor, row in previews.items():
            self.document += preview(anchor, row, page)


# One meaning each


def ambiguous(table: list[list[str]]) -> list[str]:
    """Formulas of two rows, written the same or with an argument: p and p(x)."""
    found = []
    for n, named in enumerate(table):
        others = [f for row in table[:n] + table[n + 1 :] for f in row]
        found += [f for f in named if any(f"{o}(".startswith(f"{f}(") for o in others)]
    return found


def problems(
    document: nodes.document, known: set[str], local: list[Local]
) -> Iterator[tuple[str, nodes.Node]]:
    """Symbols without a meaning, and declarations that do nothing."""
    used = [(s, math) for math in formulas(document) for s in symbols(math.astext())]
    for symbol, math in used:
        if not fits(symbol, known | symbols_at(math, local)):
            what = "is neither on the page of notation nor declared local"
            yield f"symbol {symbol} {what}", math
    for one in local:
        inside = {symbol for symbol, math in used if one.holds_at(math)}
        for letter in one.symbols:
            if not any(fits(symbol, {letter}) for symbol in inside):
                yield f"symbol {letter} is declared local and not used", one.place
    for comment in document.findall(nodes.comment):
        for line in malformed(comment.astext()):
            yield f"not understood: %{line}", comment


def symbols_at(math: nodes.Node, local: list[Local]) -> set[str]:
    return {symbol for one in local if one.holds_at(math) for symbol in one.symbols}


def formulas(document: nodes.document) -> list[nodes.Element]:
    return [*document.findall(nodes.math), *document.findall(nodes.math_block)]


# Links


def first_uses(
    document: nodes.document, known: Any, local: list[Local]
) -> list[nodes.math]:
    """One of each symbol in each section, in running text only."""
    found = []
    for section in document.children[0].findall(nodes.section):
        seen: set[str] = set()
        for math in section.findall(nodes.math):
            text = math.astext()
            if text in known and text not in seen and plain(math, local):
                seen.add(text)
                found += [math] * (math not in found)
    return found


def plain(math: nodes.math, local: list[Local]) -> bool:
    """Is it in running text, with the meaning that the tables give?"""
    here = symbols_at(math, local)
    means_other = any(fits(symbol, here) for symbol in symbols(math.astext()))
    return isinstance(math.parent, nodes.paragraph) and not means_other


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
        if reference["reftype"] == "doc":  # its target is written for another folder
            target = docname_join(NOTATION, reference["reftarget"])
            reference["reftarget"] = f"/{target}"
        reference["refdoc"] = page
    return box


# The list of local letters


def link_to(local: Local, page: str) -> nodes.reference:
    """A link to the section, or to the exercise: its content has no name."""
    place = local.place
    while not place["ids"] or "exercise-content" in place["ids"]:
        place = place.parent
    title = place.next_node(nodes.title)
    is_exercise = "exercise" in place["classes"]  # its title begins with that word
    text = f"exercise “{title[-1].astext()}”" if is_exercise else title.astext()
    return nodes.reference("", text, refuri=f"{page}#{place['ids'][0]}", internal=True)


def alphabetic(key: tuple[str, str]) -> tuple[str, str]:
    return key[0].replace("\\", "").lower(), key[0]


def spelled(letters: str, meaning: str, links: list[nodes.Node]) -> nodes.list_item:
    named = [nodes.math(letter, letter) for letter in letters.split(", ")]
    parts = [*separated(named), nodes.Text(f": {meaning}. "), *separated(links)]
    return nodes.list_item("", nodes.paragraph("", "", *parts))


def separated(parts: list[Any]) -> list[nodes.Node]:
    return [node for part in parts for node in (nodes.Text(", "), part)][1:]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("local-symbols", LocalSymbols)
    app.add_post_transform(Symbols)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
