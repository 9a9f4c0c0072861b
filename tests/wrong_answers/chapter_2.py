"""Labels known."""

import numpy as np

import emgmm
from tests.wrong_answers import right, wrong

# Five points by hand

right("five_points", ([0.4, 0.6], [3, 12], [1, 8.667], [1, 2.944]))
wrong(
    "five_points",
    "groups in another order",
    ([0.6, 0.4], [12, 3], [8.667, 1], [2.944, 1]),
)
right("five_points", ([[0.4], [0.6]], [[3], [12]], [[[1]], [[26 / 3]]], [1, 2.944]))
for slip, answer in [
    ("counts instead of shares", ([2, 3], [3, 12], [1, 8.667], [1, 2.944])),
    ("equal shares", ([0.5, 0.5], [3, 12], [1, 8.667], [1, 2.944])),
    (
        "sums divided by m, not N_j",
        ([0.4, 0.6], [1.2, 7.2], [1, 8.667], [1, 2.944]),
    ),
    ("sums divided by m, not N_j", ([0.4, 0.6], [3, 12], [0.4, 5.2], [1, 2.944])),
    ("sum_of_r2 in the place of Sigma", ([0.4, 0.6], [3, 12], [2, 26], [1.414, 5.099])),
    ("divided by N_j - 1", ([0.4, 0.6], [3, 12], [2, 13], [1.414, 3.606])),
    (
        "spread around the mean of everybody",
        ([0.4, 0.6], [3, 12], [30.16, 21.627], [5.49, 4.65]),
    ),
    ("mean not subtracted", ([0.4, 0.6], [3, 12], [10, 152.667], [3.16, 12.36])),
    ("standard deviation in Sigma", ([0.4, 0.6], [3, 12], [1, 2.944], [1, 1.716])),
    (
        "variance used as standard deviation",
        ([0.4, 0.6], [3, 12], [1, 8.667], [1, 8.667]),
    ),
    ("one variance for both groups", ([0.4, 0.6], [3, 12], [5.6, 5.6], [2.37, 2.37])),
    ("mean of everybody", ([0.4, 0.6], [8.4, 8.4], [1, 8.667], [1, 2.944])),
    ("distances not squared", ([0.4, 0.6], [3, 12], [1, 2.667], [1, 1.633])),
    ("median instead of mean", ([0.4, 0.6], [3, 11], [1, 9.667], [1, 3.109])),
]:
    wrong("five_points", slip, answer)

# Three slips, three scores

right("three_scores", (-982.14, -926.374, -1034.64))
right("three_scores", {"a": -982.1415, "b": -926.37, "c": -1034.643})
for slip, answer in [
    ("labels left out of the score", (-955.38, -903.63, -985.10)),
    ("score of the right fit", (-982.14, -926.363, -1034.64)),
    ("the score of (a), with the opposite sign", (982.14, 926.374, 1034.64)),
    ("mean per point", (-5.456, -5.147, -5.748)),
    ("m - 1 instead of N_j - 1", (-982.14, -981.144, -1034.64)),
    ("parts in another order", (-926.374, -1034.64, -982.14)),
    ("parts in another order", (-1034.64, -982.14, -926.374)),
    ("everybody's covariance for each group", (-982.14, -926.374, -1056.35)),
    ("losses instead of scores", (55.78, 0.011, 108.28)),
    ("mean of everybody in the mixture, too", (-982.14, -926.37, -1104.05)),
]:
    wrong("three_scores", slip, answer)

# Labeled maximum likelihood


def rows(x, z, k):
    return [x[np.asarray(z) == j] for j in range(k)]


def by_cov(x, z, k):
    groups = rows(x, z, k)
    Sigma = [np.atleast_2d(np.cov(g.T, bias=True)) for g in groups]
    return [len(g) / len(x) for g in groups], [g.mean(0) for g in groups], Sigma


def by_loops(x, z, k):
    m, d = x.shape
    N, mu, Sigma = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
    for i in range(m):
        N[z[i]] += 1
        mu[z[i]] += x[i]
    mu /= N[:, None]
    for i in range(m):
        Sigma[z[i]] += np.outer(x[i] - mu[z[i]], x[i] - mu[z[i]])
    return {"phi": N / m, "mu": mu, "Sigma": Sigma / N[:, None, None]}


right("labeled_mle", by_cov)
right("labeled_mle", by_loops)
wrong(
    "labeled_mle",
    "the package does the work",
    lambda x, z, k: emgmm.m_step(x, emgmm.one_hot(z, k)),
)
wrong(
    "labeled_mle",
    "groups in another order",
    lambda x, z, k: by_loops(x, k - 1 - z, k),
)
right(
    "labeled_mle",
    lambda x, z, k: tuple(np.float32(part) for part in by_cov(x, z, k)),
)


