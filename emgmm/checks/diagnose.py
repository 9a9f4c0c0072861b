"""What explains a wrong part of an answer: from the likely to the far-fetched.

A listed slip comes first. Then the recipe is questioned: is this another of its
quantities, does one step differ, do two slips come together, does the part follow from
another wrong part? An explanation must give what the learner has on all cases.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from typing import NamedTuple

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
    for look in (
        listed,
        rounded,
        looped,
        arranged,
        quantity,
        single,
        double,
        followed,
        loose,
    ):
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
    slip = _best(trial, part, trial.tried()) or _best(trial, part, _sieve(trial, part))
    return Finding(slip.name, slip.says, slip.equation) if slip else None


def _best(trial: Trial, part: int, cases: Sequence[int]) -> Slip | None:
    best, most = None, 0
    for slip in trial.exercise.slips:
        score = 0
        for at in cases:
            agreed = trial.agreement(at, trial.version(at, slip.wrong))
            if not agreed[part]:
                break
            score += sum(agreed)
        else:
            if score > most:
                best, most = slip, score
    return best


# Explanations that are derived


@lru_cache(maxsize=32)
def _sieve(trial: Trial, part: int) -> list[int]:
    """The cases that an explanation must meet: the most telling first, two or more.

    The first case is the smallest one and hides much. Numbers have one case only.
    """
    for enough in (np.all, np.any):  # where all is finite, else where a part of it is
        finite = [enough(np.isfinite(parts[part])) for parts in trial.theirs]
        cases = [at for at in trial.tried() if finite[at]]
        if trial.exercise.arguments and not trial.is_value and len(cases) < 2:
            return []
        if any(_is_wrong(trial, part, at) for at in cases):
            return [*cases[1:], *cases[:1]]
    return []


def _is_wrong(trial: Trial, part: int, at: int) -> bool:
    return not trial.agreement(at, trial.known.rights[at])[part]


def _meets(trial: Trial, part: int, at: int, value: Array | None) -> bool:
    name = trial.exercise.parts[part]
    mine = trial.theirs[at][part]
    if value is None or mine.size != value.size:
        return False
    if trial.exercise.arguments:
        return equal(trial.exercise, mine, value, name)
    return _as_typed(mine, value)


def _as_typed(mine: Array, value: Array) -> bool:
    """Numbers, rounded to the decimals that were typed: three digits or exactly."""
    mine = fitted(mine, value.shape)
    typed = [f"{v:.12g}" for v in mine.flat if v]
    if mine.shape != value.shape or not typed:
        return False
    digits = max(len(s.lstrip("-0.").replace(".", "")) for s in typed)
    decimals = max(len(s.partition(".")[2]) for s in typed)
    off = 0.51 / 10**decimals if digits > 2 and decimals else 1e-9
    return bool(np.allclose(mine, value, rtol=0, atol=off))


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
    if not cases:
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


def _from_one(value: Array) -> Array:
    if (value % 1).any():
        raise ValueError("only what is counted can be counted from 1")
    return value + 1


Move = tuple[str, str, Callable[[Array], Array]]
ARRANGED: tuple[Move, ...] = (
    ("turned over", "The numbers are right: turn {} over with .T", np.transpose),
    (
        "rows and columns exchanged",
        "{} has the right numbers with rows and columns exchanged: .T",
        lambda v: np.swapaxes(v, -1, -2),
    ),
    ("first row only", "You return only the first row of {}.", lambda v: v[0]),
    ("last row only", "You return only the last row of {}.", lambda v: v[-1]),
    ("first row only", "You return only the first row of {}.", lambda v: v[:1]),
    ("first column only", "You return only the first column of {}.", lambda v: v[:, 0]),
    ("last column only", "You return only the last column of {}.", lambda v: v[:, -1]),
    (
        "diagonal only",
        "You return only the diagonal of {}.",
        lambda v: np.diagonal(v, 0, -2, -1),
    ),
    (
        "roots of the diagonal only",
        "You return only the roots of the diagonal of {}.",
        lambda v: np.sqrt(np.diagonal(v, 0, -2, -1)),
    ),
    ("flat", "{} has the right numbers in one long row: keep its shape.", np.ravel),
    ("total", "That is the sum of all of {}.", np.sum),
    (
        "sum over the rows",
        "You return the sum over the rows of {}.",
        lambda v: v.sum(0),
    ),
    ("labels", "You return the number of the best group.", lambda v: v.argmax(axis=1)),
    ("counted from 1", "{} is one too large: count from 0.", _from_one),
)


def arranged(trial: Trial, part: int) -> Finding | None:
    """The right numbers at other places, or another part's."""
    if not _sieve(trial, part):
        return None
    own = trial.exercise.parts[part]
    for other, name in enumerate(trial.exercise.parts):
        if other != part and _agrees_with(trial, part, other):
            order = ", ".join(trial.exercise.parts)
            says = f"{own} holds what belongs into {name}. The order: {order}."
            return Finding("parts in another order", says)
    for name, says, move in [*_flips(trial, part), *ARRANGED]:
        if all(_moved(trial, part, at, move) for at in _sieve(trial, part)):
            return Finding(name, says.format(own))
    return None


