"""Exercises of chapter 3: labels hidden."""

from typing import Any

import numpy as np
from scipy.special import logsumexp, softmax

from emgmm import data
from emgmm.checks.chapter_1 import _log_joint
from emgmm.checks.exercise import Case, Exercise, Slip
from emgmm.checks.inputs import far, mixtures, weighted
from emgmm.mixture import Mixture

P = float(softmax([-5, -6])[0])
LEFT = float(np.log1p(np.exp(-1)))

same_w = Exercise(
    label="ex-hidden-same-w",
    name="same_w",
    minutes=15,
    level="warm-up",
    parts=("w_P", "w_Q", "log_p_P", "log_p_Q"),
    reference=lambda: ([P, 1 - P], [P, 1 - P], -5 + LEFT, -805 + LEFT),
    tolerance=0.002,
    slips=(
        Slip(
            "0 divided by 0",
            {"w_Q": [np.nan, np.nan], "log_p_Q": -np.inf},
            "exp(-805) is an exact 0 in the computer. Take out the largest term first, "
            "by hand or in code.",
            "eq-log-sum-exp",
        ),
        Slip(
            "far means certain",
            {"w_P": [1, 0], "w_Q": [1, 0]},
            "How far out the point lies does not matter, only the difference of the "
            "two log-joints: it is 1 for both points.",
            "eq-responsibilities",
        ),
        Slip(
            "far means undecided",
            {"w_P": [0.5, 0.5], "w_Q": [0.5, 0.5]},
            "The two densities are tiny, but their ratio is e, as it is for P.",
            "eq-responsibilities",
        ),
        Slip(
            "not divided by the sum",
            {"w_P": [1, np.exp(-1)], "w_Q": [1, np.exp(-1)]},
            "These are in the right ratio. Divide by their sum.",
            "eq-responsibilities",
        ),
        Slip(
            "groups exchanged",
            {"w_P": [1 - P, P], "w_Q": [1 - P, P]},
            "The larger log-joint, -5 or -805, belongs to group 0.",
            "eq-responsibilities",
        ),
        Slip(
            "logs divided by their sum",
            {"w_P": [5 / 11, 6 / 11]},
            "You divided the logarithms by their sum. The densities are to be divided.",
            "eq-responsibilities",
        ),
        Slip(
            "sum of logs for log of sum",
            {"log_p_P": -11, "log_p_Q": -1611},
            "You added the logs. log p is the log of a sum.",
            "step-hidden-log-of-sum",
        ),
        Slip(
            "largest term for the sum",
            {"log_p_P": -5, "log_p_Q": -805},
            "That is the larger log-joint alone. The other term adds log(1 + 1/e).",
            "eq-log-sum-exp",
        ),
        Slip(
            "subtracted instead of added",
            {"log_p_P": -5 - LEFT, "log_p_Q": -805 - LEFT},
            "The second term makes p larger, so log p lies *above* the larger "
            "log-joint.",
            "eq-log-sum-exp",
        ),
        Slip(
            "taken out and not put back",
            {"log_p_P": LEFT, "log_p_Q": LEFT},
            "You took the largest log-joint out of the sum. Now add it again.",
            "eq-log-sum-exp",
        ),
        Slip(
            "mean of the logs",
            {"log_p_P": -5.5, "log_p_Q": -805.5},
            "That is the mean of the logs. log p is the log of a sum.",
            "step-hidden-log-of-sum",
        ),
    ),
    hints=(
        "Take out the larger term: e^-5 + e^-6 = e^-5 (1 + e^-1).",
        "In the responsibilities the common factor cancels, so P and Q have the same.",
        "log p is the larger log-joint plus log(1 + e^-1).",
    ),
    look_next="800 nats apart, and the same responsibilities: w knows nothing of how "
    "well a point fits at all.",
)


def _softmax_cases() -> list[Case]:
    small = np.array([[-1.0, -2.0], [-3.0, -1.0], [-2.0, -2.5]])
    distant = np.array([[-805.0, -806.0], [-1.0, -2.0], [-3.0, -7.0]])
    everywhere = distant.min() + small
    more = [t.log_joint(x) for x, t in mixtures()[1:]]
    return [(a,) for a in (small, distant, everywhere, *more)]


def _normal(e: Any) -> Any:
    return e / e.sum(axis=1, keepdims=True)


