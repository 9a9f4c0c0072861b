"""What explains a wrong part of an answer: from the likely to the far-fetched.

A listed slip comes first. Then the recipe is questioned: is this another of its
quantities, does one step differ, do two slips come together, does the part follow from
another wrong part? An explanation must give what the learner has on all cases.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from emgmm.checks import variants
from emgmm.checks.compare import Array, equal, fitted, is_rounded
from emgmm.checks.exercise import Slip
from emgmm.checks.learner import returns_in_loop
from emgmm.checks.recipe import Change, Recipe
from emgmm.checks.registry import find
from emgmm.checks.trial import Trial, as_number, known
from emgmm.checks.variants import Variant


class Finding(NamedTuple):
    """What is wrong: in a few words for tables, in a sentence, and where to look."""

    name: str
    says: str
    equation: str = ""


def diagnose(trial: Trial, part: int) -> Finding | None:
    """The most likely explanation of a wrong part, if there is one."""
    for look in (rounded, listed, arranged, quantity, single, double, followed, loose):
        if found := look(trial, part):
            return found
    return None


def rounded(trial: Trial, part: int) -> Finding | None:
    """A number that is right as far as it goes."""
    if trial.exercise.arguments:
        return None
    mine, right = trial.theirs[0][part], trial.known.rights[0][part]
    if not is_rounded(fitted(mine, right.shape), right):
        return None
    says = f"Your {trial.exercise.parts[part]} is close: give more digits."
    return Finding("rounded too much", says)


# Slips that are listed


def listed(trial: Trial, part: int) -> Finding | None:
    """The slip that gives this part of theirs everywhere, and most others.

    A second slip may break the extreme cases: then the others must do.
    """
    slip = _best(trial, part, trial.tried()) or _best(trial, part, _finite(trial, part))
    return Finding(slip.name, slip.says, slip.equation) if slip else None


def _best(trial: Trial, part: int, cases: Sequence[int]) -> Slip | None:
    best, most = None, 0
    for slip in trial.exercise.slips:
        score = 0
        for at in cases:
            agreed = trial.agreement(at, trial.slip(slip, at))
            if not agreed[part]:
                break
            score += sum(agreed)
        else:
            if score > most:
                best, most = slip, score
    return best


def _finite(trial: Trial, part: int) -> list[int]:
    return [at for at in trial.tried() if np.isfinite(trial.theirs[at][part]).all()]


# Explanations that are derived


def _sieve(trial: Trial, part: int) -> list[int]:
    """The cases that an explanation must meet: the most telling first, two or more.

    The first case is the smallest one and hides much. Numbers have one case only.
    """
    cases = _finite(trial, part)
    if trial.exercise.arguments and not trial.is_value and len(cases) < 2:
        return []
    return [*cases[1:], *cases[:1]]


def _meets(trial: Trial, part: int, at: int, value: Array | None) -> bool:
    name = trial.exercise.parts[part]
    mine = trial.theirs[at][part]
    if value is None:
        return False
    if trial.exercise.arguments:
        return equal(trial.exercise, mine, value, name)
    return _as_typed(mine, value)


def _as_typed(mine: Array, value: Array) -> bool:
    """Numbers, rounded to the decimals that were typed: whole ones must be exact."""
    mine = fitted(mine, value.shape)
    decimals = max(len(f"{v:.12g}".partition(".")[2]) for v in [*mine.flat, 0.0])
    off = 0.51 / 10**decimals if decimals else 1e-9
    return mine.shape == value.shape and bool(
        np.allclose(mine, value, rtol=0, atol=off)
    )


def _comes_out(trial: Trial, part: int, changes: Sequence[Change]) -> bool:
    """Whether the changed recipe gives this part of theirs."""
    cases = _sieve(trial, part)
    return bool(cases) and all(
        _meets(trial, part, at, trial.version(at, changes)[part]) for at in cases
    )


def _equation(recipe: Recipe, step: str) -> str:
    return recipe.equations.get(step, "")


def quantity(trial: Trial, part: int) -> Finding | None:
    """Another quantity of the recipe, in the place of this part."""
    recipe, cases = trial.exercise.recipe, _sieve(trial, part)
    if recipe is None or not cases:
        return None
    own = trial.exercise.parts[part]
    for name, words in {**dict.fromkeys(recipe.arguments, ""), **recipe.words}.items():
        values = [as_number(trial.known.quantities[at].get(name)) for at in cases]
        pairs = zip(cases, values)
        if name != own and all(_meets(trial, part, at, v) for at, v in pairs):
            said = f"{words} ({name})" if words else name
            says = f"What you have as {own} is {said}."
            return Finding(
                f"{name} in the place of {own}", says, _equation(recipe, own)
            )
    return None


ARRANGED = (
    ("turned over", "The numbers are right: turn {} over with .T", lambda v: v.T),
    (
        "rows and columns exchanged",
        "{} has the right numbers with rows and columns exchanged: .T",
        lambda v: np.swapaxes(v, -1, -2),
    ),
    (
        "groups in another order",
        "The groups of {} come in another order: row j belongs to group j.",
        lambda v: v[::-1],
    ),
    (
        "groups in another order",
        "The groups of {} come in another order: column j belongs to group j.",
        lambda v: v[:, ::-1],
    ),
    (
        "counted from 1",
        "{} is one too large: count from 0, as Python does.",
        lambda v: v + 1,
    ),
)


def arranged(trial: Trial, part: int) -> Finding | None:
    """The right numbers at other places, or another part's."""
    exercise, cases = trial.exercise, _sieve(trial, part)
    own = exercise.parts[part]
    for other, name in enumerate(exercise.parts):
        if other != part and _agrees_with(trial, part, other, cases):
            says = f"{own} holds what belongs into {name}. The order: "
            return Finding("parts in another order", says + ", ".join(exercise.parts))
    for name, says, move in ARRANGED:
        if cases and all(_moved(trial, part, at, move) for at in cases):
            return Finding(name, says.format(own))
    return None