def _flips(trial: Trial, part: int) -> Iterator[Move]:
    """The entries along one axis in the opposite order."""
    for axis, words in _axes(trial, part):
        says = f"The {words} of {{}} come in another order."
        yield f"{words} in another order", says, partial(np.flip, axis=axis)


def _axes(trial: Trial, part: int) -> Iterator[tuple[int, str]]:
    """The axes of a part, and what runs along them."""
    shape = trial.known.rights[-1][part].shape
    case = dict(zip(trial.exercise.arguments, trial.known.cases[-1]))
    m = len(case.get("x", ()))
    for axis in range(len(shape)):
        is_group = axis == (len(shape) == 2 and shape[0] == m)
        yield axis, "groups" if is_group else ("rows", "columns", "layers")[axis]


def _agrees_with(trial: Trial, part: int, other: int) -> bool:
    rights = trial.known.rights
    return all(_meets(trial, part, at, rights[at][other]) for at in _sieve(trial, part))


def _moved(trial: Trial, part: int, at: int, move: Callable[[Array], Array]) -> bool:
    try:
        value = np.asarray(move(trial.known.rights[at][part]))
    except (ValueError, IndexError, np.exceptions.AxisError):
        return False
    mine = trial.theirs[at][part]
    return mine.shape == value.shape and _meets(trial, part, at, value)


@cache
def candidates(label: str, is_value: bool) -> tuple[Variant, ...]:
    """All variants of all steps.

    Numbers are few, and much would fit by chance: they get the likely ones only.
    """
    exercise = find(label)
    quantities = known(label, is_value).quantities
    sizes = quantities[min(1, len(quantities) - 1)]
    every = variants.all_of(exercise.recipe, sizes)
    return tuple(v for v in every if exercise.arguments or v.rank < 3)


def single(trial: Trial, part: int) -> Finding | None:
    """One step that differs."""
    exercise, recipe = trial.exercise, trial.exercise.recipe
    own = exercise.parts[part]
    needed = recipe.needs(own)
    for change, says, _ in candidates(exercise.label, trial.is_value):
        if change.step in needed and _comes_out(trial, part, [change]):
            name = says.removeprefix("when, ")
            said = _said(recipe, own, change, says)
            return Finding(name, said, _equation(recipe, change.step))
    return None


def _said(recipe: Recipe, own: str, change: Change, says: str) -> str:
    if says.startswith("when, "):
        return f"Your {own} comes out {says}."
    if change.step == own:
        return f"What you have as {own} is {says}."
    words = recipe.words.get(change.step, change.step)
    return f"Your {own} comes out with {says}, where one needs {words}."


def double(trial: Trial, part: int) -> Finding | None:
    """Two listed slips, or a slip and one thing more, at the same time."""
    exercise = trial.exercise
    if not exercise.arguments:
        return None
    slips = exercise.slips
    for i, one in enumerate(slips):
        for two in slips[i + 1 :]:
            if _comes_out(trial, part, [*one.wrong, *two.wrong]):
                says = f"Two things at once. {one.says} And: {two.says}"
                return Finding(f"{one.name}; {two.name}", says, one.equation)
    return _and_more(trial, part, slips)


def _and_more(trial: Trial, part: int, slips: Sequence[Slip]) -> Finding | None:
    exercise = trial.exercise
    own = exercise.parts[part]
    for change, says, _ in candidates(exercise.label, trial.is_value):
        if change.step != own or own in exercise.arguments:
            continue
        for slip in slips:
            if _comes_out(trial, part, [*slip.wrong, change]):
                more = _said(exercise.recipe, own, change, says)
                said = f"Two things at once. {slip.says} And then: {more}"
                name = f"{slip.name}; {says.removeprefix('when, ')}"
                return Finding(name, said, slip.equation)
    return None


def followed(trial: Trial, part: int) -> Finding | None:
    """This part is right for another part of theirs, which is wrong."""
    exercise = trial.exercise
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
    """One factor on all cases."""
    own = trial.exercise.parts[part]
    cases = _sieve(trial, part)
    ratios = [
        _ratio(trial.theirs[at][part], trial.known.rights[at][part]) for at in cases
    ]
    if cases and None not in ratios and np.ptp(np.array(ratios, float)) < 1e-4:
        says = f"{own} is {ratios[0]:.4g} times the right value in every entry."
        if trial.exercise.arguments:
            return Finding("a constant factor", says)
    return None


def looped(trial: Trial, part: int) -> Finding | None:
    """A return that stands in a loop."""
    if not callable(trial.answer) or not returns_in_loop(trial.answer):
        return None
    says = "A return stands in a loop: it ends the function in the first round."
    return Finding("return in a loop", says)


def _ratio(mine: Array, right: Array) -> float | None:
    mine = fitted(mine, right.shape)
    if mine.shape != right.shape or not right.all() or not mine.any():
        return None
    ratios = mine / right
    return float(ratios.flat[0]) if np.ptp(ratios) < 1e-6 * abs(ratios).max() else None
