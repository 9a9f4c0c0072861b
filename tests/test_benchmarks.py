"""The benchmarks run, and their pages are what their results say. Nothing is timed."""

import json
import re
from pathlib import Path

import jupytext
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.mixture import GaussianMixture

import emgmm
from benchmarks import accuracy as exact
from benchmarks import iteration, machine, memory, pages, stationary, timing
from benchmarks import problems as made
from benchmarks import scikit_learn as other
from emgmm.moments import FAMILIES
from tools import prose

ROOT = Path(__file__).resolve().parents[1]
NAMES = list(pages.FILES)
TWO = made.two_groups(300, 4)


def results(name):
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_what_its_results_say(name):
    page = (ROOT / "chapters" / pages.FILES[name]).read_text("utf-8")
    assert page == pages.RENDER[name](results(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_other_results_passes_the_test_of_numbers(name):
    text = pages.RENDER[name](changed(results(name)))
    assert prose.untested(jupytext.reads(text, "md")) == []


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (pages.seconds, 12.345, "12.3 s"),
        (pages.seconds, 0.0123, "12.3 ms"),
        (pages.seconds, 8.04e-5, "80.4 µs"),
        (pages.digits, 12345.6, "12346"),
        (pages.times, 9.96, "10.0"),
        (pages.times, 18.4, "18"),
        (pages.power, 14.226, "14.23"),
        (pages.power, -3.2e-9, "-3e-9"),
        (pages.power, 9e-11, "< 1e-10"),
        (pages.thousands, 1_000_000, "1,000,000"),
    ],
)
def test_forms_of_numbers(form, value, text):
    assert form(value) == text


def test_a_ratio_below_its_goal_is_marked():
    row = {**results("bench")["iteration"][0], "goal": 4}
    for ratio, mark in [(3.9, "**no**"), (4.0, "| yes |")]:
        text = "\n".join(pages.iteration([{**row, "ratio": ratio}], {"avx512": True}))
        assert mark in text


def test_a_quick_run_says_so():
    for quick in (True, False):
        text = pages.measured_on({**results("bench"), "quick": quick}, "make bench")
        assert ("not a result" in text) is quick


def test_a_run_that_was_cut_off_is_marked():
    row = {**results("bench")["stationary"][0], "ratio": 7.25}
    assert pages.top_row({**row, "reached": False})[-2] == "> 7.2"
    assert pages.top_row({**row, "reached": True})[-2] == "7.2"


def test_seeds_without_the_best_maximum_are_named():
    row = results("accuracy")["scratch"][0]
    row = {**row, "seeds": 9, "emgmm": {**row["emgmm"], "hits": 7}}
    assert pages.not_found([row]) == f"Missed by emgmm: {row['problem']} (2 of 9)."


