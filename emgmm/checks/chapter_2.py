"""Exercises of chapter 2: labels known."""

from typing import Any

import numpy as np

from emgmm.checks.exercise import Case, Exercise, Slip
from emgmm.checks.inputs import anemia, labeled, sample
from emgmm.labeled import complete_log_likelihood, fit_labeled, one_hot
from emgmm.mixture import Mixture

five_points = Exercise(
    label="ex-five-points",
    name="five_points",
    minutes=15,
    level="warm-up",
    parts=("phi", "mu", "Sigma", "sd"),
    reference=lambda: ([0.4, 0.6], [3, 12], [1, 26 / 3], [1, np.sqrt(26 / 3)]),
    tolerance=0.006,
    slips=(
        Slip(
            "counts instead of shares",
            {"phi": [2, 3]},
            "These are the counts N_j. The shares are N_j / m.",
            "eq-phi-labeled",
        ),
        Slip(
            "equal shares",
            {"phi": [0.5, 0.5]},
            "Group 0 has two of the five numbers.",
            "eq-phi-labeled",
        ),
        Slip(
            "sums divided by m, not N_j",
            {"mu": [6 / 5, 36 / 5], "Sigma": [2 / 5, 26 / 5]},
            "You divided by m = 5. Divide what belongs to group j by its own N_j.",
            "eq-mu-labeled",
        ),
        Slip(
            "not divided at all",
            {"mu": [6, 36], "Sigma": [2, 26]},
            "These are sums. Divide by N_j.",
            "eq-mu-labeled",
        ),
        Slip(
            "divided by N_j - 1",
            {"Sigma": [2, 13], "sd": [np.sqrt(2), np.sqrt(13)]},
            "You divided by N_j - 1. That removes the bias; maximum likelihood divides "
            "by N_j.",
            "eq-sigma-labeled",
        ),
        Slip(
            "spread around the mean of everybody",
            {"Sigma": [30.16, 21.6267]},
            "You measured from 8.4, the mean of all five. Measure from the mean of the "
            "group.",
            "eq-sigma-labeled",
        ),
        Slip(
            "mean not subtracted",
            {"Sigma": [10, 458 / 3]},
            "These are means of the squares. Subtract the square of the mean.",
            "eq-maximize",
        ),
        Slip(
            "standard deviation in Sigma",
            {"Sigma": [1, np.sqrt(26 / 3)]},
            "Sigma holds variances. You took the root.",
            "eq-sigma-labeled",
        ),
        Slip(
            "variance used as standard deviation",
            {"sd": [1, 26 / 3]},
            "That is the variance. The standard deviation is its root.",
        ),
        Slip(
            "one variance for both groups",
            {"Sigma": [28 / 5, 28 / 5]},
            "You pooled both groups. Each group has a variance of its own.",
            "eq-sigma-labeled",
        ),
    ),
    hints=(
        "N_0 = 2 and N_1 = 3. The rest is division.",
        "In group 1 the mean is 12; the distances from it are -3, -1 and 4.",
        "Sigma_1 is the mean of the squares of these distances: divide by 3, not by 2.",
    ),
    look_next="By the moments: M_1 = [[3, 36], [36, 458]], and 458 / 3 - 12^2 is the "
    "same 26 / 3.",
)


def _score(change: Any) -> float:
    """The complete log-likelihood when the covariances of the fit are changed."""
    x, z = anemia()
    fit = fit_labeled(x, z)
    theta = Mixture(fit.phi, fit.mu, change(fit, x))
    return complete_log_likelihood(x, z, theta)


def _by_m(fit: Mixture, x: Any) -> Any:
    return fit.Sigma * fit.phi[:, None, None]


def _by_one_less(fit: Mixture, x: Any) -> Any:
    N = len(x) * fit.phi[:, None, None]
    return fit.Sigma * N / (N - 1)


def _overall(fit: Mixture, x: Any) -> Any:
    gap = fit.mu - x.mean(axis=0)
    return fit.Sigma + gap[:, :, None] * gap[:, None, :]


