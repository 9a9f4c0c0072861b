"""Labels hidden: both steps, the bound they raise, and when EM stops."""

import copy
import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from reference import (
    DATA,
    STATIONARY,
    STEP,
    as_mixture,
    em_step,
    first,
    long_double_em,
    parameter_error,
    perturbed,
    problems,
    random_mixture,
    score,
)
from scipy import special, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from emgmm import (
    Mixture,
    certify,
    data,
    e_step,
    elbo,
    em,
    m_step,
    maximize,
    moments,
    one_hot,
)
from emgmm._engine.rows import Rows

GEYSER = DATA["faithful"].x
START = as_mixture(STEP["start"])
stationary = pytest.mark.parametrize(
    ("dataset", "result"),
    STATIONARY,
    ids=[f"{dataset}{result['loglik']:.0f}" for dataset, result in STATIONARY],
)


def normal(theta, j):
    return stats.multivariate_normal(theta.mu[j], theta.Sigma[j])


# The two steps ---------------------------------------------------------------------


@pytest.mark.equation("eq-e-step")
@given(problems)
def test_e_step_is_bayes_rule(problem):
    x, _, theta = problem
    w = e_step(x, theta)
    densities = [normal(theta, j).pdf(x) for j in range(theta.k)]
    for i in range(len(x)):
        joint = [theta.phi[j] * densities[j][i] for j in range(theta.k)]
        for j in range(theta.k):
            assert w[i, j] == pytest.approx(joint[j] / sum(joint), rel=1e-9)


@pytest.mark.equation("eq-m-step-phi", "eq-m-step-mu", "eq-m-step-sigma")
@given(problems)
def test_m_step_in_loops(problem):
    x, w, _ = problem
    theta = m_step(x, w)
    m, d = x.shape
    for j in range(w.shape[1]):
        N = sum(w[i, j] for i in range(m))
        assert theta.phi[j] == pytest.approx(N / m, rel=1e-12)
        mu = [sum(w[i, j] * x[i, a] for i in range(m)) / N for a in range(d)]
        assert_allclose(theta.mu[j], mu, rtol=1e-11, atol=1e-12)
        for a in range(d):
            for b in range(d):
                terms = [
                    w[i, j] * (x[i, a] - mu[a]) * (x[i, b] - mu[b]) for i in range(m)
                ]
                right = math.fsum(terms) / N
                assert theta.Sigma[j, a, b] == pytest.approx(right, rel=1e-9, abs=1e-12)


@pytest.mark.equation("eq-m-step-mu", "eq-m-step-sigma")
@given(problems)
def test_m_step_is_the_weighted_covariance_of_numpy(problem):
    x, w, _ = problem
    theta = m_step(x, w)
    for j in range(theta.k):
        assert_allclose(theta.mu[j], np.average(x, axis=0, weights=w[:, j]), rtol=1e-10)
        right = np.atleast_2d(np.cov(x.T, aweights=w[:, j], ddof=0))
        assert_allclose(theta.Sigma[j], right, rtol=1e-9, atol=1e-12)


def test_the_means_of_far_away_data_keep_their_digits():
    x = 1e8 + np.random.default_rng(0).normal(size=(60, 2))
    near = m_step(x - 1e8, np.ones((60, 1)))
    far = m_step(x, np.ones((60, 1)))
    assert_allclose(far.Sigma, near.Sigma, rtol=1e-12)
    assert_allclose(far.mu - 1e8, near.mu, atol=1e-7)


@pytest.mark.equation("eq-e-step", "eq-m-step-phi", "eq-m-step-mu", "eq-m-step-sigma")
def test_one_step_of_the_reference():
    w = e_step(GEYSER, START)
    first = STEP["responsibilities_first_10_rows_component_0"]
    assert_allclose(w[:10, 0], first, rtol=1e-12)
    assert_allclose(w.sum(axis=0), STEP["responsibility_column_sums"], rtol=1e-13)
    after = m_step(GEYSER, w)
    assert parameter_error(after, as_mixture(STEP["after_one_M_step"])) < 1e-12


