"""Fewer passes to the same points, never downhill."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose
from reference import (
    DATA,
    POINTS,
    as_mixture,
    em_step,
    first,
    parameter_error,
    perturbed,
    problems,
    random_mixture,
)

from emgmm import FAMILIES, Mixture, e_step, elbo, em, m_step, one_hot
from emgmm._engine.climb import REACH, _kept, _within_reach, step_gain
from emgmm._engine.curvature import curvature, moved
from emgmm._engine.rows import Rows
from emgmm.starts import kmeans_plus_plus


def overlapping(seed, k, d, m=1500):
    rng = np.random.default_rng(seed)
    mu = rng.normal(size=(k, d))
    return mu[rng.integers(k, size=m)] + rng.normal(size=(m, d))


@pytest.mark.parametrize(("x", "family", "result"), POINTS)
def test_every_reference_maximum_is_reached(x, family, result):
    w = perturbed(e_step(x, as_mixture(result)), share=1e-3)
    fit = em(x, w, family=family, accelerate=True)
    assert fit.reason == "converged"
    assert fit.log_likelihood == pytest.approx(result["loglik"], abs=1e-8)
    assert parameter_error(fit.theta, as_mixture(result)) < 1e-3


def test_ten_times_fewer_passes():
    ratios = []
    for seed in range(8):
        x = overlapping(seed, 2, 2)
        w = np.random.default_rng(seed).dirichlet([1, 1], len(x))
        w = 0.5 * w + 0.5 * kmeans_plus_plus(x, 2, seed)
        fast = em(x, w, accelerate=True)
        slow = em(x, w, max_iter=5000)
        assert fast.reason == "converged"
        assert fast.log_likelihood > slow.log_likelihood - 1e-8
        assert fast.n_evaluations <= slow.n_evaluations
        ratios.append(slow.n_evaluations / fast.n_evaluations)
    assert np.exp(np.log(ratios).mean()) > 10


@given(problems)
def test_the_trace_never_falls_and_belongs_to_theta(problem):
    x, w, _ = problem
    fit = em(x, w, accelerate=True, max_iter=40)
    assert (np.diff(fit.trace) >= 0).all()
    assert len(fit.trace) == fit.n_iter + 1 == fit.n_evaluations
    value = fit.theta.log_likelihood(x)
    assert fit.log_likelihood == pytest.approx(value, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_tol_zero_runs_exactly_max_iter(family, accelerate):
    x = DATA["iris"].x
    w = np.random.default_rng(0).dirichlet([1, 1], len(x))
    for n in (0, 1, 25):
        options = {"family": family, "tol": 0, "max_iter": n, "accelerate": accelerate}
        fit = em(x, w, **options)
        assert (fit.n_iter, fit.reason) == (n, "max_iter")


ROUGH = [(d, k, seed) for d, k in ((1, 2), (1, 3), (2, 2), (3, 2)) for seed in range(3)]
ROUGH += [(2, 3, 3), (1, 3, 17)]  # here, longer steps would end elsewhere, lower


@pytest.mark.parametrize(("d", "k", "seed"), ROUGH)
def test_never_more_passes_never_a_lower_point(d, k, seed):
    x = overlapping(seed + 20, k, d, m=300)
    w = 0.5 * kmeans_plus_plus(x, k, seed + 20) + 0.5 / k
    slow = em(x, w, max_iter=30_000)
    fast = em(x, w, accelerate=True)
    assert fast.reason == slow.reason
    assert fast.n_evaluations <= slow.n_evaluations
    if slow.reason == "converged":
        assert fast.log_likelihood >= slow.log_likelihood - 1e-8


def test_an_easy_climb_stays_plain_but_for_the_last_look():
    x, theta = well_apart(k=2)
    fast, slow = em(x, theta, accelerate=True), em(x, theta)
    assert_allclose(fast.trace, slow.trace[: fast.n_iter + 1], rtol=1e-12)
    assert fast.n_evaluations <= slow.n_evaluations


def test_no_look_where_it_costs_more_than_the_whole_climb(monkeypatch):
    rng = np.random.default_rng(0)
    z = rng.integers(3, size=500)
    x = rng.normal(size=(500, 6)) + 5 * z[:, None]
    monkeypatch.setattr("emgmm._engine.climb.look", None)
    fast, slow = em(x, one_hot(z, 3), accelerate=True), em(x, one_hot(z, 3))
    assert fast.reason == "converged"
    assert fast.log_likelihood == pytest.approx(slow.log_likelihood, abs=2e-9)


def test_too_many_parameters_for_the_matrix_take_plain_steps(monkeypatch):
    x, theta = well_apart(k=2)
    monkeypatch.setattr("emgmm._engine.curvature.MOST", 11)
    fast, slow = em(x, theta, accelerate=True), em(x, theta)
    assert_allclose(fast.trace, slow.trace, rtol=1e-12)


def well_apart(k):
    theta = Mixture(
        np.full(k, 1 / k), [[4.0 * j, 0] for j in range(k)], [np.eye(2)] * k
    )
    return theta.sample(500, 0)[0], theta


def test_a_step_downhill_is_taken_back(monkeypatch):
    froms = []

    def wrong_at_first(rows, state, step):
        froms.append(state)
        return moved(rows, state, -step if len(froms) == 1 else step)

    monkeypatch.setattr("emgmm._engine.climb.moved", wrong_at_first)
    x = overlapping(3, 2, 2)
    em(x, 0.5 * kmeans_plus_plus(x, 2, 0) + 0.25, accelerate=True)
    assert froms[1] is froms[0]
    assert froms[2] is not froms[1]


def test_a_saddle_is_left_also_with_a_coarse_tol():
    x = DATA["faithful"].x
    one = em(x, np.ones((len(x), 1))).theta
    start = Mixture(
        [0.5, 0.5], [one.mu[0] + 1e-3, one.mu[0] - 1e-3], [one.Sigma[0]] * 2
    )
    fit = em(x, start, tol=0.1, accelerate=True)
    assert fit.log_likelihood == pytest.approx(-1130.264, abs=0.1)


@pytest.fixture
def at():
    """A point on the way, with slow directions."""
    x = overlapping(3, 2, 2)
    rows = Rows(x, 2)
    return curvature(rows, first(rows, 0.5 * kmeans_plus_plus(x, 2, 0) + 0.25))


def test_steps_taken_at_once_stay_within_reach(at):
    m = 1500
    for n in (2.0, 50.0, 1e6):
        with np.errstate(over="ignore"):
            fewer, step, _ = _within_reach(at, n, m)
        assert 1 <= fewer <= n
        assert fewer == 1 or np.linalg.norm(step) <= REACH * np.sqrt(m)
    far, _ = at.steps_ahead(50.0)
    assert np.linalg.norm(far) > REACH * np.sqrt(m)  # so the limit was at work


@pytest.mark.parametrize(
    ("gain", "kept"),
    [(1.0, True), (0.3, True), (0.2, False), (-0.1, False), (4.5, False)],
)
def test_a_step_that_breaks_its_promise_is_not_taken(at, gain, kept):
    there = replace(at, log_likelihood=at.log_likelihood + gain)
    rows = Rows(overlapping(3, 2, 2), 2)
    assert _kept(1.0, at, there, rows) is kept


def test_the_gain_of_an_m_step_without_cancellation():
    x, _ = random_mixture(1, 3, 2).sample(300, 0)
    theta = random_mixture(2, 3, 2)
    rows = Rows(x, 3)
    state = rows.state(theta)
    following, _ = em_step(rows, state)
    w = e_step(x, theta)
    right = elbo(x, w, m_step(x, w)) - elbo(x, w, theta)
    assert step_gain(state, following, len(x)) == pytest.approx(right, rel=1e-10)


def test_a_collapse_is_reported():
    x = np.concatenate(
        [np.random.default_rng(0).normal(size=(50, 1)), np.full((9, 1), 9)]
    )
    w = np.stack([x[:, 0] < 5, x[:, 0] >= 4], axis=1) * 0.98 + 0.01
    fit = em(x, w / w.sum(axis=1, keepdims=True), accelerate=True)
    assert fit.reason == "degenerate"
    assert np.isfinite(fit.log_likelihood)
