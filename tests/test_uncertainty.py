"""The certificate against stored rates, finite differences and the log-likelihood."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import DATA, POINTS, as_mixture, parameter_error, random_mixture

from emgmm import FAMILIES, Mixture, certify, em, maximize, moments
from emgmm.engine import Engine, State
from emgmm.uncertainty import curvature, moved

points = pytest.mark.parametrize(("x", "family", "result"), POINTS)


@pytest.mark.equation("eq-scaled-information")
@points
def test_the_smallest_eigenvalue_is_one_minus_the_rate(x, family, result):
    found = certify(x, as_mixture(result), family)
    assert found.kind == "strict maximum"
    assert found.method == "Newton decrement"
    assert found.score_norm < 1e-10
    assert found.still_to_gain < 1e-12
    if "em_rate" in result:
        rate = result["em_rate"]["largest_eigenvalue_of_EM_map"]
        assert found.smallest_eigenvalue == pytest.approx(1 - rate, abs=1e-6)


def near(family, k=2, d=3):
    """A point that is no maximum, and its engine."""
    x, _ = random_mixture(4, k, d).sample(200, 4)
    w = np.random.default_rng(1).dirichlet(np.ones(k), len(x))
    engine = Engine(x, k, family)
    state = engine.state(maximize(moments(x, w), family))
    return engine, State(state.log_phi, state.mu + 0.1 * np.arange(d), state.L)


@pytest.mark.equation("eq-scaled-score")
@pytest.mark.parametrize("family", FAMILIES)
def test_score_and_information_are_slope_and_bend(family):
    engine, state = near(family)
    at = curvature(engine, state)
    value = engine.step(state)[1]
    assert at.log_likelihood == pytest.approx(value, rel=1e-12)
    # All log-joints up by the same number: no other mixture, and no bend.
    idle = np.zeros((engine.k, at.U.shape[0] // engine.k))
    idle[:, 0] = np.exp(0.5 * state.log_phi)
    idle = idle.ravel() @ at.U
    rng = np.random.default_rng(0)
    for _ in range(3):
        v = rng.normal(size=len(at.c))
        v -= (v @ idle) * idle
        h = 1e-3
        up, down = (
            engine.step(moved(state, at.U @ (sign * h * v), engine.m))[1]
            for sign in (1, -1)
        )
        slope, bend = (up - down) / (2 * h), (up - 2 * value + down) / h**2
        assert slope == pytest.approx(at.c @ v, rel=1e-4, abs=1e-4)
        assert bend == pytest.approx(-(at.eigenvalues @ v**2), rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_stays_in_the_family(family):
    engine, state = near(family)
    at = curvature(engine, state)
    theta = engine.theta(moved(state, at.step(1.0), engine.m))
    N = theta.phi[:, None, None]
    top = np.concatenate([theta.phi[:, None], theta.phi[:, None] * theta.mu], axis=1)
    second = theta.Sigma + theta.mu[:, :, None] * theta.mu[:, None, :]
    M = np.block([[N, top[:, None, 1:]], [top[:, 1:, None], N * second]])
    assert parameter_error(maximize(M, family), theta) < 1e-9
    assert theta.phi.sum() == pytest.approx(1)


def test_a_step_too_far_is_no_state():
    engine, state = near("full")
    assert moved(state, np.full(2 * 10, 1e3), engine.m) is None


@pytest.mark.equation("eq-certificate")
@points
def test_the_decrement_is_what_is_left_to_gain(x, family, result):
    engine = Engine(x, len(result["phi"]), family)
    top = engine.state(as_mixture(result))
    at = curvature(engine, top)
    direction = np.random.default_rng(0).normal(size=len(at.c)) / len(at.c)
    state = moved(top, at.U @ (0.05 * direction), engine.m)
    left = result["loglik"] - engine.step(state)[1]
    assert curvature(engine, state).decrement == pytest.approx(left, rel=0.1)


def test_a_saddle_and_a_ridge_are_called_so():
    x = DATA["faithful"].x
    one = em(x, np.ones((len(x), 1))).theta
    both = Mixture([0.5, 0.5], np.tile(one.mu, (2, 1)), np.tile(one.Sigma, (2, 1, 1)))
    assert certify(x, both).kind == "saddle"
    quiet = np.array([[-1.0], [1.0]])  # flatter than normal: nothing to split off
    alike = Mixture([0.5, 0.5], [[0], [0]], [[[1]], [[1]]])
    assert certify(quiet, alike, "tied").kind == "ridge"


def test_blocks_do_not_matter(monkeypatch):
    x, theta = DATA["iris"].x, random_mixture(1, 2, 4)
    whole = certify(x, theta)
    monkeypatch.setattr("emgmm.uncertainty.WORK", 64)
    assert_allclose(
        certify(x, theta).smallest_eigenvalue, whole.smallest_eigenvalue, atol=1e-12
    )
