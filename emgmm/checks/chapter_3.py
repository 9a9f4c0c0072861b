"""Inputs of the exercises of chapter 3; their texts stand in chapter_3.toml."""

from collections.abc import Callable

import numpy as np

from emgmm import data
from emgmm.checks.exercise import Case
from emgmm.checks.inputs import far, mixtures, sample, weighted


def responsibilities() -> list[Case]:
    """Log-joints: two rows, then rows that are far out, above, or far apart."""
    small = [[-1, -2], [-3, -1]]
    distant = [[-805, -806], [-1, -2], [-3, -7]]
    above = [[805, 806], [3, 1], [802, 801]]
    # Each row breaks another number that is safe for all the others to subtract.
    apart = [[0, -1000], [-15000, -805], [-805, -15000], [-300, -500], [-400, -401]]
    tables = [np.array(rows, float) for rows in (small, distant, above, apart)]
    more = [t.log_joint(x) for x, t in mixtures()[1:]]
    return [(a,) for a in (*tables, *more, more[1] / 9 - 900)]


def log_likelihood() -> list[Case]:
    """Mixtures, one with densities that underflow, and one where they overflow."""
    x, t = sample(5, 30, 2, seed=7)
    above = x / 1e14, t.phi, t.mu / 1e14, t.Sigma / 1e28
    return [*((x, t.phi, t.mu, t.Sigma) for x, t in (*mixtures(), far())), above]


def in_order() -> list[Case]:
    """Three groups of one feature, then more: of the first two each may be lower."""
    phi, mu = np.array([0.3, 0.5, 0.2]), np.array([[80.0], [90.0], [72.0]])
    small = phi, mu, np.array([[[20.0]], [[9.0]], [[30.0]]])
    more = [
        sample(1, d, k, seed)[1] for d, k, seed in [(3, 4, 37), (2, 5, 3), (4, 3, 22)]
    ]
    return [small, *((t.phi, t.mu, t.Sigma) for t in more)]


def tied_slope() -> list[Case]:
    """Examples with weights, and parameters that are not those of the weights."""
    tiny, *more = weighted()
    thetas = [sample(1, x.shape[1], w.shape[1], seed=8)[1] for x, w in more]
    small: Case = (*tiny, np.array([[1.0], [5.0]]), np.array([[2.0]]))
    return [small, *((*xw, t.mu, t.Sigma[0]) for xw, t in zip(more, thetas))]


CASES: dict[str, Callable[[], list[Case]]] = {
    f.__name__: f for f in (responsibilities, log_likelihood, in_order, tied_slope)
}
theta = data.ANEMIA
SHOWN: dict[str, Callable[[], Case]] = {
    "log_likelihood": lambda: (data.anemia().x, theta.phi, theta.mu, theta.Sigma)
}
