"""Where am I: the story in five steps, at the top of each chapter that tells it."""

import sys
from base64 import b64encode
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from sphinx.application import Sphinx

# The book is built without installing tools/ as a package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import reading

STEPS = {
    "chapters/01_two_groups": ("Two groups", "draw a label, then a point"),
    "chapters/02_labels_known": ("Labels known", "three formulas"),
    "chapters/03_labels_hidden": ("Labels hidden", "a chicken and an egg"),
    "chapters/04_em": ("EM", "guess, improve, repeat"),
    "chapters/05_why_em_works": ("Why it works", "it can only climb"),
}


def story(page: str) -> str:
    steps = "".join(step(name, current=name == page) for name in STEPS)
    return f'<nav class="story" aria-label="The story"><ol>{steps}</ol></nav>'


def step(name: str, current: bool) -> str:
    title, gist = STEPS[name]
    mark = ' aria-current="page"' if current else ""
    link = f'<a href="{PurePosixPath(name).name}.html"{mark}>'
    return f"<li>{link}<strong>{title}</strong> <span>{gist}</span></a></li>"


def notebook(name: str) -> str:
    """A link that saves the page as a notebook for reading, cleared of its outputs.

    It stands in the page itself: from a folder of files, browsers show a linked
    notebook as text and do not save it.
    """
    links = reading.links("../" * name.count("/"))
    text = nbformat.writes(reading.without_outputs(reading.notebook(name, links)))
    data = b64encode(text.encode()).decode()
    return (
        f'<p class="get-notebook"><a download="{PurePosixPath(name).name}.ipynb"'
        f' href="data:application/x-ipynb+json;base64,{data}">'
        "Download this chapter as a notebook</a></p>"
    )


def open_chapter(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Put both below the title of the chapter."""
    head, title_end, rest = context.get("body", "").partition("</h1>")
    file = Path(app.srcdir, f"{page}.ipynb")
    if file.exists() and not file.name.startswith("00"):
        added = story(page) if page in STEPS else ""
        added += notebook(page.removeprefix("chapters/"))
        context["body"] = head + title_end + added + rest


def resolve_sources(app: Sphinx, error: Exception | None) -> None:
    """The theme's button for the source saves a notebook for reading, too."""
    folder = Path(app.outdir, "_sources", "chapters")
    for file in folder.rglob("*.ipynb"):
        name = file.relative_to(folder).with_suffix("").as_posix()
        links = reading.links("../" * name.count("/"))
        nbformat.write(reading.notebook(name, links), file)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", open_chapter)
    app.connect("build-finished", resolve_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
