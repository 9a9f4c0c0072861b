"""Labels hidden."""

import numpy as np
from scipy.special import logsumexp, softmax

import emgmm
from emgmm import data
from tests.wrong_answers import right, wrong
from tests.wrong_answers.chapter_1 import by_scipy, joint

# Small and very small

right("same_w", ([0.731, 0.269], [0.731, 0.269], -4.687, -804.687))
right("same_w", ((0.7311, 0.2689), np.array([0.7311, 0.2689]), -4.6867, -804.6867))
good = ([0.731, 0.269], [0.731, 0.269], -4.687, -804.687)


def but(**changes):
    names = ("w_P", "w_Q", "log_p_P", "log_p_Q")
    return tuple(changes.get(name, value) for name, value in zip(names, good))


for slip, answer in [
    ("0 divided by 0", but(w_Q=[np.nan, np.nan])),
    ("0 divided by 0", but(log_p_Q=float("-inf"))),
    ("far means certain", but(w_Q=[1, 0])),
    ("far means undecided", but(w_Q=[0.5, 0.5])),
    ("e in the place of w_P", but(w_P=[1, 0.368])),
    ("groups exchanged", but(w_P=[0.269, 0.731])),
    ("logs divided by their sum", but(w_P=[0.4545, 0.5455])),
    ("sum of logs for log of sum", but(log_p_P=-11)),
    ("top_P in the place of log_p_P", but(log_p_P=-5, log_p_Q=-805)),
    ("subtracted instead of added", but(log_p_P=-5.313)),
    ("left in the place of log_p_Q", but(log_p_Q=0.313)),
    ("mean of the logs", but(log_p_P=-5.5)),
    ("far means nothing", but(w_Q=(0, 0))),
    ("ratio in the place of w_P", but(w_P=[np.exp(-1), 1 - np.exp(-1)])),
    ("powers of ten", but(w_P=[10 / 11, 1 / 11])),
    ("powers of ten", but(log_p_Q=-804.9586)),
    ("the same log p for both", but(log_p_Q=-4.687)),
]:
    wrong("same_w", slip, answer)

# Along which axis?


def row_by_row(a):
    out = []
    for row in a:
        e = [np.exp(value - max(row)) for value in row]
        out.append([value / sum(e) for value in e])
    return out


right("responsibilities", row_by_row)
right("responsibilities", lambda a: np.exp(a - logsumexp(a, axis=1)[:, None]))
right(
    "responsibilities",
    lambda a: 1 / np.exp(a[:, None, :] - a[:, :, None]).sum(axis=2),
)


def unit(e, keepdims=True):
    return e / e.sum(axis=1, keepdims=keepdims)


def less(number, keepdims=True):
    return lambda a: unit(np.exp(a - number(a)), keepdims)


for slip, answer in [
    (
        "softmax over the wrong axis",
        lambda a: np.exp(a) / np.sum(np.exp(a), axis=0),
    ),
    (
        "exp before subtracting the maximum",
        lambda a: np.exp(a) / np.exp(a).sum(1)[:, None],
    ),
    (
        "one maximum for all rows",
        lambda a: np.exp(a - np.max(a)) / np.exp(a - np.max(a)).sum(1)[:, None],
    ),
    ("not normalized", lambda a: np.exp(a - a.max(1)[:, None])),
    ("p in the place of w", lambda a: np.e**a),
    (
        "all of the responsibilities in the largest of each row",
        lambda a: emgmm.one_hot(a.argmax(axis=1), a.shape[1]),
    ),
    ("logs divided by their sum", lambda a: a / a.sum(axis=1)[:, None]),
    ("log_w in the place of w", lambda a: np.log(softmax(a, axis=1))),
    ("a, with the opposite sign", lambda a: softmax(-a, axis=-1)),
    ("normalized over everything", lambda a: np.exp(a) / np.exp(a).sum()),
    (
        "powers of two or ten",
        lambda a: (
            10 ** (a - a.max(1)[:, None])
            / (10 ** (a - a.max(1)[:, None])).sum(1)[:, None]
        ),
    ),
    ("keepdims forgotten", less(lambda a: a.max(axis=1), keepdims=False)),
    ("keepdims forgotten", less(lambda a: a.max(1)[:, None], keepdims=False)),
    ("first of each row subtracted", less(lambda a: a[:, [0]])),
    (
        "in the largest log-joint of each row, the min stands for the max",
        less(lambda a: np.sort(a)[:, :1]),
    ),
    (
        "in the largest log-joint of each row, the mean stands for the max",
        less(lambda a: a.mean(1)[:, None]),
    ),
    (
        "in the largest log-joint of each row, it runs along axis 0, not 1",
        less(lambda a: a.max(axis=0)),
    ),
    (
        "the largest log-joint of each row, with the opposite sign",
        less(lambda a: -a.max(1)[:, None]),
    ),
    ("underflow hidden, not avoided", lambda a: unit(np.exp(a) + 1e-300)),
    ("underflow hidden, not avoided", lambda a: unit(np.exp(np.maximum(a, -700)))),
    ("underflow hidden, not avoided", lambda a: np.nan_to_num(unit(np.exp(a)))),
    ("two groups only", lambda a: softmax(np.stack([a[:, 0], a[:, 1]], 1), axis=1)),
]:
    wrong("responsibilities", slip, answer)

