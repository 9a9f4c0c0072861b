"""Other routes to the numbers of `emgmm`: loops, mpmath, 80 bits, stored results."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from emgmm import Mixture, data
from emgmm._engine.expect import expect, given
from emgmm._engine.maximize import State, maximize
from emgmm._engine.rows import Rows

# The same examples on every run; other work on the machine does not make them fail.
settings.register_profile(
    "emgmm",
    derandomize=True,
    deadline=None,
    max_examples=15,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("emgmm")

# A copy of the reference results, see oracles/README.md.
FOLDER = Path(__file__).parent / "oracles"
ORACLES = json.loads((FOLDER / "oracles.json").read_text(encoding="utf-8"))
DATA = {
    "faithful": data.faithful(),
    "iris": data.iris(),
    "diabetes_corrected": data.diabetes(),
    "banknote": data.banknotes(),
}
LABELED = [r for r in ORACLES["labelled_mle"] if r["model"] == "VVV"]
STEP = ORACLES["one_em_step"]
STATIONARY = [
    (dataset, result)
    for problem, results in ORACLES["known_local_maxima"].items()
    for dataset, family, _ in [problem.split(":")]
    if family == "VVV"
    for result in results
]


def stored_csv(dataset):
    """Header and rows of the oracles' copy of a data set."""
    with (FOLDER / f"{dataset}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def as_mixture(result):
    return Mixture(result["phi"], result["mu"], result["Sigma"])


def parameter_error(theta, right):
    """Largest error of phi (relative), mu (in sd) and Sigma (in products of sd)."""
    sd = np.sqrt(np.diagonal(right.Sigma, axis1=1, axis2=2))
    return max(
        np.abs(theta.phi / right.phi - 1).max(),
        (np.abs(theta.mu - right.mu) / sd).max(),
        (np.abs(theta.Sigma - right.Sigma) / sd[:, :, None] / sd[:, None, :]).max(),
    )


def perturbed(w, share, seed=0):
    """w with this share of every row dealt out at random."""
    noise = np.random.default_rng(seed).dirichlet(np.ones(w.shape[1]), len(w))
    return (1 - share) * w + share * noise


# Random problems -------------------------------------------------------------------


def random_covariance(rng, d, condition):
    """Correlated, with this condition number."""
    axes = np.linalg.qr(rng.normal(size=(d, d)))[0]
    Sigma = (axes * np.geomspace(1, 1 / condition, d)) @ axes.T
    return (Sigma + Sigma.T) / 2


def random_mixture(seed, k, d, condition=20.0):
    """Unequal proportions, correlated and unequal covariances."""
    rng = np.random.default_rng(seed)
    phi = rng.dirichlet(np.full(k, 5.0))
    Sigma = [
        random_covariance(rng, d, condition) * rng.uniform(0.5, 3) for _ in range(k)
    ]
    return Mixture(phi, rng.normal(scale=2, size=(k, d)), Sigma)


def random_problem(seed, k, d, m=40):
    """x (m, d), w (m, k) and a mixture that fits them in shape."""
    theta = random_mixture(seed, k, d)
    x, _ = theta.sample(m, seed)
    return x, np.random.default_rng(seed).dirichlet(np.ones(k), m), theta


problems = st.builds(
    random_problem, st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4)
)


# More digits -----------------------------------------------------------------------


def exact_log_joint(theta, x):
    """log p(x_i, z_i = j) with 60 digits, written out; a list of rows."""
    with mpmath.workdps(60):
        columns = [
            _exact_column(*group, x)
            for group in zip(theta.phi.tolist(), theta.mu.tolist(), theta.Sigma)
        ]
    return [list(row) for row in zip(*columns)]


def _exact_column(phi, mu, Sigma, x):
    d = len(mu)
    L = mpmath.cholesky(mpmath.matrix(Sigma.tolist()))
    log_det = 2 * sum(mpmath.log(L[a, a]) for a in range(d))
    column = []
    for point in np.asarray(x).tolist():
        y = []
        for a in range(d):
            rest = sum(L[a, b] * y[b] for b in range(a))
            y.append((mpmath.mpf(point[a]) - mpmath.mpf(mu[a]) - rest) / L[a, a])
        distance2 = sum(t * t for t in y)
        log_normal = -(d * mpmath.log(2 * mpmath.pi) + log_det + distance2) / 2
        column.append(mpmath.log(phi) + log_normal)
    return column


def exact_posterior(row):
    """log p(x_i) and the responsibilities, from a row of exact log-joints."""
    with mpmath.workdps(60):
        joint = [mpmath.exp(value) for value in row]
        total = sum(joint)
        return mpmath.log(total), [value / total for value in joint]


def long_double_em(x, w, n_iter):
    """EM as printed, in loops and long double; the log-likelihoods after each step."""
    x = [[np.longdouble(v) for v in row] for row in np.asarray(x).tolist()]
    w = [[np.longdouble(v) for v in row] for row in np.asarray(w).tolist()]
    values = []
    for _ in range(n_iter):
        joint = _long_double_joint(x, [_long_double_group(x, w_j) for w_j in zip(*w)])
        totals = [sum(row) for row in joint]
        values.append(sum(np.log(total) for total in totals))
        w = [[p / total for p in row] for row, total in zip(joint, totals)]
    return np.array(values)


