"""Hidden inputs: correlated, unequal, no two sizes alike, the smallest first."""

from functools import cache

import numpy as np

from emgmm import data
from emgmm._input import Floats, Ints
from emgmm.em import em
from emgmm.labeled import fit_labeled
from emgmm.mixture import Mixture


def mixtures() -> list[tuple[Floats, Mixture]]:
    """Examples with parameters: one feature and two groups, then more of each."""
    tiny = Mixture([0.25, 0.75], [[0.0], [3.0]], [[[4.0]], [[1.0]]])
    x = np.array([[2.0], [1.0], [6.0]])
    return [(x, tiny), sample(7, 3, 2, seed=1), sample(9, 2, 3, seed=2)]


def anemia() -> tuple[Floats, Ints]:
    """The public examples and their labels: 0 for Anemia, 1 for Control."""
    known = data.anemia()
    return known.x, np.array(known.z == "Control").astype(np.intp)


@cache
def fits() -> tuple[Floats, Mixture, Mixture]:
    """The public examples, their labeled fit, and where EM ends from a random start."""
    x, z = anemia()
    start = np.random.default_rng(0).dirichlet([1, 1], size=len(x))
    return x, fit_labeled(x, z), em(x, start).theta


def far() -> tuple[Floats, Mixture]:
    """The row with a mistyped volume, and one that is as it should be."""
    return np.array([[907.0, 34.2], [88.0, 33.0], [80.0, 31.0]]), data.ANEMIA


def narrow() -> tuple[Floats, Mixture]:
    """Many features and little spread: det underflows, and once the root of det, too.

    Densities are too large for a computer, or too small.
    """
    d = 150
    rng = np.random.default_rng(21)
    A = np.eye(d) + rng.normal(size=(2, d, d)) / 40
    scale = np.array([1e-4, 1e-6])[:, None, None]
    theta = Mixture([0.6, 0.4], rng.normal(size=(2, d)) / 100, scale * A @ A.mT)
    return theta.sample(7, rng)[0], theta


def labeled() -> list[tuple[Floats, Ints, int]]:
    """Examples with labels; every group has its own size."""
    x = np.array([[1.0], [3.0], [10.0], [11.0], [15.0]])
    tiny = (x, np.array([0, 0, 1, 1, 1]), 2)
    return [tiny, _labeled(13, 3, 2, seed=3), _labeled(19, 2, 3, seed=4)]


def _labeled(m: int, d: int, k: int, seed: int) -> tuple[Floats, Ints, int]:
    x = sample(m, d, k, seed)[0]
    z = np.arange(m) % (2 * k - 1) % k
    return x + z[:, None] * np.arange(1, d + 1), z, k


def weighted() -> list[tuple[Floats, Floats]]:
    """Examples with responsibilities."""
    x = np.array([[0.0], [2.0], [6.0], [7.0]])
    w = np.array([[1.0, 0.0], [0.6, 0.4], [0.25, 0.75], [0.25, 0.75]])
    return [(x, w), _weighted(9, 3, 2, seed=5), _weighted(11, 2, 3, seed=6)]


def _weighted(m: int, d: int, k: int, seed: int) -> tuple[Floats, Floats]:
    x = sample(m, d, k, seed)[0]
    rng = np.random.default_rng(seed)
    return x, rng.dirichlet(1 + np.arange(k) / 2, size=m)


def sample(m: int, d: int, k: int, seed: int) -> tuple[Floats, Mixture]:
    """Random parameters, and examples from them."""
    rng = np.random.default_rng(seed)
    phi = rng.permutation(np.arange(1.0, k + 1)) + rng.random(k) / 3
    A = rng.normal(size=(k, d, d)) + 0.5 * np.eye(d)
    scale = rng.uniform(0.5, 2.0, size=(k, 1, 1))
    Sigma = scale * (A @ A.mT + 0.3 * np.eye(d))
    theta = Mixture(phi / phi.sum(), 2 * rng.normal(size=(k, d)) + 1.5, Sigma)
    return theta.sample(m, rng)[0], theta


def hard(w: Floats) -> Floats:
    """All the weight of a row in its largest entry."""
    return np.eye(w.shape[1])[w.argmax(axis=1)]
