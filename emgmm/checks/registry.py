"""All exercises, found by number, label or short name."""

import difflib
import re
from importlib import import_module
from importlib.resources import files

from emgmm.checks import book, written
from emgmm.checks.exercise import Exercise


def _chapters() -> list[str]:
    """The modules chapter_N of this folder, in order."""
    names = [f.name for f in files("emgmm.checks").iterdir()]
    found = [
        n.removesuffix(".py") for n in names if re.fullmatch(r"chapter_\d+\.py", n)
    ]
    return sorted(found, key=lambda name: int(name.split("_")[1]))


def _exercises(chapter: str) -> tuple[Exercise, ...]:
    module = import_module(f"emgmm.checks.{chapter}")
    return written.exercises(module)


EXERCISES = tuple(e for chapter in _chapters() for e in _exercises(chapter))


def find(name: float | str) -> Exercise:
    """The exercise of a number (4.3), a label (ex-m-step) or a short name (m_step)."""
    wanted = book.labels().get(str(name), str(name))
    for exercise in EXERCISES:
        if wanted in (exercise.label, exercise.name):
            return exercise
    known = [e.name for e in EXERCISES]
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.4) or known[:1]
    raise ValueError(
        f"there is no exercise {name!r}. Did you mean {near[0]!r}? "
        f"The numbers run from {min(book.labels())} to {max(book.labels())}."
    )
