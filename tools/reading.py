"""Pages as notebooks for reading and working: Jupyter shows them without the book.

The pair chapters/NN_name.md and .ipynb is what the book reads. Its roles and directives
are nothing to Jupyter. Here they become plain Markdown: numbers, links to the cell that
is meant, captions, headings. Each labeled equation, exercise and figure starts a cell
that bears its label, since a link can only lead to a cell.

    python -m tools.reading    write lab/, which make lab opens
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from pybtex.backends.markdown import Backend
from pybtex.database import parse_file
from pybtex.style.formatting.plain import Style

from tools import numbers, symbols, times
from tools.notebooks import CHAPTERS, KERNEL
from tools.numbers import REFERENCES, ROOT, Target

LAB = ROOT / "lab"
# Beside the numbered chapters: what is read in Jupyter, too. The rest needs the book.
BESIDE = ("00_welcome", "notation", "reference_fit", REFERENCES)
PAGES = [page for page, n in numbers.contents() if n or page in BESIDE]
ROLE = re.compile(r"\{([\w:]+)\}`(?:([^`<]*?)\s*<)?([^`<>]+)>?`")
DIRECTIVE = re.compile(
    r"^(?P<fence>:{3,})\{(?P<name>[\w-]+)\} *(?P<title>[^\n]*)\n"
    r"(?P<options>(?::[\w-]+:[^\n]*\n)*)(?P<body>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
EQUATION = re.compile(r"^\$\$\n.*?^\$\$ \([\w-]+\)$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^\([\w-]+\)=$", re.MULTILINE)
LETTERS = re.compile(r"^```\{local-symbols\}\n```$", re.MULTILINE)
COMMENT = re.compile(r"^ *%(.*)$", re.MULTILINE)
# What Jupyter would show as it is typed; the tests look for it.
UNRESOLVED = re.compile(
    r"\{[\w:-]+\}`|^[:`]{3,}\{|^ *% |^\([\w-]+\)=$|\$\$ \([\w-]+\)$", re.MULTILINE
)
Link = Callable[[str, Target], str]


# Text


def plain(text: str, link: Link) -> str:
    """Markdown without roles, directives, labels and comments."""
    text = re.sub(r"(?m)^ *% .*\n?", "", text)
    text = re.sub(r"(?m)^\([\w-]+\)=\n", "", text)
    text = DIRECTIVE.sub(lambda m: _undirected(m, link), text)
    text = LETTERS.sub(lambda m: "\n".join(local_letters(sources(), link)), text)
    text = re.sub(r"(?m)^( *)\$\$ \(([\w-]+)\)$", _tagged, text)
    return ROLE.sub(lambda m: _referred(m, link), text).strip()


def _tagged(match: re.Match[str]) -> str:
    """The end of an equation, with its number."""
    number = numbers.targets()[match[2]].text.strip("()")
    return f"{match[1]}\\tag{{{number}}}\n{match[1]}$$"


def _referred(match: re.Match[str], link: Link) -> str:
    """A role as text, with a link where there is something to lead to."""
    role, said, name = match.groups()
    if role in ("func", "py:obj"):
        return f"`{said or name}`"
    if role.startswith("cite"):
        return _cited(role, name, link)
    label = name.removeprefix("/").removeprefix("chapters/")
    target = numbers.targets()[label]
    return link(label, Target(target.kind, said or target.text, target.page))


def _cited(role: str, names: str, link: Link) -> str:
    """Sources in brackets; {cite:t} leaves the authors outside of them."""
    keys = names.split(",")
    texts = [link(key, numbers.targets()[key]) for key in keys]
    if role == "cite:t":
        return re.sub(r"\[(.+), ([^,\]]+)\]", r"[\1 (\2)]", texts[0])
    return f"({', '.join(texts)})"


def _undirected(match: re.Match[str], link: Link) -> str:
    """A directive as headings, bold words and quotes."""
    name, said, body = match["name"], match["title"].strip(), match["body"]
    if name == "exercise":
        label = match["options"].split()[1]
        head = f"### {numbers.targets()[label].text}: {said}\n\n*{times.facts(label)}*"
        return f"{head}\n\n{body.strip()}"
    inner = plain(body, link)
    if name == "grid":
        return inner
    if name == "grid-item-card":
        return f"**{said}.** {inner}"
    if name == "admonition":
        lines = [f"**{said}**", "", *inner.split("\n")]
        return "\n".join(f"> {line}".rstrip() for line in lines)
    raise ValueError(
        f"{{{name}}} has no form in plain Markdown: teach tools/reading.py"
    )


def local_letters(pages: Iterable[tuple[str, str]], link: Link) -> Iterator[str]:
    """What the pages declare for one place only, as the page of notation lists it."""
    for page, text in pages:
        comments = "\n".join(COMMENT.findall(text))
        for letters, meaning in symbols.declared(comments):
            yield f"* ${letters}$: {meaning}; {link(page, numbers.targets()[page])}"


def sources() -> Iterator[tuple[str, str]]:
    """Name and text of each page that a learner opens in Jupyter."""
    for page in PAGES:
        yield page, (CHAPTERS / f"{page}.md").read_text(encoding="utf-8")


def links(home: str = "") -> Link:
    """Links to cells of the notebooks of `PAGES`, which lie in the folder `home`."""

    def link(label: str, target: Target) -> str:
        if target.page not in PAGES:
            return target.text
        cell = f"#cell-id={places()[label]}" if label in places() else ""
        return f"[{target.text}]({home}{target.page}.ipynb{cell})"

    return link


def text_alone(label: str, target: Target) -> str:
    """No links: for a terminal."""
    return target.text


# Cells


def chunks(text: str) -> Iterator[str]:
    """Markdown, cut before each labeled equation, exercise and section."""
    directives = list(DIRECTIVE.finditer(text))
    starts = [m.start() for m in directives if m["name"] == "exercise"]
    for match in (*EQUATION.finditer(text), *SECTION.finditer(text)):
        if not any(d.start() < match.start() < d.end() for d in directives):
            starts.append(match.start())
    cuts = [0, *sorted(starts), len(text)]
    yield from (text[a:b] for a, b in pairwise(cuts) if text[a:b].strip())


def pieces(page: str) -> Iterator[NotebookNode]:
    """The cells of a page, Markdown in chunks; a page without code is all Markdown."""
    file = CHAPTERS / f"{page}.ipynb"
    if page == REFERENCES:
        yield from bibliography()
        return
    if file.exists():
        cells = nbformat.read(file, as_version=4).cells
    else:
        cells = [words(file.with_suffix(".md").read_text(encoding="utf-8"))]
    for cell in cells:
        is_text = cell.cell_type == "markdown"
        yield from map(words, chunks(cell.source)) if is_text else [cell]


def words(source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def bibliography() -> Iterator[NotebookNode]:
    """The page of the references, a cell for each."""
    yield words("# References")
    style, backend = Style(), Backend()
    bib = parse_file(str(CHAPTERS / f"{REFERENCES}.bib"))
    for entry in style.format_bibliography(bib):
        text = entry.text.render(backend)
        yield nbformat.v4.new_markdown_cell(text, metadata={"label": entry.key})


def labels(cell: NotebookNode) -> list[str]:
    """What has its name in a cell: the first one is the cell's, too."""
    figure = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
    named = (cell.metadata.get("label"), figure)
    return [n for n in named if n] + [n for _, n, _ in numbers.named(cell.source)]


