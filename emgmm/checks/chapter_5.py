"""Inputs of the exercises of chapter 5; their texts stand in chapter_5.toml."""

from collections.abc import Callable

import numpy as np

from emgmm._input import Floats
from emgmm.checks.exercise import Case
from emgmm.checks.inputs import sample
from emgmm.em import e_step
from emgmm.mixture import Mixture


def my_em() -> list[Case]:
    """Two that still climb, one without an iteration, one that rests long before."""
    x = np.array([[0.0], [1.0], [2.0], [6.0], [7.0], [9.0]])
    w = np.array([[1.0, 0.0]] * 2 + [[0.6, 0.4]] * 2 + [[0.0, 1.0]] * 2)
    more = [(*_noisy(13, 3, 2, seed=15), 1), (*_noisy(40, 2, 3, seed=16), 3)]
    return [(x, w, 1), *more, (x, w, 0), (*_apart(), 60)]


def _noisy(m: int, d: int, k: int, seed: int) -> tuple[Floats, Floats]:
    x, theta = sample(m, d, k, seed)
    noise = np.random.default_rng(seed).dirichlet(np.ones(k), size=m)
    return x, 0.8 * e_step(x, theta) + 0.2 * noise


def _apart() -> tuple[Floats, Floats]:
    """Two groups in small units: four large gains, then none at all."""
    x = np.random.default_rng(8).normal(size=(11, 2)) @ [[1, 0.6], [0, 0.8]] / 100
    is_far = np.arange(11) % 3 > 0
    x[is_far] += [0.2, -0.1]
    return x, np.where(is_far[:, None], [0.2, 0.8], [0.8, 0.2])


def first_fall() -> list[Case]:
    """Large falls, some a little more than a millionth, some a little less."""
    traces = [
        [-9.0, -7.0, -5.0, -6.0, -4.0],
        [-9.0, -7.0, -5.0],
        [-9.0, -7.0, -7.0 - 9e-7, -6.0, -6.5, -6.0, -7.5],
        [-3.0, -3.5, -2.0, -2.0],
        [-3.0, -2.0, -2.0 - 1.1e-6, -1.5, -1.6],
        [-0.5, -0.2, -0.2 - 1.1e-6, -0.1],
        [-3.0, -2.0, -2.0 - 6e-7, -2.0 - 1.2e-6, -1.5],
        [-3.0],
        [-9.0, -7.0, -8.5, -9.6, -6.4],
        [2.0, 2.0, 5.0, 4.9],
        [-950.0, -944.0, -943.9, -943.9 - 1.1e-6, -941.0, -941.5],
    ]
    return [(np.array(trace),) for trace in traces]


def two_gains() -> list[Case]:
    """The last one has examples so far out that weights are 0."""
    x = np.array([[0.0], [1.0], [3.0], [4.0], [7.0]])
    tiny = Mixture([0.25, 0.75], [[0.0], [4.0]], [[[4.0]], [[2.0]]])
    more = [sample(m, d, k, s) for m, d, k, s in ((25, 3, 2, 17), (40, 2, 3, 18))]
    far = np.array([[0.0], [1.0], [2.0], [12.0], [30.0], [31.0]])
    thin = Mixture([0.25, 0.75], [[0.5], [30.0]], [[[0.05]], [[1.0]]])
    return [(x, tiny), *more, (far, thin)]


CASES: dict[str, Callable[[], list[Case]]] = {
    "my_em": my_em,
    "first_fall": first_fall,
    "two_gains": two_gains,
}
SHOWN: dict[str, Callable[[], Case]] = {}