def mle(phi=None, mu=None, Sigma=None):
    """by_cov with a part that is computed from the groups in another way."""

    def answer(x, z, k):
        parts, groups = by_cov(x, z, k), rows(x, z, k)
        changes = [phi, mu, Sigma]
        return tuple(
            part if change is None else np.array([change(g, x) for g in groups])
            for part, change in zip(parts, changes)
        )

    return answer


def around(center, below):
    return lambda g, x: (g - center(g, x)).T @ (g - center(g, x)) / below(g, x)


def centers_its_input(x, z, k):
    phi, mu, _ = by_cov(x, z, k)
    x -= np.array(mu)[z]
    return phi, mu, [g.T @ g / len(g) for g in rows(x, z, k)]


wrong("labeled_mle", "input changed in place", centers_its_input)


def own(g, x):
    return g.mean(axis=0)


def everybody(g, x):
    return x.mean(axis=0)


for slip, answer in [
    ("counts instead of shares", mle(phi=lambda g, x: len(g))),
    ("equal shares", lambda x, z, k: (np.ones(k) / k, *by_cov(x, z, k)[1:])),
    ("mean divides by m, not N_j", mle(mu=lambda g, x: g.sum(axis=0) / len(x))),
    ("sums in the place of mu", mle(mu=lambda g, x: g.sum(axis=0))),
    ("mean of everybody", mle(mu=everybody)),
    ("median instead of mean", mle(mu=lambda g, x: np.median(g, axis=0))),
    ("labels counted from 1", lambda x, z, k: by_cov(x, z - 1, k)),
    ("written for two groups", lambda x, z, k: by_cov(x, z, 2)),
    (
        "written for two groups",
        lambda x, z, k: ([1 - np.mean(z), np.mean(z)], *by_cov(x, z, k)[1:]),
    ),
    (
        "N_j divides columns, not rows",
        lambda x, z, k: (
            np.bincount(z) / len(z),
            [sum(x[z == j]) for j in range(k)] / np.bincount(z),
            by_cov(x, z, k)[2],
        ),
    ),
    ("mean over the features, too", mle(mu=lambda g, x: g.mean())),
    (
        "Sigma divides by m, not N_j",
        mle(Sigma=around(own, lambda g, x: len(x))),
    ),
    ("Sigma divides by N_j - 1", mle(Sigma=lambda g, x: np.atleast_2d(np.cov(g.T)))),
    (
        "axes of length one dropped",
        mle(Sigma=lambda g, x: np.cov(g.T, bias=True)),
    ),
    ("scatter in the place of Sigma", mle(Sigma=around(own, lambda g, x: 1))),
    (
        "Sigma about the mean of everybody",
        mle(Sigma=around(everybody, lambda g, x: len(g))),
    ),
    (
        "mean not subtracted in Sigma",
        mle(Sigma=around(lambda g, x: 0, lambda g, x: len(g))),
    ),
    (
        "mu mu^T added, not subtracted",
        mle(Sigma=lambda g, x: g.T @ g / len(g) + np.outer(own(g, x), own(g, x))),
    ),
    (
        "mu mu^T subtracted from a sum",
        mle(Sigma=lambda g, x: g.T @ g - np.outer(own(g, x), own(g, x))),
    ),
    (
        "mu mu^T subtracted from a sum",
        mle(Sigma=lambda g, x: (g.T @ g - np.outer(own(g, x), own(g, x))) / len(g)),
    ),
    (
        "covariance of everybody",
        mle(Sigma=lambda g, x: np.atleast_2d(np.cov(x.T, bias=True))),
    ),
    ("variances only", mle(Sigma=lambda g, x: np.diag(g.var(axis=0)))),
    (
        "the correlations in the covariances",
        mle(Sigma=lambda g, x: np.atleast_2d(np.corrcoef(g.T))),
    ),
    (
        "one covariance for all groups",
        lambda x, z, k: (
            *by_cov(x, z, k)[:2],
            [sum(p * S for p, S in zip(*np.array(by_cov(x, z, k), object)[[0, 2]]))]
            * k,
        ),
    ),
    (
        "the inverse of the covariances",
        mle(Sigma=lambda g, x: np.linalg.inv(np.atleast_2d(np.cov(g.T, bias=True)))),
    ),
    (
        "the root of the covariances",
        mle(Sigma=lambda g, x: np.sqrt(np.abs(np.atleast_2d(np.cov(g.T, bias=True))))),
    ),
]:
    wrong("labeled_mle", slip, answer)