three_scores = Exercise(
    label="ex-three-slips",
    name="three_scores",
    minutes=30,
    level="core",
    parts=("a", "b", "c"),
    reference=lambda: (_score(_by_m), _score(_by_one_less), _score(_overall)),
    tolerance=0.0065,
    slips=(
        Slip(
            "labels left out of the score",
            {"a": -955.382, "b": -903.633, "c": -985.099},
            "This is the log-likelihood without labels. The question asks for the "
            "complete one, of points and labels.",
            "eq-complete-log-likelihood",
        ),
        Slip(
            "score of the right fit",
            {"a": -926.363, "b": -926.363, "c": -926.363},
            "This is the score of fit_labeled itself: the slip is not in your Sigma.",
            "eq-sigma-labeled",
        ),
        Slip(
            "sign",
            {"a": 982.1415, "b": 926.3743, "c": 1034.6426},
            "The sign is wrong: this log-likelihood is negative.",
            "eq-complete-log-likelihood",
        ),
        Slip(
            "mean per point",
            {"a": -5.45634, "b": -5.14652, "c": -5.74801},
            "You divided by the number of points. The score is a total.",
            "eq-complete-log-likelihood",
        ),
        Slip(
            "m - 1 instead of N_j - 1",
            {"b": -981.1443},
            "You divided by m - 1. (b) divides by N_j - 1.",
            "eq-sigma-labeled",
        ),
        Slip(
            "answers in another order",
            {"a": -926.3743, "b": -1034.6426, "c": -982.1415},
            "This is the score of another of the three slips.",
        ),
        Slip(
            "answers in another order, once more",
            {"a": -1034.6426, "b": -982.1415, "c": -926.3743},
            "This is the score of another of the three slips.",
        ),
        Slip(
            "everybody's covariance for each group",
            {"c": -1056.3508},
            "You used all points for both groups. Only the mean is that of everybody; "
            "the sum still runs over the group.",
            "eq-sigma-labeled",
        ),
    ),
    hints=(
        "Begin with fit = emgmm.fit_labeled(x, z). All three programs change fit.Sigma "
        "only.",
        "For (a) multiply each Sigma_j by N_j / m, for (b) by N_j / (N_j - 1).",
        "For (c) add to each Sigma_j the outer product of mu_j - x.mean(axis=0) with "
        "itself.",
    ),
    look_next="(b) costs a hundredth of a nat. No log-likelihood will tell you that "
    "you divided by N_j - 1: only a comparison with the formula does.",
)


def _mle(
    x: Any,
    z: Any,
    k: int,
    *,
    phi: str = "share",
    mu: str = "own",
    about: str = "own",
    divide: str = "N",
) -> Any:
    """The three formulas, with the parts that slips exchange."""
    w = one_hot(z, k)
    N, m = w.sum(axis=0), len(x)
    shares = {"share": N / m, "count": N, "equal": np.full(k, 1 / k)}[phi]
    sums, own = w.T @ x, (w.T @ x) / N[:, None]
    everybody = np.tile(x.mean(axis=0), (k, 1))
    means = {"own": own, "m": sums / m, "sum": sums, "all": everybody}[mu]
    centers = {"own": own, "all": everybody, "zero": 0 * own}[about]
    below = {"N": N, "m": np.full(k, m), "N-1": N - 1, "1": np.ones(k)}[divide]
    r = x[None] - centers[:, None]
    Sigma = np.einsum("ij,jia,jib->jab", w, r, r) / below[:, None, None]
    return shares, means, Sigma


def _mle_with(**changes: str) -> Any:
    return lambda x, z, k: _mle(x, z, k, **changes)


def _mle_then(change: Any) -> Any:
    """The right phi and mu, and a Sigma that was changed afterwards."""

    def version(x: Any, z: Any, k: int) -> Any:
        phi, mu, Sigma = _mle(x, z, k)
        return phi, mu, change(Sigma, phi)

    return version


def _diagonal(Sigma: Any, phi: Any) -> Any:
    return Sigma * np.eye(Sigma.shape[-1])


def _correlation(Sigma: Any, phi: Any) -> Any:
    sd = np.sqrt(np.diagonal(Sigma, axis1=1, axis2=2))
    return Sigma / sd[:, :, None] / sd[:, None, :]


def _pooled(Sigma: Any, phi: Any) -> Any:
    return np.tile(np.einsum("j,jab->ab", phi, Sigma), (len(phi), 1, 1))