@pytest.mark.equation("eq-em")
def test_ten_steps_of_the_reference():
    fit = em(GEYSER, START, tol=0, max_iter=10)
    right = STEP["loglik_after_t_iterations_t0_to_10"]
    assert_allclose(fit.trace, right, rtol=0, atol=1e-8)
    assert fit.trace.shape == (11,)


@pytest.mark.equation("eq-em")
def test_scikit_learn_takes_the_same_step():
    other = GaussianMixture(
        2,
        reg_covar=0,
        tol=0,
        max_iter=1,
        weights_init=START.phi,
        means_init=START.mu,
        precisions_init=np.linalg.inv(START.Sigma),
    )
    with pytest.warns(ConvergenceWarning):
        other.fit(GEYSER)
    theta = em(GEYSER, START, max_iter=1).theta
    right = Mixture(other.weights_, other.means_, other.covariances_)
    assert parameter_error(theta, right) < 1e-10


# The bound -------------------------------------------------------------------------


@pytest.mark.equation("eq-elbo")
@given(problems)
def test_bound_in_loops(problem):
    x, w, theta = problem
    terms = []
    for j in range(theta.k):
        for i, log_density in enumerate(normal(theta, j).logpdf(x)):
            log_joint = math.log(theta.phi[j]) + log_density
            terms.append(w[i, j] * (log_joint - math.log(w[i, j])))
    value = elbo(x, w, theta)
    assert isinstance(value, float)
    assert value == pytest.approx(math.fsum(terms), rel=1e-11)


@pytest.mark.equation("eq-elbo")
@given(problems)
def test_the_gap_is_the_divergence_from_the_posterior(problem):
    x, w, theta = problem
    total = theta.log_likelihood(x)
    gap = total - elbo(x, w, theta)
    # Through logarithms: a posterior may be below the smallest number.
    log_posterior = theta.log_joint(x) - theta.log_density(x)[:, None]
    divergence = (special.xlogy(w, w) - w * log_posterior).sum()
    rounding = 1e-12 * abs(total)
    assert gap == pytest.approx(divergence, rel=1e-9, abs=rounding)
    assert gap >= -rounding
    assert elbo(x, e_step(x, theta), theta) == pytest.approx(total, rel=1e-12)


@given(problems)
def test_every_half_step_raises_the_bound(problem):
    x, w, theta = problem
    bound = elbo(x, w, theta)
    for _ in range(4):
        for half in ("M", "E"):
            theta, w = (m_step(x, w), w) if half == "M" else (theta, e_step(x, theta))
            raised = elbo(x, w, theta)
            rounding = 1e-12 * abs(bound)
            assert raised >= bound - rounding
            assert raised <= theta.log_likelihood(x) + rounding
            bound = raised


def test_hard_labels_and_empty_groups_in_the_bound():
    theta = Mixture([1, 0], [[0.0], [1.0]], [[[1.0]]] * 2)
    w = e_step([0.0, 2.0], theta)
    assert w.tolist() == [[1, 0], [1, 0]]
    total = theta.log_likelihood([0.0, 2.0])
    assert elbo([0.0, 2.0], w, theta) == pytest.approx(total, rel=1e-15)
    # A group that cannot be has no business having weight.
    assert elbo([0.0, 2.0], [[1, 0], [0.5, 0.5]], theta) == -np.inf


# Whole runs ------------------------------------------------------------------------


@pytest.mark.equation("eq-em")
@stationary
def test_em_reaches_every_reference_value(dataset, result):
    x, right = DATA[dataset].x, as_mixture(result)
    start = perturbed(e_step(x, right), share=1e-3)
    fit = em(x, start)
    assert fit.reason == "converged"
    assert fit.trace[0] < result["loglik"] - 1e-3
    assert fit.n_iter >= 3
    assert fit.log_likelihood == pytest.approx(result["loglik"], abs=1e-8)


