"""Where EM may begin."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import DATA
from scipy.stats import multivariate_normal

from emgmm.starts import (
    kmeans_plus_plus,
    random_examples,
    random_responsibilities,
    soft_examples,
    split,
)

X = DATA["faithful"].x
MAKERS = [
    random_responsibilities,
    random_examples,
    soft_examples,
    kmeans_plus_plus,
]
makers = pytest.mark.parametrize("make", MAKERS)


@makers
@pytest.mark.parametrize("k", [1, 2, 5])
def test_starts_are_responsibilities(make, k):
    w = make(X, k, 3)
    assert w.shape == (272, k)
    assert np.abs(w.sum(axis=1) - 1).max() < 1e-12
    assert w.min() >= 0
    assert w.sum(axis=0).min() > 0
    assert_array_equal(w, make(X, k, np.random.default_rng(3)))
    assert k == 1 or not np.array_equal(w, make(X, k, 4))


@pytest.mark.parametrize("make", MAKERS[1:])
def test_units_do_not_matter(make):
    assert_allclose(make(X, 3, 0), make(X * [1e-3, 1e3] + 5, 3, 0), atol=1e-9)


def test_far_examples_are_drawn_first():
    x = np.concatenate([np.zeros((50, 1)), np.ones((50, 1)) * 0.01, [[9.0]]])
    alone = [kmeans_plus_plus(x, 2, seed)[-1].max() == 1 for seed in range(40)]
    apart = [kmeans_plus_plus(x, 2, seed).sum(axis=0).min() == 1 for seed in range(40)]
    assert all(alone)
    assert np.mean(apart) > 0.95
    rare = [random_examples(np.repeat(x, 2, 0), 2, seed) for seed in range(20)]
    assert all(w.sum(axis=0).min() > 0 for w in rare)


def test_soft_shares_are_those_of_wide_gaussians():
    centers = np.array([[0.0, 0.0], [3.0, 1.0], [1.0, 4.0]])  # all that differ
    x = np.repeat(centers, [20, 10, 30], axis=0)
    half = np.cov(x.T, bias=True) / 2
    densities = [multivariate_normal(c, half).pdf(x) for c in centers]
    right = np.stack(densities, axis=1) / np.sum(densities, axis=0)[:, None]
    w = soft_examples(x, 3, 5)
    order = [0, 20, 30] @ (w[[0, 20, 30]] == w[[0, 20, 30]].max(axis=0))
    assert sorted(order) == [0, 20, 30]
    assert_allclose(w[:, np.argsort(order)], right, atol=1e-12)


def test_a_split_parts_one_group_and_leaves_the_rest():
    w = random_responsibilities(X, 3, 0)
    parted = split(X, w, 1)
    assert parted.shape == (272, 4)
    assert_array_equal(parted[:, :2], np.delete(w, [2, 1, 0][_gone(w, parted)], 1))
    assert np.abs(parted[:, 2] * parted[:, 3]).max() == 0


def _gone(w, parted):
    pair = parted[:, 2] + parted[:, 3]
    return [2, 1, 0].index(int(np.abs(w - pair[:, None]).sum(axis=0).argmin()))


@makers
def test_too_many_groups(make):
    with pytest.raises(ValueError, match="k is 3, but x has only 2 different rows"):
        make([[0.0], [1.0], [1.0]], 3, 0)
    with pytest.raises(ValueError, match="k is 0"):
        make(X, 0, 0)
    with pytest.raises(ValueError, match="rng is 'a'"):
        make(X, 2, "a")


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-100, 1e99])
def test_starts_do_not_depend_on_units(scale):
    x = np.random.default_rng(0).normal(size=(20, 2))
    w = np.ones((20, 1))
    for make in (kmeans_plus_plus, random_examples):
        assert_array_equal(make(x * scale, 3, 1), make(x, 3, 1))
        assert_array_equal(make(x * [1, scale], 3, 1), make(x, 3, 1))
    assert_array_equal(split(x * scale, w, 1), split(x, w, 1))
    assert_array_equal(split(x * [1, scale], w, 1), split(x, w, 1))


def test_rows_that_only_rounding_tells_apart():
    with pytest.raises(ValueError, match="k is 3, but only 2 rows of x differ by more"):
        kmeans_plus_plus([[0, 0], [1, 1], [1 - 2**-30, 1 + 2**-30]], 3, rng=0)


@pytest.mark.parametrize("seed", range(4))
def test_a_group_without_examples_is_not_split(seed):
    w = np.eye(2)[[0] * 4]
    assert split([[0.0], [1.0], [7.0], [9.0]], w, seed)[:, 0].tolist() == [0] * 4