labeled_mle = Exercise(
    label="ex-labeled-mle",
    name="labeled_mle",
    minutes=30,
    level="core",
    arguments=("x", "z", "k"),
    parts=("phi", "mu", "Sigma"),
    reference=lambda x, z, k: fit_labeled(x, z),
    cases=lambda: [*labeled()],
    shown=lambda: (*anemia(), 2),
    points=2,
    slips=(
        Slip(
            "counts instead of shares",
            _mle_with(phi="count"),
            "phi holds the counts N_j. Divide them by m: shares sum to 1.",
            "eq-phi-labeled",
        ),
        Slip(
            "equal shares",
            _mle_with(phi="equal"),
            "You gave every group the share 1/k. Count how many examples it has.",
            "eq-phi-labeled",
        ),
        Slip(
            "mean divides by m, not N_j",
            _mle_with(mu="m"),
            "You divided the sum of the group by m instead of N_j.",
            "eq-mu-labeled",
        ),
        Slip(
            "mean not divided",
            _mle_with(mu="sum"),
            "mu holds the sum over the group. Divide it by N_j.",
            "eq-mu-labeled",
        ),
        Slip(
            "mean of everybody",
            _mle_with(mu="all"),
            "Every group has the mean of all examples. Select those with z == j first.",
            "eq-mu-labeled",
        ),
        Slip(
            "median instead of mean",
            lambda x, z, k: (
                _mle(x, z, k)[0],
                np.stack([np.median(x[z == j], axis=0) for j in range(k)]),
                _mle(x, z, k)[2],
            ),
            "These are medians. The likelihood is highest at the mean.",
            "eq-mu-labeled",
        ),
        Slip(
            "Sigma divides by m, not N_j",
            _mle_with(divide="m"),
            "You divided by m instead of N_j.",
            "eq-sigma-labeled",
        ),
        Slip(
            "Sigma divides by N_j - 1",
            _mle_with(divide="N-1"),
            "You divided by N_j - 1, as np.cov does. Maximum likelihood divides by N_j "
            "(np.cov has bias=True for it).",
            "eq-sigma-labeled",
        ),
        Slip(
            "Sigma not divided",
            _mle_with(divide="1"),
            "Sigma holds the sum of the outer products. Divide it by N_j.",
            "eq-sigma-labeled",
        ),
        Slip(
            "Sigma about the mean of everybody",
            _mle_with(about="all"),
            "You subtracted the mean of all examples. Subtract the mean of the group.",
            "eq-sigma-labeled",
        ),
        Slip(
            "mean not subtracted in Sigma",
            _mle_with(about="zero"),
            "The mean is not subtracted: this is the mean of x x^T.",
            "eq-sigma-labeled",
        ),
        Slip(
            "variances only",
            _mle_then(_diagonal),
            "You kept the variances and lost the covariances off the diagonal.",
            "eq-sigma-labeled",
        ),
        Slip(
            "correlation instead of covariance",
            _mle_then(_correlation),
            "This is the correlation matrix. Do not divide by the standard deviations.",
            "eq-sigma-labeled",
        ),
        Slip(
            "one covariance for all groups",
            _mle_then(_pooled),
            "You used one Sigma for all groups. Each has its own.",
            "eq-sigma-labeled",
        ),
        Slip(
            "precision instead of covariance",
            _mle_then(lambda Sigma, phi: np.linalg.inv(Sigma)),
            "This is the inverse of Sigma, the precision.",
            "step-sigma-gradient",
        ),
        Slip(
            "standard deviations instead of variances",
            _mle_then(lambda Sigma, phi: np.sqrt(np.abs(Sigma))),
            "You took roots. Sigma holds variances and covariances.",
            "eq-sigma-labeled",
        ),
    ),
    hints=(
        "The examples of group j are x[z == j], and N_j is their number.",
        "np.stack([... for j in range(k)]) makes one array of k arrays.",
        "With r = x[z == j] - mu[j], the covariance is r.T @ r / N[j].",
    ),
    look_next="Could you write it with a table w of zeros and ones in place of "
    "x[z == j]? Then the labels can go, and w stays: that is chapter 4.",
)


