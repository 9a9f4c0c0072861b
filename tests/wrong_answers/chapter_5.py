"""Why EM works."""

import numpy as np
from scipy.special import softmax
from scipy.stats import entropy

import emgmm
from tests.wrong_answers import right, wrong
from tests.wrong_answers.chapter_1 import by_scipy
from tests.wrong_answers.chapter_3 import one_by_one
from tests.wrong_answers.chapter_4 import average

# Read the staircase

right("staircase", (-917, -917, -917, -915))
right("staircase", [-917.0, -917.0, -917.0, -915.0])
for slip, answer in [
    ("below in the place of loglik", (-923, -923, -923, -921)),
    ("F in the place of loglik", (-920, -917, -917, -915)),
    ("F in the place of F_after_E", (-917, -920, -917, -915)),
    ("gap added twice", (-917, -917, -914, -915)),
    ("gap added twice", (-917, -914, -917, -915)),
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
    ("parts in another order", {"log_of_mean": 1.099, "mean_of_logs": 1.609}),
    ("logarithm to base ten", {"log_of_mean": 0.699}),
    ("log forgotten", {"gap": 2}),
    ("no gap", {"gap": 0}),
    ("minus_gap in the place of gap", {"gap": -0.693}),
    ("infinite gap", {"gap": np.inf}),
    ("complete in the place of log_of_sum", {"log_of_sum": -926.36}),
    ("mean_per_example in the place of sum_of_logs", {"sum_of_logs": -36.16}),
    ("expected in the place of bound", {"bound": -3254.37}),
    ("subtracted in the place of bound", {"bound": -3379.13}),
    ("unweighted in the place of bound", {"bound": -6383.97}),
    ("log of the sum over all examples", {"log_of_sum": 0.785}),
    ("sum of the logs for the bound", {"bound": -6508.74}),
    (
        "recipe of the data in place of the labeled fit",
        {"log_of_sum": -905.18, "sum_of_logs": -5604.77, "bound": -2677.62},
    ),
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


def until_quiet(x, w, n_iter, least=1e-4):
    *answer, trace = em(x, w, n_iter)
    for t in range(1, len(trace)):
        if trace[t] - trace[t - 1] < least:
            return *em(x, w, t)[:4], trace[: t + 1]
    return *answer, trace


def old_shares(x, w, n_iter):
    first, _, _ = average(x, w)
    return em(x, w, n_iter, m=lambda x, w: (first, *average(x, w)[1:]))


def by_mean(v, phi, mu, Sigma, trace):
    order = np.argsort([c[0] for c in mu])
    return v, np.array(phi)[order], np.array(mu)[order], np.array(Sigma)[order], trace


def widened(x, w):
    phi, mu, Sigma = average(x, w)
    return phi, mu, [S + np.diag([1e-3] * len(S)) for S in Sigma]


def turned(x, phi, mu, Sigma):
    return np.flip(soft(x, phi, mu, Sigma), axis=1)


def own_start(x, w, n_iter):
    rng = np.random.default_rng(0)
    return em(x, rng.dirichlet(np.ones(w.shape[1]), len(x)), n_iter)


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
    ("given w not used", own_start),
    ("one iteration too many", lambda x, w, n: em(x, w, n + 1)),
    ("stops early", until_quiet),
    ("parameters never updated", old_shares),
    (
        "something added to the diagonal of Sigma",
        lambda x, w, n: em(x, w, n, m=widened),
    ),
    (
        "something added to the diagonal of Sigma",
        lambda x, w, n: em(
            x, w, n, m=lambda x, v: average(x, v) if v is w else widened(x, v)
        ),
    ),
    (
        "groups exchanged in every iteration",
        lambda x, w, n: em(x, w, n, e=turned),
    ),
    ("groups sorted at the end", lambda x, w, n: em(x, w, n, late=by_mean)),
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
        "rounding counted as a fall",
        watched(lambda v, t: v[t - 1] - v[t] > 1e-7, lambda falls, trace: falls[0]),
    ),
    (
        "small falls overlooked",
        watched(lambda v, t: v[t - 1] - v[t] > 2e-6, lambda falls, trace: falls[0]),
    ),
    (
        "small falls overlooked",
        watched(lambda v, t: v[t] < v[t - 1] - 1e-3, lambda falls, trace: falls[0]),
    ),
    (
        "rise in the place of iteration",
        watched(lambda v, t: v[t] > v[t - 1] + 1e-6, lambda falls, trace: falls[0]),
    ),
    (
        "largest in the place of iteration",
        watched(
            fall,
            lambda falls, trace: max(falls, key=lambda t: trace[t - 1] - trace[t]),
        ),
    ),
    ("last in the place of iteration", watched(fall, lambda falls, trace: falls[-1])),
    (
        "number in the place of iteration",
        watched(fall, lambda falls, trace: len(falls), none=0),
    ),
    ("0 when nothing falls", watched(fall, lambda falls, trace: falls[0], none=0)),
    ("1 when nothing falls", watched(fall, lambda falls, trace: falls[0], none=1)),
    (
        "a share of the value allowed",
        watched(
            lambda v, t: (v[t - 1] - v[t]) / abs(v[t - 1]) > 1e-6,
            lambda falls, trace: falls[0],
        ),
    ),
    (
        "only the first step looked at",
        watched(lambda v, t: t == 1 and fall(v, t), lambda falls, trace: 1),
    ),
    (
        "last iteration not looked at",
        watched(
            lambda v, t: t < len(v) - 1 and fall(v, t), lambda falls, trace: falls[0]
        ),
    ),
    (
        "first iteration not looked at",
        watched(lambda v, t: t >= 2 and fall(v, t), lambda falls, trace: falls[0]),
    ),
    (
        "the start compared with the last value",
        lambda v: next((t for t in range(len(v)) if fall(v, t)), -1),
    ),
    (
        "rise in the place of iteration",
        lambda v: next((t for t in range(1, len(v)) if fall(-v, t)), -1),
    ),
    (
        "no_fall in the place of iteration",
        watched(lambda v, t: not fall(v, t), lambda falls, trace: falls[0]),
    ),
    (
        "moved in the place of iteration",
        watched(
            lambda v, t: abs(v[t] - v[t - 1]) > 1e-6, lambda falls, trace: falls[0]
        ),
    ),
    (
        "number_if_any in the place of iteration",
        watched(fall, lambda falls, trace: len(falls)),
    ),
    (
        "below_start in the place of iteration",
        watched(lambda v, t: v[t] < v[0] - 1e-6, lambda falls, trace: falls[0]),
    ),
    (
        "below_best in the place of iteration",
        watched(lambda v, t: v[t] < max(v[:t]) - 1e-6, lambda falls, trace: falls[0]),
    ),
    (
        "whether in the place of iteration",
        watched(fall, lambda falls, trace: True, none=False),
    ),
]:
    wrong("first_fall", slip, answer)

