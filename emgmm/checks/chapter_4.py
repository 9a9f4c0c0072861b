"""Exercises of chapter 4: the steps of EM."""

from typing import Any

import numpy as np
from scipy.special import softmax

from emgmm import data
from emgmm.checks.chapter_1 import _log_joint
from emgmm.checks.exercise import Case, Exercise, Slip
from emgmm.checks.inputs import far, mixtures, weighted
from emgmm.em import m_step as right_m_step
from emgmm.mixture import Mixture

by_hand = Exercise(
    label="ex-em-by-hand",
    name="by_hand",
    minutes=20,
    level="warm-up",
    parts=("w", "without_phi", "without_sigma", "phi", "mu", "Sigma"),
    reference=lambda: (
        [1 / 7, 6 / 7],
        1 / 3,
        1 / 4,
        [2 / 3, 1 / 3],
        [2, 4],
        [6, 4],
    ),
    tolerance=0.004,
    slips=(
        Slip(
            "forgot phi",
            {"w": [1 / 3, 2 / 3]},
            "You forgot the shares phi: before we look at x, group 1 is three times as "
            "probable.",
            "eq-e-step",
        ),
        Slip(
            "forgot 1/sigma",
            {"w": [1 / 4, 3 / 4]},
            "You forgot the factor 1/sigma of the density: the wide bell is half as "
            "high.",
            "step-bell",
        ),
        Slip(
            "variance in place of the standard deviation before the bell",
            {"w": [1 / 13, 12 / 13], "without_phi": 1 / 5},
            "You divided by the variance 4. The factor is 1/sigma, and sigma is 2.",
            "step-bell",
        ),
        Slip(
            "variance used as standard deviation",
            {"w": [0.1082, 0.8918], "without_phi": 0.2667, "without_sigma": 0.3266},
            "The 4 is a variance: x = 2 lies one standard deviation from 0.",
            "step-bell",
        ),
        Slip(
            "not divided by the sum",
            {"w": [1 / 8, 3 / 4]},
            "These are in the right ratio. Divide by their sum.",
            "eq-e-step",
        ),
        Slip(
            "groups exchanged",
            {"w": [6 / 7, 1 / 7], "without_phi": 2 / 3, "without_sigma": 3 / 4},
            "Group 0 comes first. It is the one with mean 0.",
            "eq-e-step",
        ),
        Slip(
            "hard labels",
            {"w": [0, 1], "without_phi": 0, "without_sigma": 0},
            "You gave the example wholly to the more probable group.",
            "eq-e-step",
        ),
        Slip(
            "both forgotten",
            {"without_phi": 1 / 2, "without_sigma": 1 / 2},
            "That is without phi *and* without 1/sigma. Forget one at a time.",
            "eq-e-step",
        ),
        Slip(
            "counts instead of shares",
            {"phi": [2, 1]},
            "These are the N_j. Divide by the three examples.",
            "eq-m-step-phi",
        ),
        Slip(
            "equal shares",
            {"phi": [1 / 2, 1 / 2]},
            "Group 0 holds 1 + 1/2 + 1/2 = 2 of the three examples.",
            "eq-m-step-phi",
        ),
        Slip(
            "divided by m, not N_j",
            {"mu": [4 / 3, 4 / 3], "Sigma": [4, 4 / 3]},
            "You divided by m = 3. Divide by N_j: 2 for group 0, 1 for group 1.",
            "eq-m-step-mu",
        ),
        Slip(
            "weights forgotten",
            {"mu": [8 / 3, 4]},
            "You averaged the examples without their weights.",
            "eq-m-step-mu",
        ),
        Slip(
            "divided by the number of examples with weight",
            {"mu": [4 / 3, 2], "Sigma": [4, 2]},
            "You divided by the number of examples that have a part in the group. "
            "Divide by the sum of their weights.",
            "eq-m-step-mu",
        ),
        Slip(
            "not divided",
            {"mu": [4, 4], "Sigma": [12, 4]},
            "These are weighted sums. Divide by N_j.",
            "eq-m-step-mu",
        ),
        Slip(
            "mean not subtracted",
            {"Sigma": [10, 20]},
            "These are weighted means of x^2. Subtract mu^2.",
            "eq-m-step-sigma",
        ),
        Slip(
            "divided by N_j - 1",
            {"Sigma": [12, np.inf]},
            "You divided by N_j - 1. The M-step divides by N_j.",
            "eq-m-step-sigma",
        ),
        Slip(
            "standard deviation in Sigma",
            {"Sigma": [np.sqrt(6), 2]},
            "Sigma holds variances. You took the root.",
            "eq-m-step-sigma",
        ),
    ),
    hints=(
        "At x = 2 both exponents are -1/2: (2 - 0)^2 / 4 = 1 and (2 - 3)^2 / 1 = 1. "
        "They cancel.",
        "So w_0 : w_1 is phi_0 / 2 : phi_1 / 1, that is 1/8 : 3/4.",
        "M-step: N_0 = 1 + 1/2 + 1/2, and the weighted sum of x for group 0 is "
        "0 + 1 + 3.",
    ),
    look_next="Check the M-step with emgmm.m_step, and then write your own.",
)