def _shared(x: Any, z: Any, k: int) -> Any:
    phi, _, Sigma = _mle(x, z, k)
    return phi, Sigma


def _shared_slip(weights: Any) -> Any:
    """A sum of the Sigma_j with other weights; N holds the group sizes."""

    def version(x: Any, z: Any, k: int) -> Any:
        phi, Sigma = _shared(x, z, k)
        return np.einsum("j,jab->ab", weights(phi * len(x)), Sigma)

    return version


shared_covariance = Exercise(
    label="ex-shared-covariance",
    name="shared_covariance",
    minutes=45,
    level="core",
    arguments=("x", "z", "k"),
    parts=("Sigma",),
    reference=lambda x, z, k: np.einsum("j,jab->ab", *_shared(x, z, k)),
    cases=lambda: [*labeled()],
    slips=(
        Slip(
            "plain average of the covariances",
            _shared_slip(lambda N: np.full(len(N), 1 / len(N))),
            "You averaged the covariances with equal weights. Group j counts with its "
            "share phi_j.",
            "step-score-splits",
        ),
        Slip(
            "sum of the covariances",
            _shared_slip(lambda N: np.ones(len(N))),
            "You added the covariances. Weight them with the shares phi_j.",
            "step-score-splits",
        ),
        Slip(
            "divided by m - k",
            _shared_slip(lambda N: N / (N.sum() - len(N))),
            "You divided by m - k. That removes the bias; maximum likelihood divides "
            "by m.",
            "step-sigma-gradient",
        ),
        Slip(
            "divided by m - 1",
            _shared_slip(lambda N: N / (N.sum() - 1)),
            "You divided by m - 1. Maximum likelihood divides by m.",
            "step-sigma-gradient",
        ),
        Slip(
            "average of unbiased covariances",
            _shared_slip(lambda N: N / N.sum() * N / (N - 1)),
            "Your Sigma_j divide by N_j - 1, as np.cov does. Divide by N_j.",
            "eq-sigma-labeled",
        ),
        Slip(
            "not divided by m",
            _shared_slip(lambda N: N),
            "This is the sum over all examples. Divide it by m.",
            "step-sigma-gradient",
        ),
        Slip(
            "divided by k m",
            _shared_slip(lambda N: N / N.sum() / len(N)),
            "You divided by k m. There are m examples, and each counts once.",
            "step-sigma-gradient",
        ),
        Slip(
            "covariance of everybody",
            lambda x, z, k: np.atleast_2d(np.cov(x.T, bias=True)),
            "This is the covariance about the mean of all examples. Each group keeps "
            "its own mean; only the shape is shared.",
            "step-group-score",
        ),
        Slip(
            "precisions averaged",
            lambda x, z, k: np.linalg.inv(
                np.einsum(
                    "j,jab->ab", _shared(x, z, k)[0], np.linalg.inv(_shared(x, z, k)[1])
                )
            ),
            "You averaged the precisions and inverted. The covariances are to be "
            "averaged.",
            "step-sigma-gradient",
        ),
    ),
    hints=(
        "Now every ell_j holds the same Sigma. Add up the gradients of all groups.",
        "The sum is m/2 Sigma - 1/2 sum_i r_i r_i^T, with r_i from the mean of its own "
        "group.",
        "Set it to zero: Sigma is the sum of r_i r_i^T divided by m. Sort it by "
        "groups, and phi_j Sigma_j appears.",
    ),
    look_next="Equal covariances cancel in the quadratic term of the log-odds: the "
    "boundary is a straight line.",
)


def _slope(
    x: Any,
    mu: Any,
    Sigma: Any,
    *,
    first: float = -0.5,
    second: float = 0.5,
    about: str = "mu",
) -> Any:
    """The matrix H, with its two terms weighted as a slip weights them."""
    P = np.linalg.inv(Sigma)
    r = x - (mu if about == "mu" else x.mean(axis=0))
    return first * len(x) * P + second * P @ (r.T @ r) @ P


def _slope_with(**changes: Any) -> Any:
    return lambda x, mu, Sigma: _slope(x, mu, Sigma, **changes)


def _slope_cases() -> list[Case]:
    small = (np.array([[1.0], [3.0]]), np.array([1.0]), np.array([[1.5]]))
    more = [sample(m, d, 2, seed) for m, d, seed in ((7, 3, 9), (6, 2, 10))]
    return [small, *((x, t.mu[0], t.Sigma[0]) for x, t in more)]


