"""check: the outcome of an answer, in words."""

import os
from typing import Any

import numpy as np

from emgmm.checks import book
from emgmm.checks.compare import Misfit, brief, differences, fitted
from emgmm.checks.exercise import Case, Exercise
from emgmm.checks.learner import NotTried
from emgmm.checks.outcome import Code, Kind, Link, Outcome, Text
from emgmm.checks.registry import find
from emgmm.checks.trial import Trial, attempt

LONG = 240  # an input of more characters is described, not shown


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
    >>> check("m_step", None).kind
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
        trial = attempt(exercise, answer)
    except NotTried:
        return _outcome(exercise, "not tried", Text(_invitation(exercise)))
    except Misfit as misfit:
        return _outcome(exercise, "wrong", Text(str(misfit)))
    # What is wrong before the code breaks down explains more than the breakdown.
    if wrong := trial.first_wrong():
        return _diagnosis(trial, *wrong)
    return _error(trial) if trial.crash else _praise(trial)


def _invitation(exercise: Exercise) -> str:
    task = f"Fill in {', '.join(exercise.parts)}."
    if exercise.arguments:
        call = f"{exercise.name}({', '.join(exercise.arguments)})"
        task = f"Write {call}. It returns {', '.join(exercise.parts)}."
    return f"{task} hint({exercise.name!r}) helps to begin."


def _diagnosis(trial: Trial, part: int, at: int) -> Outcome:
    exercise, slip = trial.exercise, trial.slip(part)
    mine, right = trial.theirs[at][part], trial.rights[at][part]
    example = _example(trial, part, at)
    if slip is None:
        said = differences(exercise, mine, right, exercise.parts[part])
        return _outcome(exercise, "wrong", Text(said), *example)
    where = [book.cite(slip.equation)] if slip.equation else []
    parts = (Text(slip.says), *where, *example)
    return _outcome(exercise, "wrong", *parts, slip=slip.name)


def _example(trial: Trial, part: int, at: int) -> list[Text | Code]:
    """The smallest input where it shows, their output and the right one."""
    if trial.is_value:
        return []
    exercise, case = trial.exercise, trial.known.cases[at]
    lines = [f"{n} = {brief(v)}" for n, v in zip(exercise.arguments, case)]
    if sum(map(len, lines)) > LONG:
        return [Text(f"It shows on hidden data: {_in_words(exercise, case)}.")]
    name, right = exercise.parts[part], trial.rights[at][part]
    shown = fitted(trial.theirs[at][part], right.shape)
    lines += [f"your {name}: {brief(shown)}", f"right {name}: {brief(right)}"]
    return [Text("The smallest example where it shows:"), Code("\n".join(lines))]


def _in_words(exercise: Exercise, case: Case) -> str:
    words = []
    for name, value in zip(exercise.arguments, case):
        shape = np.shape(value) if isinstance(value, np.ndarray) else None
        words.append(f"{name} of shape {shape}" if shape else f"{name} = {value}")
    return ", ".join(words)


def _error(trial: Trial) -> Outcome:
    case = trial.known.cases[len(trial.theirs)]
    words = _in_words(trial.exercise, case)
    said = Text(f"Your code raised an error. It was called with {words}:")
    return _outcome(trial.exercise, "error", said, Code(str(trial.crash)))


def _praise(trial: Trial) -> Outcome:
    said = []
    pairs = zip(trial.rights, trial.known.rights)
    if not all(np.array_equal(a, b) for p, q in pairs for a, b in zip(p, q)):
        said.append("Your groups come in another order. That is as good.")
    if trial.is_value and trial.exercise.arguments:
        said.append(
            "These numbers are right. Hand over the function, too: other data may show "
            "what these hide."
        )
    said.append(trial.exercise.look_next)
    return _outcome(trial.exercise, "right", *map(Text, said))


def _outcome(
    exercise: Exercise, kind: Kind, *parts: Text | Code | Link, slip: str = ""
) -> Outcome:
    return Outcome(kind, exercise.label, book.title(exercise.label), parts, slip)