def _steps(change: Any, **changes: Any) -> Any:
    """Something made of the log-joints, which may be wrong themselves."""

    def version(x: Any, phi: Any, mu: Any, Sigma: Any) -> Any:
        return change(_log_joint(x, phi, mu, Sigma, **changes))

    return version


def _rows(a: Any) -> Any:
    return softmax(a, axis=1)


def _e_step_cases() -> list[Case]:
    first, *others = mixtures()
    return [(x, t.phi, t.mu, t.Sigma) for x, t in (first, far(), *others)]


e_step = Exercise(
    label="ex-e-step",
    name="e_step",
    minutes=30,
    level="core",
    arguments=("x", "phi", "mu", "Sigma"),
    parts=("w",),
    reference=lambda x, phi, mu, Sigma: Mixture(phi, mu, Sigma).responsibilities(x),
    cases=_e_step_cases,
    shown=lambda: (
        data.anemia().x,
        data.ANEMIA.phi,
        data.ANEMIA.mu,
        data.ANEMIA.Sigma,
    ),
    group_axis={"w": 1},
    points=2,
    slips=(
        Slip(
            "forgot log phi",
            _steps(_rows, log_phi=0),
            "The shares phi_j are missing: a frequent group must get more.",
            "eq-e-step",
        ),
        Slip(
            "softmax over the wrong axis",
            _steps(lambda a: np.exp(a) / np.exp(a).sum(axis=0)),
            "You divided by the sums of the columns, axis=0. For each example, a row, "
            "the groups must sum to 1: axis=1, with keepdims=True.",
            "eq-e-step",
        ),
        Slip(
            "not normalized",
            _steps(np.exp),
            "These are the densities p(x, z = j). Divide each row by its sum.",
            "eq-e-step",
        ),
        Slip(
            "not normalized, after subtracting the maximum",
            _steps(lambda a: np.exp(a - a.max(axis=1, keepdims=True))),
            "The rows do not sum to 1: divide by their sums.",
            "eq-e-step",
        ),
        Slip(
            "exp before subtracting the maximum",
            _steps(lambda a: np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)),
            "For the mistyped row all densities are 0, and 0 divided by 0 is nan. "
            "Subtract the largest log-joint of each row before exp.",
            "eq-log-sum-exp",
        ),
        Slip(
            "hard labels instead of w",
            _steps(lambda a: (a == a.max(axis=1, keepdims=True)).astype(float)),
            "You gave each example wholly to its best group. The E-step shares it.",
            "eq-e-step",
        ),
        Slip(
            "log-joints returned",
            _steps(lambda a: a),
            "These are the log-joints. Take exp and divide each row by its sum.",
            "eq-e-step",
        ),
        Slip(
            "log of w",
            _steps(lambda a: np.log(_rows(a))),
            "This is the log of w.",
            "eq-e-step",
        ),
        Slip(
            "covariance where the precision belongs",
            _steps(_rows, precision=False),
            "You used Sigma in D^2 where its inverse belongs. Round clouds of size one "
            "hide it.",
            "eq-gaussian",
        ),
        Slip(
            "log det forgotten",
            _steps(_rows, log_det=0),
            "log det Sigma is missing. It does not cancel: the groups have different "
            "ones.",
            "eq-gaussian",
        ),
        Slip(
            "log det not halved",
            _steps(_rows, log_det=1),
            "log det Sigma must be halved: the density is divided by the *root* of the "
            "determinant.",
            "eq-gaussian",
        ),
        Slip(
            "sign of log det",
            _steps(_rows, log_det=-0.5),
            "log det Sigma has the wrong sign.",
            "eq-gaussian",
        ),
        Slip(
            "log det of L, halved again",
            _steps(_rows, log_det=0.25),
            "Your log det is half of what it should be: log det Sigma is twice the "
            "sum of the logs of L's diagonal.",
            "step-determinant",
        ),
        Slip(
            "D squared not halved",
            _steps(_rows, square=1),
            "D^2 must be halved.",
            "eq-gaussian",
        ),
        Slip(
            "phi not in logs",
            lambda x, phi, mu, S: _rows(_log_joint(x, phi, mu, S, log_phi=0) + phi),
            "You added phi_j to a logarithm. Add log phi_j.",
            "eq-log-joint",
        ),
        Slip(
            "phi twice",
            _steps(_rows, log_phi=2),
            "phi_j comes in twice.",
            "eq-e-step",
        ),
        Slip(
            "variances only",
            lambda x, phi, mu, S: _rows(_log_joint(x, phi, mu, S * np.eye(x.shape[1]))),
            "You used the diagonal of Sigma only.",
            "eq-gaussian",
        ),
    ),
    hints=(
        "It is Bayes' rule, on one row of x at a time: log-joints, exp, divide by the "
        "sum of the row.",
        "The numerator is exp of your log_joint of chapter 1.",
        "Subtract the largest log-joint of each row before exp; it cancels.",
    ),
    look_next="Half of EM. Is there an example of the anemia data that both groups "
    "share about equally?",
)


