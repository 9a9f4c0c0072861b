"""An answer, tried on all cases, beside the right one and that of every slip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from emgmm.checks.compare import Array, Misfit, Parts, as_parts, equal, orders
from emgmm.checks.exercise import Case, Exercise, Slip
from emgmm.checks.learner import Crash, NotTried, call, is_blank
from emgmm.checks.registry import find

Version = tuple[Array | None, ...]  # None: the slip does not touch this part


@dataclass(frozen=True)
class Known:
    """The cases of an exercise, and what the right answer and the slips give."""

    cases: list[Case]
    rights: list[Parts]
    versions: list[list[Version]]


@cache
def known(label: str, is_value: bool) -> Known:
    """Computed once for each exercise; a value is tried on the public case only."""
    exercise = find(label)
    cases = exercise.cases()
    if is_value and exercise.shown:
        cases = [exercise.shown()]
    rights = [as_parts(exercise, exercise.reference(*case)) for case in cases]
    versions = [[_version(exercise, s, case) for case in cases] for s in exercise.slips]
    return Known(cases, rights, versions)


def _version(exercise: Exercise, slip: Slip, case: Case) -> Version:
    if not callable(slip.wrong):
        given = slip.wrong
        return tuple(
            np.asarray(given[name], float) if name in given else None
            for name in exercise.parts
        )
    try:
        return as_parts(exercise, call(slip.wrong, case))
    except (Crash, Misfit):  # it breaks down on this case
        return (None,) * len(exercise.parts)


@dataclass(frozen=True)
class Trial:
    """What the learner's answer gives, case by case, until it raises."""

    exercise: Exercise
    is_value: bool
    theirs: list[Parts]
    crash: Crash | None

    @property
    def known(self) -> Known:
        return known(self.exercise.label, self.is_value)

    @property
    def rights(self) -> list[Parts]:
        """The right answers, groups in the order that suits theirs best."""
        pairs = zip(self.theirs, self.known.rights)
        return [nearest(self.exercise, mine, right) for mine, right in pairs]

    def first_wrong(self) -> tuple[int, int] | None:
        """The first part that is wrong, and the first case that shows it."""
        pairs = zip(self.theirs, self.rights)
        table = [agreement(self.exercise, a, b) for a, b in pairs]
        for part in range(len(self.exercise.parts)):
            for at, row in enumerate(table):
                if not row[part]:
                    return part, at
        return None

    def slip(self, part: int) -> Slip | None:
        """The slip that gives this part of theirs everywhere, and most others.

        A second slip may break the extreme cases: then the others must do.
        """
        every = range(len(self.theirs))
        finite = [at for at in every if np.isfinite(self.theirs[at][part]).all()]
        return self._slip(part, every) or self._slip(part, finite)

    def _slip(self, part: int, cases: Sequence[int]) -> Slip | None:
        best, most = None, 0
        for slip, versions in zip(self.exercise.slips, self.known.versions):
            pairs = [(self.theirs[at], versions[at]) for at in cases]
            scores = [self._score(mine, version, part) for mine, version in pairs]
            if all(scores) and sum(scores) > most:
                best, most = slip, sum(scores)
        return best

    def _score(self, mine: Parts, version: Version, part: int) -> int:
        """How many parts agree; 0 when the one that matters does not."""
        if all(value is not None for value in version):
            version = nearest(self.exercise, mine, version)  # type: ignore[arg-type]
        agreed = agreement(self.exercise, mine, version)
        return sum(agreed) if agreed[part] else 0


def attempt(exercise: Exercise, answer: Any) -> Trial:
    """Try an answer; NotTried for the starter, Misfit for what is no answer."""
    if is_blank(answer):
        raise NotTried
    function, is_value = _as_function(exercise, answer)
    theirs: list[Parts] = []
    for case in known(exercise.label, is_value).cases:
        try:
            theirs.append(as_parts(exercise, call(function, case)))
        except Crash as crash:
            return Trial(exercise, is_value, theirs, crash)
    return Trial(exercise, is_value, theirs, None)


def _as_function(exercise: Exercise, answer: Any) -> tuple[Callable[..., Any], bool]:
    if not exercise.arguments:
        if callable(answer):
            raise Misfit("This exercise asks for numbers, not for a function.")
        return lambda: answer, True
    if callable(answer):
        return answer, False
    if exercise.shown is None or isinstance(answer, str):
        raise Misfit(
            f"Hand over the function itself: check({exercise.name!r}, "
            f"{exercise.name}), without calling it."
        )
    return lambda *_: answer, True


def nearest(exercise: Exercise, mine: Parts, other: Parts) -> Parts:
    """The other answer in the order of groups that agrees best with mine."""
    every = orders(exercise, other)
    return max(every, key=lambda candidate: sum(agreement(exercise, mine, candidate)))


def agreement(exercise: Exercise, mine: Parts, other: Version) -> list[bool]:
    """Which parts are equal."""
    return [
        b is not None and equal(exercise, a, b)
        for a, b in zip(mine, other, strict=True)
    ]