@stationary
def test_em_reaches_every_reference_parameter(dataset, result):
    x, right = DATA[dataset].x, as_mixture(result)
    start = perturbed(e_step(x, right), share=1e-3)
    rate = result.get("em_rate", {}).get("largest_eigenvalue_of_EM_map", 0.9)
    steps = 5 + math.ceil(math.log(1e-7) / math.log(rate))
    assert parameter_error(m_step(x, start), right) > 1e-4
    assert parameter_error(em(x, start, tol=0, max_iter=steps).theta, right) < 1e-6


@stationary
def test_em_stays_at_every_reference_point(dataset, result):
    x, right = DATA[dataset].x, as_mixture(result)
    fit = em(x, right)
    assert fit.reason == "converged"
    assert fit.n_iter == 3
    assert_allclose(fit.trace, result["loglik"], rtol=0, atol=1e-9)
    assert parameter_error(fit.theta, right) < 1e-10


@pytest.mark.equation("eq-em")
@pytest.mark.parametrize("log_axes", [False, True])
def test_em_on_the_anemia_data_against_80_bits(log_axes):
    blood = data.anemia(log_axes=log_axes)
    labels = one_hot((blood.z == "Control").astype(int), 2)
    slow = long_double_em(blood.x, labels, 70)
    assert slow[-1] - slow[-20] < 1e-11
    # Step by step from the labels, and at the end from random starts.
    trace = em(blood.x, labels, tol=0, max_iter=20).trace
    assert_allclose(trace, slow[:21].astype(float), rtol=0, atol=1e-9)
    for seed in range(3):
        start = np.random.default_rng(seed).dirichlet([1, 1], len(blood.x))
        fit = em(blood.x, start)
        assert fit.reason == "converged"
        assert fit.log_likelihood == pytest.approx(float(slow[-1]), abs=1e-8)


@pytest.mark.parametrize("case", range(3))
def test_the_score_is_zero_at_the_fixed_point_only(case):
    x = [GEYSER, DATA["iris"].x, data.anemia().x][case]
    start = np.random.default_rng(5).dirichlet([1, 1], len(x))
    fit = em(x, start, tol=1e-12)
    slopes = score(lambda theta: theta.log_likelihood(x), fit.theta)
    assert np.abs(slopes).max() < 1e-2
    assert (
        np.abs(score(lambda theta: theta.log_likelihood(x), m_step(x, start))).max() > 1
    )


@given(problems)
def test_what_a_fit_says_of_itself(problem):
    x, w, _ = problem
    calls = []
    fit = em(x, w, tol=0, max_iter=6, callback=lambda *call: calls.append(call))
    assert (fit.reason, fit.n_iter, fit.n_evaluations) == ("max_iter", 6, 7)
    assert fit.log_likelihood == fit.trace[-1]
    assert fit.log_likelihood == pytest.approx(fit.theta.log_likelihood(x), rel=1e-12)
    assert fit.trace.shape == (7,)
    assert (np.diff(fit.trace) >= -1e-12 * np.abs(fit.trace[0])).all()
    assert [n_iter for n_iter, _, _ in calls] == list(range(7))
    assert [value for _, _, value in calls] == fit.trace.tolist()
    values = [theta.log_likelihood(x) for _, theta, _ in calls]
    assert_allclose(values, fit.trace, rtol=1e-10, atol=1e-10)
    assert parameter_error(calls[0][1], m_step(x, w)) < 1e-9
    assert calls[-1][1] == fit.theta
    # Step for step the two functions of the page.
    assert parameter_error(calls[1][1], m_step(x, e_step(x, calls[0][1]))) < 1e-9


@pytest.mark.parametrize("tol", [1e-2, 1e-9])
def test_a_converged_fit_says_what_it_returns(tol):
    calls = []
    fit = em(GEYSER, START, tol=tol, callback=lambda *call: calls.append(call))
    assert fit.reason == "converged"
    assert len(fit.trace) == fit.n_iter + 1 == fit.n_evaluations == len(calls)
    assert fit.log_likelihood == fit.trace[-1]
    right = fit.theta.log_likelihood(GEYSER)
    assert fit.log_likelihood == pytest.approx(right, rel=1e-12)
    again = em(GEYSER, START, tol=0, max_iter=fit.n_iter)
    assert again.theta == fit.theta
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.theta = START


