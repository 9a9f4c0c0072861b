"""Labels known: three formulas, the maximum of the complete log-likelihood."""

import math

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from reference import DATA, LABELED, as_mixture, parameter_error, problems, score
from scipy import stats

from emgmm import (
    Mixture,
    complete_log_likelihood,
    data,
    fit_labeled,
    m_step,
    maximize,
    moments,
    one_hot,
)

BLOOD = data.anemia()


def labels_for(w):
    """Labels with every group present, from any weights."""
    z = w.argmax(axis=1)
    z[: 6 * w.shape[1]] = np.arange(6 * w.shape[1]) % w.shape[1]
    return z


@pytest.mark.equation("eq-one-hot")
@given(problems)
def test_one_hot_is_an_indicator(problem):
    z, k = labels_for(problem[1]), problem[1].shape[1] + 1
    w = one_hot(z, k)
    assert w.dtype == float
    assert w.tolist() == [[1.0 if label == j else 0.0 for j in range(k)] for label in z]


@pytest.mark.equation("eq-phi-labeled", "eq-mu-labeled", "eq-sigma-labeled")
@given(problems)
def test_the_three_formulas_in_loops(problem):
    x, w, _ = problem
    z = labels_for(w)
    theta = fit_labeled(x, z)
    m, d = x.shape
    for j in range(w.shape[1]):
        N = sum(1 for i in range(m) if z[i] == j)
        assert theta.phi[j] == pytest.approx(N / m, rel=1e-14)
        mu = [sum(x[i, a] for i in range(m) if z[i] == j) / N for a in range(d)]
        assert_allclose(theta.mu[j], mu, rtol=1e-11, atol=1e-12)
        for a in range(d):
            for b in range(d):
                terms = [
                    (x[i, a] - mu[a]) * (x[i, b] - mu[b]) for i in range(m) if z[i] == j
                ]
                right = math.fsum(terms) / N
                assert theta.Sigma[j, a, b] == pytest.approx(right, rel=1e-9, abs=1e-12)


@pytest.mark.equation("eq-sigma-labeled", "eq-mu-labeled")
@pytest.mark.parametrize("dataset", [BLOOD, *DATA.values()], ids=lambda d: d.title[:9])
def test_group_covariances_are_those_of_numpy(dataset):
    z = np.zeros(len(dataset.x), int) if dataset.z is None else dataset.z
    theta = fit_labeled(dataset.x, z)
    for j, name in enumerate(theta.names):
        group = dataset.x[z == name]
        assert_allclose(theta.mu[j], group.mean(axis=0), rtol=1e-14)
        assert_allclose(theta.Sigma[j], np.cov(group.T, ddof=0), rtol=1e-11, atol=1e-14)


@pytest.mark.equation("eq-complete-log-likelihood")
@given(problems)
def test_complete_log_likelihood_in_loops(problem):
    x, w, theta = problem
    z = labels_for(w)
    log_densities = [
        stats.multivariate_normal(theta.mu[j], theta.Sigma[j]).logpdf(x)
        for j in range(theta.k)
    ]
    terms = [
        math.log(theta.phi[j]) + log_densities[j][i]
        for i in range(len(x))
        for j in range(theta.k)
        if z[i] == j
    ]
    value = complete_log_likelihood(x, z, theta)
    assert isinstance(value, float)
    assert value == pytest.approx(math.fsum(terms), rel=1e-11)


@pytest.mark.equation("eq-phi-labeled", "eq-mu-labeled", "eq-sigma-labeled")
@pytest.mark.parametrize("log_axes", [False, True])
def test_the_score_is_zero_at_the_labeled_fit(log_axes):
    x = data.anemia(log_axes=log_axes).x
    z = (BLOOD.z == "Control").astype(int)
    theta = fit_labeled(x, z)

    def value(theta):
        return complete_log_likelihood(x, z, theta)

    assert np.abs(score(value, theta)).max() < 1e-4
    # The slopes see as little as dividing by N_j - 1, and shares off by one example.
    N = theta.phi * len(x)
    wider = Mixture(theta.phi, theta.mu, theta.Sigma * (N / (N - 1))[:, None, None])
    assert np.abs(score(value, wider)).max() > 0.4
    other = Mixture([84 / 180, 96 / 180], theta.mu, theta.Sigma)
    assert np.abs(score(value, other)).max() > 1


