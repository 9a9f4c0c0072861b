"""How long the exercises take, how far they go and what they are worth: one source.

`Exercise.minutes`, `.level` and `.points` of emgmm.checks stand in the boxes of the
chapters, in the notebooks, on the pages of solutions, in the guide and in the README of
a class. Nobody types them a second time.
"""

from collections.abc import Callable, Iterator

from emgmm.checks import book
from emgmm.checks.exercise import Exercise
from emgmm.checks.registry import EXERCISES, find


def facts(label: str) -> str:
    """One line for the box of an exercise: "core · 30 minutes · 2 points"."""
    e = find(label)
    return f"{e.level} · {e.minutes} minutes · {e.points} point{'s' * (e.points > 1)}"


def by_chapter() -> dict[str, list[Exercise]]:
    """The exercises of each page, in order."""
    pages = [book.exercise(e.label)["page"] for e in EXERCISES]
    return {
        page: [e for e, own in zip(EXERCISES, pages) if own == page]
        for page in dict.fromkeys(pages)
    }


def table(name: Callable[[str], str]) -> Iterator[str]:
    """A Markdown table of all exercises and the sums of each chapter.

    `name` says what to print for a label.
    """
    yield "| Exercise | Level | Minutes | Points |"
    yield "| --- | --- | --- | --- |"
    for page, own in by_chapter().items():
        for e in own:
            title = f"{name(e.label)}: {book.exercise(e.label)['title']}"
            yield f"| {title} | {e.level} | {e.minutes} | {e.points} |"
        yield f"| **Chapter {int(page[:2])}** | | {total(own)} |"
    yield f"| **All chapters** | | {total(EXERCISES)} |"


def total(exercises: list[Exercise] | tuple[Exercise, ...]) -> str:
    """Minutes and points, as two columns of the table."""
    minutes = sum(e.minutes for e in exercises)
    return f"**{minutes}** | **{sum(e.points for e in exercises)}**"