def test_tol_zero_goes_on_where_nothing_is_left_to_gain():
    fit = em(GEYSER, em(GEYSER, START).theta, tol=0, max_iter=60)
    assert (fit.n_iter, fit.reason) == (60, "max_iter")
    assert fit.trace.shape == (61,)


def test_no_iteration_at_all():
    fit = em(GEYSER, START, max_iter=0)
    assert fit.theta == START
    assert (fit.n_iter, fit.n_evaluations, fit.reason) == (0, 1, "max_iter")
    assert_allclose(fit.trace, [START.log_likelihood(GEYSER)], rtol=1e-12)


def test_a_start_in_w_is_an_m_step_and_names_are_not_invented():
    w = e_step(GEYSER, START)
    fit = em(GEYSER, w, max_iter=3)
    again = em(GEYSER, m_step(GEYSER, w), max_iter=3)
    assert_allclose(fit.trace, again.trace, rtol=1e-12)
    assert fit.theta.names == (0, 1)


def test_one_group_is_done_in_one_step():
    fit = em(GEYSER, np.ones((272, 1)))
    assert fit.reason == "converged"
    assert fit.n_iter == 3
    assert_allclose(fit.theta.Sigma[0], np.cov(GEYSER.T, ddof=0), rtol=1e-12)


def test_a_plain_list_is_one_feature():
    x = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]
    start = one_hot([0, 0, 0, 1, 1, 1], 2)
    assert em(x, start).theta == em(np.array(x)[:, None], start).theta


# When to stop ----------------------------------------------------------------------


def first_below(trace, tol):
    """Where a geometric series of gains, summed term by term, leaves at most tol."""
    for n in range(3, len(trace)):
        g = np.diff(trace[n - 3 : n + 1])
        rate = max(g[1] / g[0], g[2] / g[1])
        if rate < 0.99 and (g[2] * rate ** np.arange(1, 3000)).sum() <= tol:
            return n
    raise AssertionError("never")


@pytest.mark.equation("eq-still-to-gain")
@pytest.mark.parametrize("tol", [1e-2, 1e-6])
@pytest.mark.parametrize("case", [5, 10])
def test_em_stops_when_the_gains_to_come_sum_to_tol(case, tol):
    dataset, result = STATIONARY[case]
    x = DATA[dataset].x
    start = perturbed(e_step(x, as_mixture(result)), share=0.02)
    trace = em(x, start, tol=0, max_iter=150).trace
    fit = em(x, start, tol=tol)
    assert fit.reason == "converged"
    assert fit.n_iter == first_below(trace, tol)


@pytest.mark.equation("eq-still-to-gain")
@pytest.mark.parametrize("case", [1, 13])
def test_converged_means_that_a_thousand_steps_gain_no_more_than_tol(case):
    # Rates 0.96 and 0.97: a small last step says little.
    dataset, result = STATIONARY[case]
    x = DATA[dataset].x
    start = perturbed(e_step(x, as_mixture(result)), share=0.01)
    far = em(x, start, tol=0, max_iter=1000).log_likelihood
    for tol in (1e-3, 1e-6, 1e-9):
        fit = em(x, start, tol=tol)
        assert fit.reason == "converged"
        # The sum to come is an estimate: twice tol leaves room for its error.
        assert -1e-11 < far - fit.log_likelihood < 2 * tol


def test_a_plateau_is_not_a_maximum():
    # Nearly equal groups part slowly: the gains are tiny at first, and grow.
    x = np.concatenate([GEYSER, GEYSER])
    start = np.full((len(x), 2), 0.5)
    start[:, 0] += 1e-4 * np.sign(x[:, 0] - 3)
    start[:, 1] = 1 - start[:, 0]
    fit = em(x, start)
    assert fit.trace[3] - fit.trace[0] < 1e-2
    assert fit.reason == "converged"
    assert fit.log_likelihood > fit.trace[0] + 100