responsibilities = Exercise(
    label="ex-hidden-axis",
    name="responsibilities",
    minutes=20,
    level="core",
    arguments=("a",),
    parts=("w",),
    reference=lambda a: softmax(a, axis=1),
    cases=_softmax_cases,
    slips=(
        Slip(
            "softmax over the wrong axis",
            lambda a: np.exp(a) / np.exp(a).sum(axis=0),
            "You divided by the sums of the columns, axis=0. For each example, a row, "
            "the groups must sum to 1: axis=1, with keepdims=True.",
            "eq-responsibilities",
        ),
        Slip(
            "exp before subtracting the maximum",
            lambda a: _normal(np.exp(a)),
            "Far out exp gives 0, and 0 divided by 0 is nan. Subtract the largest of "
            "each row first: a - a.max(axis=1, keepdims=True).",
            "eq-log-sum-exp",
        ),
        Slip(
            "one maximum for all rows",
            lambda a: _normal(np.exp(a - a.max())),
            "You subtracted one maximum from all rows. A far row still underflows: "
            "take the maximum of each row, axis=1.",
            "eq-log-sum-exp",
        ),
        Slip(
            "not normalized",
            lambda a: np.exp(a - a.max(axis=1, keepdims=True)),
            "The rows do not sum to 1: divide by their sums.",
            "eq-responsibilities",
        ),
        Slip(
            "densities, not normalized",
            np.exp,
            "These are p(x, z = j). Divide each row by its sum.",
            "eq-responsibilities",
        ),
        Slip(
            "hard labels",
            lambda a: (a == a.max(axis=1, keepdims=True)).astype(float),
            "You gave each example wholly to its best group. Responsibilities share "
            "it.",
            "eq-responsibilities",
        ),
        Slip(
            "logs divided by their sum",
            _normal,
            "You divided the logarithms. Take exp first.",
            "eq-responsibilities",
        ),
        Slip(
            "log of the responsibilities",
            lambda a: a - logsumexp(a, axis=1, keepdims=True),
            "These are the logs of the responsibilities. One exp is missing.",
            "eq-responsibilities",
        ),
        Slip(
            "sign in the exponent",
            lambda a: softmax(-a, axis=1),
            "The sign in the exponent is wrong: the worst group gets the most.",
            "eq-responsibilities",
        ),
        Slip(
            "normalized over everything",
            lambda a: softmax(a),
            "All entries together sum to 1. Each row must.",
            "eq-responsibilities",
        ),
        Slip(
            "normalized over everything",
            lambda a: np.exp(a) / np.exp(a).sum(),
            "All entries together sum to 1. Each row must.",
            "eq-responsibilities",
        ),
        Slip(
            "powers of two or ten",
            lambda a: softmax(a * np.log(10), axis=1),
            "The logarithms are natural: take np.exp, not 10 ** a.",
            "eq-responsibilities",
        ),
    ),
    hints=(
        "axis=0 runs down a column, over the examples. Which axis runs over the "
        "groups?",
        "keepdims=True keeps the sums as a column, so that each row is divided by its "
        "own.",
        "Subtract a.max(axis=1, keepdims=True) before exp. It cancels in the ratio.",
    ),
    look_next="With d = k = m one would never have noticed the axis. Your check did.",
)


def _likelihood(change: Any, **changes: Any) -> Any:
    """A function of the log-joints, which may be wrong themselves."""

    def version(x: Any, phi: Any, mu: Any, Sigma: Any) -> Any:
        return change(_log_joint(x, phi, mu, Sigma, **changes))

    return version


def _log_of_sum(a: Any) -> Any:
    return logsumexp(a, axis=1).sum()


def _likelihood_cases() -> list[Case]:
    first, *others = mixtures()
    return [(x, t.phi, t.mu, t.Sigma) for x, t in (first, far(), *others)]