def _m(
    x: Any,
    w: Any,
    *,
    phi: str = "share",
    mu: str = "own",
    about: str = "own",
    divide: str = "N",
    weights: Any = None,
) -> Any:
    """The three formulas with w, and the parts that slips exchange."""
    N, m, k = w.sum(axis=0), len(x), w.shape[1]
    own, everybody = w.T @ x / N[:, None], np.tile(x.mean(axis=0), (k, 1))
    shares = {"share": N / m, "count": N, "equal": np.full(k, 1 / k)}[phi]
    means = {"own": own, "m": w.T @ x / m, "sum": w.T @ x, "all": everybody}[mu]
    centers = {"own": own, "all": everybody, "zero": 0 * own}[about]
    below = {"N": N, "m": np.full(k, m), "N-1": N - 1, "1": np.ones(k)}[divide]
    r = x[None] - centers[:, None]
    v = w if weights is None else weights
    return shares, means, np.einsum("ij,jia,jib->jab", v, r, r) / below[:, None, None]


def _m_with(**changes: Any) -> Any:
    return lambda x, w: _m(x, w, **changes)


def _m_then(change: Any) -> Any:
    def version(x: Any, w: Any) -> Any:
        phi, mu, Sigma = _m(x, w)
        return phi, mu, change(Sigma, phi)

    return version


def hard(w: Any) -> Any:
    """All the weight of a row in its largest entry."""
    return np.eye(w.shape[1])[w.argmax(axis=1)]


