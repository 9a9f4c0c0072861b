"""Moments add up, and are all that the M-step reads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from reference import DATA, LABELED, STEP, as_mixture, parameter_error, problems

from emgmm import m_step, maximize, moments, one_hot


@pytest.mark.equation("eq-moments")
@given(problems)
def test_moments_are_weighted_sums(problem):
    x, w, _ = problem
    M = moments(x, w)
    m, d = x.shape
    assert M.shape == (w.shape[1], d + 1, d + 1)
    for j in range(w.shape[1]):
        right = np.zeros((d + 1, d + 1))
        for i in range(m):
            right[0, 0] += w[i, j]
            for a in range(d):
                right[0, a + 1] += w[i, j] * x[i, a]
                right[a + 1, 0] += w[i, j] * x[i, a]
                for b in range(d):
                    right[a + 1, b + 1] += w[i, j] * x[i, a] * x[i, b]
        assert_allclose(M[j], right, rtol=1e-11, atol=1e-11)


@given(problems, st.lists(st.booleans(), min_size=40, max_size=40))
def test_moments_add_over_any_split(problem, here):
    x, w, _ = problem
    here = np.array(here)
    parts = [moments(x[s], w[s]) for s in (here, ~here) if s.any()]
    assert_allclose(sum(parts), moments(x, w), rtol=1e-11, atol=1e-11)


@given(problems)
def test_weights_count_rows(problem):
    x, w, _ = problem
    assert_allclose(
        moments(x, 3 * w), moments(np.tile(x, (3, 1)), np.tile(w, (3, 1))), rtol=1e-11
    )


@given(problems)
def test_moments_are_symmetric_to_the_last_digit(problem):
    x, w, _ = problem
    M = moments(x + 1000, w)
    assert_array_equal(M, M.mT)


@pytest.mark.equation("eq-maximize")
@given(problems)
def test_parameters_from_moments_written_out(problem):
    x, w, _ = problem
    M = moments(x, w)
    theta = maximize(M)
    total = sum(M[j][0, 0] for j in range(len(M)))
    for j, (N, s, S) in enumerate((M_j[0, 0], M_j[0, 1:], M_j[1:, 1:]) for M_j in M):
        assert theta.phi[j] == pytest.approx(N / total, rel=1e-12)
        for a in range(theta.d):
            assert theta.mu[j, a] == pytest.approx(s[a] / N, rel=1e-12)
            for b in range(theta.d):
                right = S[a, b] / N - s[a] * s[b] / N**2
                assert theta.Sigma[j, a, b] == pytest.approx(right, rel=1e-9, abs=1e-9)


@pytest.mark.equation("eq-maximize")
@given(problems)
def test_one_cholesky_factor_holds_mean_and_spread(problem):
    # chol(M_j / N_j) = [[1, 0], [mu_j, L_j]]
    x, w, _ = problem
    M = moments(x, w)
    theta = maximize(M)
    factor = np.linalg.cholesky(M / M[:, :1, :1])
    assert_allclose(factor[:, 1:, 0], theta.mu, rtol=1e-10, atol=1e-12)
    L = factor[:, 1:, 1:]
    assert_allclose(L @ L.mT, theta.Sigma, rtol=1e-8, atol=1e-10)


@given(problems)
def test_maximize_of_moments_is_the_m_step(problem):
    x, w, _ = problem
    assert parameter_error(maximize(moments(x, w)), m_step(x, w)) < 1e-10


@given(problems)
def test_a_common_centre_can_be_subtracted_first(problem):
    x, w, _ = problem
    far = maximize(moments(x + 1e4 - 1e4, w))
    near = maximize(moments(x, w))
    assert_allclose(far.Sigma, near.Sigma, rtol=1e-6, atol=1e-8)


def test_rounding_that_eats_the_spread_is_refused():
    x = 1e6 + np.random.default_rng(0).normal(size=(50, 2))
    M = moments(x, np.ones((50, 1)))
    with pytest.raises(ValueError, match="feature 0 of group 0 has mean 1e\\+06"):
        maximize(M)
    assert_allclose(
        maximize(moments(x - 1e6, np.ones((50, 1)))).Sigma[0],
        np.cov(x.T, ddof=0),
        rtol=1e-9,
    )


def test_sums_over_blocks_give_the_reference_step():
    x, right = DATA[STEP["dataset"]].x, as_mixture(STEP["after_one_M_step"])
    w = as_mixture(STEP["start"]).responsibilities(x)
    M = sum(moments(x[rows], w[rows]) for rows in np.array_split(np.arange(272), 5))
    assert parameter_error(maximize(M), right) < 1e-11


@pytest.mark.parametrize("result", LABELED, ids=lambda r: r["dataset"])
def test_moments_of_labels_give_the_reference_fit(result):
    dataset = DATA[result["dataset"]]
    z = [result["classes"].index(name) for name in dataset.z]
    theta = maximize(moments(dataset.x, one_hot(z, len(result["classes"]))))
    # The bank notes' lengths are 570 standard deviations from zero.
    assert parameter_error(theta, as_mixture(result)) < 1e-9