# One covariance for all


def centered(x, z, k):
    means = np.array([g.mean(axis=0) for g in rows(x, z, k)])
    return x - means[z]


def spreads(x, z, k):
    return np.array([np.atleast_2d(np.cov(g.T, bias=True)) for g in rows(x, z, k)])


right(
    "shared_covariance",
    lambda x, z, k: np.atleast_2d(np.cov(centered(x, z, k).T, bias=True)),
)
right(
    "shared_covariance",
    lambda x, z, k: np.average(spreads(x, z, k), axis=0, weights=np.bincount(z)),
)
for slip, answer in [
    (
        "plain average of the covariances",
        lambda x, z, k: spreads(x, z, k).mean(axis=0),
    ),
    (
        "in the covariances of the groups times their shares, phi[:, "
        "None, None] is missing",
        lambda x, z, k: spreads(x, z, k).sum(axis=0),
    ),
    (
        "divided by m - k",
        lambda x, z, k: centered(x, z, k).T @ centered(x, z, k) / (len(x) - k),
    ),
    (
        "the covariance of all groups, divided by one less than m",
        lambda x, z, k: np.atleast_2d(np.cov(centered(x, z, k).T)),
    ),
    (
        "average of unbiased covariances",
        lambda x, z, k: np.average(
            [np.atleast_2d(np.cov(g.T)) for g in rows(x, z, k)],
            axis=0,
            weights=np.bincount(z),
        ),
    ),
    ("not divided by m", lambda x, z, k: centered(x, z, k).T @ centered(x, z, k)),
    (
        "in the covariance of all groups, the mean stands for the sum",
        lambda x, z, k: centered(x, z, k).T @ centered(x, z, k) / (k * len(x)),
    ),
    (
        "covariance of everybody",
        lambda x, z, k: (x - x.mean(0)).T @ (x - x.mean(0)) / len(x),
    ),
    ("mean not subtracted", lambda x, z, k: x.T @ x / len(x)),
    (
        "variances only",
        lambda x, z, k: np.diag((centered(x, z, k) ** 2).mean(axis=0)),
    ),
    (
        "mean over the features, too",
        lambda x, z, k: sum(
            (g - g.mean()).T @ (g - g.mean()) / len(x) for g in rows(x, z, k)
        ),
    ),
    (
        "only the last group",
        lambda x, z, k: spreads(x, z, k)[-1] * np.mean(z == k - 1),
    ),
    (
        "one copy for each group",
        lambda x, z, k: [centered(x, z, k).T @ centered(x, z, k) / len(x)] * k,
    ),
    (
        "precisions averaged",
        lambda x, z, k: np.linalg.inv(
            sum(
                n / len(x) * np.linalg.inv(S)
                for n, S in zip(np.bincount(z), spreads(x, z, k))
            )
        ),
    ),
]:
    wrong("shared_covariance", slip, answer)

# Without the precision


def outer_sum(x, mu):
    return sum(np.outer(row - mu, row - mu) for row in x)


def slope(x, mu, Sigma):
    P, N = np.linalg.inv(Sigma), len(x)
    return N / 2 * P @ (outer_sum(x, mu) / N - Sigma) @ P


def by_differences(x, mu, Sigma, h=1e-5):
    """Each entry moved alone, by a small step up and down."""

    def score(S):
        r = x - mu
        D2 = (r * np.linalg.solve(S, r.T).T).sum()
        return -0.5 * (len(x) * np.log(np.linalg.det(S)) + D2)

    H = np.zeros_like(Sigma)
    for at in np.ndindex(H.shape):
        step = np.zeros_like(H)
        step[at] = h
        H[at] = (score(Sigma + step) - score(Sigma - step)) / (2 * h)
    return H