log_likelihood = Exercise(
    label="ex-log-likelihood",
    name="log_likelihood",
    minutes=25,
    level="core",
    arguments=("x", "phi", "mu", "Sigma"),
    parts=("log_likelihood",),
    reference=lambda x, phi, mu, Sigma: Mixture(phi, mu, Sigma).log_likelihood(x),
    cases=_likelihood_cases,
    shown=lambda: (
        data.anemia().x,
        data.ANEMIA.phi,
        data.ANEMIA.mu,
        data.ANEMIA.Sigma,
    ),
    points=2,
    slips=(
        Slip(
            "sum of logs for log of sum",
            _likelihood(np.sum),
            "You added the logs of the groups. The groups are added first, as "
            "densities, and then comes the log.",
            "step-hidden-log-of-sum",
        ),
        Slip(
            "log outside both sums",
            _likelihood(logsumexp),
            "You took one log of everything. Each example has its own log, and the "
            "logs are added.",
            "eq-log-likelihood",
        ),
        Slip(
            "exp before subtracting the maximum",
            _likelihood(lambda a: np.log(np.exp(a).sum(axis=1)).sum()),
            "For the mistyped row exp gives 0, and its log is -inf. Take out the "
            "largest log-joint of the row first.",
            "eq-log-sum-exp",
        ),
        Slip(
            "maximum not put back",
            _likelihood(lambda a: (logsumexp(a, axis=1) - a.max(axis=1)).sum()),
            "You subtracted the largest log-joint of each row. Add it again after the "
            "log.",
            "eq-log-sum-exp",
        ),
        Slip(
            "best group only",
            _likelihood(lambda a: a.max(axis=1).sum()),
            "You kept the best group of each example. The others add to the density, "
            "too: that is the difference between max and log of sum.",
            "eq-density",
        ),
        Slip(
            "mean instead of total",
            _likelihood(lambda a: logsumexp(a, axis=1).mean()),
            "This is the mean per example. The log-likelihood is a total.",
            "eq-log-likelihood",
        ),
        Slip(
            "not summed over the examples",
            _likelihood(lambda a: logsumexp(a, axis=1)),
            "These are the log-densities, one for each example. Add them up.",
            "eq-log-likelihood",
        ),
        Slip(
            "sign of the log-likelihood",
            _likelihood(lambda a: -_log_of_sum(a)),
            "The sign is wrong. Others minimize the negative log-likelihood; we "
            "maximize.",
            "eq-log-likelihood",
        ),
        Slip(
            "sum over the wrong axis",
            _likelihood(lambda a: logsumexp(a, axis=0).sum()),
            "You summed over the examples inside the log. Inside stand the groups: "
            "axis=1.",
            "eq-log-likelihood",
        ),
        Slip(
            "forgot log phi",
            _likelihood(_log_of_sum, log_phi=0),
            "The shares phi_j are missing.",
            "eq-density",
        ),
        Slip(
            "averaged over the groups",
            _likelihood(lambda a: (logsumexp(a, axis=1) - np.log(a.shape[1])).sum()),
            "You took the mean over the groups. It is their sum: the shares phi_j have "
            "already weighted them.",
            "eq-density",
        ),
        Slip(
            "likelihood without log",
            _likelihood(lambda a: np.exp(a).sum()),
            "There is no log in it.",
            "eq-log-likelihood",
        ),
        Slip(
            "logarithm to another base",
            _likelihood(lambda a: _log_of_sum(a) / np.log(10)),
            "The unit is the nat: take np.log, not np.log10.",
            "eq-log-likelihood",
        ),
        Slip(
            "k in place of d in the constant",
            _likelihood(_log_of_sum, constant="k"),
            "The constant of the Gaussian counts the features d, not the groups k.",
            "eq-gaussian",
        ),
        Slip(
            "covariance where the precision belongs",
            _likelihood(_log_of_sum, precision=False),
            "You used Sigma in D^2 where its inverse belongs.",
            "eq-gaussian",
        ),
        Slip(
            "log det forgotten",
            _likelihood(_log_of_sum, log_det=0),
            "log det Sigma is missing.",
            "eq-gaussian",
        ),
    ),
    hints=(
        "Start from the log-joints: one row per example, one column per group.",
        "For each row: the log of the sum of the exponentials. Which number do you "
        "take out first?",
        "top = a.max(axis=1), then top + log of the sum of exp(a - top[:, None]), then "
        "add up the rows.",
    ),
    look_next="Keep it: an EM program whose log-likelihood falls has a mistake. "
    "Compare yours with theta.log_likelihood(x) on the anemia data, -903.62.",
)


def _by(order: Any) -> Any:
    """All three arrays in one order."""

    def version(phi: Any, mu: Any, Sigma: Any) -> Any:
        chosen = order(phi, mu)
        return phi[chosen], mu[chosen], Sigma[chosen]

    return version


def _first(phi: Any, mu: Any) -> Any:
    return mu[:, 0].argsort()


