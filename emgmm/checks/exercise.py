"""What the checker knows of an exercise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emgmm.checks.recipe import Change, Recipe

Case = tuple[Any, ...]
Level = Literal["warm-up", "core", "stretch"]


@dataclass(frozen=True)
class Slip:
    """A wrong version that learners write, and what to tell them.

    Attributes
    ----------
    name : str
        In a few words, for tables: "divides by m, not N_j".
    wrong : tuple of Change
        What it changes in the recipe.
    says : str
        What to tell the learner.
    equation : str
        Label of the equation that it violates.
    """

    name: str
    wrong: tuple[Change, ...]
    says: str
    equation: str = ""


@dataclass(frozen=True)
class Exercise:
    """An exercise: its right answer, the wrong ones, and what to say.

    Attributes
    ----------
    label, name : str
        ``ex-m-step`` in the book and ``m_step`` in the notebook.
    minutes : int
        What it takes a student who has read the chapter: paper, code and all parts
        of the statement.
    level : {"warm-up", "core", "stretch"}
        A warm-up asks for what the chapter has just shown; core is needed further on;
        a stretch goes beyond the chapter.
    parts : tuple of str
        What the answer holds, in order.
    reference : callable
        The right answer.
    slips : tuple of Slip
        The more specific one first.
    hints : tuple of str
        Each goes further than the one before.
    look_next : str
        For those who are done.
    arguments : tuple of str
        Those of the function that is asked for; empty when numbers are.
    cases : callable
        Makes the inputs of the function, the smallest first.
    shown : callable, optional
        Makes the input that the statement names, for those who hand in a value.
    tolerance : float, or one for each part
        Largest error: of numbers; of what a function returns, as a share of its
        largest entry.
    points : int
        For graders.
    alone : tuple of str
        Functions of emgmm that the answer may call; None where any may be.
    recipe : Recipe
        How the right answer is computed, step by step.
    """

    label: str
    name: str
    minutes: int
    level: Level
    parts: tuple[str, ...]
    reference: Callable[..., Any]
    slips: tuple[Slip, ...]
    hints: tuple[str, ...]
    look_next: str
    recipe: Recipe
    arguments: tuple[str, ...] = ()
    cases: Callable[[], list[Case]] = lambda: [()]
    shown: Callable[[], Case] | None = None
    tolerance: float | Mapping[str, float] = 1e-5
    points: int = 1
    alone: tuple[str, ...] | None = None

    def loose(self, part: str) -> float:
        """The tolerance of a part."""
        if isinstance(self.tolerance, Mapping):
            return self.tolerance.get(part, 1e-5)
        return self.tolerance