right("slope_in_sigma", slope)
right("slope_in_sigma", by_differences)
inv = np.linalg.inv
for slip, answer in [
    (
        "slope in the precision",
        lambda x, mu, S: len(x) / 2 * S - outer_sum(x, mu) / 2,
    ),
    ("sign", lambda *a: -slope(*a)),
    ("twice the slopes", lambda *a: 2 * slope(*a)),
    (
        "the slope of the term with log det Sigma, with the opposite sign",
        lambda x, mu, S: len(x) / 2 * inv(S) + inv(S) @ outer_sum(x, mu) @ inv(S) / 2,
    ),
    (
        "by_squares in the place of H",
        lambda x, mu, S: inv(S) @ outer_sum(x, mu) @ inv(S) / 2,
    ),
    ("by_det in the place of H", lambda x, mu, S: -len(x) / 2 * inv(S)),
    (
        "log det counted once, not N times",
        lambda x, mu, S: -inv(S) / 2 + inv(S) @ outer_sum(x, mu) @ inv(S) / 2,
    ),
    (
        "one inverse only",
        lambda x, mu, S: -len(x) / 2 * inv(S) + inv(S) @ outer_sum(x, mu) / 2,
    ),
    (
        "no inverse around the squares",
        lambda x, mu, S: -len(x) / 2 * inv(S) + outer_sum(x, mu) / 2,
    ),
    (
        "entries multiplied",
        lambda x, mu, S: (inv(S) * outer_sum(x, mu) * inv(S) - len(x) * inv(S)) / 2,
    ),
    (
        "inverse of the entries",
        lambda x, mu, S: (1 / S @ outer_sum(x, mu) @ (1 / S) - len(x) / S) / 2,
    ),
    (
        "entries off the diagonal doubled",
        lambda *a: 2 * slope(*a) - np.diag(np.diag(slope(*a))),
    ),
    ("about the average of the points", lambda x, mu, S: slope(x, x.mean(0), S)),
    ("the slopes, divided by N_j", lambda x, mu, S: slope(x, mu, S) / x.shape[0]),
]:
    wrong("slope_in_sigma", slip, answer)

# How kind is the training error?


def by_density(x, z, u, v):
    theta = emgmm.fit_labeled(x, z)
    return [
        float(np.mean(np.argmax(theta.log_joint(a), axis=1) != b))
        for a, b in [(x, z), (u, v)]
    ]


def rates(theta, x, z, u, v):
    return np.mean(theta.classify(x) != z), np.mean(theta.classify(u) != v)


def by_count(x, z, u, v):
    theta = emgmm.fit_labeled(x, z)
    errors = [sum(theta.classify(a) != b) for a, b in [(x, z), (u, v)]]
    return errors[0] / len(z), errors[1] / len(v)


def unweighted(x, z, u, v):
    theta = emgmm.fit_labeled(x, z)
    guess = [(theta.log_joint(a) - np.log(theta.phi)).argmax(1) for a in (x, u)]
    return np.mean(guess[0] != z), np.mean(guess[1] != v)


def soft(x, z, u, v):
    """One minus the average chance of the right group."""
    theta = emgmm.fit_labeled(x, z)
    sure = [theta.responsibilities(a)[range(len(b)), b] for a, b in ((x, z), (u, v))]
    return 1 - sure[0].mean(), 1 - sure[1].mean()


def halves(x, z, u, v):
    """Group 1 where its responsibility is above one half."""
    theta = emgmm.fit_labeled(x, z)
    guess = [np.round(theta.responsibilities(a)[:, 1]) for a in (x, u)]
    return np.mean(guess[0] != z), np.mean(guess[1] != v)


def nearest(x, z, u, v):
    means = np.array([g.mean(axis=0) for g in rows(x, z, z.max() + 1)])
    guess = [((a[:, None] - means) ** 2).sum(axis=2).argmin(axis=1) for a in (x, u)]
    return np.mean(guess[0] != z), np.mean(guess[1] != v)


right("error_rates", by_density)
right("error_rates", by_count)
for slip, answer in [
    ("training and fresh exchanged", lambda *a: by_count(*a)[::-1]),
    ("accuracy instead of error", lambda *a: 1 - np.array(by_count(*a))),
    (
        "errors in the place of training",
        lambda x, z, u, v: np.array(by_count(x, z, u, v)) * [len(x), len(u)],
    ),
    ("percent instead of share", lambda *a: 100 * np.array(by_count(*a))),
    (
        "fitted to the fresh examples",
        lambda x, z, u, v: rates(emgmm.fit_labeled(u, v), x, z, u, v),
    ),
    (
        "fitted to all examples",
        lambda x, z, u, v: rates(
            emgmm.fit_labeled(np.r_[x, u], np.r_[z, v]), x, z, u, v
        ),
    ),
    (
        "a fit of its own for each set",
        lambda x, z, u, v: (by_count(x, z, u, v)[0], by_count(u, v, x, z)[0]),
    ),
    ("training error twice", lambda *a: [by_count(*a)[0]] * 2),
    ("true parameters", lambda *a: rates(emgmm.data.ANEMIA, *a)),
    ("chances of an error", soft),
    ("fresh error twice", lambda *a: [by_count(*a)[1]] * 2),
    ("written for two groups", halves),
    ("nearest mean", nearest),
    ("shares forgotten", unweighted),
]:
    wrong("error_rates", slip, answer)
