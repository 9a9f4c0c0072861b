"""The checks, checked: right answers pass, each wrong one is named."""

from collections import Counter
from functools import partial

import numpy as np
import pytest

from emgmm.checks import book, check
from emgmm.checks.checker import examine
from emgmm.checks.registry import EXERCISES, find
from tests.wrong_answers import everything

RIGHT, WRONG = everything()
NAMES = [e.name for e in EXERCISES]
by_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=NAMES)


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=[name for name, _ in RIGHT])
def test_a_right_answer_passes_however_it_is_written(name, answer):
    assert check(name, answer).kind == "right"


@pytest.mark.parametrize(
    ("name", "slip", "answer"),
    WRONG,
    ids=[f"{name}: {slip}" for name, slip, _ in WRONG],
)
def test_a_wrong_answer_is_named(name, slip, answer):
    outcome = check(name, answer)
    assert (outcome.kind, outcome.slip) == ("wrong", slip)


@pytest.mark.parametrize(
    "blank", [None, ..., [..., ...], (None,), lambda *_: None, lambda *_: ...]
)
@by_exercise
def test_a_blank_is_not_tried(exercise, blank):
    if callable(blank) and not exercise.arguments:
        blank = dict.fromkeys(exercise.parts, ...)
    assert examine(exercise, blank).kind == "not tried"


@by_exercise
def test_the_starter_is_not_tried(exercise):
    def starter(*_):
        raise NotImplementedError

    if exercise.arguments:
        assert examine(exercise, starter).kind == "not tried"


def test_there_are_enough_answers():
    right = Counter(name for name, _ in RIGHT)
    wrong = Counter(name for name, _, _ in WRONG)
    assert set(right) == set(wrong) == set(NAMES)
    assert min(right.values()) >= 2
    assert min(wrong.values()) >= 6
    assert sum(wrong.values()) >= 100


@by_exercise
def test_every_slip_is_made_by_a_wrong_answer(exercise):
    made = {slip for name, slip, _ in WRONG if name == exercise.name}
    assert made >= {slip.name for slip in exercise.slips}


def versions(exercise):
    """Each slip as an answer, for numbers the parts that it changes itself, by one."""
    for slip in exercise.slips:
        if exercise.arguments:
            yield slip, partial(slipped, exercise, slip)
            continue
        right = parts_of(exercise, exercise.reference())
        wrong = after(exercise, slip)
        direct = [part for part in exercise.parts if part in changed_by(slip)]
        for part in direct:
            yield slip, {**right, part: wrong[part]}
        if not direct:
            yield slip, wrong


def changed_by(slip):
    return {change.step for change in slip.wrong}


def slipped(exercise, slip, *case):
    """What a slip makes of a function."""
    return tuple(after(exercise, slip, *case).values())


def after(exercise, slip, *case):
    recipe = exercise.recipe
    with np.errstate(all="ignore"):
        found = recipe.rerun(case, recipe.run(case), slip.wrong)
    return {part: found[part] for part in exercise.parts}


def parts_of(exercise, answer):
    return dict(zip(exercise.parts, answer if len(exercise.parts) > 1 else [answer]))


@by_exercise
def test_no_slip_is_taken_for_right_or_for_another(exercise):
    for slip, answer in versions(exercise):
        assert examine(exercise, answer).slip == slip.name


@by_exercise
def test_the_reference_is_right_and_all_texts_are_there(exercise):
    answer = exercise.reference if exercise.arguments else exercise.reference()
    assert examine(exercise, answer)
    assert 2 <= len(exercise.hints) <= 4
    assert exercise.look_next[-1] in ".?"
    for slip in exercise.slips:
        assert slip.says[-1] in ".?"
        assert not slip.equation or slip.equation in book.cite(slip.equation).text


@pytest.mark.parametrize(
    ("name", "slips"),
    [
        ("m_step", ["counts instead of shares", "Sigma divides by N_j - 1"]),
        ("labeled_mle", ["mean divides by m, not N_j", "variances only"]),
        ("my_em", ["old mean in the new Sigma", "trace of means"]),
    ],
)
def test_of_two_slips_the_first_is_named(name, slips):
    """The parts of the answer are held against the slips one by one."""
    (exercise,) = [e for e in EXERCISES if e.name == name]
    one, two = [next(s for s in exercise.slips if s.name == slip) for slip in slips]

    def both(*arguments):
        right = exercise.reference(*arguments)
        parts = (
            right if isinstance(right, tuple) else (right.phi, right.mu, right.Sigma)
        )
        first = slipped(exercise, one, *arguments)
        second = slipped(exercise, two, *arguments)
        mixed = []
        for a, b, c in zip(parts, first, second):
            changed = np.shape(b) != np.shape(a) or not np.allclose(b, a)
            mixed.append(b if changed else c)
        return mixed

    assert check(name, both).slip == slips[0]


def sizes(exercise, case):
    """Features and groups of a case, as far as its arguments tell."""
    named = dict(zip(exercise.arguments, case))
    if "theta" in named:
        return named["theta"].d, named["theta"].k
    table = named.get("w", np.atleast_2d(named.get("phi", np.zeros(0))))
    return named["x"].shape[1], named.get("k", table.shape[1])


@pytest.mark.parametrize(
    "name",
    [
        "log_joint",
        "labeled_mle",
        "shared_covariance",
        "log_likelihood",
        "tied_slope",
        "e_step",
        "m_step",
        "round_m_step",
        "my_em",
        "two_gains",
    ],
)
def test_hidden_inputs_tell_features_from_groups(name):
    exercise = find(name)
    both = {sizes(exercise, case) for case in exercise.cases()}
    assert any(1 < d < k for d, k in both)
    assert any(1 < k < d for d, k in both)


@pytest.mark.parametrize("chapter", range(1, 6))
def test_every_chapter_begins_with_a_warm_up_and_asks_for_less_than_five_hours(chapter):
    labels = {v: k for k, v in book.labels().items()}
    own = [e for e in EXERCISES if labels[e.label].startswith(f"{chapter}.")]
    assert own[0].level == "warm-up"
    assert {e.level for e in own} == {"warm-up", "core", "stretch"}
    assert all(e.minutes % 5 == 0 for e in own)
    assert 60 < sum(e.minutes for e in own) < 300
