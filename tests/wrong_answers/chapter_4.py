"""The steps of EM."""

import numpy as np
from scipy.special import softmax

import emgmm
from emgmm import data
from tests.wrong_answers import right, wrong
from tests.wrong_answers.chapter_1 import by_scipy, diagonal_only, joint

# One round by hand

good = {
    "w": [1 / 7, 6 / 7],
    "w_at_0": [15 / 16, 1 / 16],
    "without_phi": 1 / 3,
    "without_sigma": 1 / 4,
    "phi": [2 / 3, 1 / 3],
    "mu": [2, 4],
    "Sigma": [6, 4],
}
right("by_hand", good)
right(
    "by_hand",
    (
        [0.143, 0.857],
        [0.9375, 0.0625],
        0.333,
        0.25,
        [0.667, 0.333],
        [[2], [4]],
        [[[6]], [[4]]],
    ),
)
for slip, changes in [
    ("forgot phi", {"w": [0.333, 0.667]}),
    ("forgot 1/sigma", {"w": [0.25, 0.75]}),
    (
        "variance in place of the standard deviation before the bell",
        {"w": [0.077, 0.923], "without_phi": 0.2},
    ),
    (
        "variance used as standard deviation",
        {"w": [0.108, 0.892], "without_phi": 0.267, "without_sigma": 0.327},
    ),
    ("not divided by the sum", {"w": [0.125, 0.75]}),
    ("groups exchanged", {"w": [0.857, 0.143]}),
    ("1/2 forgotten in the exponent", {"w_at_0": [0.999, 0.001]}),
    ("hard labels", {"w": [0, 1]}),
    ("both forgotten", {"without_phi": 0.5}),
    ("counts instead of shares", {"phi": [2, 1]}),
    ("equal shares", {"phi": [0.5, 0.5]}),
    ("divided by m, not N_j", {"mu": [1.333, 1.333]}),
    ("weights forgotten", {"mu": [2.667, 4]}),
    ("divided by the number of examples with weight", {"mu": [1.333, 2]}),
    ("not divided", {"Sigma": [12, 4]}),
    ("mean not subtracted", {"Sigma": [10, 20]}),
    ("divided by N_j - 1", {"Sigma": [12, np.inf]}),
    ("standard deviation in Sigma", {"Sigma": [2.449, 2]}),
]:
    wrong("by_hand", slip, {**good, **changes})

# The E-step


def bayes(x, phi, mu, Sigma):
    w = []
    for logs in by_scipy(x, phi, mu, Sigma):
        e = np.exp(logs - max(logs))
        w.append(list(e / sum(e)))
    return w


def odds(x, phi, mu, Sigma):
    a = by_scipy(x, phi, mu, Sigma)
    with np.errstate(over="ignore"):
        return 1 / np.exp(a[:, None, :] - a[:, :, None]).sum(axis=2)


right("e_step", bayes)
right("e_step", odds)
right("e_step", lambda *a: softmax(by_scipy(*a), axis=1).astype("float32"))
wrong(
    "e_step",
    "groups in another order",
    lambda *a: softmax(by_scipy(*a), axis=1)[:, ::-1],
)
theta = data.ANEMIA
right("e_step", theta.responsibilities(data.anemia().x))


def soft(**changes):
    return lambda x, p, m, S: softmax(joint(x, p, m, S, **changes), axis=1)


for slip, answer in [
    (
        "forgot log phi",
        lambda x, p, m, S: softmax(by_scipy(x, np.ones(len(p)), m, S), axis=1),
    ),
    (
        "softmax over the wrong axis",
        lambda *a: np.exp(by_scipy(*a)) / np.exp(by_scipy(*a)).sum(axis=0),
    ),
    ("not normalized", lambda *a: np.exp(by_scipy(*a))),
    (
        "not normalized, after subtracting the maximum",
        lambda *a: np.exp(by_scipy(*a) - by_scipy(*a).max(1)[:, None]),
    ),
    (
        "exp before subtracting the maximum",
        lambda *a: np.exp(by_scipy(*a)) / np.exp(by_scipy(*a)).sum(1)[:, None],
    ),
    (
        "hard labels instead of w",
        lambda *a: emgmm.one_hot(by_scipy(*a).argmax(1), len(a[1])),
    ),
    ("log-joints returned", by_scipy),
    ("log of w", lambda *a: np.log(softmax(by_scipy(*a), axis=1))),
    ("covariance where the precision belongs", soft(precision=lambda A: A)),
    ("log det forgotten", soft(half=0)),
    ("log det not halved", soft(half=2)),
    ("sign of log det", soft(half=-1)),
    ("log det of L, halved again", soft(half=0.5)),
    ("D squared not halved", soft(precision=lambda A: 2 * np.linalg.inv(A))),
    (
        "phi not in logs",
        lambda x, p, m, S: softmax(by_scipy(x, p, m, S) - np.log(p) + p, axis=1),
    ),
    (
        "phi twice",
        lambda x, p, m, S: softmax(by_scipy(x, p, m, S) + np.log(p), axis=1),
    ),
    ("variances only", lambda *a: softmax(diagonal_only(*a), axis=1)),
]:
    wrong("e_step", slip, answer)

