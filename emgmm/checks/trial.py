"""An answer, tried on all cases, beside the right one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from emgmm.checks.compare import Array, Misfit, Parts, as_parts, equal
from emgmm.checks.exercise import Case, Exercise
from emgmm.checks.learner import Crash, NotTried, Result, is_blank, watched
from emgmm.checks.recipe import Change
from emgmm.checks.registry import find
from emgmm.mixture import Mixture

Version = tuple[Array | None, ...]  # None: there is no such value


@dataclass(frozen=True)
class Known:
    """The cases of an exercise, the right answers, and all quantities on the way."""

    cases: list[Case]
    rights: list[Parts]
    quantities: list[dict[str, Any]]


@cache
def known(label: str, is_value: bool) -> Known:
    """Computed once for each exercise; a value is tried on the public case only."""
    exercise = find(label)
    cases = exercise.cases()
    if is_value and exercise.shown:
        cases = [exercise.shown()]
    rights = [as_parts(exercise, exercise.reference(*case)) for case in cases]
    return Known(cases, rights, [exercise.recipe.run(case) for case in cases])


@dataclass(frozen=True, eq=False)
class Trial:
    """What the learner's answer gives, case by case, until it raises."""

    exercise: Exercise
    answer: Any
    is_value: bool
    theirs: list[Parts]
    results: list[Result]
    crash: Crash | None

    @property
    def known(self) -> Known:
        return known(self.exercise.label, self.is_value)

    def agreement(self, at: int, other: Version) -> list[bool]:
        """Which parts of theirs are those of another version, on one case."""
        return [
            b is not None and equal(self.exercise, a, b, part)
            for part, a, b in zip(self.exercise.parts, self.theirs[at], other)
        ]

    def wrong(self) -> Iterator[tuple[int, int]]:
        """The parts that are wrong, each with the first case that shows it."""
        table = [self.agreement(at, self.known.rights[at]) for at in self.tried()]
        for part in range(len(self.exercise.parts)):
            for at, row in enumerate(table):
                if not row[part]:
                    yield part, at
                    break

    def tried(self) -> range:
        return range(len(self.theirs))

    def version(
        self, at: int, changes: Sequence[Change], given: Mapping[str, Any] | None = None
    ) -> Version:
        """What the changed recipe gives on one case; None for what breaks down."""
        exercise, case = self.exercise, self.known.cases[at]
        right = self.known.quantities[at]
        found = exercise.recipe.rerun(case, right, changes, given)
        return tuple(as_number(found.get(name)) for name in exercise.parts)


def as_number(value: Any) -> Array | None:
    """An array of numbers, or None."""
    if value is None:
        return None
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        return None


def attempt(exercise: Exercise, answer: Any) -> Trial:
    """Try an answer; NotTried for the starter, Misfit for what is no answer."""
    if is_blank(answer):
        raise NotTried
    function, is_value = _as_function(exercise, answer)
    theirs: list[Parts] = []
    results: list[Result] = []
    crash = None
    for case in known(exercise.label, is_value).cases:
        try:
            results.append(watched(function, _fitting(function, exercise, case)))
        except Crash as problem:
            crash = problem
            break
        theirs.append(as_parts(exercise, results[-1].value))
    return Trial(exercise, answer, is_value, theirs, results, crash)


def _fitting(function: Callable[..., Any], exercise: Exercise, case: Case) -> Case:
    """Chapter 4 writes e_step(x, theta): phi, mu and Sigma in one argument."""
    code = getattr(function, "__code__", None)
    takes = code.co_argcount if code and not code.co_flags & 0x04 else len(case)
    if exercise.arguments[-3:] == ("phi", "mu", "Sigma") and takes == len(case) - 2:
        return (*case[:-3], Mixture(*case[-3:]))
    return case


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