def test_equal_groups_stay_equal():
    fit = em(GEYSER, np.full((272, 2), 0.5))
    assert fit.reason == "converged"
    assert_allclose(fit.theta.mu[0], fit.theta.mu[1], rtol=1e-14)


def cloud(*extra):
    x = np.random.default_rng(0).normal(size=(60, 2))
    return np.concatenate([x, *extra])


LINE = np.linspace(4, 6, 8)[:, None] * [1.0, 2.0]
NEAR = np.append(np.random.default_rng(0).normal(size=60), [9, 9 + 1e-9])[:, None]


@pytest.mark.parametrize(
    ("x", "mu"),
    [
        (cloud([[9.0, 9.0]]), [9, 9]),
        (cloud(np.tile([[9.0, 9.0]], (12, 1))), [9, 9]),
        (cloud(LINE), [5, 10]),
        (cloud([[9.0, 9.0]] * 3) * 1e-6, [9e-6, 9e-6]),
        (cloud([[9.0, 9.0]] * 3) + 1e5, [9 + 1e5, 9 + 1e5]),
        (NEAR, [9]),
    ],
    ids=["one point", "tied points", "a line", "small units", "far away", "near tie"],
)
def test_a_collapsing_group_is_reported(x, mu):
    Sigma = np.atleast_2d(np.cov(x.T))
    start = Mixture([0.9, 0.1], [x.mean(axis=0), mu], [Sigma, Sigma * 1e-2])
    for _ in range(2):
        fit = em(x, start)
        assert fit.reason == "degenerate"
        assert fit.n_iter < 100
        assert len(fit.trace) == fit.n_iter + 1 == fit.n_evaluations
        assert (np.diff(fit.trace) > 0).all()
        assert fit.log_likelihood == fit.trace[-1]
        assert fit.log_likelihood == pytest.approx(
            fit.theta.log_likelihood(x), rel=1e-12
        )
        # tol = 0 does not go on either.
        assert em(x, start, tol=0, max_iter=500).reason == "degenerate"
        start = fit.theta


@pytest.mark.parametrize(("phi", "far"), [([0.5, 0.5], 1e5), ([1, 0], 1)])
def test_a_group_that_no_example_belongs_to_is_reported(phi, far):
    start = Mixture(phi, [[0, 0], [far, 0]], [np.eye(2)] * 2)
    assert e_step(cloud(), start)[:, 1].sum() == 0
    fit = em(cloud(), start)
    assert (fit.reason, fit.n_iter) == ("degenerate", 0)
    assert fit.theta == start


def test_ties_that_no_group_sits_on_do_no_harm():
    x = cloud(np.zeros((40, 2)))
    fit = em(x, np.random.default_rng(1).dirichlet([20, 20], len(x)), max_iter=5)
    assert fit.reason == "max_iter"


# Equivariance ----------------------------------------------------------------------


@given(problems, st.sampled_from([1e-6, 1.0, 1e6]), st.floats(-100, 100))
def test_units_do_not_matter(problem, scale, shift):
    x, w, _ = problem
    m, d = x.shape
    A = random_mixture(1, 1, d).Sigma[0] * scale
    fit = em(x, w, tol=0, max_iter=4)
    other = em(x @ A.T + shift * scale, w, tol=0, max_iter=4)
    log_det = m * np.linalg.slogdet(A)[1]
    assert_allclose(other.trace, fit.trace - log_det, rtol=1e-9, atol=1e-7)
    moved = Mixture(
        fit.theta.phi,
        fit.theta.mu @ A.T + shift * scale,
        A @ fit.theta.Sigma @ A.T,
    )
    assert parameter_error(other.theta, moved) < 1e-6
    moved_x = x @ A.T + shift * scale
    assert_allclose(e_step(moved_x, moved), e_step(x, fit.theta), rtol=1e-6, atol=1e-9)


