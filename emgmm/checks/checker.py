"""check: the learner's answer against the right one, then against each slip."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emgmm.checks import book
from emgmm.checks.compare import (
    Misfit,
    Parts,
    as_parts,
    brief,
    differences,
    equal,
    fitted,
    orders,
)
from emgmm.checks.exercise import Case, Exercise, Slip
from emgmm.checks.learner import Crash, NotTried, call, is_blank
from emgmm.checks.outcome import Code, Kind, Link, Outcome, Text
from emgmm.checks.registry import find


def check(exercise: float | str, *answer: Any) -> Outcome:
    """Check an answer: not tried, wrong, error in your code, or right.

    Parameters
    ----------
    exercise : float or str
        Its number, 4.3, its label, "ex-m-step", or its short name, "m_step".
    *answer
        Your function, or your numbers.

    Returns
    -------
    Outcome
        True only when the answer is right; it prints what to say.

    Raises
    ------
    ValueError
        When there is no such exercise.

    Examples
    --------
    >>> check("e_step", None).kind
    'not tried'
    """
    found = find(exercise)
    outcome = examine(found, answer[0] if len(answer) == 1 else answer)
    # nbgrader gives the points of a cell that does not raise.
    if os.environ.get("NBGRADER_EXECUTION") and not outcome:
        raise AssertionError(repr(outcome))
    return outcome


def examine(exercise: Exercise, answer: Any) -> Outcome:
    """The outcome of an answer to an exercise."""
    try:
        trial = _trial(exercise, answer)
        theirs = [_theirs(trial, case) for case in trial.cases]
    except NotTried:
        return _outcome(exercise, "not tried", Text(_invitation(exercise)))
    except Misfit as misfit:
        return _outcome(exercise, "wrong", Text(str(misfit)))
    except _Stopped as stopped:
        return _outcome(exercise, "error", *stopped.parts)
    return _judged(trial, theirs)


@dataclass(frozen=True)
class Trial:
    """An answer as a function, and the cases to try it on."""

    exercise: Exercise
    function: Callable[..., Any]
    cases: list[Case]
    is_value: bool = False

    def right(self, case: Case) -> Parts:
        return as_parts(self.exercise, self.exercise.reference(*case))


class _Stopped(Exception):
    """The learner's code raised."""

    def __init__(self, *parts: Text | Code) -> None:
        self.parts = parts


def _trial(exercise: Exercise, answer: Any) -> Trial:
    if is_blank(answer):
        raise NotTried
    if not exercise.arguments:
        if callable(answer):
            raise Misfit("This exercise asks for numbers, not for a function.")
        return Trial(exercise, lambda: answer, [()], is_value=True)
    if callable(answer):
        return Trial(exercise, answer, exercise.cases())
    if exercise.shown is None or isinstance(answer, str):
        raise Misfit(
            f"Hand over the function itself: check({exercise.name!r}, "
            f"{exercise.name}), without calling it."
        )
    return Trial(exercise, lambda *_: answer, [exercise.shown()], is_value=True)


def _theirs(trial: Trial, case: Case) -> Parts:
    try:
        return as_parts(trial.exercise, call(trial.function, case))
    except Crash as crash:
        shapes = _in_words(trial.exercise, case)
        raise _Stopped(
            Text(f"Your code raised an error, called with {shapes}:"), Code(str(crash))
        ) from None


def _in_words(exercise: Exercise, case: Case) -> str:
    words = []
    for name, value in zip(exercise.arguments, case):
        shape = np.shape(value) if isinstance(value, (np.ndarray, list)) else None
        words.append(f"{name} of shape {shape}" if shape else f"{name} = {value}")
    return ", ".join(words)


def _invitation(exercise: Exercise) -> str:
    if exercise.arguments:
        return (
            f"Write {exercise.name}({', '.join(exercise.arguments)}) and return "
            f"{', '.join(exercise.parts)}. hint({exercise.name!r}) helps to begin."
        )
    return (
        f"Fill in {', '.join(exercise.parts)}. hint({exercise.name!r}) helps to begin."
    )