def _in_order_cases() -> list[Case]:
    phi, mu = np.array([0.3, 0.5, 0.2]), np.array([[80.0], [90.0], [72.0]])
    cases = [(phi, mu, np.array([[[20.0]], [[9.0]], [[30.0]]]))]
    rng = np.random.default_rng(14)
    for d, k in ((3, 4), (2, 5)):
        A = rng.normal(size=(k, d, d))
        mu = rng.normal(size=(k, d))
        cases.append((rng.dirichlet(np.ones(k)), mu, A @ A.mT + np.eye(d)))
    return [*cases]


in_order = Exercise(
    label="ex-hidden-same-fit",
    name="in_order",
    minutes=30,
    level="core",
    arguments=("phi", "mu", "Sigma"),
    parts=("phi", "mu", "Sigma"),
    reference=_by(_first),
    cases=_in_order_cases,
    slips=(
        Slip(
            "means sorted, nothing else",
            lambda p, mu, S: (p, mu[_first(p, mu)], S),
            "You sorted the means and left phi and Sigma behind. A group is all three: "
            "they must move together.",
            "step-hidden-permutation",
        ),
        Slip(
            "means and shares sorted, not the covariances",
            lambda p, mu, S: (p[_first(p, mu)], mu[_first(p, mu)], S),
            "You left the covariances behind: now each mean has the shape of another "
            "group.",
            "step-hidden-permutation",
        ),
        Slip(
            "means and covariances sorted, not the shares",
            lambda p, mu, S: (p, mu[_first(p, mu)], S[_first(p, mu)]),
            "You left phi behind: now each group has the share of another.",
            "step-hidden-permutation",
        ),
        Slip(
            "each column of the means sorted by itself",
            lambda p, mu, S: (
                p[_first(p, mu)],
                np.sort(mu, axis=0),
                S[_first(p, mu)],
            ),
            "np.sort sorts each column by itself and tears the means apart. Find the "
            "order once, with argsort, and use it on all rows.",
            "step-hidden-permutation",
        ),
        Slip(
            "every array sorted by itself",
            lambda p, mu, S: (np.sort(p), mu[_first(p, mu)], S[_first(p, mu)]),
            "You sorted phi by its own values. It must follow the means.",
            "step-hidden-permutation",
        ),
        Slip(
            "the inverse order",
            _by(lambda p, mu: _first(p, mu).argsort()),
            "You used the ranks of the groups as positions: that is the inverse of the "
            "order that argsort gives. With two groups nobody sees it.",
            "step-hidden-permutation",
        ),
        Slip(
            "highest first",
            _by(lambda p, mu: _first(p, mu)[::-1]),
            "Your groups run from the highest to the lowest. The lowest comes first.",
        ),
        Slip(
            "sorted by share",
            _by(lambda p, mu: p.argsort()),
            "You sorted by phi. The first feature of the means decides.",
        ),
        Slip(
            "sorted by share, largest first",
            _by(lambda p, mu: (-p).argsort()),
            "You sorted by phi. The first feature of the means decides.",
        ),
        Slip(
            "sorted by the last feature",
            _by(lambda p, mu: mu[:, -1].argsort()),
            "You sorted by the last feature. The first one decides.",
        ),
        Slip(
            "sorted by the length of the mean",
            _by(lambda p, mu: np.linalg.norm(mu, axis=1).argsort()),
            "You sorted by the length of the mean vector. Its first feature decides.",
        ),
        Slip(
            "not sorted",
            lambda p, mu, S: (p, mu, S),
            "The groups come back in the order in which they went in.",
        ),
    ),
    hints=(
        "np.argsort gives the order: the number of the group that comes first, second, "
        "...",
        "order = np.argsort(mu[:, 0]) is an array of group numbers.",
        "Index all three arrays with the same order: phi[order], mu[order], "
        "Sigma[order].",
    ),
    look_next="T1 and T2 are the same fit. Now you can say so by comparing arrays.",
)


def _tied(
    x: Any,
    w: Any,
    mu: Any,
    Sigma: Any,
    *,
    N: Any = None,
    factor: float = 0.5,
    center: Any = None,
) -> Any:
    """The derivative in the shared precision."""
    r = x[None] - (mu if center is None else center)[:, None]
    scatter = np.einsum("ij,jia,jib->ab", w, r, r)
    return factor * ((len(x) if N is None else N) * Sigma - scatter)