slope_in_sigma = Exercise(
    label="ex-sigma-directly",
    name="slope_in_sigma",
    minutes=60,
    level="stretch",
    arguments=("x", "mu", "Sigma"),
    parts=("H",),
    reference=_slope,
    cases=_slope_cases,
    slips=(
        Slip(
            "slope in the precision",
            lambda x, mu, S: (len(x) * S - (x - mu).T @ (x - mu)) / 2,
            "This is the derivative in the precision. In Sigma itself both terms carry "
            "inverses.",
            "step-sigma-gradient",
        ),
        Slip(
            "sign",
            _slope_with(first=0.5, second=-0.5),
            "The sign is wrong: a larger Sigma costs log det and gains in the squares.",
            "step-group-score",
        ),
        Slip(
            "not halved",
            _slope_with(first=-1, second=1),
            "Both terms of the score carry a factor one half.",
            "step-group-score",
        ),
        Slip(
            "both terms of one sign",
            _slope_with(first=0.5),
            "The two terms have opposite signs: at the top they cancel.",
            "step-group-score",
        ),
        Slip(
            "log det forgotten",
            _slope_with(first=0),
            "The term of log det Sigma is missing.",
            "step-group-score",
        ),
        Slip(
            "squares forgotten",
            _slope_with(second=0),
            "The term of the squared distances is missing.",
            "step-group-score",
        ),
        Slip(
            "log det counted once, not N times",
            lambda x, mu, S: _slope(x, mu, S) + 0.5 * (len(x) - 1) * np.linalg.inv(S),
            "log det Sigma stands in the score of every point: N times in all.",
            "step-group-score",
        ),
        Slip(
            "one inverse only",
            lambda x, mu, S: (
                -0.5 * len(x) * np.linalg.inv(S)
                + 0.5 * np.linalg.inv(S) @ (x - mu).T @ (x - mu)
            ),
            "The change of the inverse has an inverse on each side: "
            "-Sigma^-1 dSigma Sigma^-1. You have one of them.",
            "step-quadratic-derivative",
        ),
        Slip(
            "no inverse around the squares",
            lambda x, mu, S: (
                -0.5 * len(x) * np.linalg.inv(S) + 0.5 * (x - mu).T @ (x - mu)
            ),
            "The sum of r r^T stands between two inverses: -Sigma^-1 dSigma Sigma^-1.",
            "step-quadratic-derivative",
        ),
        Slip(
            "entries off the diagonal doubled",
            lambda x, mu, S: _slope(x, mu, S) * (2 - np.eye(len(S))),
            "You doubled the entries off the diagonal. That is the slope when both "
            "places move together; here each of the d^2 entries moves alone.",
            "step-symmetric-slope",
        ),
        Slip(
            "about the average of the points",
            _slope_with(about="mean"),
            "You subtracted the average of the points. At any mu, the formula "
            "subtracts this mu.",
            "step-group-score",
        ),
        Slip(
            "mean over the points",
            lambda x, mu, S: _slope(x, mu, S) / len(x),
            "You divided by the number of points. The score is a total.",
            "step-group-score",
        ),
    ),
    hints=(
        "From Sigma Sigma^-1 = I: dSigma Sigma^-1 + Sigma d(Sigma^-1) = 0.",
        "The derivative of log det Sigma is Sigma^-1. In the squares replace the "
        "change of the inverse by -Sigma^-1 dSigma Sigma^-1.",
        "With P = inv(Sigma) and R = sum of r r^T: H = -N/2 P + 1/2 P R P.",
    ),
    look_next="Compare with the finite differences of the chapter: there an entry off "
    "the diagonal stands in two places, and its slope is twice H_ab.",
)


def _errors(theta: Mixture, x: Any, z: Any) -> float:
    return float((theta.classify(x) != z).mean())


def _rates(x: Any, z: Any, x_new: Any, z_new: Any) -> tuple[float, float]:
    theta = fit_labeled(x, z)
    return _errors(theta, x, z), _errors(theta, x_new, z_new)


