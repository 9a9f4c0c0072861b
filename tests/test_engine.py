"""The blocked engine against the formulas of the page."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import (
    DATA,
    STEP,
    as_mixture,
    em_step,
    first,
    long_double_step,
    parameter_error,
    random_mixture,
)

from emgmm import FAMILIES, Mixture, e_step, em, m_step, maximize, moments, n_parameters
from emgmm._engine import expect as expect_module
from emgmm._engine import rows as rows_module
from emgmm._engine.rows import Rows

GEYSER = DATA["faithful"].x
START = as_mixture(STEP["start"])


def problem(d, k, condition, m=400):
    theta = random_mixture(d, k, d, condition)
    return theta.sample(m, 1)[0], theta


def spy_on_groups(monkeypatch):
    """A list that grows whenever the engine takes groups apart."""
    asked, groups = [], expect_module.groups_pass

    def spy(rows, state):
        asked.append(True)
        return groups(rows, state)

    monkeypatch.setattr(expect_module, "groups_pass", spy)
    return asked


def errors(theta, value, right, right_value, sd):
    """Of the log-likelihood (relative), phi, means (in sd of x), and covariances."""
    return np.array(
        [
            abs(value / right_value - 1),
            np.abs(theta.phi - right.phi).max(),
            (np.abs(theta.mu - right.mu) / sd).max(),
            (np.abs(theta.Sigma - right.Sigma) / sd[:, None] / sd).max(),
        ],
        dtype=float,
    )


@pytest.mark.parametrize("condition", [1.0, 1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize(
    ("d", "k"),
    [(1, 1), (1, 3), (2, 2), (3, 3), (5, 4), (10, 3), (20, 2), (20, 4), (50, 2)],
)
def test_a_step_is_the_formulas(d, k, condition, monkeypatch):
    asked = spy_on_groups(monkeypatch)
    x, theta = problem(d, k, condition)
    rows = Rows(x, k)
    following, value = em_step(rows, rows.state(theta))
    spread = np.atleast_2d(np.cov(x.T, bias=True))
    kappa = max(np.trace(np.linalg.solve(Sigma, spread)) for Sigma in theta.Sigma)
    assert bool(asked) == (kappa > 1e6 or (d >= 16 and 8 * k <= d))
    sd, (right, right_value) = x.std(axis=0), long_double_step(x, theta)
    found = errors(rows.theta(following), value, right, right_value, sd)
    assert found.max() < 1e-10
    page, page_value = m_step(x, e_step(x, theta)), theta.log_likelihood(x)
    assert errors(page, page_value, right, right_value, sd).max() < 1e-12
    assert errors(rows.theta(following), value, page, page_value, sd).max() < 1e-10


def narrow(width):
    """Most examples in a wide group, the rest in one this narrow."""
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(size=(300, 2)), rng.normal(size=(99, 2)) * width])
    Sigma = [np.eye(2), np.eye(2) * width**2]
    return x, Mixture([0.75, 0.25], [[0, 0], [0, 0]], Sigma)


@pytest.mark.parametrize("width", [1e-2, 1e-4, 1e-5])
def test_narrow_groups_are_taken_apart(width, monkeypatch):
    x, theta = narrow(width)
    right, right_value = m_step(x, e_step(x, theta)), theta.log_likelihood(x)
    rows = Rows(x, 2)
    asked = spy_on_groups(monkeypatch)
    following, value = em_step(rows, rows.state(theta))
    assert bool(asked) == (width < 1e-3)
    assert value == pytest.approx(right_value, rel=1e-10)
    assert parameter_error(rows.theta(following), right) < 1e-9
    # Without the switch digits are lost: it does its work.
    monkeypatch.setattr(expect_module, "KAPPA", 1e30)
    following, value = em_step(rows, rows.state(theta))
    worse = parameter_error(rows.theta(following), right)
    assert (worse > 1e-9) == (width < 1e-4)


@pytest.mark.parametrize("rows", [256, 1000])
def test_blocks_add_up(rows, monkeypatch):
    x, theta = problem(3, 2, 10.0, m=5000)
    whole = em_step(Rows(x, 2), Rows(x, 2).state(theta))
    monkeypatch.setattr(rows_module, "WORK", rows * 12)
    blocks = Rows(x, 2)
    assert blocks.size <= rows
    following, value = em_step(blocks, blocks.state(theta))
    assert value == pytest.approx(whole[1], rel=1e-13)
    assert_allclose(following.mu, whole[0].mu, rtol=0, atol=1e-12)


def as_blocks(x):
    return lambda: iter([x[:100], x[100:101], x[101:]])


def as_memmap(x, path):
    stored = np.memmap(path, dtype=x.dtype, mode="w+", shape=x.shape)
    stored[:] = x
    stored.flush()
    return np.memmap(path, dtype=x.dtype, mode="r", shape=x.shape)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    "form",
    [np.asfortranarray, read_only, lambda x: np.repeat(x, 2, 0)[::2], as_blocks, list],
)
def test_any_form_of_x(form, tmp_path):
    start = START
    right = em(GEYSER, start)
    fit = em(form(GEYSER), start)
    assert fit.n_iter == right.n_iter
    assert parameter_error(fit.theta, right.theta) < 1e-10


def test_a_memory_map(tmp_path):
    fit = em(as_memmap(GEYSER, tmp_path / "x"), START, max_iter=5)
    assert_allclose(fit.trace, em(GEYSER, START, max_iter=5).trace, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i8", "f4", "f8", "longdouble", "bool"])
def test_any_real_dtype(dtype):
    x = np.random.default_rng(0).integers(0, 2, size=(60, 2))
    x = x.astype(dtype)
    start = random_mixture(0, 2, 2)
    right = em(x.astype(float), start, max_iter=3)
    assert_allclose(em(x, start, max_iter=3).trace, right.trace, rtol=1e-13)


def test_unequal_blocks_are_refused():
    with pytest.raises(ValueError, match="blocks of 1 and 2 features"):
        Rows(lambda: [np.eye(2), np.ones((2, 1))], 1)


def test_the_row_of_a_bad_value_counts_all_blocks():
    x = np.random.default_rng(0).normal(size=(30, 2))
    x[17, 1] = np.nan
    with pytest.raises(ValueError, match=r"at index \(17, 1\)"):
        Rows(lambda: [x[:10], x[10:]], 1)


# Families --------------------------------------------------------------------------


@pytest.mark.equation("eq-families")
@pytest.mark.parametrize("family", FAMILIES)
def test_families_are_the_most_likely_of_their_kind(family):
    x, theta = problem(3, 2, 5.0)
    w = e_step(x, theta)
    best = maximize(moments(x, w), family)
    free = maximize(moments(x, w)).Sigma
    right = free
    if family.startswith("tied"):
        tied = sum(p * S for p, S in zip(best.phi, free))
        right = np.stack([tied, tied])
    if family.endswith("diagonal"):
        right = np.stack([np.diag(np.diag(S)) for S in right])
    if family.endswith("spherical"):
        right = np.stack([np.eye(3) * np.trace(S) / 3 for S in right])
    assert_allclose(best.Sigma, right, rtol=1e-12, atol=1e-14)

    def expected(Sigma):
        return (w * Mixture(best.phi, best.mu, Sigma).log_joint(x)).sum()

    for factor in (0.99, 1.01):
        assert expected(best.Sigma * factor) < expected(best.Sigma)
    rows = Rows(x, 2, family)
    assert parameter_error(rows.theta(first(rows, w)), best) < 1e-9


@pytest.mark.equation("eq-family-parameters")
@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_are_counted(family):
    k, d = 3, 4
    rng = np.random.default_rng(0)
    free = rng.normal(size=(200, k, d, d))
    from emgmm.moments import project

    shapes = [project(S @ S.mT, np.ones(k) / k, family).ravel() for S in free]
    dimension = np.linalg.matrix_rank(np.array(shapes))
    assert n_parameters(k, d, family) == k - 1 + k * d + dimension