@pytest.mark.equation("eq-complete-log-likelihood", "eq-sigma-labeled")
@pytest.mark.parametrize("result", LABELED, ids=lambda r: r["dataset"])
def test_labeled_reference_results(result):
    dataset = DATA[result["dataset"]]
    theta = fit_labeled(dataset.x, dataset.z)
    assert theta.names == tuple(result["classes"])
    assert parameter_error(theta, as_mixture(result)) < 1e-11
    value = complete_log_likelihood(dataset.x, dataset.z, theta)
    assert value == pytest.approx(result["complete_loglik"], abs=1e-8)
    marginal = result["marginal_loglik_at_labelled_mle"]
    assert theta.log_likelihood(dataset.x) == pytest.approx(marginal, abs=1e-8)
    wrong = np.array(theta.names)[theta.classify(dataset.x)] != dataset.z
    assert wrong.sum() == result["training_errors_of_posterior_map"]


@given(problems)
def test_a_labeled_fit_is_one_m_step_on_one_hot_w(problem):
    x, w, _ = problem
    z = labels_for(w)
    hot = one_hot(z, w.shape[1])
    theta = fit_labeled(x, z)
    assert parameter_error(theta, m_step(x, hot)) < 1e-11
    assert parameter_error(theta, maximize(moments(x, hot))) < 1e-9


@pytest.mark.parametrize(
    ("z", "names"),
    [
        ([0, 0, 0, 1, 1, 1], (0, 1)),
        (np.array([0, 0, 0, 1, 1, 1], np.uint8), (0, 1)),
        (np.array([0, 0, 0, 1, 1, 1], np.int8), (0, 1)),
        ([False, False, False, True, True, True], (False, True)),
        (["a", "a", "a", "b", "b", "b"], ("a", "b")),
        (np.array(["a", "a", "a", "b", "b", "b"], object), ("a", "b")),
        (("sick", "sick", "sick", "well", "well", "well"), ("sick", "well")),
    ],
)
def test_labels_of_any_kind(z, names):
    x = np.array([[0, 0], [1, 0.5], [2, 2.5], [5, 1], [6, 3], [7, 2]])
    theta, right = fit_labeled(x, z), fit_labeled(x, [0, 0, 0, 1, 1, 1])
    assert theta.names == names
    assert type(theta.names[0]) is type(names[0])
    assert_array_equal(theta.Sigma, right.Sigma)
    value = complete_log_likelihood(x, z, theta)
    assert value == complete_log_likelihood(x, [0, 0, 0, 1, 1, 1], theta)
    # Names in any order of rows.
    assert fit_labeled(x[::-1], np.array(z)[::-1]).names == names


def test_whole_numbers_are_positions_also_beside_names():
    theta = Mixture([0.5, 0.5], [[0.0], [9.0]], [[[1.0]]] * 2, ["well", "sick"])
    by_name = complete_log_likelihood([0.0, 9.0], ["well", "sick"], theta)
    assert complete_log_likelihood([0.0, 9.0], [0, 1], theta) == by_name
    assert complete_log_likelihood([0.0, 9.0], [1, 0], theta) < by_name - 80


def test_one_group_and_one_feature():
    theta = fit_labeled([1.0, 2.0, 6.0], [0, 0, 0])
    assert theta.phi.tolist() == [1]
    assert theta.mu.tolist() == [[3]]
    assert theta.Sigma.ravel().tolist() == [pytest.approx(14 / 3)]


def test_an_impossible_label_has_log_likelihood_minus_infinity():
    theta = Mixture([1, 0], [[0.0], [1.0]], [[[1.0]]] * 2)
    assert complete_log_likelihood([0.0], [1], theta) == -np.inf
    assert math.isfinite(complete_log_likelihood([0.0], [0], theta))


def test_labels_at_the_true_parameters_are_less_likely_than_at_the_fit():
    theta = fit_labeled(BLOOD.x, BLOOD.z)
    assert theta.names == data.ANEMIA.names
    best = complete_log_likelihood(BLOOD.x, BLOOD.z, theta)
    assert best > complete_log_likelihood(BLOOD.x, BLOOD.z, data.ANEMIA)
