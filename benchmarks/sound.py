"""On real data: how often does each program find the best sound point known?"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

import emgmm
from benchmarks import scikit_learn, suite
from benchmarks.machine import machine
from emgmm import Mixture
from emgmm._input import Floats
from emgmm.fit import NoStartSurvived

FOUND = 1e-3  # nats
NEAR = 0.1  # nats: the right maximum, stopped early
OUTCOMES = (
    *("best", "near", "lower"),  # sound: within FOUND or above, within NEAR, or beyond
    "saddle",
    "unsupported",  # a group that does not explain its own rows, and no word about it
    "warned",
    "silent",  # any answer without a word, where no sound point is known
    "refused",
)


@dataclass(frozen=True)
class Problem:
    """Real rows, what to fit, and the best point known; None where none is sound."""

    data: str
    x: Floats
    family: str
    k: int
    best: float | None


@dataclass(frozen=True)
class Found:
    """Where a program ended, and what it said of it."""

    theta: Mixture
    warned: bool = False
    saddle: bool = False


Program = Callable[[Problem, int], Found | None]  # None when it refuses


def problems(every: int = 1) -> list[Problem]:
    """The problems of the suite, or every so many of them."""
    return [
        Problem(
            row["data"],
            suite.rows(row["data"]),
            row["family"],
            row["k"],
            row["log_likelihood"] if row["supported"] else None,
        )
        for row in suite.known()["problems"][::every]
    ]


def measured(chosen: Iterable[Problem], seeds: int) -> dict[str, Any]:
    """The table of the page: one row for each problem."""
    rows = [beside(problem, seeds) for problem in chosen]
    return {"seeds": seeds, "machine": machine(), "rows": rows}


def beside(problem: Problem, seeds: int) -> dict[str, Any]:
    """All programs on one problem: they take turns, so other work falls on all."""
    programs = {n: run for n, run in PROGRAMS.items() if problem.family in FAMILIES[n]}
    ends: dict[str, list[tuple[str, float]]] = {name: [] for name in programs}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for seed in range(seeds):
        for name, run in programs.items():
            found, seconds = timed(run, problem, seed)
            times[name].append(seconds)
            ends[name].append(outcome(problem, found))
    return {
        "problem": f"{problem.data}, {problem.family}, k = {problem.k}",
        "family": problem.family,
        "d": problem.x.shape[1],
        "best": problem.best,
        "programs": {
            name: {
                **counts(ends[name]),
                "seconds": median(times[name]),
                "ratio": median(b / a for a, b in zip(times["emgmm"], times[name])),
            }
            for name in programs
        },
    }


def timed(run: Program, problem: Problem, seed: int) -> tuple[Found | None, float]:
    """Where a run ends, and seconds of the processor, on one thread."""
    with threadpool_limits(1):
        start = process_time()
        found = run(problem, seed)
        return found, process_time() - start


def outcome(problem: Problem, found: Found | None) -> tuple[str, float]:
    """What to call it, and how many nats it is short of the best sound point known."""
    if found is None:
        return "refused", np.nan
    if problem.best is None:
        return ("warned" if found.warned else "silent"), np.nan
    short = problem.best - found.theta.log_likelihood(problem.x)
    if found.warned:
        return "warned", short
    higher = short < -FOUND and not rests(problem, found.theta)
    if higher or not is_sound(problem, found.theta):
        return "unsupported", short
    if found.saddle:
        return "saddle", short
    if short <= FOUND:
        return "best", short
    return ("near" if short <= NEAR else "lower"), short


def is_sound(problem: Problem, theta: Mixture) -> bool:
    """Does each group explain its own rows when they are left out of it?"""
    m, d = problem.x.shape
    try:
        support = emgmm.support(problem.x, theta, problem.family)
    except ValueError:  # a group is flat, or nearly
        return False
    return bool(support.min() > (d + 1) * np.log(m))


def rests(problem: Problem, theta: Mixture) -> bool:
    """Is nothing left to gain? A group may be about to collapse, or be kept from it."""
    try:
        left = emgmm.certify(problem.x, theta, problem.family).still_to_gain
    except ValueError:  # a group is empty, or flat
        return False
    return left < FOUND


def counts(ends: list[tuple[str, float]]) -> dict[str, Any]:
    """How often each outcome; nats that lower ones miss; nats above the best known."""
    said = [word for word, _ in ends]
    above = [-short for word, short in ends if word == "best" and short < -FOUND]
    return {
        **{word: said.count(word) for word in OUTCOMES},
        "short": sorted(short for word, short in ends if word in ("lower", "saddle")),
        "above": max(above, default=0.0),
    }


def ours(**patience: Any) -> Program:
    """`emgmm.fit`, and whether it warned that the point is doubtful."""

    def run(problem: Problem, seed: int) -> Found | None:
        x, k, family = problem.x, problem.k, problem.family
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", emgmm.Doubtful)
            try:
                fit = emgmm.fit(x, k, family=family, rng=seed, **patience)
            except NoStartSurvived:
                return None
        warned = any(issubclass(w.category, emgmm.Doubtful) for w in said)
        saddle = fit.certificate is not None and fit.certificate.kind == "saddle"
        return Found(fit.theta, warned, saddle)

    return run


def theirs(n_init: int) -> Program:
    """scikit-learn's fit; its defaults, but for the number of starts."""

    def run(problem: Problem, seed: int) -> Found | None:
        kind = scikit_learn.TYPES[problem.family]
        options = {"covariance_type": kind, "random_state": seed, "n_init": n_init}
        model = GaussianMixture(problem.k, **options)
        try:
            scikit_learn.quietly(model, problem.x)
        except ValueError as error:
            if "ill-defined" not in str(error):
                raise
            return None
        return Found(scikit_learn.as_mixture(model))

    return run


PROGRAMS: dict[str, Program] = {
    "emgmm": ours(),
    "emgmm, n_starts=1000": ours(n_starts=1000),
    "scikit-learn": theirs(1),
    "scikit-learn, n_init=30": theirs(30),
}
FAMILIES = {
    "emgmm": emgmm.FAMILIES,
    "emgmm, n_starts=1000": emgmm.FAMILIES,
    "scikit-learn": tuple(scikit_learn.TYPES),
    "scikit-learn, n_init=30": tuple(scikit_learn.TYPES),
}