m_step = Exercise(
    label="ex-m-step",
    name="m_step",
    minutes=30,
    level="core",
    arguments=("x", "w"),
    parts=("phi", "mu", "Sigma"),
    reference=right_m_step,
    cases=lambda: [*weighted()],
    group_axis={"phi": 0, "mu": 0, "Sigma": 0},
    points=2,
    slips=(
        Slip(
            "hard labels instead of w",
            lambda x, w: _m(x, hard(w)),
            "You gave each example wholly to its best group. The M-step counts shares: "
            "use w as it is.",
            "eq-m-step-phi",
        ),
        Slip(
            "counts instead of shares",
            _m_with(phi="count"),
            "phi holds the N_j. Divide them by m: shares sum to 1.",
            "eq-m-step-phi",
        ),
        Slip(
            "equal shares",
            _m_with(phi="equal"),
            "You gave every group the share 1/k. It is N_j / m.",
            "eq-m-step-phi",
        ),
        Slip(
            "mean divides by m, not N_j",
            _m_with(mu="m"),
            "You divided by m instead of N_j.",
            "eq-m-step-mu",
        ),
        Slip(
            "mean not divided",
            _m_with(mu="sum"),
            "mu holds the weighted sum. Divide it by N_j.",
            "eq-m-step-mu",
        ),
        Slip(
            "N_j divides columns, not rows",
            lambda x, w: (_m(x, w)[0], w.T @ x / w.sum(axis=0), _m(x, w)[2]),
            "You divided by N without making it a column: N[:, None]. As it is, NumPy "
            "divides column j of the table by N_j, not row j. With as many features as "
            "groups no error tells you.",
            "eq-m-step-mu",
        ),
        Slip(
            "mean of everybody",
            _m_with(mu="all"),
            "Every group has the mean of all examples: the weights are missing.",
            "eq-m-step-mu",
        ),
        Slip(
            "Sigma divides by m, not N_j",
            _m_with(divide="m"),
            "You divided by m instead of N_j.",
            "eq-m-step-sigma",
        ),
        Slip(
            "Sigma divides by N_j - 1",
            _m_with(divide="N-1"),
            "You divided by N_j - 1. The maximum of the likelihood divides by N_j.",
            "eq-m-step-sigma",
        ),
        Slip(
            "Sigma not divided",
            _m_with(divide="1"),
            "Sigma holds the weighted sum. Divide it by N_j.",
            "eq-m-step-sigma",
        ),
        Slip(
            "Sigma about the mean of everybody",
            _m_with(about="all"),
            "You subtracted the mean of all examples. Subtract mu_j.",
            "eq-m-step-sigma",
        ),
        Slip(
            "mean not subtracted in Sigma",
            _m_with(about="zero"),
            "The mean is not subtracted: this is the weighted mean of x x^T.",
            "eq-m-step-sigma",
        ),
        Slip(
            "weights squared in Sigma",
            lambda x, w: _m(x, w, weights=w**2),
            "The weights came in twice: once with r and once with its transpose. "
            "Multiply only one of the two by w.",
            "eq-m-step-sigma",
        ),
        Slip(
            "roots of the weights in Sigma",
            lambda x, w: _m(x, w, weights=np.sqrt(w)),
            "You used the root of w once. Both factors need it, or one the full w.",
            "eq-m-step-sigma",
        ),
        Slip(
            "weights forgotten in Sigma",
            lambda x, w: _m(x, w, weights=np.ones_like(w)),
            "The weights are missing in the sum: every example counts in full.",
            "eq-m-step-sigma",
        ),
        Slip(
            "weights forgotten in Sigma, divided by m",
            lambda x, w: _m(x, w, weights=np.ones_like(w), divide="m"),
            "The weights are missing in Sigma: you averaged over all examples equally.",
            "eq-m-step-sigma",
        ),
        Slip(
            "variances only",
            _m_then(lambda Sigma, phi: Sigma * np.eye(Sigma.shape[-1])),
            "You kept the variances and lost the covariances off the diagonal.",
            "eq-m-step-sigma",
        ),
        Slip(
            "one covariance for all groups",
            _m_then(
                lambda Sigma, phi: np.tile(
                    np.einsum("j,jab->ab", phi, Sigma), (len(phi), 1, 1)
                )
            ),
            "You used one Sigma for all groups. Each has its own.",
            "eq-m-step-sigma",
        ),
        Slip(
            "precision instead of covariance",
            _m_then(lambda Sigma, phi: np.linalg.inv(Sigma)),
            "This is the inverse of Sigma, the precision.",
            "step-em-sigma",
        ),
        Slip(
            "weights of the groups exchanged",
            lambda x, w: (_m(x, w)[0], *_m(x, w[:, ::-1])[1:]),
            "phi belongs to one group, and mu and Sigma to another: check which column "
            "of w you use.",
            "eq-m-step-mu",
        ),
    ),
    hints=(
        "N = w.sum(axis=0) takes the place of the counts.",
        "The means are one matrix product: w.T @ x, each row divided by its own N_j.",
        "For group j: r = x - mu[j], then (w[:, j, None] * r).T @ r / N[j].",
    ),
    look_next="Try it with one-hot rows: it must agree with your labeled_mle. One "
    "function serves both, and only w is different.",
)

