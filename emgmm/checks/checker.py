"""check: the outcome of an answer, in words."""

import os
import warnings
from typing import Any

import numpy as np

from emgmm.checks import book
from emgmm.checks.compare import Misfit, brief, differences, fitted
from emgmm.checks.diagnose import Finding, diagnose
from emgmm.checks.exercise import Case, Exercise
from emgmm.checks.learner import Endless, Nothing, NotTried
from emgmm.checks.outcome import Code, Kind, Link, Outcome, Text
from emgmm.checks.registry import find
from emgmm.checks.trial import Trial, attempt

KIND = "another kind of answer"  # the slip of a misfit
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
        return _outcome(exercise, "wrong", Text(str(misfit)), slip=KIND)
    # What is wrong before the code breaks down explains more than the breakdown.
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        for part, at in trial.wrong():
            return _diagnosis(trial, part, at)
    if trial.crash:
        return _error(trial)
    if found := _squeezed(trial) or _spoiled(trial) or _borrowed(trial):
        return _outcome(exercise, "wrong", Text(found.says), slip=found.name)
    return _praise(trial)


def _squeezed(trial: Trial) -> Finding | None:
    """The right numbers in fewer axes than the statement names."""
    exercise = trial.exercise
    for case, theirs, rights in zip(
        trial.known.cases, trial.theirs, trial.known.rights
    ):
        for name, mine, right in zip(exercise.parts, theirs, rights):
            if exercise.arguments and mine.ndim < right.ndim:
                says = (
                    f"The numbers are right, but {name} has shape {mine.shape}; it "
                    f"should be {right.shape}, for {_in_words(exercise, case)}. Keep "
                    "the axes of length one. np.cov drops them: np.atleast_2d helps."
                )
                return Finding("axes of length one dropped", says)
    return None


def _spoiled(trial: Trial) -> Finding | None:
    """An argument that the function has changed for its caller."""
    for result in trial.results:
        for n in result.spoiled:
            name = trial.exercise.arguments[n]
            says = (
                f"Your function changes {name}, which belongs to whoever calls it: "
                f"what comes next works with another {name}. Do not write "
                f"{name} -= ... or {name}[...] = ... without a copy."
            )
            return Finding("input changed in place", says)
    return None


def _borrowed(trial: Trial) -> Finding | None:
    """A function of the package that was called where it gives the answer away."""
    allowed = trial.exercise.alone
    used = {name for result in trial.results for name in result.used}
    if allowed is None or not used - set(allowed):
        return None
    name = min(used - set(allowed))
    says = f"The numbers are right, but {name} of emgmm did the work: use NumPy alone."
    return Finding("the package does the work", says)


def _invitation(exercise: Exercise) -> str:
    task = f"Fill in {', '.join(exercise.parts)}."
    if exercise.arguments:
        call = f"{exercise.name}({', '.join(exercise.arguments)})"
        task = f"Write {call}. It returns {', '.join(exercise.parts)}."
    return f"{task} hint({exercise.name!r}) helps to begin."


def _diagnosis(trial: Trial, part: int, at: int) -> Outcome:
    exercise = trial.exercise
    mine, right = trial.theirs[at][part], trial.known.rights[at][part]
    example = _example(trial, part, at)
    found = _spoiled(trial) or diagnose(trial, part)
    if found is None:
        said = differences(exercise, mine, right, exercise.parts[part])
        return _outcome(exercise, "wrong", Text(said), *example)
    where = [book.cite(found.equation)] if found.equation else []
    parts = (Text(found.says), *where, *example)
    return _outcome(exercise, "wrong", *parts, slip=found.name)


def _example(trial: Trial, part: int, at: int) -> list[Text | Code]:
    """The smallest input where it shows, their output and the right one."""
    if trial.is_value:
        return []
    exercise, case = trial.exercise, trial.known.cases[at]
    lines = [f"{n} = {brief(v)}" for n, v in zip(exercise.arguments, case)]
    if sum(map(len, lines)) > LONG:
        return [Text(f"It shows on hidden data: {_in_words(exercise, case)}.")]
    name, right = exercise.parts[part], trial.known.rights[at][part]
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
    exercise, crash = trial.exercise, trial.crash
    case = trial.known.cases[len(trial.theirs)]
    called = f"It was called with {_in_words(exercise, case)}"
    if isinstance(crash, Nothing):
        said = Text(f"Your function returned None. {crash} {called}.")
        return _outcome(exercise, "error", said, slip="returned None")
    if isinstance(crash, Endless):
        said = Text(f"Your function does not come to an end. {crash} {called}.")
        return _outcome(exercise, "error", said, slip="does not end")
    said = Text(f"Your code raised an error. {called}:")
    return _outcome(exercise, "error", said, Code(str(crash)))


def _praise(trial: Trial) -> Outcome:
    said = []
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
