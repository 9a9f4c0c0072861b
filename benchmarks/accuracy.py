"""How near to the reference results: from the same foot, and from default starts."""

from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture

import emgmm
from benchmarks import scikit_learn
from benchmarks.problems import (
    DATA,
    FAMILIES,
    Problem,
    maxima,
    oracles,
    reference_problems,
)
from emgmm._input import Floats

EXACT = 1e-8  # nats
NEAR = 0.1  # nats: the right maximum, stopped early


def labeled() -> list[dict[str, Any]]:
    """The log-likelihood at the estimates from known labels, for every family."""
    rows = []
    for result in oracles()["labelled_mle"]:
        load, title = DATA[result["dataset"]]
        known, family = load(), FAMILIES[result["model"]]
        assert known.z is not None
        z = np.unique(known.z, return_inverse=True)[1]
        M = emgmm.moments(known.x, emgmm.one_hot(z, z.max() + 1))
        theta = emgmm.maximize(M, family)
        right = result["marginal_loglik_at_labelled_mle"]
        gap = abs(theta.log_likelihood(known.x) - right)
        rows.append({"data": title, "family": family, "right": right, "error": gap})
    return rows


def from_the_foot(problem: Problem) -> dict[str, Any]:
    """Nats missing after a run of each from the same start, with its defaults."""
    x, family, right = problem.x, problem.family, problem.log_likelihood
    assert right is not None
    ours = emgmm.em(x, problem.start, family=family)
    fast = emgmm.em(x, problem.start, family=family, accelerate=True)
    model = GaussianMixture(
        problem.start.k,
        covariance_type=scikit_learn.TYPES[family],
        weights_init=problem.start.phi,
        means_init=problem.start.mu,
        precisions_init=scikit_learn.precisions(problem.start, family),
    )
    return {
        "problem": problem.name,
        "right": right,
        "short": {
            "em": right - ours.log_likelihood,
            "accelerated": right - fast.log_likelihood,
            "scikit-learn": right - value(scikit_learn.quietly(model, x), x),
        },
    }


def value(model: GaussianMixture, x: Floats) -> float:
    """The log-likelihood of the parameters, by our own formula."""
    return scikit_learn.as_mixture(model).log_likelihood(x)


def from_scratch(
    dataset: str, family: str, k: int, right: float, seeds: int, seconds: float
) -> dict[str, Any]:
    """How often the best known maximum is found from default starts.

    As many seeds as fit into the time, at least one.
    """
    load, title = DATA[dataset]
    x, begin = load().x, perf_counter()
    ours: list[float] = []
    theirs: list[float] = []
    while len(ours) < seeds and (not ours or perf_counter() - begin < seconds):
        seed = len(ours)
        ours.append(right - emgmm.fit(x, k, family=family, rng=seed).log_likelihood)
        theirs.append(right - _default(x, family, k, seed))
    return {
        "problem": f"{title}, {family}, k = {k}",
        "right": right,
        "seeds": len(ours),
        "seconds": perf_counter() - begin,
        "emgmm": _summary(ours, EXACT),
        "scikit-learn": _summary(theirs, NEAR),
    }


def _default(x: Floats, family: str, k: int, seed: int) -> float:
    options = {"covariance_type": scikit_learn.TYPES[family], "random_state": seed}
    return value(scikit_learn.quietly(GaussianMixture(k, **options), x), x)


def _summary(short: list[float], near: float) -> dict[str, Any]:
    """How many seeds came near, and how many nats the others are short of it."""
    return {
        "near": near,
        "hits": sum(abs(gap) <= near for gap in short),
        "typical": median(short),
        "least": min(short),
        "worst": max(short),
    }


def accuracy(seeds: int, seconds: float) -> dict[str, Any]:
    """All three tables; ``seconds`` is for each problem of the last one."""
    return {
        "labeled": labeled(),
        "foot": [from_the_foot(problem) for problem in reference_problems()],
        "scratch": [
            from_scratch(name, family, k, results[0]["loglik"], seeds, seconds)
            for name, family, k, results in maxima()
        ],
    }
