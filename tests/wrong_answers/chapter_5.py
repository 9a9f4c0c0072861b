"""Why EM works."""

import numpy as np
from scipy.special import softmax

import emgmm
from tests.wrong_answers import right, wrong
from tests.wrong_answers.chapter_1 import by_scipy
from tests.wrong_answers.chapter_3 import one_by_one
from tests.wrong_answers.chapter_4 import average

# Read the staircase

right("staircase", (-917, -917, -917, -915))
right("staircase", [-917.0, -917.0, -917.0, -915.0])
for slip, answer in [
    ("gap subtracted", (-923, -923, -923, -921)),
    ("no gap", (-920, -917, -917, -915)),
    ("the E-step leaves F", (-917, -920, -917, -915)),
    ("the E-step raises the log-likelihood", (-917, -917, -914, -915)),
    ("the E-step overshoots", (-917, -914, -917, -915)),
    ("rise counted from the old F", (-917, -917, -917, -918)),
    ("the log-likelihood stays", (-917, -917, -917, -917)),
    ("gap opens by as much", (-917, -917, -917, -913)),
]:
    wrong("staircase", slip, answer)

# Log of the mean, mean of the logs

good = {
    "log_of_mean": 1.609,
    "mean_of_logs": 1.099,
    "gap": 0.693,
    "log_of_sum": -903.62,
    "sum_of_logs": -6508.74,
    "bound": -3129.60,
}
right("jensen", good)
right("jensen", tuple(good.values()))
for slip, changes in [
    ("log of the sum, not of the mean", {"log_of_mean": 2.303}),
    ("sides exchanged", {"log_of_mean": 1.099, "mean_of_logs": 1.609}),
    ("logarithm to base ten", {"log_of_mean": 0.699}),
    ("log forgotten", {"gap": 2}),
    ("no gap", {"gap": 0}),
    ("sign of the gap", {"gap": -0.693}),
    ("infinite gap", {"gap": np.inf}),
    ("complete log-likelihood", {"log_of_sum": -926.36}),
    ("means per example", {"sum_of_logs": -36.16}),
    ("entropy forgotten", {"bound": -3254.37}),
    ("entropy subtracted", {"bound": -3379.13}),
    ("entropy added to the sum of the logs", {"bound": -6383.97}),
]:
    wrong("jensen", slip, {**good, **changes})

# Your own EM


def soft(x, phi, mu, Sigma):
    return softmax(by_scipy(x, phi, mu, Sigma), axis=1)


def em(x, w, n_iter, e=soft, m=average, ell=one_by_one, late=lambda *a: a):
    theta = m(x, w)
    trace = [ell(x, *theta)]
    for _ in range(n_iter):
        w = e(x, *theta)
        theta = m(x, w)
        trace.append(ell(x, *theta))
    return late(w, *theta, trace)


def backwards(x, w, n_iter):
    """The groups in the other order."""
    return em(x, w[:, ::-1], n_iter)


def with_package(x, w, n_iter):
    fit = emgmm.em(x, w, tol=0, max_iter=n_iter)
    if n_iter:
        w = emgmm.e_step(x, emgmm.em(x, w, tol=0, max_iter=n_iter - 1).theta)
    theta = fit.theta
    return {
        "w": w,
        "phi": theta.phi,
        "mu": theta.mu,
        "Sigma": theta.Sigma,
        "trace": fit.trace,
    }


right("my_em", em)
wrong("my_em", "groups in another order", backwards)
right("my_em", with_package)


def old_mean(x, w, n_iter):
    phi, mu, Sigma = average(x, w)
    trace = [one_by_one(x, phi, mu, Sigma)]
    for _ in range(n_iter):
        w = soft(x, phi, mu, Sigma)
        N = w.sum(axis=0)
        r = x[:, None] - mu
        Sigma = np.einsum("ij,ija,ijb->jab", w, r, r) / N[:, None, None]
        phi, mu = N / len(x), w.T @ x / N[:, None]
        trace.append(one_by_one(x, phi, mu, Sigma))
    return w, phi, mu, Sigma, trace


def mixed_w(x, w, n_iter):
    phi, mu, Sigma = average(x, w)
    trace = [one_by_one(x, phi, mu, Sigma)]
    for _ in range(n_iter):
        w = soft(x, phi, mu, Sigma)
        mu = w.T @ x / w.sum(axis=0)[:, None]
        fresh = soft(x, phi, mu, Sigma)
        N, r = fresh.sum(axis=0), x[:, None] - mu
        Sigma = np.einsum("ij,ija,ijb->jab", fresh, r, r) / N[:, None, None]
        phi = N / len(x)
        trace.append(one_by_one(x, phi, mu, Sigma))
    return w, phi, mu, Sigma, trace


