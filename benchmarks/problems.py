"""What is measured on: simulated mixtures, and the reference results."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import emgmm
from emgmm import Mixture, data
from emgmm._input import Floats
from emgmm.starts import kmeans_plus_plus

ORACLES = Path(__file__).parents[1] / "tests" / "oracles" / "oracles.json"
FAMILIES = {
    "VVV": "full",
    "EEE": "tied",
    "VVI": "diagonal",
    "VII": "spherical",
    "EEI": "tied diagonal",
    "EII": "tied spherical",
}
DATA = {
    "faithful": (data.faithful, "Old Faithful"),
    "iris": (data.iris, "Iris"),
    "diabetes_corrected": (data.diabetes, "Diabetes"),
    "banknote": (data.banknotes, "Banknotes"),
}
SHARES = (0.2, 0.02, 0.002)


@dataclass(frozen=True)
class Problem:
    """Examples, where to begin, and the stationary value where it is known."""

    name: str
    x: Floats
    start: Mixture
    family: str = "full"
    log_likelihood: float | None = None


def oracles() -> dict[str, Any]:
    """The stored reference results; their README says how they were made."""
    found: dict[str, Any] = json.loads(ORACLES.read_text(encoding="utf-8"))
    return found


def maxima() -> list[tuple[str, str, int, list[dict[str, Any]]]]:
    """Data set, family, number of groups, and its known maxima, best first."""
    known = oracles()["known_local_maxima"]
    keys = [(key.split(":"), results) for key, results in known.items()]
    return [(name, FAMILIES[f], int(k), results) for (name, f, k), results in keys]


def reference_problems() -> list[Problem]:
    """Every known maximum, and a start at its foot."""
    return [
        _at_the_foot(name, family, number, result)
        for name, family, _, results in maxima()
        for number, result in enumerate(results, start=1)
    ]


def _at_the_foot(
    dataset: str, family: str, number: int, result: dict[str, Any]
) -> Problem:
    """As far off as EM still finds the way back to this maximum and no other."""
    load, title = DATA[dataset]
    top = Mixture(result["phi"], result["mu"], result["Sigma"])
    name = f"{title}, {family}, k = {top.k}, maximum {number}"
    for share in SHARES:
        start = _off(load().x, top, family, share)
        problem = Problem(name, load().x, start, family, result["loglik"])
        found = emgmm.em(problem.x, start, family=family).log_likelihood
        if abs(found - result["loglik"]) < 1e-6:
            return problem
    raise RuntimeError(f"EM does not find back to {name}.")


def _off(x: Floats, top: Mixture, family: str, share: float) -> Mixture:
    """The M-step after this share of every row of w was dealt out at random."""
    noise = np.random.default_rng(0).dirichlet(np.ones(top.k), len(x))
    w = (1 - share) * emgmm.e_step(x, top) + share * noise
    return emgmm.maximize(emgmm.moments(x, w), family)


def draw(theta: Mixture, m: int, rng: np.random.Generator) -> Floats:
    """Examples, group by group: `Mixture.sample` needs d times the room."""
    z = rng.choice(theta.k, size=m, p=theta.phi)
    x = np.empty((m, theta.d))
    for j, L in enumerate(np.linalg.cholesky(theta.Sigma)):
        members = np.flatnonzero(z == j)
        x[members] = theta.mu[j] + rng.standard_normal((len(members), theta.d)) @ L.T
    return x


def random_mixture(d: int, k: int, rng: np.random.Generator) -> Mixture:
    """Unequal shares; correlated, unequal covariances; means some sd apart."""
    A = rng.standard_normal((k, d, 2 * d)) / np.sqrt(2 * d)
    phi = rng.dirichlet(np.full(k, 5.0))
    return Mixture(phi, rng.normal(scale=2, size=(k, d)), A @ A.mT)


def shape_problem(m: int, d: int, k: int) -> Problem:
    """Simulated data of a shape, and a start some way off."""
    rng = np.random.default_rng([m, d, k])
    theta = random_mixture(d, k, rng)
    mu = theta.mu + rng.normal(scale=0.3, size=theta.mu.shape)
    start = Mixture(np.full(k, 1 / k), mu, 1.5 * theta.Sigma)
    return Problem(f"{m} x {d}, k = {k}", draw(theta, m, rng), start)


def two_groups(m: int, distance: float) -> Problem:
    """Two round groups of equal size in the plane, so many sd apart."""
    mu = [[-distance / 2, 0.0], [distance / 2, 0.0]]
    theta = Mixture([0.5, 0.5], mu, [np.eye(2), np.eye(2)])
    name = f"two groups {distance:g} sd apart, {m:,} rows"
    return _from_scratch(name, draw(theta, m, np.random.default_rng(m)), 2)


def many_groups(m: int, d: int, groups: int, k: int) -> Problem:
    """Simulated groups in d dimensions, and k to be fitted."""
    rng = np.random.default_rng([m, d, groups])
    x = draw(random_mixture(d, groups, rng), m, rng)
    name = f"{groups} groups in {d} dimensions, {m:,} rows, k = {k}"
    return _from_scratch(name, x, k)


def _from_scratch(name: str, x: Floats, k: int) -> Problem:
    """A start as users make it: k-means++ and one M-step."""
    return Problem(name, x, emgmm.m_step(x, kmeans_plus_plus(x, k, 0)))