def _judged(trial: Trial, theirs: list[Parts]) -> Outcome:
    exercise, rights = trial.exercise, []
    for mine, case in zip(theirs, trial.cases):
        rights.append(_nearest(exercise, mine, trial.right(case)))
    wrong = _first_wrong(exercise, theirs, rights)
    if wrong is None:
        return _praise(trial, rights)
    part, at = wrong
    slip = _slip(trial, theirs, rights, part)
    example = _example(trial, theirs[at], rights[at], part, at)
    if slip is None:
        name = exercise.parts[part]
        said = differences(theirs[at][part], rights[at][part], name, exercise.tolerance)
        return _outcome(exercise, "wrong", Text(said), *example)
    where = [book.cite(slip.equation)] if slip.equation else []
    parts = (Text(slip.says), *where, *example)
    return _outcome(exercise, "wrong", *parts, slip=slip.name)


def _nearest(exercise: Exercise, mine: Parts, right: Parts) -> Parts:
    """The right answer in the order of groups that agrees best with theirs."""

    def agreement(candidate: Parts) -> int:
        return sum(_agree(exercise, mine, candidate))

    return max(orders(exercise, right), key=agreement)


def _agree(exercise: Exercise, mine: Parts, other: Parts) -> list[bool]:
    return [equal(a, b, exercise.tolerance) for a, b in zip(mine, other)]


def _first_wrong(
    exercise: Exercise, theirs: list[Parts], rights: list[Parts]
) -> tuple[int, int] | None:
    """The first part that is wrong, and the first case that shows it."""
    table = [_agree(exercise, a, b) for a, b in zip(theirs, rights)]
    for part in range(len(exercise.parts)):
        for at, row in enumerate(table):
            if not row[part]:
                return part, at
    return None


def _slip(
    trial: Trial, theirs: list[Parts], rights: list[Parts], part: int
) -> Slip | None:
    """The slip that agrees with theirs in this part everywhere, and in most others."""
    best, most = None, 0
    for slip in trial.exercise.slips:
        versions = [_version(trial.exercise, slip, case) for case in trial.cases]
        agreed = [_score(trial, v, a, part) for v, a in zip(versions, theirs)]
        total = sum(agreed) if all(agreed) else 0
        if total > most:
            best, most = slip, total
    return best


def _score(trial: Trial, version: dict[str, Any], mine: Parts, part: int) -> int:
    """How many parts agree; 0 when the one that matters does not."""
    names, tolerance = trial.exercise.parts, trial.exercise.tolerance
    agreed = [
        name in version and equal(mine[p], version[name], tolerance)
        for p, name in enumerate(names)
    ]
    return sum(agreed) if agreed[part] else 0


def _version(exercise: Exercise, slip: Slip, case: Case) -> dict[str, Any]:
    """The parts of the answer that the slip gives; none where it breaks down."""
    if not callable(slip.wrong):
        return {name: np.asarray(v, float) for name, v in slip.wrong.items()}
    try:
        parts = as_parts(exercise, call(slip.wrong, case))
    except (Crash, Misfit):
        return {}
    return dict(zip(exercise.parts, parts))


def _example(
    trial: Trial, mine: Parts, right: Parts, part: int, at: int
) -> list[Text | Code]:
    """The smallest input where it shows, their output and the right one."""
    if not trial.exercise.arguments or trial.is_value:
        return []
    case, name = trial.cases[at], trial.exercise.parts[part]
    words = ", ".join(
        f"{n} = {brief(v)}" for n, v in zip(trial.exercise.arguments, case)
    )
    if len(words) > 400:
        return [Text(f"It shows on hidden data: {_in_words(trial.exercise, case)}.")]
    lines = [f"{n} = {brief(v)}" for n, v in zip(trial.exercise.arguments, case)]
    shown = fitted(mine[part], right[part].shape)
    lines += [f"your {name}: {brief(shown)}", f"right {name}: {brief(right[part])}"]
    return [Text("The smallest example where it shows:"), Code("\n".join(lines))]


def _praise(trial: Trial, rights: list[Parts]) -> Outcome:
    exercise = trial.exercise
    said = [Text(exercise.look_next)]
    plain = [trial.right(case) for case in trial.cases]
    if _first_wrong(exercise, rights, plain):
        said.insert(0, Text("Your groups come in another order. That is as good."))
    if trial.is_value and exercise.arguments:
        said.insert(
            0,
            Text(
                "These numbers are right. Hand over the function, too: other data may "
                "show what these hide."
            ),
        )
    return _outcome(exercise, "right", *said)


def _outcome(
    exercise: Exercise, kind: Kind, *parts: Text | Code | Link, slip: str = ""
) -> Outcome:
    return Outcome(kind, exercise.label, book.title(exercise.label), parts, slip)