def scaled(factor):
    def m(x, w):
        phi, mu, Sigma = average(x, w)
        return phi, mu, [S * factor(v.sum(), len(x)) for S, v in zip(Sigma, w.T)]

    return m


def never_updated(x, w, n_iter):
    trace = []
    for _ in range(n_iter + 1):
        theta = average(x, w)
        trace.append(one_by_one(x, *theta))
        soft(x, *theta)
    return (w, *theta, trace)


def one_hot(w):
    return np.eye(w.shape[1])[np.argmax(w, axis=1)]


def bound_traced(measure):
    def answer(x, w, n_iter):
        theta = emgmm.m_step(x, w)
        trace = [measure(x, w, theta)]
        for _ in range(n_iter):
            w = emgmm.e_step(x, theta)
            theta = emgmm.m_step(x, w)
            trace.append(measure(x, w, theta))
        return w, theta.phi, theta.mu, theta.Sigma, trace

    return answer


for slip, answer in [
    ("w never updated", never_updated),
    ("one iteration too many", lambda x, w, n: em(x, w, n + 1)),
    ("one iteration too few", lambda x, w, n: em(x, w, n - 1)),
    ("old mean in the new Sigma", old_mean),
    ("new w mixed with old", mixed_w),
    (
        "hard labels in the E-step",
        lambda x, w, n: em(x, w, n, e=lambda *a: one_hot(soft(*a))),
    ),
    (
        "hard labels in the M-step",
        lambda x, w, n: em(x, w, n, m=lambda x, v: average(x, one_hot(v))),
    ),
    (
        "hard labels in the M-step",
        lambda x, w, n: em(
            x, w, n, m=lambda x, v: average(x, v if v is w else one_hot(v))
        ),
    ),
    (
        "phi forgotten in the E-step",
        lambda x, w, n: em(
            x, w, n, e=lambda x, p, m, S: soft(x, np.ones(len(p)), m, S)
        ),
    ),
    (
        "Sigma divides by m, not N_j",
        lambda x, w, n: em(x, w, n, m=scaled(lambda N, m: N / m)),
    ),
    (
        "Sigma divides by N_j - 1",
        lambda x, w, n: em(x, w, n, m=scaled(lambda N, m: N / (N - 1))),
    ),
    (
        "trace one step behind",
        lambda x, w, n: em(x, w, n, late=lambda *a: (*a[:4], [a[4][0], *a[4][:-1]])),
    ),
    (
        "trace without the start",
        lambda x, w, n: em(x, w, n, late=lambda *a: (*a[:4], a[4][1:])),
    ),
    (
        "trace without the end",
        lambda x, w, n: em(x, w, n, late=lambda *a: (*a[:4], a[4][:-1])),
    ),
    (
        "trace of means",
        lambda x, w, n: em(x, w, n, ell=lambda x, *t: one_by_one(x, *t) / len(x)),
    ),
    (
        "sign of the trace",
        lambda x, w, n: em(x, w, n, ell=lambda *a: -one_by_one(*a)),
    ),
    ("trace of the bound F", bound_traced(emgmm.elbo)),
    (
        "trace of the expected complete log-likelihood",
        bound_traced(lambda x, w, t: np.sum(w * t.log_joint(x))),
    ),
    (
        "a fresh w returned",
        lambda x, w, n: em(x, w, n, late=lambda v, *a: (soft(x, *a[:3]), *a)),
    ),
]:
    wrong("my_em", slip, answer)

# Which slips does the alarm hear?


def watch(trace):
    for t in range(1, len(trace)):
        if trace[t] < trace[t - 1] - 1e-6:
            return t
    return -1


def watched(is_fall, result, none=-1):
    def answer(trace):
        falls = [t for t in range(1, len(trace)) if is_fall(trace, t)]
        return result(falls, trace) if falls else none

    return answer


def fall(trace, t):
    return trace[t - 1] - trace[t] > 1e-6


