"""Where am I: the story in five steps, at the top of each chapter that tells it."""

from pathlib import PurePosixPath
from typing import Any

from sphinx.application import Sphinx

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


def notebook(page: str, context: dict[str, Any]) -> str:
    """A link that saves the notebook, also from a folder of files."""
    file = f"{context['pathto']('_sources', 1)}/{page}.ipynb"
    name = PurePosixPath(page).name
    return (
        f'<p class="get-notebook"><a href="{file}" download="{name}.ipynb">'
        "Download this chapter as a notebook</a></p>"
    )


def open_chapter(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Put both below the title of the chapter."""
    head, title_end, rest = context.get("body", "").partition("</h1>")
    if page.split("/")[-1][:2].isdigit() and title_end:
        added = notebook(page, context)
        if page in STEPS:
            added = story(page) + added
        context["body"] = head + title_end + added + rest


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", open_chapter)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
