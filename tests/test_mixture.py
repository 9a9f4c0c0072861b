"""The model: densities, posteriors, samples, and parameters that cannot change."""

import copy
import math
import pickle

import mpmath
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from reference import (
    DATA,
    STATIONARY,
    STEP,
    as_mixture,
    exact_log_joint,
    exact_posterior,
    problems,
    random_covariance,
    random_mixture,
)
from scipy import integrate, stats
from sklearn.mixture import GaussianMixture

from emgmm import Mixture

THETA = random_mixture(seed=7, k=3, d=2)
X = THETA.sample(50, rng=7)[0]


def normal(theta, j):
    return stats.multivariate_normal(theta.mu[j], theta.Sigma[j])


# Densities -------------------------------------------------------------------------


@pytest.mark.equation("eq-gaussian")
@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_one_group_is_the_gaussian_of_scipy(d):
    theta = random_mixture(seed=d, k=1, d=d)
    x, _ = theta.sample(30, rng=d)
    right = normal(theta, 0).logpdf(x)
    assert_allclose(theta.log_joint(x)[:, 0], right, rtol=1e-10, atol=1e-10)


@pytest.mark.equation("eq-gaussian")
def test_the_gaussian_as_printed():
    theta = random_mixture(seed=1, k=1, d=3)
    mu, Sigma = theta.mu[0], theta.Sigma[0]
    precision = np.linalg.inv(Sigma)
    for x in theta.sample(5, rng=1)[0]:
        exponent = -0.5 * (x - mu) @ precision @ (x - mu)
        norm = math.sqrt((2 * math.pi) ** 3 * np.linalg.det(Sigma))
        assert_allclose(theta.log_density([x]), math.log(math.exp(exponent) / norm))


@pytest.mark.equation("eq-log-joint")
@given(problems)
def test_log_joint_adds_log_phi(problem):
    x, _, theta = problem
    for j, column in enumerate(theta.log_joint(x).T):
        right = math.log(theta.phi[j]) + normal(theta, j).logpdf(x)
        assert_allclose(column, right, rtol=1e-10, atol=1e-10)


@pytest.mark.equation("eq-density")
@given(problems)
def test_density_sums_the_groups(problem):
    x, _, theta = problem
    right = sum(theta.phi[j] * normal(theta, j).pdf(x) for j in range(theta.k))
    assert_allclose(np.exp(theta.log_density(x)), right, rtol=1e-10)


@pytest.mark.equation("eq-density")
def test_density_integrates_to_one_on_the_line():
    theta = Mixture([0.3, 0.7], [[-2.0], [3.0]], [[[0.5]], [[4.0]]])
    area, _ = integrate.quad(lambda u: math.exp(theta.log_density([u])[0]), -40, 40)
    assert area == pytest.approx(1, abs=1e-7)


@pytest.mark.equation("eq-density", "eq-gaussian")
def test_density_integrates_to_one_in_the_plane():
    side, step = np.linspace(-20, 20, 401, retstep=True)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    assert np.exp(THETA.log_density(grid)).sum() * step**2 == pytest.approx(1, abs=1e-9)


@pytest.mark.equation("eq-log-likelihood")
@given(problems)
def test_log_likelihood_is_a_total_in_nats(problem):
    x, _, theta = problem
    densities = sum(theta.phi[j] * normal(theta, j).pdf(x) for j in range(theta.k))
    value = theta.log_likelihood(x)
    assert isinstance(value, float)
    assert value == pytest.approx(math.fsum(map(math.log, densities)), rel=1e-10)


@pytest.mark.equation("eq-log-likelihood", "eq-density")
def test_densities_of_the_reference_results():
    x = DATA[STEP["dataset"]].x
    theta = as_mixture(STEP["start"])
    first = STEP["log_density_first_5_rows"]
    assert_allclose(theta.log_density(x[:5]), first, rtol=1e-13)
    total = STEP["loglik_at_start"]
    assert theta.log_likelihood(x) == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(("dataset", "result"), STATIONARY)
def test_log_likelihood_of_every_stored_maximum(dataset, result):
    value = as_mixture(result).log_likelihood(DATA[dataset].x)
    assert value == pytest.approx(result["loglik"], abs=1e-8)