# The M-step


def average(x, w):
    phi, mu, Sigma = [], [], []
    for weights in w.T:
        phi.append(weights.mean())
        mu.append(np.average(x, axis=0, weights=weights))
        Sigma.append(np.atleast_2d(np.cov(x.T, aweights=weights, bias=True)))
    return phi, mu, Sigma


def by_moments(x, w):
    return emgmm.maximize(emgmm.moments(x, w))


right("m_step", average)
wrong("m_step", "the package does the work", by_moments)
right("m_step", lambda x, w: average(x.astype("f4"), w.astype("f4")))
wrong("m_step", "groups in another order", lambda x, w: average(x, w[:, ::-1]))


def step(phi=None, mu=None, Sigma=None):
    """average, with a part computed from x and one column of w in another way."""

    def answer(x, w):
        changes = (phi, mu, Sigma)
        return tuple(
            part if change is None else np.array([change(x, v) for v in w.T])
            for part, change in zip(average(x, w), changes)
        )

    return answer


def spread(x, v, center, below):
    r = x - center
    return sum(v[i] * np.outer(r[i], r[i]) for i in range(len(x))) / below


def own(x, v):
    return v @ x / v.sum()


for slip, answer in [
    (
        "hard labels instead of w",
        lambda x, w: average(x, emgmm.one_hot(w.argmax(1), w.shape[1])),
    ),
    ("counts instead of shares", step(phi=lambda x, v: v.sum())),
    (
        "equal shares",
        lambda x, w: (np.ones(w.shape[1]) / w.shape[1], *average(x, w)[1:]),
    ),
    ("mean divides by m, not N_j", step(mu=lambda x, v: (v[:, None] * x).mean(axis=0))),
    ("mean not divided", step(mu=lambda x, v: v @ x)),
    ("mean of everybody", step(mu=lambda x, v: x.mean(axis=0))),
    (
        "N_j divides columns, not rows",
        lambda x, w: (w.mean(axis=0), (w.T @ x) / sum(w), average(x, w)[2]),
    ),
    (
        "Sigma divides by m, not N_j",
        step(Sigma=lambda x, v: spread(x, v, own(x, v), len(x))),
    ),
    (
        "Sigma divides by N_j - 1",
        step(Sigma=lambda x, v: spread(x, v, own(x, v), v.sum() - 1)),
    ),
    (
        "np.cov with aweights and without ddof=0",
        step(Sigma=lambda x, v: np.atleast_2d(np.cov(x.T, aweights=v))),
    ),
    (
        "mu mu^T added, not subtracted",
        step(
            Sigma=lambda x, v: spread(x, v, 0, v.sum()) + np.outer(own(x, v), own(x, v))
        ),
    ),
    ("Sigma not divided", step(Sigma=lambda x, v: spread(x, v, own(x, v), 1))),
    (
        "Sigma about the mean of everybody",
        step(Sigma=lambda x, v: spread(x, v, x.mean(axis=0), v.sum())),
    ),
    (
        "mean not subtracted in Sigma",
        step(Sigma=lambda x, v: spread(x, v, 0, v.sum())),
    ),
    (
        "weights squared in Sigma",
        step(Sigma=lambda x, v: spread(x, v * v, own(x, v), v.sum())),
    ),
    (
        "roots of the weights in Sigma",
        step(Sigma=lambda x, v: spread(x, v**0.5, own(x, v), v.sum())),
    ),
    (
        "weights forgotten in Sigma",
        step(Sigma=lambda x, v: (x - own(x, v)).T @ (x - own(x, v)) / v.sum()),
    ),
    (
        "weights forgotten in Sigma, divided by m",
        step(Sigma=lambda x, v: (x - own(x, v)).T @ (x - own(x, v)) / len(x)),
    ),
    (
        "variances only",
        step(Sigma=lambda x, v: np.diag(v @ (x - own(x, v)) ** 2 / v.sum())),
    ),
    (
        "one covariance for all groups",
        lambda x, w: (
            *average(x, w)[:2],
            [sum(p * S for p, S in zip(average(x, w)[0], average(x, w)[2]))]
            * w.shape[1],
        ),
    ),
    (
        "precision instead of covariance",
        step(Sigma=lambda x, v: np.linalg.inv(spread(x, v, own(x, v), v.sum()))),
    ),
    (
        "weights of the groups exchanged",
        lambda x, w: (average(x, w)[0], *average(x, np.fliplr(w))[1:]),
    ),
]:
    wrong("m_step", slip, answer)

