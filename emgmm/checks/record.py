"""What came of one file that was handed in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from emgmm.checks.course import Task

RANK = ("not reached", "not tried", "error", "wrong", "right")


@dataclass
class Record:
    """What came of one file.

    Attributes
    ----------
    name : str
        The file, below the folder of submissions.
    learner, id : str
        Who, and the number that a learning system has given them, if any.
    kinds, slips, said : dict
        For each exercise that it should answer: right, wrong, ...; the slip; the words
        of the checker.
    note : str
        What was wrong with the file itself, if anything.
    """

    name: str
    learner: str
    id: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    slips: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def who(self) -> tuple[str, str]:
        """Equal for the same learner, however the name is typed."""
        return self.learner.casefold(), self.id


Records: TypeAlias = Sequence[Record]
Tasks: TypeAlias = Sequence[Task]


def by_learner(records: Records) -> list[list[Record]]:
    """The files of each learner, in the order in which learners first appear."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        found.setdefault(record.who, []).append(record)
    return list(found.values())


def marks(record: Record, task: Task) -> float:
    """All points of an exercise or none."""
    return task.points if record.kinds.get(task.label) == "right" else 0.0


def best(records: Records, task: Task) -> Record | None:
    """The attempt at an exercise that counts: the best, the later among equals."""
    attempts = [r for r in records if task.label in r.kinds]
    return max(
        reversed(attempts), key=lambda r: RANK.index(r.kinds[task.label]), default=None
    )


def total(records: Records, tasks: Tasks) -> float:
    """The marks of one learner: each exercise counts once."""
    return sum(max([marks(r, task) for r in records], default=0.0) for task in tasks)
