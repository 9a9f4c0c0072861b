"""What the checker knows of the book: numbers, statements and, perhaps, solutions.

Both files are generated, see tools/exercises.py. An edition for a class leaves out the
second one.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from emgmm.checks.outcome import Link

SOLUTIONS = "solutions.json"


@cache
def _read(name: str) -> dict[str, Any]:
    file = files("emgmm.checks") / name
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def exercise(label: str) -> dict[str, str]:
    """Number, title, page and statement of an exercise."""
    return _read("book.json")["exercises"][label]


def title(label: str) -> str:
    found = exercise(label)
    return f"Exercise {found['number']}: {found['title']}"


def labels() -> dict[str, str]:
    """The label of each number."""
    every = _read("book.json")["exercises"]
    return {found["number"]: label for label, found in every.items()}


def cite(label: str) -> Link:
    """Where to find an equation."""
    found = _read("book.json")["equations"][label]
    chapter = int(found["page"][:2])
    text = f"See equation {found['number']} of chapter {chapter} ({label})."
    return Link(text, f"../{found['page']}.ipynb#cell-id={found['cell']}")


def solution(label: str) -> str | None:
    """The solution in Markdown; None in an edition that has none."""
    return _read(SOLUTIONS).get(label)