@pytest.mark.equation("eq-log-sum-exp", "eq-log-joint", "eq-gaussian")
@pytest.mark.parametrize(
    ("d", "condition"),
    [(1, 1), *((d, c) for d in (2, 5, 20) for c in (1, 1e4, 1e8, 1e12)), (50, 1e12)],
)
def test_against_60_digits_also_a_thousand_standard_deviations_away(d, condition):
    rng = np.random.default_rng(d)
    Sigma = [random_covariance(rng, d, condition) * scale for scale in (1, 7)]
    theta = Mixture([0.3, 0.7], rng.normal(size=(2, d)), Sigma)
    away = rng.normal(size=(3, d)) * [[1], [1000], [1000]]
    x = theta.mu[[0, 0, 1]] + away @ np.linalg.cholesky(Sigma[0]).T
    exact = exact_log_joint(theta, x)
    # Long double mends the factor of Sigma; where it is no longer than double (some
    # machines have none) a large condition number costs as many digits.
    rtol = 5e-14 + condition * np.finfo(np.longdouble).eps / 2
    assert_allclose(theta.log_joint(x), np.array(exact, dtype=float), rtol=rtol)
    log_density = [float(exact_posterior(row)[0]) for row in exact]
    assert_allclose(theta.log_density(x), log_density, rtol=rtol)


@pytest.mark.equation("eq-responsibilities", "eq-log-sum-exp")
@pytest.mark.parametrize("d", [1, 2, 5, 20, 50])
def test_undecided_responsibilities_where_every_density_underflows(d):
    # Two groups of one shape: at the foot of the perpendicular x is 50:50 however far.
    rng = np.random.default_rng(d)
    Sigma = random_covariance(rng, d, 100.0)
    L = np.linalg.cholesky(Sigma)
    mu = [L[:, 0] * side for side in (0.0005, -0.0005)]
    theta = Mixture([0.4, 0.6], mu, [Sigma, Sigma])
    x = 1000 * np.eye(d)[[0, 0, -1]] * [[1], [-1], [0.5]] @ L.T
    assert (np.exp(theta.log_joint(x)).sum(axis=1) == 0).all()
    exact = [exact_posterior(row)[1] for row in exact_log_joint(theta, x)]
    w = theta.responsibilities(x)
    assert_allclose(w, np.array(exact, dtype=float), atol=1e-8)
    assert w.min() > 0.1
    assert_allclose(w.sum(axis=1), 1, rtol=1e-15)


@pytest.mark.equation("eq-log-sum-exp")
def test_log_of_sum_without_underflow():
    theta = Mixture([0.5, 0.5], [[0.0], [1.0]], [[[1.0]], [[1.0]]])
    right = mpmath.log((mpmath.exp(-500000) + mpmath.exp(-(999**2) / 2)) / 2)
    right -= mpmath.log(2 * mpmath.pi) / 2
    assert theta.log_density([1000.0])[0] == pytest.approx(float(right), rel=1e-14)


@pytest.mark.equation("eq-responsibilities")
@given(problems)
def test_responsibilities_are_bayes_rule(problem):
    x, _, theta = problem
    w = theta.responsibilities(x)
    densities = [normal(theta, j).pdf(x) for j in range(theta.k)]
    for i in range(len(x)):
        joint = [theta.phi[j] * densities[j][i] for j in range(theta.k)]
        right = [value / sum(joint) for value in joint]
        assert_allclose(w[i], right, rtol=1e-9, atol=1e-12)


@given(problems)
def test_rows_of_w_sum_to_one_near_and_far(problem):
    x, _, theta = problem
    w = theta.responsibilities(np.concatenate([x, 1e3 * x, 1e9 * x]))
    assert_allclose(w.sum(axis=1), 1, rtol=1e-14)
    assert ((w >= 0) & (w <= 1)).all()


@pytest.mark.equation("eq-classify")
@given(problems)
def test_classify_takes_the_most_probable_group(problem):
    x, _, theta = problem
    answer = theta.classify(x)
    densities = [normal(theta, j).pdf(x) for j in range(theta.k)]
    for i, j in enumerate(answer):
        joint = [p * density[i] for p, density in zip(theta.phi, densities)]
        assert max(joint) == joint[j]


@pytest.mark.equation("eq-classify")
def test_classify_weighs_the_proportions():
    Sigma = [[[1.0]], [[1.0]]]
    assert Mixture([0.5, 0.5], [[0.0], [2.0]], Sigma).classify([1.1]) == [1]
    assert Mixture([0.9, 0.1], [[0.0], [2.0]], Sigma).classify([1.1]) == [0]


