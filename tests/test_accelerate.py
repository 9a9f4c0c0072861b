"""Fewer passes to the same points, never downhill."""

import sys

import numpy as np
import pytest
from hypothesis import given
from reference import (
    DATA,
    POINTS,
    as_mixture,
    parameter_error,
    perturbed,
    problems,
    random_mixture,
)

from emgmm import FAMILIES, certify, e_step, elbo, em, m_step
from emgmm.accelerate import step_gain
from emgmm.engine import Engine
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
    assert fit.n_iter <= 12


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


@pytest.mark.parametrize("seed", range(3))
def test_many_parameters_take_long_strides(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 14)) + 2 * rng.integers(2, size=(600, 1))
    w = rng.dirichlet([1, 1], len(x))
    fast = em(x, w, accelerate=True)
    slow = em(x, w)
    assert fast.reason == "converged"
    assert fast.log_likelihood > slow.log_likelihood - 1e-8
    assert certify(x, fast.theta).still_to_gain < 1e-8
    assert fast.n_evaluations < 1.2 * slow.n_evaluations
    assert (np.diff(fast.trace) >= 0).all()


def test_the_gain_of_an_m_step_without_cancellation():
    x, _ = random_mixture(1, 3, 2).sample(300, 0)
    theta = random_mixture(2, 3, 2)
    engine = Engine(x, 3)
    state = engine.state(theta)
    following, _ = engine.step(state)
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


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_a_collapse_under_long_strides_is_reported(seed, share, monkeypatch):
    monkeypatch.setattr(sys.modules["emgmm.em"], "affordable", lambda engine: False)
    x = np.random.default_rng(seed).normal(size=(60, 2))
    x[50:] = x[50]
    w = np.full((60, 2), [1 - share, share])
    w[50:] = [0.02, 0.98]
    fit = em(x, w, accelerate=True)
    assert fit.reason == "degenerate"
    assert np.isfinite(fit.log_likelihood)
    assert (np.diff(fit.trace) >= 0).all()
