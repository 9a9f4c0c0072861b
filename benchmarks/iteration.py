"""One iteration against scikit-learn, against two threads, against the hardware."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

import emgmm
from benchmarks import scikit_learn
from benchmarks.problems import Problem, shape_problem
from benchmarks.timing import interleaved, least, per_iteration, short_and_long
from emgmm._input import Floats

CACHE = 131072  # numbers: 1 MB, what a block of rows may take


@dataclass(frozen=True)
class Shape:
    """A shape, how to time it, and how many times faster emgmm is meant to be."""

    m: int
    d: int
    k: int
    iterations: int
    repeats: int
    goal: float


SHAPES = [
    Shape(1_000, 2, 2, 100, 15, 4),
    Shape(10_000, 2, 2, 50, 15, 4),
    Shape(100_000, 2, 2, 20, 11, 4),
    Shape(1_000_000, 2, 2, 4, 7, 15),
    Shape(10_000_000, 2, 2, 1, 3, 30),
    Shape(1_000_000, 2, 8, 2, 5, 22),
    Shape(100_000, 10, 5, 10, 7, 6),
    Shape(200_000, 32, 16, 1, 3, 5),
    Shape(100_000, 64, 32, 1, 3, 4),
]
QUICK = [
    Shape(1_000, 2, 2, 100, 5, 4),
    Shape(10_000, 2, 2, 20, 5, 4),
    Shape(100_000, 2, 2, 10, 3, 4),
    Shape(1_000_000, 2, 2, 2, 3, 15),
    Shape(100_000, 10, 5, 4, 3, 6),
]


def one_iteration(shape: Shape) -> dict[str, Any]:
    """Seconds of one iteration of each, ratios, and the hardware's own limits."""
    problem = shape_problem(shape.m, shape.d, shape.k)
    times = _times(problem, shape)
    sizes = (shape.m, shape.d, shape.k)
    better = min(("scikit-learn 1", "scikit-learn 2"), key=lambda s: median(times[s]))
    ratios = [b / a for a, b in zip(times["emgmm 1"], times[better])]
    return {
        "shape": sizes,
        "iterations": shape.iterations,
        "repeats": shape.repeats,
        "goal": shape.goal,
        "seconds": {name: median(values) for name, values in times.items()},
        "better": better,
        "ratio": median(ratios),
        "ratios": [min(ratios), max(ratios)],
        "difference": difference(problem, shape.iterations),
        "limits": limits(problem.x, shape.k),
    }


def _times(problem: Problem, shape: Shape) -> dict[str, list[float]]:
    x, start = problem.x, problem.start

    def ours(n: int) -> object:
        return emgmm.em(x, start, tol=0, max_iter=n)

    def theirs(n: int) -> object:
        return scikit_learn.run(x, start, n)

    # Its iterations are so much shorter that it takes more of them to time one.
    many = {"emgmm": 4 * shape.iterations, "scikit-learn": shape.iterations}
    calls: dict[str, Callable[[], tuple[float, float]]] = {
        "emgmm 1": lambda: short_and_long(ours, many["emgmm"], 1),
        "scikit-learn 1": lambda: short_and_long(theirs, many["scikit-learn"], 1),
        "emgmm 2": lambda: short_and_long(ours, many["emgmm"], 2),
        "scikit-learn 2": lambda: short_and_long(theirs, many["scikit-learn"], 2),
    }
    pairs = interleaved(calls, shape.repeats)
    return {who: per_iteration(p, many[who[:-2]]) for who, p in pairs.items()}


def difference(problem: Problem, n: int) -> float:
    """How far apart the two answers are: means, in standard deviations of x."""
    ours = emgmm.em(problem.x, problem.start, tol=0, max_iter=n).theta.mu
    theirs = scikit_learn.run(problem.x, problem.start, n).means_
    return float((np.abs(ours - theirs) / problem.x.std(axis=0)).max())


def limits(x: Floats, k: int) -> dict[str, float]:
    """Seconds that no iteration of this form can save, on one core.

    Reading x once from memory; exp of m k numbers; the two matrix products of a block
    with its (d + 1)(d + 2) / 2 features, m numbers long. The last two stay in the
    cache.
    """
    m, d = x.shape
    p = (d + 1) * (d + 2) // 2
    n = min(m, max(256, CACHE // (p + k)))
    features, joint = np.ones((p, n)), np.zeros((k, n))
    Theta, M = np.ones((k, p)), np.empty((k, p))

    def products() -> None:
        np.matmul(Theta, features, out=joint)
        np.matmul(joint, features.T, out=M)

    exponents, out = np.full(16384, -1.0), np.empty(16384)
    repeats = max(5, min(200, m // n))
    return {
        "read": least(lambda: x.sum(), 5),
        "exp": least(lambda: np.exp(exponents, out=out), 200) * m * k / 16384,
        "products": least(products, repeats) * m / n,
    }