def _rates_of(make: Any) -> Any:
    """The error rates of another rule."""

    def version(x: Any, z: Any, x_new: Any, z_new: Any) -> Any:
        theta = make(x, z, x_new, z_new)
        return _errors(theta, x, z), _errors(theta, x_new, z_new)

    return version


def _nearest_mean(x: Any, z: Any, x_new: Any, z_new: Any) -> Mixture:
    fit = fit_labeled(x, z)
    round_ = np.tile(np.eye(fit.d), (fit.k, 1, 1))
    return Mixture(np.full(fit.k, 1 / fit.k), fit.mu, round_)


def _without_phi(x: Any, z: Any, x_new: Any, z_new: Any) -> Mixture:
    fit = fit_labeled(x, z)
    return Mixture(np.full(fit.k, 1 / fit.k), fit.mu, fit.Sigma)


def _rates_cases() -> list[Case]:
    cases = []
    for m, d, k, seed in (
        (24, 2, 2, 11),
        (40, 3, 2, 12),
        (45, 2, 3, 13),
        (30, 1, 2, 20),
    ):
        _, theta = sample(5, d, k, seed)
        near = Mixture(theta.phi, 0.4 * theta.mu, theta.Sigma)
        x, z = near.sample(m, rng=seed)
        cases.append((x, z, *near.sample(m + 7, rng=seed + 50)))
    return cases


error_rates = Exercise(
    label="ex-training-error",
    name="error_rates",
    minutes=40,
    level="core",
    arguments=("x", "z", "x_new", "z_new"),
    parts=("training", "fresh"),
    reference=_rates,
    cases=_rates_cases,
    slips=(
        Slip(
            "training and fresh exchanged",
            lambda *a: _rates(*a)[::-1],
            "You returned the two rates in the other order: training first.",
        ),
        Slip(
            "accuracy instead of error",
            lambda *a: (1 - _rates(*a)[0], 1 - _rates(*a)[1]),
            "This is the share of examples that are *right*.",
            "eq-classify",
        ),
        Slip(
            "counts instead of shares",
            lambda x, z, u, v: (
                _rates(x, z, u, v)[0] * len(x),
                _rates(x, z, u, v)[1] * len(u),
            ),
            "These are numbers of errors. Divide by the number of examples.",
        ),
        Slip(
            "percent instead of share",
            lambda *a: (100 * _rates(*a)[0], 100 * _rates(*a)[1]),
            "This is in percent. A share lies between 0 and 1.",
        ),
        Slip(
            "fitted to the fresh examples",
            _rates_of(lambda x, z, u, v: fit_labeled(u, v)),
            "You fitted the fresh examples. They must not shape the boundary.",
        ),
        Slip(
            "fitted to all examples",
            _rates_of(
                lambda x, z, u, v: fit_labeled(
                    np.vstack([x, u]), np.concatenate([z, v])
                )
            ),
            "You fitted all examples together. The fresh ones must not shape the "
            "boundary.",
        ),
        Slip(
            "a fit of its own for each set",
            lambda x, z, u, v: (
                _rates(x, z, u, v)[0],
                _errors(fit_labeled(u, v), u, v),
            ),
            "You fitted the fresh examples a second time. Use one fit, of the training "
            "examples, for both.",
        ),
        Slip(
            "training error twice",
            lambda *a: (_rates(*a)[0], _rates(*a)[0]),
            "Both numbers are the training error.",
        ),
        Slip(
            "nearest mean",
            _rates_of(_nearest_mean),
            "You sort to the nearest mean. The most probable group also depends on the "
            "shares and the covariances.",
            "eq-classify",
        ),
        Slip(
            "shares forgotten",
            _rates_of(_without_phi),
            "You compare the densities without log phi_j.",
            "eq-classify",
        ),
    ),
    hints=(
        "theta = emgmm.fit_labeled(x, z) and theta.classify(...) do the work.",
        "theta.classify(x) != z is an array of True and False; its mean is a share.",
        "Use the same theta for x_new.",
    ),
    look_next="Now repeat it 300 times. On average the training error is the lower of "
    "the two, because its points drew the boundary.",
)

EXERCISES = (
    five_points,
    three_scores,
    labeled_mle,
    shared_covariance,
    slope_in_sigma,
    error_rates,
)
