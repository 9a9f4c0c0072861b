"""Export every figure of the chapters: python -m tools.figures

The pictures come from the stored outputs, so nothing runs. `_build/figures/` gets one
PNG per figure, named after its chapter and its own name, and captions.md with what
the book prints below each and what it says in words.
"""

import base64
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.folders import renew
from tools.notebooks import CHAPTERS

TARGET = CHAPTERS.parent / "_build" / "figures"


@dataclass(frozen=True)
class Figure:
    """One picture and the words that belong to it."""

    name: str
    png: bytes
    caption: str
    alt: str


def figures(chapter: str, notebook: NotebookNode) -> Iterator[Figure]:
    """The figures of one chapter, in its order."""
    for cell in notebook.cells:
        options = cell.metadata.get("mystnb", {})
        figure = options.get("figure", {})
        name = figure.get("name", cell.id).removeprefix("fig-")
        found = list(pictures(cell))
        if figure and not found:
            raise ValueError(f"{chapter} names {name} and stores no picture of it.")
        for n, png in enumerate(found):
            yield Figure(
                f"{chapter}-{name}" + (f"-{n + 1}" if n else ""),
                png,
                " ".join(figure.get("caption", "").split()),
                " ".join(options.get("image", {}).get("alt", "").split()),
            )


def pictures(cell: NotebookNode) -> Iterator[bytes]:
    for output in cell.get("outputs", ()):
        if "image/png" in output.get("data", {}):
            yield base64.b64decode(output["data"]["image/png"])


def captions(found: list[Figure]) -> str:
    """The page that goes with the pictures."""
    blocks = [
        f"## {f.name}.png\n\n{f.caption or 'No caption.'}\n\nIn words: {f.alt}\n"
        for f in found
    ]
    return "\n".join(["# Figures of the course\n", *blocks])


def export(chapters: Path = CHAPTERS, target: Path = TARGET) -> list[Figure]:
    """Write all figures and their captions; what was in the folder goes."""
    notebooks = sorted(chapters.glob("*.ipynb"))
    found = [
        figure
        for path in notebooks
        for figure in figures(path.stem, nbformat.read(path, as_version=4))
    ]
    files = {f"{figure.name}.png": figure.png for figure in found}
    if len(files) < len(found):
        raise ValueError(f"two figures of {chapters.name} have the same name.")
    renew(target, files | {"captions.md": captions(found).encode()})
    return found


def main() -> int:
    found = export()
    print(f"{len(found)} figures and captions.md are in {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
