"""The certificate against stored rates, finite differences and the log-likelihood."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import (
    DATA,
    POINTS,
    as_mixture,
    em_step,
    first,
    parameter_error,
    random_mixture,
)

from emgmm import FAMILIES, Mixture, certify, em, maximize, moments
from emgmm._engine.curvature import _add, _second_degree, curvature, moved
from emgmm._engine.maximize import State
from emgmm._engine.maximize import maximize as m_step_of
from emgmm._engine.rows import Rows, pairs

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
    """A point that is no maximum, and the rows."""
    x, _ = random_mixture(4, k, d).sample(200, 4)
    w = np.random.default_rng(1).dirichlet(np.ones(k), len(x))
    rows = Rows(x, k, family)
    state = rows.state(maximize(moments(x, w), family))
    return rows, State(state.log_phi, state.mu + 0.1 * np.arange(d), state.L)


def bent(state, step, m, family):
    """The state after a step in the natural parameters, where the bend is K."""
    k, d = state.mu.shape
    a = step.reshape(k, -1) / np.sqrt(m * np.exp(state.log_phi))[:, None]
    C = np.zeros((k, d, d))
    i, j = pairs(d, family)
    C[:, i, j] = C[:, j, i] = a[:, d + 1 :] * np.where(i == j, np.sqrt(2), 1.0)
    Sigma = np.linalg.inv(np.eye(d) - C)
    mean = np.einsum("jab,jb->ja", Sigma, a[:, 1 : d + 1])
    log_phi = state.log_phi + a[:, 0] + 0.5 * (a[:, 1 : d + 1] * mean).sum(axis=1)
    log_phi += 0.5 * np.linalg.slogdet(Sigma)[1] - 0.5 * C.trace(axis1=1, axis2=2)
    log_phi -= np.log(np.exp(log_phi).sum())
    mu = state.mu + np.einsum("jab,jb->ja", state.L, mean)
    return State(log_phi, mu, state.L @ np.linalg.cholesky(Sigma))


@pytest.mark.equation("eq-scaled-score")
@pytest.mark.parametrize("family", FAMILIES)
def test_score_and_information_are_slope_and_bend(family):
    rows, state = near(family)
    at = curvature(rows, state)
    value = em_step(rows, state)[1]
    assert at.log_likelihood == pytest.approx(value, rel=1e-12)
    # All log-joints up by the same number: no other mixture, and no bend.
    idle = np.zeros((rows.k, at.vectors.shape[0] // rows.k))
    idle[:, 0] = np.exp(0.5 * state.log_phi)
    idle = idle.ravel() @ at.vectors
    rng = np.random.default_rng(0)
    for _ in range(3):
        v = rng.normal(size=len(at.slopes))
        v -= (v @ idle) * idle
        h = 1e-3
        up, down = (
            em_step(rows, bent(state, at.vectors @ (sign * h * v), rows.m, family))[1]
            for sign in (1, -1)
        )
        slope, bend = (up - down) / (2 * h), (up - 2 * value + down) / h**2
        assert slope == pytest.approx(at.slopes @ v, rel=1e-4, abs=1e-4)
        assert bend == pytest.approx(-(at.eigenvalues @ v**2), rel=1e-3, abs=1e-2)


def beyond(rows, state, step):
    """The M-step of moments that have moved."""
    return m_step_of(moved(rows, state, step), rows.family)


def assert_same_state(a, b, atol):
    for name in ("log_phi", "mu", "L"):
        assert_allclose(getattr(a, name), getattr(b, name), atol=atol, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_step_ahead_is_the_em_step(family):
    rows, state = near(family)
    at = curvature(rows, state)
    step, promised = at.steps_ahead(1.0)
    following, _ = em_step(rows, state)
    assert_same_state(beyond(rows, state, step), following, atol=1e-12)
    assert promised > 0


def on_the_way(family):
    """After a few EM steps between overlapping groups: it creeps."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(500, 2)) + 1.5 * rng.integers(2, size=(500, 1))
    w = np.stack([x[:, 0] > 0.7, x[:, 0] <= 0.7], axis=1) * 0.6 + 0.2
    rows = Rows(x, 2, family)
    state = first(rows, w)
    for _ in range(15):
        state, _ = em_step(rows, state)
    return rows, state


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [2, 5, 20])
def test_n_steps_ahead_are_n_em_steps_near_a_point(family, n):
    rows, state = on_the_way(family)
    at = curvature(rows, state)
    step, promised = at.steps_ahead(n)
    trial = beyond(rows, state, step)
    for _ in range(n):
        state, _ = em_step(rows, state)
    way = np.linalg.norm(step) / np.sqrt(rows.m)
    assert 1e-3 < way < 0.3
    assert_same_state(trial, state, atol=way**2)
    gain = em_step(rows, state)[1] - at.log_likelihood
    assert promised == pytest.approx(gain, rel=0.3)


