"""Inputs of the exercises of chapter 2; their texts stand in chapter_2.toml."""

from collections.abc import Callable

import numpy as np

from emgmm.checks.exercise import Case
from emgmm.checks.inputs import anemia, labeled, sample
from emgmm.mixture import Mixture


def one_group() -> list[Case]:
    """Points, with a mean and a covariance that are not theirs."""
    small = (np.array([[1.0], [3.0]]), np.array([1.0]), np.array([[1.5]]))
    more = [sample(m, d, 2, seed) for m, d, seed in ((7, 3, 9), (6, 2, 10))]
    return [small, *((x, t.mu[0], t.Sigma[0]) for x, t in more)]


def two_sets() -> list[Case]:
    """Labeled examples of groups that overlap, twice."""
    sizes = ((24, 2, 2, 11), (40, 3, 2, 12), (45, 2, 3, 13), (30, 1, 2, 20))
    return [_twice(*size) for size in sizes]


def _twice(m: int, d: int, k: int, seed: int) -> Case:
    _, theta = sample(5, d, k, seed)
    near = Mixture(theta.phi, 0.4 * theta.mu, theta.Sigma)
    return (*near.sample(m, rng=seed), *near.sample(m + 7, rng=seed + 50))


CASES: dict[str, Callable[[], list[Case]]] = {
    "labeled_mle": lambda: [*labeled()],
    "shared_covariance": lambda: [*labeled()],
    "slope_in_sigma": one_group,
    "error_rates": two_sets,
}
SHOWN: dict[str, Callable[[], Case]] = {"labeled_mle": lambda: (*anemia(), 2)}
