"""No changed solution passes its check."""

import ast

import pytest

from tools import exercises, misconceptions, mutants


@pytest.fixture(scope="module")
def tally():
    return mutants.tally()


def test_no_mutant_passes_that_is_not_as_right(tally):
    assert tally.holes == []


def test_every_excuse_is_needed(tally):
    assert set(tally.passed) == mutants.EQUIVALENT.keys()


def test_the_page_for_teachers_states_the_counts(tally):
    counts = misconceptions.current()
    assert (counts.killed, counts.equivalent) == (tally.killed, len(tally.passed))


def test_every_solution_is_mutated_and_passes_as_it_is():
    for exercise in exercises.answered():
        assert len(list(mutants.mutants(exercise))) >= 3
        tree = ast.parse(exercise.answer.source)
        names = mutants.namespace(exercise)
        assert mutants.verdict(tree, exercise.check, names), exercise.label


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a + b", {"a - b", "a", "b"}),
        ("a @ b", {"b @ a", "a", "b"}),
        ("a < b", {"a > b"}),
        ("-a", {"a"}),
        ("7", {"8"}),
        ("1", {"0", "2"}),
        ("a.T", {"a"}),
        ("f(a, b)", {"f(b, a)"}),
        ("f(a, axis=1)", {"a", "f(a)"}),
        ("(a, b)", {"(b, a)"}),
        ("'text'", set()),
        ("True", set()),
    ],
)
def test_changes(old, new):
    node = ast.parse(old, mode="eval").body
    assert new == {ast.unparse(changed) for changed in mutants.changes(node)}