def test_scikit_learn_agrees():
    other = GaussianMixture(3)
    other.weights_, other.means_ = THETA.phi, THETA.mu
    other.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(THETA.Sigma))
    assert_allclose(THETA.log_density(X), other.score_samples(X), rtol=1e-12)
    assert_allclose(THETA.responsibilities(X), other.predict_proba(X), atol=1e-12)
    assert_array_equal(THETA.classify(X), other.predict(X))


def test_a_plain_list_is_one_feature():
    theta = random_mixture(seed=3, k=2, d=1)
    for method in (theta.log_joint, theta.log_density, theta.classify):
        assert_array_equal(method([1.0, 2.0]), method([[1.0], [2.0]]))


def test_a_log_density_may_be_positive():
    assert Mixture([1], [[0.0]], [[[1e-4]]]).log_density([0.0])[0] > 3


def test_a_group_of_share_zero_is_never_chosen():
    theta = Mixture([0, 1], [[0, 0], [3, 1]], [np.eye(2)] * 2)
    x = [[0.0, 0.0], [1000.0, -1000.0]]
    assert_array_equal(theta.responsibilities(x), [[0, 1], [0, 1]])
    assert_array_equal(theta.log_joint(x)[:, 0], [-np.inf, -np.inf])
    assert_array_equal(theta.classify(x), [1, 1])
    assert_allclose(theta.log_density(x), normal(theta, 1).logpdf(x))
    assert set(theta.sample(20, rng=0)[1]) == {1}


# Samples ---------------------------------------------------------------------------


@pytest.mark.equation("eq-sample")
def test_a_sample_follows_the_story():
    m = 40_000
    x, z = THETA.sample(m, rng=1)
    assert x.shape == (m, 2)
    assert z.shape == (m,)
    N = np.bincount(z, minlength=3)
    # Five standard errors everywhere; wrong by a factor would be hundreds.
    assert (np.abs(N - m * THETA.phi) < 5 * np.sqrt(m * THETA.phi)).all()
    for j in range(3):
        whiten = np.linalg.inv(np.linalg.cholesky(THETA.Sigma[j]))
        y = (x[z == j] - THETA.mu[j]) @ whiten.T
        assert np.abs(y.mean(axis=0)).max() < 5 / math.sqrt(N[j])
        assert np.abs(y.T @ y / N[j] - np.eye(2)).max() < 5 * math.sqrt(2 / N[j])
        assert stats.kstest((y**2).sum(axis=1), stats.chi2(2).cdf).pvalue > 1e-3


def test_a_seed_repeats_the_draw():
    first, again = THETA.sample(10, rng=3), THETA.sample(10, np.random.default_rng(3))
    for a, b in zip(first, again):
        assert_array_equal(a, b)
    assert not np.array_equal(THETA.sample(10, rng=4)[0], first[0])
    assert not np.array_equal(THETA.sample(10)[0], THETA.sample(10)[0])
    generator = np.random.default_rng(3)
    THETA.sample(10, generator)
    assert not np.array_equal(THETA.sample(10, generator)[0], first[0])


# Parameters ------------------------------------------------------------------------


@pytest.mark.equation("eq-n-parameters")
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("d", [1, 2, 7])
def test_parameters_counted_one_by_one(k, d):
    theta = random_mixture(seed=0, k=k, d=d)
    free = [("phi", j) for j in range(1, k)]
    free += [("mu", j, a) for j in range(k) for a in range(d)]
    free += [
        ("Sigma", j, a, b) for j in range(k) for a in range(d) for b in range(a, d)
    ]
    assert theta.n_parameters == len(free)
    assert (theta.k, theta.d) == (k, d)


@pytest.mark.parametrize("result", [result for _, result in STATIONARY])
def test_parameters_counted_by_the_reference(result):
    assert as_mixture(result).n_parameters == result["n_parameters"]


def test_parameters_cannot_be_changed():
    for name in ("phi", "mu", "Sigma"):
        with pytest.raises(AttributeError):
            setattr(THETA, name, getattr(THETA, name))
        with pytest.raises(ValueError, match="read-only"):
            getattr(THETA, name)[0] = 0
    with pytest.raises(AttributeError):
        del THETA.phi
    with pytest.raises(AttributeError):
        THETA.k = 2


def test_the_callers_arrays_stay_theirs():
    phi, mu, Sigma = np.array([0.5, 0.5]), np.eye(2), np.stack([np.eye(2)] * 2)
    theta = Mixture(phi, mu, Sigma)
    for mine, its in ((phi, theta.phi), (mu, theta.mu), (Sigma, theta.Sigma)):
        before = its.copy()
        mine[0] += 1
        assert_array_equal(its, before)


