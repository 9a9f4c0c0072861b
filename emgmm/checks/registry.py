"""All exercises, found by number, label or short name."""

import difflib

from emgmm.checks import book, chapter_1, chapter_2, chapter_3, chapter_4, chapter_5
from emgmm.checks.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    *chapter_1.EXERCISES,
    *chapter_2.EXERCISES,
    *chapter_3.EXERCISES,
    *chapter_4.EXERCISES,
    *chapter_5.EXERCISES,
)


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
