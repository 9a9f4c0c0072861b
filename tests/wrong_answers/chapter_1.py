"""Two groups."""

from fractions import Fraction

import numpy as np
from scipy.stats import multivariate_normal

import emgmm
from emgmm import data
from tests.wrong_answers import right, wrong

# Read a covariance matrix

right("read_sigma", (3, 2, -0.5, 76.12, 87.88))
right("read_sigma", [3.0, 2.0, -1 / 2, 76.1, 87.9])
right(
    "read_sigma",
    {
        "sd_volume": 3,
        "sd_concentration": 2,
        "correlation": -0.5,
        "lowest": 76.12,
        "highest": 87.88,
    },
)
for slip, answer in [
    ("variance used as standard deviation", (9, 4, -0.5, 76.12, 87.88)),
    ("variance used as standard deviation", (3, 2, -0.5, 64.36, 99.64)),
    ("parts in another order", (2, 3, -0.5, 76.12, 87.88)),
    ("covariance in the place of correlation", (3, 2, -3, 76.12, 87.88)),
    ("covariance divided by the variances", (3, 2, -0.0833, 76.12, 87.88)),
    (
        "the covariance divided by both standard deviations, with the opposite sign",
        (3, 2, 0.5, 76.12, 87.88),
    ),
    (
        "the square of the covariance divided by both standard deviations",
        (3, 2, 0.25, 76.12, 87.88),
    ),
    ("one standard deviation instead of 1.96", (3, 2, -0.5, 79, 85)),
    ("2 instead of 1.96", (3, 2, -0.5, 76, 88)),
    (
        "in the lower ends for both features, mean is taken for zero",
        (3, 2, -0.5, -5.88, 5.88),
    ),
    ("low_concentration in the place of lowest", (3, 2, -0.5, 32.08, 39.92)),
    ("ellipse's radius instead of 1.96", (3, 2, -0.5, 74.66, 89.34)),
    ("mean of the other feature", (3, 2, -0.5, 30.12, 41.88)),
]:
    wrong("read_sigma", slip, answer)

# Ellipses

right("ellipse", (1.177, 11.23, 9))
right("ellipse", (Fraction(1177, 1000), 11, np.array(9)))
right("ellipse", np.array([np.sqrt(np.log(4)), 83 / np.e**2, 9.0]))
for slip, answer in [
    ("R2 in the place of radius", (1.386, 11.23, 9)),
    ("one-dimensional rule", (0.674, 11.23, 9)),
    ("one-dimensional rule", (1.177, 3.78, 9)),
    ("logarithm to base ten", (0.776, 11.23, 9)),
    ("the 2 forgotten", (0.833, 11.23, 9)),
    ("inside instead of outside", (1.177, 71.77, 9)),
    ("inside instead of outside", (1.177, 11.23, 74)),
    ("radius not squared", (1.177, 30.53, 9)),
    ("both groups counted", (1.177, 24.36, 17)),
    ("D held against 4", (1.177, 11.23, 0)),
    ("half in the place of radius", (0.693, 11.23, 9)),
    ("everybody held against Anemia's ellipse", (1.177, 11.23, 83)),
    ("outside in the place of expected", (1.177, 0.135, 9)),
]:
    wrong("ellipse", slip, answer)

# The log-density


def by_scipy(x, phi, mu, Sigma):
    columns = [
        np.log(p) + multivariate_normal(m, S).logpdf(x)
        for p, m, S in zip(phi, mu, Sigma)
    ]
    return np.column_stack(columns)


def by_loops(x, phi, mu, Sigma):
    table = []
    for row in x:
        line = []
        for j in range(len(phi)):
            r = row - mu[j]
            D2 = r @ np.linalg.inv(Sigma[j]) @ r
            log_det = np.linalg.slogdet(2 * np.pi * Sigma[j]).logabsdet
            line.append(float(np.log(phi[j]) - 0.5 * log_det - 0.5 * D2))
        table.append(line)
    return table


