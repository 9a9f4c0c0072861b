"""Answers as learners write them: right ones, and wrong ones with the slip's name.

They are written on their own, not made of the slips that the checker knows.
"""

import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

CHAPTERS = sorted(path.stem for path in Path(__file__).parent.glob("chapter_*.py"))
RIGHT: list[tuple[str, Any]] = []
WRONG: list[tuple[str, str, Any]] = []


class Answers(NamedTuple):
    right: list[tuple[str, Any]]  # exercise, answer
    wrong: list[tuple[str, str, Any]]  # exercise, name of the slip, answer


def right(exercise: str, answer: Any) -> None:
    RIGHT.append((exercise, answer))


def wrong(exercise: str, slip: str, answer: Any) -> None:
    WRONG.append((exercise, slip, answer))


@cache
def everything() -> Answers:
    """All answers of all chapters, each once, however the modules were imported."""
    RIGHT.clear()
    WRONG.clear()
    for chapter in CHAPTERS:
        sys.modules.pop(f"tests.wrong_answers.{chapter}", None)
        import_module(f"tests.wrong_answers.{chapter}")
    return Answers(RIGHT[:], WRONG[:])