@given(problems, st.randoms(use_true_random=False))
def test_order_does_not_matter(problem, random):
    x, w, _ = problem
    rows = random.sample(range(len(x)), len(x))
    groups = random.sample(range(w.shape[1]), w.shape[1])
    fit = em(x, w, tol=0, max_iter=4)
    other = em(x[rows], w[rows][:, groups], tol=0, max_iter=4)
    assert_allclose(other.trace, fit.trace, rtol=1e-10)
    right = Mixture(
        fit.theta.phi[groups], fit.theta.mu[groups], fit.theta.Sigma[groups]
    )
    assert parameter_error(other.theta, right) < 1e-8


def test_tol_zero_ends_at_the_last_step_also_where_gains_are_rounding():
    x = DATA["faithful"].x
    w = np.stack([x[:, 0] < 3, x[:, 0] >= 3], axis=1).astype(float)
    rows = Rows(x, 2)
    state = first(rows, w)
    for _ in range(60):
        state, _ = em_step(rows, state)
    last = em(x, w, tol=0, max_iter=60).theta
    assert parameter_error(last, rows.theta(state)) < 1e-14


# What is said of the end -----------------------------------------------------------


def test_em_from_a_maximum_has_arrived_however_few_steps_it_may_take():
    x = DATA["faithful"].x
    top = em(x, np.stack([x[:, 0] < 3, x[:, 0] >= 3], axis=1).astype(float)).theta
    for max_iter in (0, 1, 2, 5):
        again = em(x, top, max_iter=max_iter)
        assert again.reason == "converged"
        assert again.certificate.kind == "strict maximum"


def test_a_climb_that_was_cut_short_has_not_arrived():
    x = DATA["faithful"].x
    w = np.stack([x[:, 0] < 3, x[:, 0] >= 3], axis=1) * 0.6 + 0.2
    cut = em(x, w, max_iter=2)
    assert (cut.reason, cut.certificate) == ("max_iter", None)
    assert em(x, w, max_iter=2, tol=0).reason == "max_iter"


@pytest.mark.parametrize("accelerate", [False, True])
def test_em_at_a_saddle_says_so(accelerate):
    x = DATA["faithful"].x
    w = np.full((len(x), 2), 0.5)
    assert em(x, w).certificate.kind == "saddle"
    beside = w + np.random.default_rng(0).uniform(-0.1, 0.1, (len(x), 1)) * [1, -1]
    left = em(x, beside, accelerate=accelerate)
    assert left.certificate.kind == "strict maximum"
    assert left.log_likelihood == pytest.approx(-1130.2639601847, abs=1e-6)


@pytest.mark.parametrize("family", ["tied", "diagonal", "spherical"])
@pytest.mark.parametrize("start", [lambda fit: fit, lambda fit: fit.theta])
def test_a_start_outside_the_family_is_projected(family, start):
    x = DATA["iris"].x
    full = em(x, one_hot(np.repeat([0, 1], 75), 2))
    fit = em(x, start(full), family=family, max_iter=3)
    w = full.theta.responsibilities(x)
    right = em(x, maximize(moments(x, w), family), family=family, max_iter=3)
    assert fit.log_likelihood == pytest.approx(right.log_likelihood, rel=1e-4)
    assert fit.theta == em(x, fit.theta, family=family, max_iter=0).theta  # inside


def test_fits_can_be_compared_and_not_changed():
    x = DATA["faithful"].x
    w = np.random.default_rng(0).dirichlet([1, 1], len(x))
    fit = em(x, w, max_iter=3)
    assert fit == copy.deepcopy(fit)
    assert hash(fit) == hash(copy.deepcopy(fit))
    assert fit != em(x, w, max_iter=4)
    assert fit != "fit"
    with pytest.raises(ValueError, match="read-only"):
        fit.trace[0] = 0


def test_a_start_that_is_too_narrow_is_refused():
    x = DATA["faithful"].x
    narrow = Mixture([0.5, 0.5], [[2, 55], [4, 80]], [np.eye(2), np.eye(2) * 1e-14])
    with pytest.raises(ValueError, match="start: a group is too narrow"):
        em(x, narrow)
    with pytest.raises(ValueError, match="a million times narrower than x"):
        certify(x, narrow)