@cache
def places() -> dict[str, str]:
    """The name of the cell in which each label stands."""
    every = [labels(cell) for page in PAGES for cell in pieces(page)]
    return {label: own[0] for own in every for label in own}


def notebook(page: str, link: Link) -> NotebookNode:
    """The notebook of a page, outputs included, as Jupyter shows it."""
    made: list[NotebookNode] = []
    for cell in pieces(page):
        own = labels(cell)
        cell["id"] = own[0] if own else f"cell-{len(made):02d}"
        made += [cell, *caption(cell, link)]
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, link)
        elif "remove-input" in cell.metadata.get("tags", ()):
            cell.metadata["jupyter"] = {"source_hidden": True}
    return finished(made)


def caption(cell: NotebookNode, link: Link) -> Iterator[NotebookNode]:
    """What the book prints below a figure."""
    if figure := cell.metadata.get("mystnb", {}).get("figure"):
        number = numbers.targets()[figure["name"]].text
        text = f"**{number}.** {plain(figure['caption'], link)}"
        below = words(text)
        yield nbformat.from_dict({**below, "id": f"{figure['name']}-caption"})


def finished(cells: list[NotebookNode]) -> NotebookNode:
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    made.nbformat, made.nbformat_minor = 4, 5
    return made


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """Cleared, as it is handed to somebody who will run it."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


# The folder of make lab


def lab() -> dict[str, str]:
    """The pages with their outputs, and the exercises: {path: notebook}."""
    made = {f"{p}.ipynb": nbformat.writes(notebook(p, links())) for p in PAGES}
    for path in sorted(CHAPTERS.glob("exercises/*.ipynb")):
        made[f"exercises/{path.name}"] = path.read_text(encoding="utf-8")
    return {name: text.rstrip("\n") + "\n" for name, text in made.items()}


def write(folder: Path) -> list[str]:
    """Add what is missing. The names of what differs: it may hold somebody's work."""
    differ = []
    for name, text in lab().items():
        file = folder / name
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        elif file.read_text(encoding="utf-8") != text:
            differ.append(name)
    return differ


def main() -> int:
    for name in write(LAB):
        print(f"{LAB.name}/{name} was changed, by you or since: kept as it is.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