def test_endless_steps_ahead_are_newtons():
    rows, state = near("full")
    for _ in range(30):
        state, _ = em_step(rows, state)
    at = curvature(rows, state)
    assert at.eigenvalues[0] > 0
    step, promised = at.steps_ahead(1e9)
    assert_allclose(at.vectors.T @ step, at.slopes / at.eigenvalues, rtol=1e-9)
    assert promised == pytest.approx(at.decrement)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_stays_in_the_family(family):
    rows, state = on_the_way(family)
    step, _ = curvature(rows, state).steps_ahead(3.0)
    theta = rows.theta(beyond(rows, state, step))
    N = theta.phi[:, None, None]
    top = np.concatenate([theta.phi[:, None], theta.phi[:, None] * theta.mu], axis=1)
    second = theta.Sigma + theta.mu[:, :, None] * theta.mu[:, None, :]
    M = np.block([[N, top[:, None, 1:]], [top[:, 1:, None], N * second]])
    assert parameter_error(maximize(M, family), theta) < 1e-9
    assert theta.phi.sum() == pytest.approx(1)


@pytest.mark.parametrize("entry", [0, 4])  # the weight of a group; a variance
def test_a_step_to_moments_that_nothing_has_is_no_state(entry):
    rows, state = near("full")
    step = np.zeros(2 * 10)
    step[entry] = -1e3
    assert beyond(rows, state, step) is None


@pytest.mark.equation("eq-certificate")
@points
def test_the_decrement_is_what_is_left_to_gain(x, family, result):
    rows = Rows(x, len(result["phi"]), family)
    top = rows.state(as_mixture(result))
    at = curvature(rows, top)
    direction = np.random.default_rng(0).normal(size=len(at.slopes)) / len(at.slopes)
    state = bent(top, at.vectors @ (0.05 * direction), rows.m, rows.family)
    left = result["loglik"] - em_step(rows, state)[1]
    assert curvature(rows, state).decrement == pytest.approx(left, rel=0.1)


def polynomials(x_i, mu, L):
    """h of the printed page, one example in units of one group."""
    y, d = np.linalg.solve(L, x_i - mu), len(mu)
    squares = [
        (y[a] ** 2 - 1) / np.sqrt(2) if a == b else y[a] * y[b]
        for a in range(d)
        for b in range(a, d)
    ]
    return np.array([1.0, *y, *squares])


def printed_s_and_K(x, theta):
    """Scaled score and information, entry by entry as the page prints them."""
    (m, d), k = x.shape, theta.k
    L, w, phi = np.linalg.cholesky(theta.Sigma), theta.responsibilities(x), theta.phi
    h = [[polynomials(x_i, theta.mu[j], L[j]) for j in range(k)] for x_i in x]
    f = (d + 1) * (d + 2) // 2
    e_0, s, K = np.eye(f)[0], np.zeros((k, f)), np.zeros((k, f, k, f))
    for j in range(k):
        total = sum(w[i, j] * h[i][j] for i in range(m))
        s[j] = (total - m * phi[j] * e_0) / np.sqrt(m * phi[j])
        for l in range(k):
            same = float(j == l)
            hidden = sum(
                w[i, j] * (same - w[i, l]) * np.outer(h[i][j], h[i][l])
                for i in range(m)
            )
            K[j, :, l] = same * np.eye(f) - hidden / (m * np.sqrt(phi[j] * phi[l]))
    return s.ravel(), K.reshape(k * f, k * f)


def directions(family, phi, d):
    """What a family leaves open, one column for each of its numbers; any basis does."""
    k, (i, j) = len(phi), np.triu_indices(d)
    linear, shapes = np.split(np.eye(1 + d + len(i)), [1 + d], axis=1)
    if family not in ("full", "tied"):
        shapes = shapes[:, i == j]
    if "spherical" in family:
        shapes = shapes.sum(axis=1, keepdims=True)
    share = np.sqrt(phi)[:, None] if "tied" in family else np.eye(k)
    return np.hstack([np.kron(np.eye(k), linear), np.kron(share, shapes)])


