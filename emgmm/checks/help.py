"""hint and solution: help that is asked for."""

from dataclasses import dataclass

from emgmm.checks import book
from emgmm.checks.registry import find


@dataclass(frozen=True)
class Page:
    """Markdown: set by a notebook, printed as it is by a terminal."""

    markdown: str

    def __repr__(self) -> str:
        return self.markdown

    def _repr_markdown_(self) -> str:
        return self.markdown


_given: dict[str, int] = {}  # the last hint of each exercise


def hint(exercise: float | str, number: int | None = None) -> Page:
    """The next hint; each goes further than the one before.

    Parameters
    ----------
    exercise : float or str
        Its number, 4.3, its label, "ex-m-step", or its short name, "m_step".
    number : int, optional
        1 for the first hint; when not given, the one after the last that was shown.

    Raises
    ------
    ValueError
        When there is no such exercise or no such hint.

    Examples
    --------
    >>> print(hint("e_step", 1))
    Hint 1 of 3: It is Bayes' rule, on one row of x at a time...
    """
    found = find(exercise)
    most = len(found.hints)
    if number is None:
        number = min(_given.get(found.label, 0) + 1, most)
    if not 1 <= number <= most:
        raise ValueError(f"number is {number}; there are {most} hints.")
    _given[found.label] = number
    further = "There are no more." if number == most else "Run it again for the next."
    return Page(f"Hint {number} of {most}: {found.hints[number - 1]} ({further})")


def solution(exercise: float | str) -> Page:
    """The solution with its derivation, if this edition of the course has it.

    Parameters
    ----------
    exercise : float or str
        Its number, label or short name, as for `hint`.

    Raises
    ------
    ValueError
        When there is no such exercise.
    """
    found = find(exercise)
    text = book.solution(found.label)
    return Page(
        text
        or "This edition of the course comes without solutions. "
        f"`hint({exercise!r})` helps, and so does your teacher."
    )
