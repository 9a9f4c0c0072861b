"""Time to the true stationary value, to 1e-8 nats, from the same start."""

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

import emgmm
from benchmarks import scikit_learn
from benchmarks.problems import Problem, many_groups, reference_problems, two_groups
from benchmarks.timing import interleaved, whole
from emgmm._input import Floats

EXACT = 1e-8  # nats
SIMULATED: list[Callable[[], Problem]] = [
    lambda: two_groups(10_000, 2),
    lambda: two_groups(100_000, 2),
    lambda: two_groups(100_000, 3),
    lambda: two_groups(100_000, 4),
    lambda: many_groups(10_000, 2, 3, 3),
    lambda: many_groups(10_000, 2, 3, 4),
    lambda: many_groups(10_000, 5, 4, 4),
    lambda: many_groups(20_000, 10, 5, 5),
]
QUICK: list[Callable[[], Problem]] = [
    lambda: two_groups(10_000, 2),
    lambda: two_groups(100_000, 3),
    lambda: many_groups(10_000, 2, 3, 3),
]


def problems(quick: bool) -> list[Problem]:
    """The reference problems, then simulated ones."""
    makers = QUICK if quick else SIMULATED
    return reference_problems() + [make() for make in makers]


def to_the_top(problem: Problem, repeats: int, seconds: float) -> dict[str, Any]:
    """Seconds and passes until the value is within 1e-8 nats of the stationary one.

    `emgmm` stops by its own rule, at its default. scikit-learn is told in advance how
    many iterations it takes to come so near: no tolerance can stop it sooner, and none
    stops it there but by luck. A run of scikit-learn that would take longer than
    ``seconds`` is cut off there.
    """
    x, start, family = problem.x, problem.start, problem.family
    ours = emgmm.em(x, start, family=family, accelerate=True)
    top = problem.log_likelihood
    top = certified_top(problem) if top is None else top
    trace = plain_trace(problem, top)
    needed = first_within(trace, top)
    n = len(trace) - 1 if needed is None else needed
    cost = rough_cost(problem)
    n = min(n, int(seconds / cost) + 1)
    times, theirs = _race(problem, n, max(1, min(repeats, int(seconds / (n * cost)))))
    ratios = [b / a for a, b in zip(times["emgmm"], times["scikit-learn"])]
    return {
        "problem": problem.name,
        "log_likelihood": top,
        "short": {
            "emgmm": top - ours.log_likelihood,
            "EM": float(top - trace[-1]),
            "scikit-learn": top - theirs.log_likelihood(x),
        },
        "passes": {
            "emgmm": ours.n_evaluations,
            "EM": None if needed is None else needed + 1,
            "scikit-learn": n + 1,
        },
        "reached": n == needed,
        "tol": tol_needed(trace, n, len(x)),
        "seconds": {name: median(values) for name, values in times.items()},
        "ratio": median(ratios),
        "ratios": [min(ratios), max(ratios)],
    }


def _race(problem: Problem, n: int, repeats: int) -> tuple[dict[str, Any], Any]:
    """Seconds of each in turns, and where n iterations of scikit-learn end."""
    found: list[Any] = []
    times = interleaved(
        {
            "emgmm": lambda: whole(lambda: _ours(problem), 1),
            "scikit-learn": lambda: whole(lambda: found.append(_theirs(problem, n)), 1),
        },
        repeats,
    )
    return times, scikit_learn.as_mixture(found[-1])


def _ours(problem: Problem) -> object:
    return emgmm.em(problem.x, problem.start, family=problem.family, accelerate=True)


def _theirs(problem: Problem, n: int) -> Any:
    return scikit_learn.run(problem.x, problem.start, n, problem.family)


def certified_top(problem: Problem) -> float:
    """The stationary value, with a certificate that no more than 1e-9 is left."""
    options: dict[str, Any] = {"family": problem.family, "accelerate": True}
    found = emgmm.em(problem.x, problem.start, tol=1e-11, **options)
    left = emgmm.certify(problem.x, found.theta, problem.family).still_to_gain
    if not left < EXACT / 10:
        raise RuntimeError(f"{problem.name}: {left:.1g} nats are left to gain.")
    return found.log_likelihood


def plain_trace(problem: Problem, top: float) -> Floats:
    """Log-likelihoods of plain EM; it goes on where its own rule stops too soon."""
    x, start, family = problem.x, problem.start, problem.family
    fit = emgmm.em(x, start, family=family, tol=EXACT / 10)
    if first_within(fit.trace, top) is not None:
        return fit.trace
    more: dict[str, Any] = {"family": family, "tol": 0, "max_iter": 2 * fit.n_iter}
    return emgmm.em(x, start, **more).trace


def first_within(trace: Floats, top: float) -> int | None:
    """The first iteration of EM within 1e-8 nats; None when it ends elsewhere."""
    near = np.flatnonzero(np.abs(trace - top) <= EXACT)
    return int(near[0]) if len(near) else None


def rough_cost(problem: Problem) -> float:
    """Seconds of an iteration of scikit-learn, set-up included."""
    return whole(lambda: _theirs(problem, 5), 1) / 6


def tol_needed(trace: Floats, n: int, m: int) -> float:
    """The tol, in nats a row, below which scikit-learn would get as far.

    It stops at the first gain below tol: so tol has to be less than every gain before.
    """
    return float(np.diff(trace[: n + 1]).min() / m) if n else 0.0