@pytest.mark.equation("eq-certificate")
@pytest.mark.parametrize("family", FAMILIES)
def test_the_decrement_is_the_printed_one_in_every_family(family):
    x = DATA["iris"].x[:, :3]
    w = np.repeat([[1.0, 0.0], [0.0, 1.0]], [50, 100], axis=0)
    top = em(x, w, family=family).theta
    sd = np.sqrt(np.diagonal(top.Sigma, axis1=1, axis2=2))
    near_by = Mixture([0.3, 0.7], top.mu + 0.03 * sd, top.Sigma)
    s, K = printed_s_and_K(x, near_by)
    V = directions(family, near_by.phi, x.shape[1])
    s, K = V.T @ s, V.T @ K @ V
    assert np.linalg.eigvalsh(K)[0] > 0
    right = 0.5 * s @ np.linalg.solve(K, s)
    assert right > 0.1
    found = certify(x, near_by, family)
    assert found.still_to_gain == pytest.approx(right, rel=1e-8)


def test_one_direction_moves_no_mixture_and_reports_nothing():
    x, theta = DATA["iris"].x[:, :2], random_mixture(1, 3, 2)
    s, K = printed_s_and_K(x, theta)
    idle = np.zeros((3, 6))
    idle[:, 0] = np.sqrt(theta.phi)
    assert_allclose(s @ idle.ravel(), 0, atol=1e-10)
    assert_allclose(K @ idle.ravel(), idle.ravel(), atol=1e-12)


def test_known_labels_tell_the_identity_where_shares_sum_to_one():
    """One example's complete score: its covariance over label and y, by quadrature."""
    phi = np.array([0.2, 0.3, 0.5])
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    h = np.ones((1, 6, 16))
    h[0, 1], h[0, 2] = np.repeat(nodes, 4), np.tile(nodes, 4)
    _second_degree(h, 2, "full")
    each = np.kron(np.diag(phi**-0.5), h[0])  # 1{z = j} h / sqrt(phi_j), for each z, y
    chance = np.kron(phi, np.outer(weights, weights).ravel() / weights.sum() ** 2)
    covariance = np.cov(each, aweights=chance, ddof=0)
    idle = np.kron(np.sqrt(phi), np.eye(6)[0])
    assert_allclose(covariance, np.eye(18) - np.outer(idle, idle), atol=1e-12)


def test_where_the_parabola_has_no_top_the_decrement_is_infinite():
    x = DATA["faithful"].x
    w = np.random.default_rng(0).dirichlet([1, 1], size=len(x))
    found = certify(x, maximize(moments(x, w)))
    assert found.score_norm > 0.1
    assert found.kind == "saddle"
    assert found.still_to_gain == np.inf
    same = Mixture([0.5, 0.5], [[0], [0]], [[[1]], [[1]]])
    assert certify([[-1.0], [1.0]], same, "tied").still_to_gain == np.inf


def test_acceleration_stops_on_level_ground_without_a_decrement():
    x = DATA["faithful"].x
    fit = em(x, np.full((len(x), 2), 0.5), accelerate=True)
    assert (fit.reason, certify(x, fit.theta).kind) == ("converged", "saddle")
    assert fit.n_iter < 20


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
    monkeypatch.setattr("emgmm._engine.curvature.WORK", 64)
    assert_allclose(
        certify(x, theta).smallest_eigenvalue, whole.smallest_eigenvalue, atol=1e-12
    )


def test_groups_far_apart_give_no_tiny_products(monkeypatch):
    """Products of smaller w would underflow, which takes a hundred times longer."""
    smallest = []

    def spy(s, B, h, A):
        smallest.append(np.abs(A[A != 0]).min())
        return _add(s, B, h, A)

    monkeypatch.setattr("emgmm._engine.curvature._add", spy)
    x = np.concatenate([np.arange(9.0), 1e3 + np.arange(9.0)])[:, None]
    theta = Mixture([0.5, 0.5], [[4.0], [1004.0]], [[[7.0]], [[7.0]]])
    assert certify(x, theta).still_to_gain < 0.1
    assert min(smallest) > 1e-140