def _tied_cases() -> list[Case]:
    cases = []
    for seed, (x, w) in enumerate(weighted()):
        rng, k, d = np.random.default_rng(seed), w.shape[1], x.shape[1]
        A = rng.normal(size=(d, d))
        mu = np.array([[1.0], [5.0]]) if d == 1 else rng.normal(size=(k, d))
        Sigma = np.array([[2.0]]) if d == 1 else A @ A.T + np.eye(d)
        cases.append((x, w, mu, Sigma))
    return [*cases]


def _hard(w: Any) -> Any:
    return (w == w.max(axis=1, keepdims=True)).astype(float)


tied_slope = Exercise(
    label="ex-hidden-tied",
    name="tied_slope",
    minutes=50,
    level="stretch",
    arguments=("x", "w", "mu", "Sigma"),
    parts=("slope",),
    reference=_tied,
    cases=_tied_cases,
    slips=(
        Slip(
            "sign",
            lambda *a: -_tied(*a),
            "The sign is wrong: log det of the precision enters with a plus.",
            "step-hidden-score-sigma",
        ),
        Slip(
            "not halved",
            lambda *a: _tied(*a, factor=1),
            "Both terms of the log-joint carry a factor one half.",
            "step-hidden-score-sigma",
        ),
        Slip(
            "Sigma counted for every group",
            lambda x, w, mu, S: _tied(x, w, mu, S, N=len(x) * w.shape[1]),
            "You counted Sigma k times for each example. The weights of a row sum to "
            "1, so each example counts once: m Sigma in all.",
            "step-hidden-score-sigma",
        ),
        Slip(
            "Sigma counted once",
            lambda x, w, mu, S: _tied(x, w, mu, S, N=1),
            "Sigma stands in the term of every example: m times in all.",
            "step-hidden-score-sigma",
        ),
        Slip(
            "precision instead of Sigma",
            lambda x, w, mu, S: (
                _tied(x, w, mu, S) + len(x) / 2 * (np.linalg.inv(S) - S)
            ),
            "The derivative of log det Lambda is the inverse of Lambda, which is "
            "Sigma.",
            "step-log-det-derivative",
        ),
        Slip(
            "weights forgotten",
            lambda x, w, mu, S: _tied(x, np.ones_like(w), mu, S),
            "The weights w are missing in the sum of r r^T.",
            "step-hidden-chain",
        ),
        Slip(
            "hard labels",
            lambda x, w, mu, S: _tied(x, _hard(w), mu, S),
            "You gave each example wholly to its best group. The weights are shares.",
            "step-hidden-chain",
        ),
        Slip(
            "divided by m",
            lambda x, w, mu, S: _tied(x, w, mu, S) / len(x),
            "You divided by m. The log-likelihood is a total, and so is its slope.",
            "step-hidden-chain",
        ),
        Slip(
            "mean of everybody",
            lambda x, w, mu, S: _tied(
                x, w, mu, S, center=np.tile(x.mean(axis=0), (len(mu), 1))
            ),
            "You measured from the mean of all examples. Each group has its own mean.",
            "step-hidden-score-sigma",
        ),
        Slip(
            "squares forgotten",
            lambda x, w, mu, S: len(x) * S / 2,
            "The squares r r^T are missing.",
            "step-hidden-score-sigma",
        ),
        Slip(
            "log det forgotten",
            lambda x, w, mu, S: _tied(x, w, mu, S) - len(x) * S / 2,
            "The term of log det Lambda is missing.",
            "step-hidden-score-sigma",
        ),
        Slip(
            "one group only",
            lambda x, w, mu, S: _tied(
                x, w * (np.arange(w.shape[1]) == 0), mu, S, N=w[:, 0].sum()
            ),
            "That is group 0 alone. Lambda stands in the log-joints of all groups.",
            "step-hidden-chain",
        ),
    ),
    hints=(
        "Lambda stands in every a_ij of a point. The chain rule adds their parts, each "
        "with e^a_ij / p(x_i) in front, which is w_ij.",
        "The derivative of a_ij is (Sigma - r r^T) / 2, as in the chapter.",
        "Sum over i and j. The weights of a row sum to 1, so m Sigma is left, minus "
        "the weighted sum of all r_ij r_ij^T.",
    ),
    look_next="Set it to zero: Sigma is the weighted sum of r r^T over all groups, "
    "divided by m.",
)

EXERCISES = (same_w, responsibilities, log_likelihood, in_order, tied_slope)
