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


def hint(exercise: float | str, number: int = 1) -> Page:
    """A hint; each number goes further than the one before.

    Parameters
    ----------
    exercise : float or str
        Its number, 4.3, its label, "ex-m-step", or its short name, "m_step".
    number : int
        1 for the first hint.

    Raises
    ------
    ValueError
        When there is no such exercise or no such hint.

    Examples
    --------
    >>> print(hint("e_step"))
    Hint 1 of 3: It is Bayes' rule, on one row of x at a time...
    """
    found = find(exercise)
    if not 1 <= number <= len(found.hints):
        raise ValueError(f"number is {number}; there are {len(found.hints)} hints.")
    text = f"Hint {number} of {len(found.hints)}: {found.hints[number - 1]}"
    if number < len(found.hints):
        text += f" (Further: `hint({exercise!r}, {number + 1})`.)"
    return Page(text)


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