def _agrees_with(trial: Trial, part: int, other: int, cases: Sequence[int]) -> bool:
    right = [trial.known.rights[at][other] for at in cases]
    return bool(cases) and all(
        _meets(trial, part, at, v) and trial.known.rights[at][part].shape != ()
        for at, v in zip(cases, right)
    )


def _moved(trial: Trial, part: int, at: int, move: Any) -> bool:
    try:
        value = move(trial.known.rights[at][part])
    except (ValueError, IndexError, np.exceptions.AxisError):
        return False
    mine = trial.theirs[at][part]
    return mine.shape == value.shape and _meets(trial, part, at, value)


@cache
def candidates(label: str, is_value: bool) -> tuple[tuple[str, Variant], ...]:
    """All variants of all steps, those of the last steps first."""
    exercise = find(label)
    recipe = exercise.recipe
    if recipe is None:
        return ()
    quantities = known(label, is_value).quantities
    sizes = quantities[min(1, len(quantities) - 1)]
    found = []
    for step in [*recipe.named()][::-1]:
        found += [(step.names[0], v) for v in variants.all_of(recipe, step, sizes)]
    return tuple(dict.fromkeys(found))


def single(trial: Trial, part: int) -> Finding | None:
    """One step that differs.

    A single number may come out in many ways: then nothing is claimed unless all of
    them lie in one step.
    """
    exercise, recipe = trial.exercise, trial.exercise.recipe
    if recipe is None:
        return None
    needed = recipe.needs(exercise.parts[part])
    found: list[tuple[str, Variant]] = []
    for step, variant in candidates(exercise.label, trial.is_value):
        if step in needed and _comes_out(trial, part, [variant.change]):
            found.append((step, variant))
            if exercise.arguments:
                break
    if len({step for step, _ in found}) != 1:
        return None
    step, variant = found[0]
    own, words = exercise.parts[part], recipe.words[step]
    says = f"Your {own} comes out with {variant.says}, where one needs {words}."
    if step == own:
        says = f"What you have as {own} is {variant.says}."
    return Finding(f"{step}: {_kind(variant)}", says, _equation(recipe, step))