still_to_gain = Exercise(
    label="ex-em-still-to-gain",
    name="still_to_gain",
    minutes=15,
    level="warm-up",
    parts=("left", "iterations"),
    reference=lambda: (0.099, 458),
    tolerance=0.0004,
    slips=(
        Slip(
            "the last gain counted once more",
            {"left": 0.1, "iterations": 459},
            "The last gain is already yours. What is to come begins with g r, not with "
            "g.",
            "eq-still-to-gain",
        ),
        Slip(
            "last gain taken for what is left",
            {"left": 0.001, "iterations": 0},
            "That is the last gain. A hundred small gains follow it.",
            "eq-still-to-gain",
        ),
        Slip(
            "1 + r for 1 - r",
            {"left": 0.001 * 0.99 / 1.99},
            "Below the bar stands 1 - r, which is small: that is why much is left.",
            "eq-still-to-gain",
        ),
        Slip(
            "next gain only",
            {"iterations": 1},
            "That is the next gain alone. Add up all that follow.",
            "step-em-geometric",
        ),
        Slip(
            "multiplied by 1 - r",
            {"left": 0.00001},
            "You multiplied by 1 - r. Divide by it.",
            "eq-still-to-gain",
        ),
        Slip(
            "one iteration short",
            {"iterations": 457},
            "After 457 iterations there is still a little more than a thousandth left.",
            "eq-still-to-gain",
        ),
        Slip(
            "linear thinking",
            {"iterations": 99},
            "You divided what is left by the last gain. But the gains shrink.",
            "step-em-geometric",
        ),
        Slip(
            "from one nat, not from what is left",
            {"iterations": 688},
            "You shrank one nat to a thousandth. Start from what is left, 0.099.",
            "eq-still-to-gain",
        ),
        Slip(
            "sign",
            {"left": -0.099, "iterations": -458},
            "Gains of EM are positive, and iterations are counted from now on.",
        ),
    ),
    hints=(
        "What is still to come is g r + g r^2 + g r^3 + ...",
        "With g = 0.001 and r = 0.99: G = g r / (1 - r).",
        "After n more iterations 0.99^n of G is left. Solve G 0.99^n < 0.001 with "
        "logs, and round up.",
    ),
    look_next="A gain of a thousandth looked like the end. A hundred times as much was "
    "still to come.",
)


def _start() -> tuple[Any, Any, float]:
    x = data.anemia().x
    theta = right_m_step(x, np.full((len(x), 2), 0.5))
    return theta.phi, theta.mu, theta.log_likelihood(x)


LABELED = [[75.9237, 29.7794], [90.4943, 34.2233]]

equal_start = Exercise(
    label="ex-em-equal-start",
    name="equal_start",
    minutes=25,
    level="core",
    parts=("phi", "mu", "log_likelihood"),
    reference=_start,
    tolerance=0.0065,
    slips=(
        Slip(
            "all in one group",
            {"phi": [1, 0]},
            "No row gives everything to one group: each gives one half to both.",
            "eq-m-step-phi",
        ),
        Slip(
            "shares of the labels",
            {"phi": [83 / 180, 97 / 180]},
            "These are the shares of the labeled fit. EM does not see the labels.",
            "eq-m-step-phi",
        ),
        Slip(
            "counts instead of shares",
            {"phi": [90, 90]},
            "These are the N_j. Divide by m.",
            "eq-m-step-phi",
        ),
        Slip(
            "means of the labels",
            {"mu": LABELED, "log_likelihood": -903.6242},
            "That is the labeled fit. Start from w with one half everywhere.",
            "eq-m-step-mu",
        ),
        Slip(
            "means divided by m",
            {"mu": [[41.8878, 16.0871], [41.8878, 16.0871]]},
            "You divided by m instead of N_j.",
            "eq-m-step-mu",
        ),
        Slip(
            "another start",
            {
                "phi": [0.5645, 0.4355],
                "mu": [[90.3407, 34.2036], [75.2673, 29.5439]],
                "log_likelihood": -903.0845,
            },
            "That is where EM ends from a random start. From w with one half "
            "everywhere it never leaves the spot.",
            "eq-em",
        ),
        Slip(
            "sign",
            {"log_likelihood": 993.2865},
            "The sign is wrong.",
            "eq-log-likelihood",
        ),
        Slip(
            "mean per example",
            {"log_likelihood": -5.5183},
            "That is the mean per example. The log-likelihood is a total.",
            "eq-log-likelihood",
        ),
        Slip(
            "complete log-likelihood",
            {"log_likelihood": -1118.0530},
            "You counted log one half for every example: that is the log-likelihood of "
            "examples and labels.",
            "eq-log-likelihood",
        ),
    ),
    hints=(
        "With w_ij = 1/2 the weights cancel from the weighted mean.",
        "Both groups get the mean and the covariance of all examples.",
        "Run emgmm.em(x, np.full((180, 2), 0.5)) and look at .theta and "
        ".log_likelihood.",
    ),
    look_next="-993.29 is the plateau where every random start of the chapter begins. "
    "A smaller tol does not help: there is nothing to gain here, in any number of "
    "steps.",
)


