"""Many starts: what they find, what they refuse, and what does not matter."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from reference import DATA, NAMES, ORACLES, as_mixture, parameter_error

from emgmm import FAMILIES, Mixture, certify, em, fit, short_runs, support
from emgmm.fit import Doubtful
from emgmm.search import STARTS

GEYSER = DATA["faithful"].x
BEST = {
    key: (DATA[dataset].x, int(k), NAMES[name], results[0])
    for key, results in ORACLES["known_local_maxima"].items()
    for dataset, name, k in [key.split(":")]
}


@pytest.mark.parametrize("key", BEST)
@pytest.mark.parametrize("seed", range(1))
def test_the_best_known_maximum_is_found(key, seed):
    x, k, family, right = BEST[key]
    found = fit(x, k, family=family, rng=seed)
    assert found.log_likelihood == pytest.approx(right["loglik"], abs=1e-8)
    assert found.reason == "converged"
    assert found.certificate.kind == "strict maximum"
    assert found.certificate.still_to_gain <= 1e-9
    order = np.argsort(right["phi"])[::-1]
    right = as_mixture({name: np.array(right[name])[order] for name in THETA})
    assert parameter_error(found.theta, right) < 1e-4


THETA = ("phi", "mu", "Sigma")


def test_what_a_fit_says_of_itself():
    found = fit(GEYSER, 3, rng=1)
    assert found.m == 272
    assert found.family == "full"
    assert found.n_parameters == found.theta.n_parameters == 17
    again = certify(GEYSER, found.theta)
    assert found.certificate.kind == again.kind == "strict maximum"
    least = again.smallest_eigenvalue
    assert found.certificate.smallest_eigenvalue == pytest.approx(least, rel=1e-8)
    assert (np.diff(found.trace) >= 0).all()
    value = found.theta.log_likelihood(GEYSER)
    assert found.log_likelihood == pytest.approx(value, rel=1e-12)
    assert sum(row.count for row in found.starts) >= 30
    values = [row.log_likelihood for row in found.starts if row.verdict == "regular"]
    assert values == sorted(values, reverse=True)
    assert values[0] == found.log_likelihood
    top = found.starts[0]
    assert parameter_error(top.theta, found.theta) < 1e-12
    assert top.support == pytest.approx(support(GEYSER, found.theta).min(), rel=1e-6)
    assert found.n_starts == sum(row.count for row in found.starts)
    assert found.n_agree == top.count


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_reaches_a_certified_point(family):
    found = fit(DATA["iris"].x, 3, family=family, rng=0, n_starts=6)
    assert found.certificate.still_to_gain <= 1e-9
    assert found.certificate.method == "Newton decrement"


def turned(x):
    a = 0.3
    return x @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])


@pytest.mark.parametrize(
    ("change", "log_det"),
    [
        (lambda x: x * 1e-6, 2 * np.log(1e-6)),
        (lambda x: x * 1e6, 2 * np.log(1e6)),
        (lambda x: x + 1e6, 0.0),
        (turned, 0.0),
        (lambda x: x[::-1], 0.0),
        (lambda x: x[np.random.default_rng(0).permutation(len(x))], 0.0),
    ],
    ids=["small", "large", "far", "turned", "backwards", "shuffled"],
)
@pytest.mark.parametrize("k", [2])
def test_units_and_order_do_not_matter(change, log_det, k):
    right, found = fit(GEYSER, k, rng=0), fit(change(GEYSER), k, rng=0)
    shifted = right.log_likelihood - 272 * log_det
    assert found.log_likelihood == pytest.approx(shifted, rel=1e-7)
    labels = found.theta.classify(change(GEYSER))
    back = change(np.column_stack([np.arange(272), np.zeros(272)]))[:, 0]
    if log_det == 0 and sorted(back) == list(range(272)):  # rows in another order
        labels = labels[np.argsort(back)]
    assert_array_equal(labels, right.theta.classify(GEYSER))
    if change is not turned:
        counts = [row.count for row in right.starts]
        assert [row.count for row in found.starts] == counts


def collapsing():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(size=(80, 2)), np.full((8, 2), 1.5)])


def test_a_collapsed_group_never_wins():
    found = fit(collapsing(), 2, rng=3)
    assert np.linalg.eigvalsh(found.theta.Sigma).min() > 1e-3
    verdicts = {row.verdict for row in found.starts}
    assert "degenerate" in verdicts
    assert found.n_starts >= 30


def test_a_group_of_one_example_is_only_a_failed_start():
    x = DATA["diabetes_corrected"].x

    def alone(x, k, rng):
        z = np.arange(len(x)) == rng.integers(len(x))
        return np.eye(k)[z.astype(int)]

    found = fit(x, 2, start=alone, rng=0, n_starts=20)
    assert found.n_starts >= 20


def test_a_group_on_fewer_examples_than_parameters_never_wins():
    spurious = ORACLES["known_local_maxima"]["iris:VVV:2"][2]
    assert spurious["likely_spurious"]
    with pytest.warns(Doubtful, match="explains its own rows no better than chance"):
        found = fit(DATA["iris"].x, 2, start=as_mixture(spurious))
    assert [row.verdict for row in found.starts] == ["spurious"]


def test_no_start_survives():
    x = np.repeat([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [5.0, 5.0]], 6, axis=0)
    with pytest.raises(ValueError, match=r"every start ended .*Use fewer groups"):
        fit(x, 4, rng=0)


@pytest.mark.parametrize(
    "start",
    ["default", *STARTS, lambda x, k, rng: np.eye(k)[(x[:, 0] > 0).astype(int)]],
)
def test_starts_by_name_and_by_function(start):
    found = fit(GEYSER, 2, start=start, rng=0, n_starts=4)
    assert found.log_likelihood == pytest.approx(-1130.2639601847, abs=1e-8)


def test_one_start_of_the_users():
    right = fit(GEYSER, 2, rng=0)
    labels = right.theta.classify(GEYSER)
    for start in (labels, np.eye(2)[labels], right.theta):
        found = fit(GEYSER, 2, start=start)
        assert found.log_likelihood == pytest.approx(right.log_likelihood, abs=1e-8)
        assert [row.count for row in found.starts] == [1]


def test_large_data_start_from_a_sample(monkeypatch):
    monkeypatch.setattr("emgmm._engine.sample.SAMPLE", 150)
    found = fit(GEYSER, 2, rng=0)
    assert found.log_likelihood == pytest.approx(-1130.2639601847, abs=1e-8)
    shuffled = np.random.default_rng(0).permutation(GEYSER)
    assert fit(shuffled, 2, rng=0).starts[0].count == found.starts[0].count


def test_blocks_and_plain_em_reach_the_same():
    right = fit(GEYSER, 2, rng=0)
    for x, accelerate in ((lambda: [GEYSER[:9], GEYSER[9:]], True), (GEYSER, False)):
        found = fit(x, 2, rng=0, accelerate=accelerate)
        assert found.log_likelihood == pytest.approx(right.log_likelihood, abs=1e-8)


def test_many_parameters_are_certified_by_the_rate(monkeypatch):
    monkeypatch.setattr("emgmm._engine.curvature.MOST", 200)
    x = np.random.default_rng(0).normal(size=(400, 14))
    x[:200] += 1
    found = fit(x, 2, rng=0, n_starts=2)
    assert found.certificate.method == "EM rate"
    assert found.certificate.kind == "unknown"
    assert 0 <= found.certificate.still_to_gain < 1e-8


def test_the_callback_sees_the_best_so_far():
    calls = []
    fit(GEYSER, 2, rng=0, n_starts=2, callback=lambda *call: calls.append(call))
    _, theta, value = calls[-1]
    assert theta.log_likelihood(GEYSER) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is 0"),
        ({"k": 2.0}, "k is 2.0"),
        ({"k": 300}, "k is 300, but x has only 272 rows"),
        ({"family": "round"}, "family is 'round'"),
        ({"start": "best"}, "start is 'best'"),
        ({"start": np.zeros(272)}, None),
        ({"start": np.full(272, 2)}, r"start has shape \(272,\); as labels"),
        ({"start": np.zeros(9)}, r"start has shape \(9,\); as labels"),
        ({"start": np.ones((272, 2))}, "row 0 of w sums to 2"),
        ({"start": Mixture([1], [[0]], [[[1]]])}, r"it must be \(m, 1\)"),
        ({"rng": "a"}, "rng is 'a'"),
        ({"n_starts": 0}, "n_starts is 0"),
        ({"tol": -1}, "tol is -1"),
        ({"max_iter": 1.5}, "max_iter is 1.5"),
        ({"x": GEYSER * 1e300}, "beyond 1e"),
        ({"x": GEYSER * 1e-300}, "units"),
        ({"x": GEYSER[:, [0, 0]]}, "flat"),
        ({"x": GEYSER * [1, 0]}, "in every row: drop"),
        ({"x": GEYSER[None]}, "it must be"),
        ({"x": GEYSER * 1j}, "dtype complex"),
        ({"x": [["a", "b"]]}, "dtype"),
        ({"x": np.empty((0, 2))}, "empty"),
        ({"x": np.empty((4, 0))}, "empty"),
        ({"x": [[1.0, np.nan], [2.0, 3.0]]}, "NaN"),
        ({"x": list}, "no rows"),
    ],
)
def test_bad_arguments(options, message):
    arguments = {"x": GEYSER, "k": 2, "rng": 0} | options
    with pytest.raises(ValueError, match=message):
        fit(**arguments)


numbers = st.one_of(
    st.floats(allow_nan=False, width=32), st.integers(-3, 3).map(float), st.just(1e-200)
)


@given(
    st.integers(1, 3).flatmap(
        lambda d: st.lists(
            st.lists(numbers, min_size=d, max_size=d), min_size=1, max_size=12
        )
    ),
    st.integers(1, 3),
    st.sampled_from(FAMILIES),
)
def test_a_valid_fit_or_a_value_error(x, k, family):
    try:
        found = fit(x, k, family=family, rng=0, n_starts=3)
    except ValueError:
        return
    assert np.isfinite(found.log_likelihood)
    assert np.isfinite(dataclasses.astuple(found.certificate)[:1]).all()
    again = em(x, found.theta, family=family, max_iter=3)
    assert_allclose(again.log_likelihood, found.log_likelihood, rtol=1e-6, atol=1e-6)


def test_a_start_that_fails_is_counted_and_the_others_go_on(monkeypatch):
    first_each, calls = short_runs.first_each, []

    def fails_at_first(rows, w):
        calls.append(1)
        states = first_each(rows, w)
        # As it is, and with a little of every row.
        return [None, *states[1:]] if len(calls) <= 2 else states

    monkeypatch.setattr(short_runs, "first_each", fails_at_first)
    found = fit(GEYSER, 2, rng=0, n_starts=3, start="k-means++")
    assert found.log_likelihood == pytest.approx(-1130.2639601847, abs=1e-8)
    last = found.starts[-1]
    assert (last.verdict, last.count) == ("degenerate", 1)
    assert np.isnan(last.log_likelihood)


def test_a_bar_is_shown_when_asked_for(capsys):
    fit(GEYSER, 2, rng=0, n_starts=3)
    assert capsys.readouterr().err == ""
    fit(GEYSER, 2, rng=0, n_starts=3, progress=True)
    assert "starts: " in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::emgmm.Doubtful")
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("max_iter", [5, 17, 20])
def test_no_climb_to_the_end_is_longer_than_it_may_be(k, max_iter):
    counted = []
    found = fit(
        GEYSER,
        k,
        start=np.random.default_rng(0).dirichlet(np.ones(k), len(GEYSER)),
        max_iter=max_iter,
        callback=lambda n, theta, value: counted.append(n),
    )
    assert counted == list(range(max_iter + 1))
    assert found.reason == "max_iter"
    assert found.starts[0].verdict != "saddle"  # that is asked where EM has arrived