def long_double_step(x, theta):
    """One EM step from theta in long double: the next parameters as plain arrays
    (phi, mu, Sigma), and the log-likelihood of theta.
    """
    x = np.asarray(x).astype(np.longdouble)
    joint = np.stack([_log_joint_column(x, *g) for g in zip(*parts_of(theta))], axis=1)
    top = joint.max(axis=1, keepdims=True)
    w = np.exp(joint - top)
    total = w.sum(axis=1, keepdims=True)
    w /= total
    N = w.sum(axis=0)
    mu = w.T @ x / N[:, None]
    Sigma = [(w_j * (x - m).T) @ (x - m) / n for w_j, m, n in zip(w.T, mu, N)]
    value = (top + np.log(total)).sum()
    return SimpleNamespace(phi=N / len(x), mu=mu, Sigma=np.array(Sigma)), value


def parts_of(theta):
    return theta.phi, theta.mu, theta.Sigma


def _log_joint_column(x, phi, mu, Sigma):
    """log p(x_i, z_i = j) by a Cholesky factor in long double."""
    d = len(mu)
    L = np.zeros((d, d), dtype=np.longdouble)
    y = (x - mu).T
    for a in range(d):
        for b in range(a):
            L[a, b] = (Sigma[a, b] - L[a, :b] @ L[b, :b]) / L[b, b]
        L[a, a] = np.sqrt(Sigma[a, a] - L[a, :a] @ L[a, :a])
        y[a] = (y[a] - L[a, :a] @ y[:a]) / L[a, a]
    log_det = np.log(np.diagonal(L)).sum()
    two_pi = 8 * np.arctan(np.longdouble(1))
    log_phi = np.log(np.longdouble(phi))
    return log_phi - log_det - (d * np.log(two_pi) + (y * y).sum(axis=0)) / 2


def _long_double_group(x, w_j):
    """phi_j, mu_j and the Cholesky factor of Sigma_j."""
    d, N = len(x[0]), sum(w_j)
    mu = [sum(w * row[a] for w, row in zip(w_j, x)) / N for a in range(d)]
    L = [[np.longdouble(0)] * d for _ in range(d)]
    for a in range(d):
        for b in range(a + 1):
            cross = [w * (row[a] - mu[a]) * (row[b] - mu[b]) for w, row in zip(w_j, x)]
            rest = sum(cross) / N - sum(L[a][c] * L[b][c] for c in range(b))
            L[a][b] = np.sqrt(rest) if a == b else rest / L[b][b]
    return N / len(x), mu, L


def _long_double_joint(x, groups):
    """p(x_i, z_i = j): no logarithm is needed, long double does not underflow here."""
    joint = []
    for point in x:
        row = []
        for phi, mu, L in groups:
            density, y = phi, []
            for a in range(len(mu)):
                rest = sum(L[a][b] * y[b] for b in range(a))
                y.append((point[a] - mu[a] - rest) / L[a][a])
                density = density * np.exp(-(y[a] ** 2) / 2) / L[a][a]
            row.append(density / np.sqrt(8 * np.arctan(np.longdouble(1))) ** len(mu))
        joint.append(row)
    return joint


# Slopes ----------------------------------------------------------------------------


def score(value, theta, step=1e-5):
    """Slopes of value(theta) by central differences, one number per free parameter.

    Along the simplex for phi; per standard deviation for mu; per product of two of
    them for Sigma, where both symmetric entries move.
    """
    sd = np.sqrt(np.diagonal(theta.Sigma, axis1=1, axis2=2))

    def slope(key, direction):
        ends = []
        for sign in (1, -1):
            parts = {name: getattr(theta, name) for name in ("phi", "mu", "Sigma")}
            parts[key] = parts[key] + sign * step * direction
            ends.append(value(Mixture(**parts)))
        return (ends[0] - ends[1]) / (2 * step)

    slopes = []
    for j in range(theta.k):
        if j:
            slopes.append(slope("phi", np.eye(theta.k)[j] - np.eye(theta.k)[0]))
        for a in range(theta.d):
            direction = np.zeros_like(theta.mu)
            direction[j, a] = sd[j, a]
            slopes.append(slope("mu", direction))
            for b in range(a + 1):
                direction = np.zeros_like(theta.Sigma)
                direction[j, a, b] = direction[j, b, a] = sd[j, a] * sd[j, b]
                slopes.append(slope("Sigma", direction))
    return np.array(slopes)


# Every stored maximum of every family, as (x, family, result)
NAMES = {"VVV": "full", "EEE": "tied", "VVI": "diagonal"}
POINTS = [
    pytest.param(
        DATA[dataset].x, NAMES[name], result, id=f"{key}{result['loglik']:.0f}"
    )
    for key, results in ORACLES["known_local_maxima"].items()
    for dataset, name, _ in [key.split(":")]
    for result in results
]


def em_step(rows: Rows, state: State) -> tuple[State | None, float]:
    """The engine's E-step and M-step; the log-likelihood is that of ``state``."""
    moments, value = expect(rows, state)
    return maximize(moments, rows.family), value


def first(rows: Rows, w: np.ndarray) -> State | None:
    """The engine's M-step of known responsibilities."""
    return maximize(given(rows, w), rows.family)