# How much is left?

right("still_to_gain", (0.099, 458))
right("still_to_gain", [0.0990, 458.0])
for slip, answer in [
    ("the last gain counted once more", (0.1, 459)),
    ("last gain taken for what is left", (0.001, 458)),
    ("1 + r for 1 - r", (0.0005, 458)),
    ("multiplied by 1 - r", (0.00001, 458)),
    ("next gain only", (0.099, 1)),
    ("one iteration short", (0.099, 457)),
    ("linear thinking", (0.099, 99)),
    ("from one nat, not from what is left", (0.099, 688)),
    ("sign", (0.099, -458)),
]:
    wrong("still_to_gain", slip, answer)

# A start that never starts

x = data.anemia().x
center = x.mean(axis=0)
right("equal_start", ([0.5, 0.5], [center, center], -993.29))
right("equal_start", {"phi": [0.5] * 2, "mu": [center] * 2, "log_likelihood": -993.287})
free = emgmm.em(x, np.random.default_rng(0).dirichlet([1, 1], size=180))
labeled = emgmm.fit_labeled(x, data.anemia().z)
same = [center, center]
for slip, answer in [
    ("all in one group", ([1, 0], same, -993.29)),
    ("shares of the labels", ([0.461, 0.539], same, -993.29)),
    ("counts instead of shares", ([90, 90], same, -993.29)),
    ("means of the labels", ([0.5, 0.5], labeled.mu, -993.29)),
    ("means divided by m", ([0.5, 0.5], [center / 2, center / 2], -993.29)),
    ("another start", (free.theta.phi, free.theta.mu, free.log_likelihood)),
    ("sign", ([0.5, 0.5], same, 993.29)),
    ("mean per example", ([0.5, 0.5], same, -5.518)),
    ("complete log-likelihood", ([0.5, 0.5], same, -1118.05)),
]:
    wrong("equal_start", slip, answer)

# Round groups


def circles(x, w):
    phi, mu, Sigma = average(x, w)
    return phi, mu, [np.trace(S) / x.shape[1] for S in Sigma]


def squares(x, v, center):
    return sum(v[i] * np.sum((x[i] - center) ** 2) for i in range(len(x)))


def size(change):
    def answer(x, w):
        phi, mu, _ = circles(x, w)
        return phi, mu, [change(x, v, w.shape[1]) for v in w.T]

    return answer


def all_squares(x, v):
    return squares(x, v, own(x, v))


right("round_m_step", circles)
right("round_m_step", size(lambda x, v, k: all_squares(x, v) / (x.shape[1] * v.sum())))
for slip, change in [
    ("divided by N_j, not d N_j", lambda x, v, k: all_squares(x, v) / v.sum()),
    ("k in place of d", lambda x, v, k: all_squares(x, v) / (k * v.sum())),
    ("divided by m", lambda x, v, k: all_squares(x, v) / len(x)),
    ("divided by d m", lambda x, v, k: all_squares(x, v) / x.size),
    (
        "divided by d (N_j - 1)",
        lambda x, v, k: all_squares(x, v) / (x.shape[1] * (v.sum() - 1)),
    ),
    ("not divided", lambda x, v, k: all_squares(x, v)),
    (
        "standard deviation",
        lambda x, v, k: np.sqrt(all_squares(x, v) / (x.shape[1] * v.sum())),
    ),
    ("inverse", lambda x, v, k: x.shape[1] * v.sum() / all_squares(x, v)),
    (
        "mean of everybody",
        lambda x, v, k: squares(x, v, x.mean(axis=0)) / (x.shape[1] * v.sum()),
    ),
    (
        "mean not subtracted",
        lambda x, v, k: squares(x, v, 0) / (x.shape[1] * v.sum()),
    ),
    (
        "first feature only",
        lambda x, v, k: spread(x, v, own(x, v), v.sum())[0, 0],
    ),
    (
        "root of the determinant",
        lambda x, v, k: (
            np.linalg.det(spread(x, v, own(x, v), v.sum())) ** (1 / x.shape[1])
        ),
    ),
]:
    wrong("round_m_step", slip, size(change))
wrong(
    "round_m_step",
    "hard labels instead of w",
    lambda x, w: circles(x, emgmm.one_hot(w.argmax(1), w.shape[1])),
)