# The log-likelihood


def one_by_one(x, phi, mu, Sigma):
    total = 0.0
    for row in by_scipy(x, phi, mu, Sigma):
        total += max(row) + np.log(sum(np.exp(v - max(row)) for v in row))
    return total


def pairwise(x, phi, mu, Sigma):
    columns = by_scipy(x, phi, mu, Sigma).T
    running = columns[0]
    for column in columns[1:]:
        running = np.logaddexp(running, column)
    return np.array([running.sum()])


right("log_likelihood", one_by_one)
right("log_likelihood", pairwise)
theta = data.ANEMIA
right("log_likelihood", theta.log_likelihood(data.anemia().x))


def of(change, **changes):
    return lambda x, p, m, S: change(joint(x, p, m, S, **changes))


def total(a):
    return logsumexp(a, axis=1).sum()


def log_of_sums(a, top):
    return top + np.log(np.exp(a - np.reshape(top, (-1, 1))).sum(axis=1))


for slip, answer in [
    ("sum of logs for log of sum", lambda *a: by_scipy(*a).sum()),
    ("one_log in the place of log_likelihood", lambda *a: logsumexp(by_scipy(*a))),
    (
        "exp before subtracting the maximum",
        lambda *a: np.sum(np.log(np.sum(np.exp(by_scipy(*a)), axis=1))),
    ),
    (
        "maximum not put back",
        of(lambda a: np.log(np.exp(a - a.max(1)[:, None]).sum(1)).sum()),
    ),
    (
        "best_group in the place of log_likelihood",
        lambda *a: by_scipy(*a).max(axis=1).sum(),
    ),
    (
        "per_example in the place of log_likelihood",
        of(lambda a: logsumexp(a, axis=1).mean()),
    ),
    (
        "log_p in the place of log_likelihood",
        lambda x, p, m, S: emgmm.Mixture(p, m, S).log_density(x),
    ),
    ("sign of the log-likelihood", of(lambda a: -total(a))),
    (
        "over_examples in the place of log_likelihood",
        of(lambda a: logsumexp(a, axis=0).sum()),
    ),
    (
        "forgot log phi",
        lambda x, p, m, S: total(by_scipy(x, np.ones(len(p)), m, S)),
    ),
    (
        "in the sums of the numerators over the groups, the mean stands for the sum",
        of(lambda a: (a.max(1) + np.log(np.exp(a - a.max(1)[:, None]).mean(1))).sum()),
    ),
    ("no_log in the place of log_likelihood", of(lambda a: np.exp(a).sum())),
    (
        "the log-likelihood, in logs to base ten",
        of(lambda a: total(a) * np.log10(np.e)),
    ),
    (
        "k in place of d in the constant",
        lambda x, p, m, S: total(joint(x, p, m, S, size=len(p))),
    ),
    ("covariance where the precision belongs", of(total, precision=lambda A: A)),
    ("in the log-densities of the groups, log_det is missing", of(total, half=0)),
    (
        "one maximum for all rows",
        lambda *c: log_of_sums(by_scipy(*c), by_scipy(*c).max()).sum(),
    ),
    (
        "added_once in the place of log_likelihood",
        of(lambda a: a.max() + np.log(np.exp(a - a.max()).sum(axis=1)).sum()),
    ),
    (
        "table_sum in the place of log_likelihood",
        of(lambda a: np.add.outer(a.max(1), log_of_sums(a, a.max(1)) - a.max(1)).sum()),
    ),
    (
        "hidden in the place of log_likelihood",
        of(lambda a: np.log(1e-300 + np.exp(a).sum(axis=1)).sum()),
    ),
    (
        "left_out in the place of log_likelihood",
        of(lambda a: np.ma.masked_invalid(log_of_sums(a, 0)).sum()),
    ),
    (
        "two_groups in the place of log_likelihood",
        of(lambda a: logsumexp(a[:, :2], axis=1).sum()),
    ),
]:
    wrong("log_likelihood", slip, answer)

# The same fit?


def sorted_groups(phi, mu, Sigma):
    groups = sorted(zip(phi, mu, Sigma), key=lambda group: group[1][0])
    phi, mu, Sigma = zip(*groups)
    return list(phi), np.array(mu), np.array(Sigma)


def selection_sort(phi, mu, Sigma):
    phi, mu, Sigma = phi.copy(), mu.copy(), Sigma.copy()
    for j in range(len(phi)):
        low = j + mu[j:, 0].argmin()
        for part in (phi, mu, Sigma):
            part[[j, low]] = part[[low, j]]
    return {"phi": phi, "mu": mu, "Sigma": Sigma}