right("first_fall", watch)
right("first_fall", watched(fall, lambda falls, trace: [min(falls)]))
for slip, answer in [
    ("one iteration early", watched(fall, lambda falls, trace: falls[0] - 1)),
    (
        "rounding counted as a fall",
        watched(lambda v, t: v[t] < v[t - 1], lambda falls, trace: falls[0]),
    ),
    (
        "small falls overlooked",
        watched(lambda v, t: v[t] < v[t - 1] - 1e-3, lambda falls, trace: falls[0]),
    ),
    (
        "rises instead of falls",
        watched(lambda v, t: v[t] > v[t - 1] + 1e-6, lambda falls, trace: falls[0]),
    ),
    (
        "largest fall instead of the first",
        watched(
            fall,
            lambda falls, trace: max(falls, key=lambda t: trace[t - 1] - trace[t]),
        ),
    ),
    ("last fall instead of the first", watched(fall, lambda falls, trace: falls[-1])),
    ("number of falls", watched(fall, lambda falls, trace: len(falls), none=0)),
    ("0 when nothing falls", watched(fall, lambda falls, trace: falls[0], none=0)),
    (
        "compared with the start",
        watched(lambda v, t: v[t] < v[0] - 1e-6, lambda falls, trace: falls[0]),
    ),
    (
        "compared with the best so far",
        watched(lambda v, t: v[t] < max(v[:t]) - 1e-6, lambda falls, trace: falls[0]),
    ),
    ("yes or no", watched(fall, lambda falls, trace: True, none=False)),
]:
    wrong("first_fall", slip, answer)

# Hard labels

right("hard_labels", (7.2455, 0.5542))
right("hard_labels", {"gap": 7.25, "fall": 0.55})
for slip, answer in [
    ("sign of the gap", (-7.2455, 0.5542)),
    ("gap at the resting point", (4.946, 0.5542)),
    ("entropy instead of the gap", (19.652, 0.5542)),
    ("shares instead of logs", (6.437, 0.5542)),
    ("mean per example", (0.0403, 0.0031)),
    ("sign of the fall", (7.2455, -0.5542)),
    ("fall of the hard objective", (7.2455, -1.106)),
    ("gap taken for the fall", (7.2455, 4.946)),
    ("started from the labeled fit", (7.2455, -0.0752)),
]:
    wrong("hard_labels", slip, answer)

# Two kinds of gain


def three(x, theta):
    w = emgmm.e_step(x, theta)
    new = emgmm.m_step(x, w)
    return w, new, emgmm.e_step(x, new)


def expected(x, w, theta):
    return np.sum(w * theta.log_joint(x))


def by_difference(x, theta):
    w, new, _ = three(x, theta)
    first = expected(x, w, new) - expected(x, w, theta)
    return first, new.log_likelihood(x) - theta.log_likelihood(x) - first


def by_divergence(x, theta):
    w, new, v = three(x, theta)
    kl = sum(p * (np.log(p) - np.log(q)) for p, q in zip(w.ravel(), v.ravel()))
    return [emgmm.elbo(x, w, new) - theta.log_likelihood(x), kl]


def gains(first=None, second=None):
    def answer(x, theta):
        a, b = by_difference(x, theta)
        w, new, v = three(x, theta)
        a = a if first is None else first(x, theta, w, new, v)
        return a, b if second is None else second(w, v)

    return answer


right("two_gains", by_difference)
right("two_gains", by_divergence)
for slip, answer in [
    (
        "divergence the other way round",
        gains(second=lambda w, v: np.sum(v * (np.log(v) - np.log(w)))),
    ),
    (
        "sign of the divergence",
        gains(second=lambda w, v: np.sum(w * (np.log(v) - np.log(w)))),
    ),
    (
        "whole gain for the first part",
        gains(
            first=lambda x, t, w, new, v: new.log_likelihood(x) - t.log_likelihood(x)
        ),
    ),
    (
        "F with the new w",
        gains(first=lambda x, t, w, new, v: expected(x, v, new) - expected(x, v, t)),
    ),
    (
        "sign of the first part",
        gains(first=lambda x, t, w, new, v: expected(x, w, t) - expected(x, w, new)),
    ),
    ("parts exchanged", lambda *a: by_difference(*a)[::-1]),
    (
        "mean of the divergences",
        gains(second=lambda w, v: np.sum(w * np.log(w / v), axis=1).mean()),
    ),
    (
        "one divergence per example",
        gains(second=lambda w, v: np.sum(w * np.log(w / v), axis=1)),
    ),
    ("divergence without weights", gains(second=lambda w, v: np.log(w / v).sum())),
    (
        "entropy of w for the divergence",
        gains(second=lambda w, v: -np.sum(w * np.log(w))),
    ),
    (
        "cross-entropy for the divergence",
        gains(second=lambda w, v: -np.sum(w * np.log(v))),
    ),
    (
        "change of the entropy for the divergence",
        gains(second=lambda w, v: np.sum(w * np.log(w)) - np.sum(v * np.log(v))),
    ),
]:
    wrong("two_gains", slip, answer)