def in_single(x, phi, mu, Sigma):
    x, mu, Sigma = x.astype("f4"), mu.astype("f4"), Sigma.astype("f4")
    r = x[:, None] - mu
    D2 = np.einsum("ija,jab,ijb->ij", r, np.linalg.inv(Sigma), r)
    log_det = np.linalg.slogdet(Sigma).logabsdet
    return np.log(phi).astype("f4") - (
        D2 + log_det + np.float32(x.shape[1] * np.log(2 * np.pi))
    ) / np.float32(2)


def in_place(x, phi, mu, Sigma):
    table = by_scipy(x, phi, mu, Sigma)
    x -= mu[0]
    phi *= 0
    Sigma += 1
    return table


for answer in (by_scipy, by_loops, in_single):
    right("log_joint", answer)
wrong("log_joint", "input changed in place", in_place)
theta = data.ANEMIA
right("log_joint", by_scipy(data.anemia().x, theta.phi, theta.mu, theta.Sigma))


def gaussian(x, mean, P, log_det, d):
    r = x - mean
    return -0.5 * (d * np.log(2 * np.pi) + log_det + ((r @ P) * r).sum(axis=1))


def joint(x, phi, mu, Sigma, precision=np.linalg.inv, half=1.0, size=None):
    out = np.zeros((len(x), len(phi)))
    for j, S in enumerate(Sigma):
        log_det = half * np.log(np.linalg.det(S))
        n = x.shape[1] if size is None else size
        out[:, j] = np.log(phi[j]) + gaussian(x, mu[j], precision(S), log_det, n)
    return out


def diagonal_only(x, phi, mu, Sigma):
    sd = np.sqrt(np.diagonal(Sigma, axis1=1, axis2=2))
    u = (x[:, None] - mu) / sd
    logs = -0.5 * u**2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
    return np.log(phi) + logs.sum(axis=2)


def with_cholesky(solve=np.linalg.solve, log_det=None, square=np.square):
    """By the factors of Sigma, with one line of it replaced."""
    log_det = log_det or (lambda L: 2 * np.log(np.diag(L)).sum())

    def answer(x, phi, mu, Sigma):
        columns = []
        for p, center, S in zip(phi, mu, Sigma):
            L = np.linalg.cholesky(S)
            D = np.sqrt((solve(L, (x - center).T) ** 2).sum(axis=0))
            size = x.shape[1] * np.log(2 * np.pi) + log_det(L)
            columns.append(np.log(p) - (size + square(D)) / 2)
        return np.array(columns).T

    return answer


def by_formula(x, phi, mu, Sigma):
    """The density as it stands on the page, and then its log."""
    columns = []
    for p, center, S in zip(phi, mu, Sigma):
        r = x - center
        D2 = np.diagonal(r @ np.linalg.solve(S, r.T))
        below = np.sqrt((2 * np.pi) ** len(S) * np.linalg.det(S))
        columns.append(p * np.exp(-D2 / 2) / below)
    return np.log(columns).T


def by_pdf(x, phi, mu, Sigma):
    tables = [multivariate_normal(m, S).pdf(x) for m, S in zip(mu, Sigma)]
    return np.log(phi * np.transpose(tables))