# Hard labels

right("hard_labels", (7.2455, 0.5542))
right("hard_labels", {"gap": 7.25, "fall": 0.55})
for slip, answer in [
    ("minus_gap in the place of gap", (-7.2455, 0.5542)),
    ("at_rest in the place of gap", (4.946, 0.5542)),
    ("no gap", (0, 0.5542)),
    ("of_label in the place of gap", (22.739, 0.5542)),
    ("base_ten in the place of gap", (3.147, 0.5542)),
    ("to_F in the place of fall", (7.2455, 3.840)),
    ("entropy in the place of gap", (19.652, 0.5542)),
    ("shares in the place of gap", (6.437, 0.5542)),
    ("mean_gap in the place of gap", (0.0403, 0.0031)),
    ("change in the place of fall", (7.2455, -0.5542)),
    ("hard_gain in the place of fall", (7.2455, -1.106)),
    ("at_rest in the place of fall", (7.2455, 4.946)),
    ("started from the labeled fit", (7.2455, -0.075)),
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
    pairs = [(p, q) for p, q in zip(w.ravel(), v.ravel()) if p]
    kl = sum(p * (np.log(p) - np.log(q)) for p, q in pairs)
    return [emgmm.elbo(x, w, new) - theta.log_likelihood(x), kl]


def by_hard_difference(x, theta):
    w = one_hot(emgmm.e_step(x, theta))
    new = emgmm.m_step(x, w)
    before, after = emgmm.elbo(x, w, theta), emgmm.elbo(x, w, new)
    return after - before, new.log_likelihood(x) - after


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
        "0 log 0 is nan",
        gains(second=lambda w, v: np.sum(w * (np.log(w) - np.log(v)))),
    ),
    (
        "hard labels in the E-step",
        by_hard_difference,
    ),
    (
        "columns in the place of divergence",
        gains(second=lambda w, v: entropy(w, v).sum()),
    ),
    (
        "backwards in the place of divergence",
        gains(second=lambda w, v: np.sum(v * (np.log(v) - np.log(w)))),
    ),
    (
        "minus_divergence in the place of divergence",
        gains(second=lambda w, v: np.sum(w * (np.log(v) - np.log(w)))),
    ),
    (
        "total in the place of m_step_gain",
        gains(
            first=lambda x, t, w, new, v: new.log_likelihood(x) - t.log_likelihood(x)
        ),
    ),
    (
        "at_new_w in the place of m_step_gain",
        gains(first=lambda x, t, w, new, v: expected(x, v, new) - expected(x, v, t)),
    ),
    (
        "minus_gain in the place of m_step_gain",
        gains(first=lambda x, t, w, new, v: expected(x, w, t) - expected(x, w, new)),
    ),
    ("parts in another order", lambda *a: by_difference(*a)[::-1]),
    (
        "mean_divergence in the place of divergence",
        gains(second=lambda w, v: np.sum(w * np.log(w / v), axis=1).mean()),
    ),
    (
        "each in the place of divergence",
        gains(second=lambda w, v: np.sum(w * np.log(w / v), axis=1)),
    ),
    ("bare in the place of divergence", gains(second=lambda w, v: np.log(w / v).sum())),
    (
        "entropy in the place of divergence",
        gains(second=lambda w, v: -np.sum(w * np.log(w))),
    ),
    (
        "crossed in the place of divergence",
        gains(second=lambda w, v: -np.sum(w * np.log(v))),
    ),
    (
        "entropies in the place of divergence",
        gains(second=lambda w, v: np.sum(w * np.log(w)) - np.sum(v * np.log(v))),
    ),
]:
    wrong("two_gains", slip, answer)