def _round(
    x: Any,
    w: Any,
    *,
    divide: str = "dN",
    about: str = "own",
    power: float = 1,
    features: int | None = None,
) -> Any:
    """The M-step of round groups, and the divisors that slips take."""
    (m, d), k, N = x.shape, w.shape[1], w.sum(axis=0)
    mu = w.T @ x / N[:, None]
    centers = {"own": mu, "all": np.tile(x.mean(axis=0), (k, 1)), "zero": 0 * mu}[about]
    r = (x[None] - centers[:, None])[:, :, :features]
    below = {
        "dN": d * N,
        "N": N,
        "kN": k * N,
        "m": np.full(k, m),
        "dm": np.full(k, d * m),
        "1": np.ones(k),
        "dN-1": d * (N - 1),
    }[divide]
    return N / m, mu, (np.einsum("ij,jia->j", w, r**2) / below) ** power


def _round_with(**changes: Any) -> Any:
    return lambda x, w: _round(x, w, **changes)


round_m_step = Exercise(
    label="ex-em-round",
    name="round_m_step",
    minutes=60,
    level="stretch",
    arguments=("x", "w"),
    parts=("phi", "mu", "s"),
    reference=_round,
    cases=lambda: [*weighted()],
    group_axis={"phi": 0, "mu": 0, "s": 0},
    slips=(
        Slip(
            "divided by N_j, not d N_j",
            _round_with(divide="N"),
            "You divided by N_j. One number s_j serves d features, and each example "
            "brings d squares: divide by d N_j.",
            "step-em-precision",
        ),
        Slip(
            "k in place of d",
            _round_with(divide="kN"),
            "You divided by k N_j. The squares are those of the d features. The anemia "
            "data cannot tell.",
            "step-em-precision",
        ),
        Slip(
            "divided by m",
            _round_with(divide="m"),
            "You divided by m. Divide by d N_j.",
            "step-em-precision",
        ),
        Slip(
            "divided by d m",
            _round_with(divide="dm"),
            "You divided by d m. Group j holds N_j examples, not m.",
            "step-em-precision",
        ),
        Slip(
            "divided by d (N_j - 1)",
            _round_with(divide="dN-1"),
            "You used N_j - 1. Maximum likelihood takes N_j.",
            "step-em-precision",
        ),
        Slip(
            "not divided",
            _round_with(divide="1"),
            "These are weighted sums of squares. Divide by d N_j.",
            "step-em-precision",
        ),
        Slip(
            "standard deviation",
            _round_with(power=0.5),
            "s_j is a variance: Sigma_j = s_j I. You took the root.",
            "step-em-log-joint",
        ),
        Slip(
            "inverse",
            _round_with(power=-1),
            "This is 1 / s_j, the precision.",
            "step-em-precision",
        ),
        Slip(
            "mean of everybody",
            _round_with(about="all"),
            "You measured from the mean of all examples. Measure from mu_j.",
            "step-em-log-joint",
        ),
        Slip(
            "mean not subtracted",
            _round_with(about="zero"),
            "The mean is not subtracted.",
            "step-em-log-joint",
        ),
        Slip(
            "first feature only",
            _round_with(features=1, divide="N"),
            "That is the variance of the first feature. Average over all d of them.",
            "step-em-precision",
        ),
        Slip(
            "root of the determinant",
            lambda x, w: (
                *_round(x, w)[:2],
                np.linalg.det(_m(x, w)[2]) ** (1 / x.shape[1]),
            ),
            "You took the geometric mean of the variances, from det Sigma. The "
            "likelihood asks for the arithmetic mean, the trace divided by d.",
            "step-em-precision",
        ),
        Slip(
            "hard labels instead of w",
            lambda x, w: _round(x, hard(w)),
            "You gave each example wholly to its best group. Use w as it is.",
            "eq-m-step-phi",
        ),
    ),
    hints=(
        "With Sigma_j = s I: log det is d log s, and r^T Sigma^-1 r is |r|^2 / s.",
        "The part with s is -1/2 sum_i w_ij (d log s + |r_ij|^2 / s). Differentiate.",
        "s_j = sum_i w_ij |x_i - mu_j|^2 / (d N_j).",
    ),
    look_next="On the anemia data it misses the full fit by 111 nats. On iris only the "
    "divisor N_j makes the trace fall; k N_j climbs, to the wrong place. Only a "
    "comparison with the formula finds it.",
)

EXERCISES = (by_hand, e_step, m_step, still_to_gain, equal_start, round_m_step)