right("log_joint", with_cholesky())
for slip, answer in [
    ("log of densities", by_formula),
    ("log of densities", by_pdf),
    (
        "log of the product of L's diagonal",
        with_cholesky(log_det=lambda L: 2 * np.log(np.prod(np.diag(L)))),
    ),
    (
        "in the solutions of L y = r, L is transposed",
        with_cholesky(lambda L, r: np.linalg.solve(L.T, r)),
    ),
    (
        "in the solutions of L y = r, inv is missing in front of L",
        with_cholesky(lambda L, r: L @ r),
    ),
    ("in the solutions of L y = r, inv(L) is missing", with_cholesky(lambda L, r: r)),
    (
        "reshape in place of the transpose",
        with_cholesky(lambda L, r: np.linalg.solve(L, r.T.reshape(r.shape))),
    ),
    ("the root of D squared", with_cholesky(square=np.abs)),
    (
        "multiplied by phi",
        lambda x, p, m, S: p * (by_scipy(x, p, m, S) - np.log(p)),
    ),
    ("log_p in the place of log_joint", lambda *a: np.logaddexp.reduce(by_scipy(*a).T)),
    ("forgot log phi", lambda x, p, m, S: by_scipy(x, p, m, S) - np.log(p)),
    (
        "in log phi, log is missing in front of phi",
        lambda x, p, m, S: by_scipy(x, p, m, S) - np.log(p) + p,
    ),
    (
        "k in place of d in the constant",
        lambda x, p, m, S: joint(x, p, m, S, size=len(p)),
    ),
    (
        "in the constant d log(2 pi), d is missing",
        lambda x, p, m, S: joint(x, p, m, S, size=1),
    ),
    (
        "in the log-joint, constant is missing",
        lambda x, p, m, S: joint(x, p, m, S, size=0),
    ),
    (
        "covariance where the precision belongs",
        lambda x, p, m, S: joint(x, p, m, S, precision=lambda A: A),
    ),
    ("twice log det Sigma", lambda x, p, m, S: joint(x, p, m, S, half=2)),
    ("half of log det Sigma", lambda x, p, m, S: joint(x, p, m, S, half=0.5)),
    (
        "in the log-joint, log_det is missing",
        lambda x, p, m, S: joint(x, p, m, S, half=0),
    ),
    (
        "log det Sigma, with the opposite sign",
        lambda x, p, m, S: joint(x, p, m, S, half=-1),
    ),
    (
        "twice D squared",
        lambda x, p, m, S: joint(x, p, m, S, precision=lambda A: 2 * np.linalg.inv(A)),
    ),
    (
        "sign of D squared",
        lambda x, p, m, S: joint(x, p, m, S, precision=lambda A: -np.linalg.inv(A)),
    ),
    (
        "exp not undone: densities, not logs",
        lambda x, p, m, S: p * np.exp(by_scipy(x, p, m, S) - np.log(p)),
    ),
    ("the log-joint, with the opposite sign", lambda *a: -by_scipy(*a)),
    (
        "normalized over the groups",
        lambda x, p, m, S: np.log(emgmm.Mixture(p, m, S).responsibilities(x)),
    ),
    ("variances only", diagonal_only),
    ("det in place of Cholesky", joint),
    (
        "positive log-density taken for a bug",
        lambda *a: np.where(by_scipy(*a) > 0, 0, by_scipy(*a)),
    ),
]:
    wrong("log_joint", slip, answer)

# Other units


def moved(mu, Sigma, A, b):
    L = np.linalg.cholesky(Sigma)
    return {
        "mean": (A * mu).sum(axis=1) + b,
        "covariance": (A @ L) @ (A @ L).T,
        "change": -np.log(abs(np.linalg.det(A))),
    }


right("change_units", moved)
right(
    "change_units",
    lambda mu, S, A, b: [
        list(b + A.dot(mu)),
        (A.dot(S).dot(A.T)).tolist(),
        0.5 * np.log(np.linalg.det(S) / np.linalg.det(A @ S @ A.T)),
    ],
)


def but(**changes):
    """The right answer with one part replaced."""

    def answer(mu, Sigma, A, b):
        parts = moved(mu, Sigma, A, b)
        parts.update({k: f(mu, Sigma, A, b) for k, f in changes.items()})
        return tuple(parts.values())

    return answer


for slip, answer in [
    (
        "in the covariance A Sigma A^T, A is not transposed",
        but(covariance=lambda mu, S, A, b: A @ S @ A),
    ),
    ("transpose on the wrong side", but(covariance=lambda mu, S, A, b: A.T @ S @ A)),
    ("transpose on the wrong side", but(mean=lambda mu, S, A, b: mu @ A + b)),
    (
        "half_new in the place of change",
        but(change=lambda mu, S, A, b: -np.linalg.slogdet(A @ S @ A.T)[1] / 2),
    ),
    ("* in place of @", lambda mu, S, A, b: (A * mu + b, A * S * A.T, 0)),
    (
        "A once, as if for a standard deviation",
        but(covariance=lambda mu, S, A, b: A @ S),
    ),
    (
        "covariance shifted by b",
        but(covariance=lambda mu, S, A, b: A @ S @ A.T + b[:, None] * b),
    ),
    ("stretched in the place of mean", but(mean=lambda mu, S, A, b: A @ mu)),
    ("shift before stretch", but(mean=lambda mu, S, A, b: A @ (mu + b))),
    (
        "sign of the change",
        but(change=lambda mu, S, A, b: np.linalg.slogdet(A).logabsdet),
    ),
    (
        "log det without its absolute value",
        but(change=lambda mu, S, A, b: -np.log(np.linalg.det(A))),
    ),
    (
        "det of the covariance's change",
        but(change=lambda mu, S, A, b: -np.log(np.linalg.det(A) ** 2)),
    ),
    (
        "halved twice",
        but(change=lambda mu, S, A, b: -0.25 * np.log(np.linalg.det(A) ** 2)),
    ),
    (
        "in log |det A|, log is missing in front of size",
        but(change=lambda mu, S, A, b: -np.abs(np.linalg.det(A))),
    ),
]:
    wrong("change_units", slip, answer)

