"""What the checker knows of an exercise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Case = tuple[Any, ...]
Level = Literal["warm-up", "core", "stretch"]


@dataclass(frozen=True)
class Slip:
    """A wrong version that learners write, and what to tell them.

    Attributes
    ----------
    name : str
        In a few words, for tables: "divides by m, not N_j".
    wrong : callable or mapping
        The wrong function, with the arguments of the exercise; or, where the answer
        is numbers, the wrong value of each part that the slip touches.
    says : str
        What to tell the learner.
    equation : str
        Label of the equation that it violates.
    """

    name: str
    wrong: Callable[..., Any] | Mapping[str, Any]
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
    arguments : tuple of str
        Those of the function that is asked for; empty when numbers are.
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
    cases : callable
        Makes the inputs of the function, the smallest first.
    shown : callable, optional
        Makes the input that the statement names, for those who hand in a value.
    group_axis : mapping
        Parts that may come in another order of groups, and the axis of the groups.
    tolerance : float
        Largest error: of numbers; of what a function returns, as a share of its
        largest entry.
    points : int
        For graders.
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
    arguments: tuple[str, ...] = ()
    cases: Callable[[], list[Case]] = lambda: [()]
    shown: Callable[[], Case] | None = None
    group_axis: Mapping[str, int] = field(default_factory=dict)
    tolerance: float = 1e-5
    points: int = 1