def test_rounded_proportions_are_normalised():
    theta = Mixture([0.25, 0.75 + 1e-9], [[0.0], [1.0]], [[[1.0]]] * 2)
    assert theta.phi.sum() == pytest.approx(1, abs=1e-15)
    assert theta.phi[1] == (0.75 + 1e-9) / (1 + 1e-9)


def test_proportions_are_normalised_once():
    mu, Sigma = np.zeros((5, 1)), np.ones((5, 1, 1))
    for seed in range(50):
        phi = Mixture(np.random.default_rng(seed).dirichlet(np.ones(5)), mu, Sigma).phi
        assert_array_equal(Mixture(phi, mu, Sigma).phi, phi)


def test_rounded_covariances_are_made_symmetric():
    Sigma = Mixture([1], [[0, 0]], [[[1, 0.5], [0.5 + 1e-12, 1]]]).Sigma[0]
    assert Sigma[0, 1] == Sigma[1, 0]


NAMED = Mixture([0.1, 0.2, 0.7], THETA.mu, THETA.Sigma, ["low", "mid", "high"])


@pytest.mark.parametrize(
    "theta", [THETA, NAMED, *(as_mixture(r) for _, r in STATIONARY)]
)
@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        lambda theta: pickle.loads(pickle.dumps(theta)),
        lambda theta: eval(repr(theta)),
        lambda theta: Mixture(theta.phi, theta.mu, theta.Sigma, theta.names),
    ],
    ids=["copy", "deepcopy", "pickle", "repr", "parts"],
)
def test_a_copy_is_equal_to_the_last_bit_and_read_only(theta, again):
    other = again(theta)
    assert other == theta
    assert hash(other) == hash(theta)
    assert other.names == theta.names
    for name in ("phi", "mu", "Sigma"):
        assert getattr(other, name).tobytes() == getattr(theta, name).tobytes()
        assert not getattr(other, name).flags.writeable
    x = np.arange(2.0 * theta.d).reshape(2, -1)
    assert_array_equal(other.log_joint(x), theta.log_joint(x))


def test_what_differs_is_not_equal():
    phi, mu, Sigma = [0.25, 0.75], np.eye(2), np.stack([np.eye(2)] * 2)
    theta = Mixture(phi, mu, Sigma)
    others = [
        Mixture([0.75, 0.25], mu, Sigma),
        Mixture(phi, mu + 1, Sigma),
        Mixture(phi, mu, 2 * Sigma),
        Mixture(phi, mu, Sigma, ["a", "b"]),
        Mixture([1], mu[:1], Sigma[:1]),
        "Mixture",
    ]
    assert all(theta != other for other in others)
    assert theta == Mixture(phi, mu, Sigma)
    assert len({theta, Mixture(phi, mu, Sigma), *others}) == 7


def test_minus_zero_is_zero():
    plus, minus = (Mixture([1], [[zero]], [[[1.0]]]) for zero in (0.0, -0.0))
    assert plus == minus
    assert hash(plus) == hash(minus)


def test_names_are_kept():
    assert THETA.names == (0, 1, 2)
    assert NAMED.names == ("low", "mid", "high")
    assert Mixture([1], [[0.0]], [[[1.0]]], np.array(["only"])).names == ("only",)
    assert "names=('low', 'mid', 'high')" in repr(NAMED)
    assert "names" not in repr(THETA)


def test_str_is_for_reading():
    theta = Mixture([0.4, 0.6], [[0, 0], [3, 1]], [np.eye(2), [[2, 0.5], [0.5, 1]]])
    assert str(theta).splitlines() == [
        "group 0: phi = 0.4000, mu = [0. 0.]",
        "  Sigma = [1. 0.]",
        "          [0. 1.]",
        "group 1: phi = 0.6000, mu = [3. 1.]",
        "  Sigma = [2.  0.5]",
        "          [0.5 1. ]",
    ]
    assert "group low: phi = 0.1000" in str(NAMED)


@given(problems)
def test_groups_in_another_order_mean_the_same(problem):
    x, _, theta = problem
    order = np.roll(np.arange(theta.k), 1)
    other = Mixture(theta.phi[order], theta.mu[order], theta.Sigma[order])
    assert_allclose(
        other.responsibilities(x), theta.responsibilities(x)[:, order], rtol=1e-10
    )
    assert_allclose(other.log_density(x), theta.log_density(x), rtol=1e-12)