def _kind(variant: Variant) -> str:
    """For tables: another value, or another formula."""
    return variant.change.code if "_" in variant.change.code else "another formula"


def double(trial: Trial, part: int) -> Finding | None:
    """Two listed slips, or a slip and one thing more, at the same time."""
    exercise = trial.exercise
    if exercise.recipe is None or not exercise.arguments:
        return None
    slips = [s for s in exercise.slips if isinstance(s.wrong, tuple)]
    for i, one in enumerate(slips):
        for two in slips[i + 1 :]:
            if _comes_out(trial, part, [*_changes(one), *_changes(two)]):
                says = f"Two things at once. {one.says} And: {two.says}"
                return Finding(f"{one.name}; {two.name}", says, one.equation)
    return _and_more(trial, part, slips)


def _and_more(trial: Trial, part: int, slips: Sequence[Slip]) -> Finding | None:
    own = trial.exercise.parts[part]
    for step, variant in candidates(trial.exercise.label, trial.is_value):
        if step != own:
            continue
        for slip in slips:
            if _comes_out(trial, part, [*_changes(slip), variant.change]):
                says = f"Two things at once. {slip.says} And {own}: {variant.says}."
                return Finding(f"{slip.name}; {_kind(variant)}", says, slip.equation)
    return None


def _changes(slip: Slip) -> tuple[Change, ...]:
    assert isinstance(slip.wrong, tuple)
    return slip.wrong


def followed(trial: Trial, part: int) -> Finding | None:
    """This part is right for another part of theirs, which is wrong."""
    exercise = trial.exercise
    if exercise.recipe is None:
        return None
    own = exercise.parts[part]
    for other, _ in trial.wrong():
        name = exercise.parts[other]
        if other != part and _follows(trial, part, other):
            says = f"Your {own} is right for your {name}: mend {name} first."
            deeper = next(_first(trial, other), None)
            if deeper is None:
                return Finding(f"{own} follows from {name}", says)
            return Finding(deeper.name, f"{deeper.says} {says}", deeper.equation)
    return None


def _first(trial: Trial, part: int) -> Iterator[Finding]:
    for look in (listed, arranged, quantity, single, double):
        if found := look(trial, part):
            yield found


def _follows(trial: Trial, part: int, other: int) -> bool:
    name = trial.exercise.parts[other]
    changes = [Change(name, name, "_theirs")]
    for at in _sieve(trial, part):
        given = {"_theirs": trial.theirs[at][other]}
        if not _meets(trial, part, at, trial.version(at, changes, given)[part]):
            return False
    return bool(_sieve(trial, part))


def loose(trial: Trial, part: int) -> Finding | None:
    """One sign, factor or offset on all cases; a return in a loop."""
    own = trial.exercise.parts[part]
    cases = _sieve(trial, part)
    ratios = [
        _ratio(trial.theirs[at][part], trial.known.rights[at][part]) for at in cases
    ]
    if cases and None not in ratios and np.ptp(np.array(ratios, float)) < 1e-4:
        says = f"{own} is {ratios[0]:.4g} times the right value in every entry."
        if trial.exercise.arguments:
            return Finding("a constant factor", says)
    if callable(trial.answer) and returns_in_loop(trial.answer):
        says = "A return stands in a loop: it ends the function in the first round."
        return Finding("return in a loop", says)
    return None


def _ratio(mine: Array, right: Array) -> float | None:
    mine = fitted(mine, right.shape)
    if mine.shape != right.shape or not right.all() or not mine.any():
        return None
    ratios = mine / right
    return float(ratios.flat[0]) if np.ptp(ratios) < 1e-6 * abs(ratios).max() else None