def changed(value):
    """The same results with other numbers."""
    if isinstance(value, dict):
        return {key: changed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [changed(inner) for inner in value]
    return 1.37 * value if isinstance(value, float) else value


def test_an_iteration_is_a_long_run_less_the_shortest_set_up():
    assert timing.per_iteration([(3.0, 12.0), (2.0, 10.0)], 2) == [5.0, 4.0]


# Each part, small


@pytest.mark.parametrize("family", other.TYPES)
def test_scikit_learn_takes_the_same_steps(family):
    x = made.DATA["iris"][0]().x
    start = made._off(x, emgmm.fit(x, 2, rng=0, n_starts=2).theta, family, 0.2)
    ours = emgmm.em(x, start, family=family, tol=0, max_iter=3).theta
    theirs = other.as_mixture(other.run(x, start, 3, family))
    for name in ("phi", "mu", "Sigma"):
        right = getattr(theirs, name)
        assert_allclose(getattr(ours, name), right, rtol=1e-7, atol=1e-10)


def test_one_iteration():
    shape = iteration.Shape(300, 2, 2, 2, 2, 4)
    row = iteration.one_iteration(shape)
    assert row["better"] in row["seconds"]
    assert row["ratios"][0] <= row["ratio"] <= row["ratios"][1]
    assert row["difference"] < 1e-10
    assert set(row["limits"]) == {"read", "exp", "products"}
    assert pages.size(row) == "300 × 2, 2 groups"


def test_the_goals_are_those_of_the_issue():
    goals = {(s.m, s.d, s.k): s.goal for s in iteration.SHAPES}
    assert goals[10**7, 2, 2] == 30
    assert min(goals.values()) == 4
    assert all(goals[s.m, s.d, s.k] == s.goal for s in iteration.QUICK)


@pytest.mark.parametrize("case", memory.CASES)
def test_memory_of_each_case(case):
    row = memory.measured(case, 1000)
    assert row["data"] == 0.016
    assert row["allocated"] > 0
    assert row["resident"] >= 0


def test_memory_of_a_memory_map(tmp_path):
    file = tmp_path / "x.npy"
    np.save(file, memory.fill(np.empty((1000, 2))))
    row = memory.measured("emgmm", 1000, str(file))
    assert row["mapped"]
    assert row["resident"] is None


def test_the_data_of_the_memory_test_are_two_groups():
    x = memory.fill(np.empty((15_000, 2)))
    assert_allclose(x[::2].mean(axis=0), [2, 0], atol=0.05)
    assert_allclose(x[1::2].mean(axis=0), [0, 0], atol=0.05)


def test_time_to_the_top():
    row = stationary.to_the_top(TWO, repeats=1, seconds=5.0)
    assert row["reached"]
    assert row["passes"]["scikit-learn"] == row["passes"]["EM"]
    assert all(abs(gap) <= 1.1e-8 for gap in row["short"].values())
    assert row["tol"] > 0


def test_time_to_the_top_is_cut_off():
    row = stationary.to_the_top(TWO, repeats=1, seconds=0.0)
    assert not row["reached"]
    assert row["short"]["scikit-learn"] > 1e-6


def test_every_reference_maximum_is_a_problem_and_em_finds_it():
    found = made.reference_problems()
    assert len(found) == sum(len(results) for *_, results in made.maxima())
    for problem in found:
        at = problem.start.log_likelihood(problem.x)
        assert at < problem.log_likelihood - 1e-4, problem.name


def test_simulated_groups_are_as_far_apart_as_they_say():
    assert_allclose(TWO.x.std(axis=0), [5**0.5, 1], rtol=0.1)
    assert made.many_groups(200, 3, 2, 4).start.mu.shape == (4, 3)


def test_accuracy_of_labeled_fits():
    rows = exact.labeled()
    assert {row["family"] for row in rows} == set(FAMILIES)
    assert max(row["error"] for row in rows) < 1e-8


def test_accuracy_from_the_foot():
    row = exact.from_the_foot(made.reference_problems()[0])
    assert abs(row["short"]["em"]) < 1e-8
    assert abs(row["short"]["accelerated"]) < 1e-8
    assert row["short"]["scikit-learn"] > 1e-8


def test_accuracy_from_scratch():
    row = exact.from_scratch("faithful", "full", 2, -1130.2639601847, 2, 60.0)
    assert row["seeds"] == row["emgmm"]["hits"] == 2
    assert exact.from_scratch("faithful", "full", 2, -1130.0, 2, 0.0)["seeds"] == 1


def test_hits_count_both_sides_of_the_reference():
    found = exact._summary([0.0, 1e-9, -2e-8, 0.5], 1e-8)
    assert (found["hits"], found["least"], found["worst"]) == (2, -2e-8, 0.5)


def test_the_value_of_scikit_learn_is_its_own():
    x = made.DATA["iris"][0]().x
    for form in ("full", "tied", "diag", "spherical"):
        model = GaussianMixture(2, covariance_type=form, random_state=0).fit(x)
        assert exact.value(model, x) == pytest.approx(150 * model.score(x), rel=1e-10)


def test_the_machine_is_described():
    found = machine.machine()
    assert found["numpy"] == np.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert all(str(value) for value in found.values())


def test_the_processor_where_no_file_describes_it(tmp_path):
    assert machine.cpu_facts(tmp_path / "none") == {}