# The covariance of everybody


def second_moment(phi, mu, Sigma):
    mean = sum(p * m for p, m in zip(phi, mu))
    second = sum(p * (S + np.outer(m, m)) for p, m, S in zip(phi, mu, Sigma))
    return mean, second - np.outer(mean, mean)


def two_groups(phi, mu, Sigma):
    gap = mu[0] - mu[1]
    mean = phi[0] * mu[0] + phi[1] * mu[1]
    within = phi[0] * Sigma[0] + phi[1] * Sigma[1]
    return mean, within + phi[0] * phi[1] * np.outer(gap, gap)


right("total", second_moment)
right(
    "total",
    lambda phi, mu, S: (
        np.average(mu, axis=0, weights=phi),
        np.average(S, axis=0, weights=phi)
        + np.atleast_2d(np.cov(mu.T, aweights=phi, bias=True)),
    ),
)
for slip, answer in [
    (
        "spread between the means forgotten",
        lambda p, m, S: (p @ m, np.tensordot(p, S, axes=1)),
    ),
    (
        "between in the place of covariance",
        lambda p, m, S: (p @ m, np.atleast_2d(np.cov(m.T, aweights=p, bias=True))),
    ),
    ("two groups only", two_groups),
    (
        "np.cov with aweights and without ddof=0",
        lambda p, m, S: (p @ m, np.tensordot(p, S, 1) + np.cov(m.T, aweights=p)),
    ),
    (
        "spread of the means without shares",
        lambda p, m, S: (p @ m, np.tensordot(p, S, axes=1) + np.cov(m.T)),
    ),
    (
        "squares in place of outer products",
        lambda p, m, S: (
            p @ m,
            sum(q * (C + (c - p @ m) * (c - p @ m).T) for q, c, C in zip(p, m, S)),
        ),
    ),
    (
        "in the covariance, phi is squared",
        lambda p, m, S: (
            p @ m,
            sum(q**2 * (C + np.outer(c, c)) for q, c, C in zip(p, m - p @ m, S)),
        ),
    ),
    ("groups weighted equally", lambda p, m, S: (m.mean(axis=0), S.mean(axis=0))),
    (
        "groups summed, not averaged",
        lambda p, m, S: (m.sum(axis=0), S.sum(axis=0)),
    ),
    (
        "mean not subtracted",
        lambda p, m, S: (
            p @ m,
            sum(q * (C + np.outer(c, c)) for q, c, C in zip(p, m, S)),
        ),
    ),
    (
        "spread around the unweighted mean",
        lambda p, m, S: (
            p @ m,
            sum(
                q * (C + np.outer(c - m.mean(0), c - m.mean(0)))
                for q, c, C in zip(p, m, S)
            ),
        ),
    ),
    (
        "the outer products of mu_j - mean, with the opposite sign",
        lambda p, m, S: (
            p @ m,
            np.tensordot(p, S, axes=1)
            - np.atleast_2d(np.cov(m.T, aweights=p, bias=True)),
        ),
    ),
    (
        "spread of the means without shares",
        lambda p, m, S: (
            p @ m,
            np.tensordot(p, S, axes=1) + (m - p @ m).T @ (m - p @ m),
        ),
    ),
]:
    wrong("total", slip, answer)