right("in_order", sorted_groups)
right("in_order", selection_sort)
for slip, answer in [
    (
        "means sorted, nothing else",
        lambda p, m, S: (p, sorted_groups(p, m, S)[1], S),
    ),
    (
        "means and shares sorted, not the covariances",
        lambda p, m, S: (*sorted_groups(p, m, S)[:2], S),
    ),
    (
        "means and covariances sorted, not the shares",
        lambda p, m, S: (p, *sorted_groups(p, m, S)[1:]),
    ),
    (
        "each column of the means sorted by itself",
        lambda p, m, S: (
            sorted_groups(p, m, S)[0],
            np.sort(m, axis=0),
            sorted_groups(p, m, S)[2],
        ),
    ),
    (
        "every array sorted by itself",
        lambda p, m, S: (sorted(p), *sorted_groups(p, m, S)[1:]),
    ),
    (
        "the inverse order",
        lambda p, m, S: [part[np.argsort(np.argsort(m[:, 0]))] for part in (p, m, S)],
    ),
    (
        "highest first",
        lambda p, m, S: [part[np.argsort(-m[:, 0])] for part in (p, m, S)],
    ),
    ("sorted by share", lambda p, m, S: [part[np.argsort(p)] for part in (p, m, S)]),
    (
        "sorted by share, largest first",
        lambda p, m, S: [part[np.argsort(p)[::-1]] for part in (p, m, S)],
    ),
    (
        "sorted by the last feature",
        lambda p, m, S: [part[np.argsort(m[:, -1])] for part in (p, m, S)],
    ),
    (
        "sorted by the length of the mean",
        lambda p, m, S: [part[np.argsort((m**2).sum(1))] for part in (p, m, S)],
    ),
    ("not sorted", lambda *groups: groups),
    (
        "features of one group sorted",
        lambda p, m, S: [part[np.argsort(m[0])] for part in (p, m, S)],
    ),
    (
        "two groups only",
        lambda *groups: (
            [part[::-1] for part in groups]
            if groups[1][0, 0] > groups[1][1, 0]
            else groups
        ),
    ),
]:
    wrong("in_order", slip, answer)

# One covariance, labels hidden


def tied(x, w, mu, Sigma):
    slope = np.zeros_like(Sigma)
    for i in range(len(x)):
        for j in range(len(mu)):
            r = x[i] - mu[j]
            slope += w[i, j] * 0.5 * (Sigma - np.outer(r, r))
    return slope


def scatter(x, w, mu):
    r = x[:, None] - mu
    return np.einsum("ij,ija,ijb->ab", w, r, r)


right("tied_slope", tied)
right("tied_slope", lambda x, w, mu, S: (w.sum() * S - scatter(x, w, mu)) / 2)
for slip, answer in [
    ("the slope, with the opposite sign", lambda *a: -tied(*a)),
    ("gap in the place of slope", lambda *a: 2 * tied(*a)),
    (
        "Sigma counted for every group",
        lambda x, w, mu, S: 0.5 * (w.size * S - scatter(x, w, mu)),
    ),
    (
        "in m Sigma, the part of log det, m is missing",
        lambda x, w, mu, S: 0.5 * (S - scatter(x, w, mu)),
    ),
    (
        "precision instead of Sigma",
        lambda x, w, mu, S: 0.5 * (len(x) * np.linalg.inv(S) - scatter(x, w, mu)),
    ),
    (
        "in the weighted sums of r r^T of each group, w is missing",
        lambda x, w, mu, S: 0.5 * (len(x) * S - scatter(x, w * 0 + 1, mu)),
    ),
    (
        "hard labels",
        lambda x, w, mu, S: tied(x, emgmm.one_hot(w.argmax(1), len(mu)), mu, S),
    ),
    (
        "per_example in the place of slope",
        lambda x, w, mu, S: tied(x, w, mu, S) / len(w),
    ),
    (
        "mean of everybody",
        lambda x, w, mu, S: tied(x, w, [x.mean(0)] * len(mu), S),
    ),
    (
        "in m Sigma less the weighted sum of all r r^T, not yet "
        "halved, scatter is missing",
        lambda x, w, mu, S: 0.5 * w.sum() * S,
    ),
    (
        "in m Sigma less the weighted sum of all r r^T, not yet "
        "halved, from_det is taken for zero",
        lambda x, w, mu, S: -0.5 * scatter(x, w, mu),
    ),
    ("one group only", lambda x, w, mu, S: tied(x, w[:, :1], mu[:1], S)),
    (
        "one mean for each example",
        lambda x, w, mu, S: 0.5 * (len(x) * S - scatter(x - w @ mu, w, 0 * mu)),
    ),
    (
        "one group only",
        lambda x, w, mu, S: 0.5 * (len(x) * S - scatter(x, w[:, -1:], mu[-1:])),
    ),
    (
        "in the weighted sums of r r^T of each group, w is squared",
        lambda x, w, mu, S: 0.5 * (len(x) * S - scatter(x, w**2, mu)),
    ),
    (
        "slopes in the place of slope",
        lambda x, w, mu, S: [tied(x, v[:, None], c[None], S) for v, c in zip(w.T, mu)],
    ),
]:
    wrong("tied_slope", slip, answer)
