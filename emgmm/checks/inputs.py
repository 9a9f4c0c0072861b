"""Hidden inputs: correlated, unequal, no two sizes alike, the smallest first."""

import numpy as np

from emgmm._input import Floats
from emgmm.mixture import Mixture


def mixtures() -> list[tuple[Floats, Mixture]]:
    """Examples with parameters: 3 x 1 in two groups, then more of everything."""
    tiny = Mixture([0.25, 0.75], [[0.0], [3.0]], [[[4.0]], [[1.0]]])
    return [
        (np.array([[2.0], [1.0], [6.0]]), tiny),
        mixture(7, 3, 2, 1),
        mixture(9, 2, 3, 2),
    ]


def mixture(m: int, d: int, k: int, seed: int) -> tuple[Floats, Mixture]:
    """Random parameters, and examples from them."""
    rng = np.random.default_rng(seed)
    phi = rng.permutation(np.arange(1.0, k + 1)) + rng.random(k) / 3
    A = rng.normal(size=(k, d, d)) + 0.5 * np.eye(d)
    scale = rng.uniform(0.5, 2.0, size=(k, 1, 1))
    Sigma = scale * (A @ A.mT + 0.3 * np.eye(d))
    theta = Mixture(phi / phi.sum(), 2 * rng.normal(size=(k, d)) + 1.5, Sigma)
    return theta.sample(m, rng)[0], theta
