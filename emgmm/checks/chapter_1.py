"""Inputs of the exercises of chapter 1; their texts stand in chapter_1.toml."""

from collections.abc import Callable

import numpy as np

from emgmm import data
from emgmm.checks.exercise import Case
from emgmm.checks.inputs import mixtures, narrow, sample


def anemia() -> Case:
    theta = data.ANEMIA
    return data.anemia().x, theta.phi, theta.mu, theta.Sigma


def small_units() -> Case:
    """A turns space over: its determinant is negative."""
    mu, Sigma = np.array([1.0, 2.0]), np.array([[4.0, 1.0], [1.0, 3.0]])
    return mu, Sigma, np.array([[2.0, 1.0], [0.0, -3.0]]), np.array([5.0, 7.0])


def units(d: int, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    _, theta = sample(3, d, 2, seed)
    return theta.mu[0], theta.Sigma[0], rng.normal(size=(d, d)), rng.normal(size=d)


CASES: dict[str, Callable[[], list[Case]]] = {
    "log_joint": lambda: [
        (x, t.phi, t.mu, t.Sigma) for x, t in (*mixtures(), narrow())
    ],
    "change_units": lambda: [small_units(), units(3, 7), units(4, 8)],
    "total": lambda: [(t.phi, t.mu, t.Sigma) for _, t in mixtures()],
}
SHOWN: dict[str, Callable[[], Case]] = {
    "log_joint": anemia,
    "total": lambda: anemia()[1:],
}
