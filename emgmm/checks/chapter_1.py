"""Exercises of chapter 1: two groups."""

from typing import Any

import numpy as np

from emgmm import data
from emgmm.checks.exercise import Case, Exercise, Slip
from emgmm.checks.inputs import mixtures, narrow, sample
from emgmm.mixture import Mixture

read_sigma = Exercise(
    label="ex-read-sigma",
    name="read_sigma",
    minutes=15,
    level="warm-up",
    parts=("sd_volume", "sd_concentration", "correlation", "lowest", "highest"),
    reference=lambda: (3, 2, -0.5, 82 - 1.96 * 3, 82 + 1.96 * 3),
    tolerance=0.03,
    slips=(
        Slip(
            "variance used as standard deviation",
            {
                "sd_volume": 9,
                "sd_concentration": 4,
                "lowest": 82 - 1.96 * 9,
                "highest": 82 + 1.96 * 9,
            },
            "The diagonal of Sigma holds variances, in squared units. A standard "
            "deviation is the square root of one.",
            "step-phi-mu-sigma",
        ),
        Slip(
            "features in the wrong order",
            {"sd_volume": 2, "sd_concentration": 3},
            "Volume is the first feature: it has the first row and column of Sigma.",
        ),
        Slip(
            "covariance used as correlation",
            {"correlation": -3},
            "-3 is the covariance. Divide it by both standard deviations: a "
            "correlation lies between -1 and 1.",
        ),
        Slip(
            "covariance divided by the variances",
            {"correlation": -3 / 36},
            "You divided the covariance by both variances. Divide it by both standard "
            "deviations.",
        ),
        Slip(
            "sign of the correlation",
            {"correlation": 0.5},
            "The covariance is negative, so the correlation is, too: the cloud tilts "
            "down.",
        ),
        Slip(
            "square of the correlation",
            {"correlation": 0.25},
            "That is the square of the correlation, and the sign is lost.",
        ),
        Slip(
            "one standard deviation instead of 1.96",
            {"lowest": 79, "highest": 85},
            "One standard deviation holds 68 % of a single feature. For 95 % take 1.96 "
            "of them.",
        ),
        Slip(
            "ellipse's radius instead of 1.96",
            {"lowest": 82 - 2.448 * 3, "highest": 82 + 2.448 * 3},
            "2.448 is the radius of the ellipse that holds 95 % in two dimensions. For "
            "volume alone it is 1.96.",
            "eq-ellipse",
        ),
        Slip(
            "mean of the other feature",
            {"lowest": 36 - 1.96 * 3, "highest": 36 + 1.96 * 3},
            "36 is the mean concentration. The question is about volume, with mean 82.",
        ),
    ),
    hints=(
        "What unit does the 9 on the diagonal have, and what unit does a standard "
        "deviation have?",
        "The correlation is the covariance divided by both standard deviations.",
        "95 % of a bell lie within 1.96 standard deviations of its mean.",
    ),
    look_next="Draw 500 points, as the exercise asks: does the cloud tilt down?",
)


def _log_joint(
    x: Any,
    phi: Any,
    mu: Any,
    Sigma: Any,
    *,
    constant: str = "d",
    log_phi: float = 1,
    log_det: float = 0.5,
    square: float = 0.5,
    precision: bool = True,
) -> Any:
    """The log-joint with its terms weighted as a slip weights them."""
    (m, d), k = x.shape, len(phi)
    a = np.empty((m, k))
    for j in range(k):
        r = x - mu[j]
        matrix = np.linalg.inv(Sigma[j]) if precision else Sigma[j]
        D2 = np.einsum("ia,ab,ib->i", r, matrix, r)
        n = {"d": d, "k": k, "1": 1, "0": 0}[constant]
        a[:, j] = (
            log_phi * np.log(phi[j])
            - n / 2 * np.log(2 * np.pi)
            - log_det * np.linalg.slogdet(Sigma[j])[1]
            - square * D2
        )
    return a


def _by_det(x: Any, phi: Any, mu: Any, Sigma: Any) -> Any:
    gap = np.log(np.linalg.det(Sigma)) - np.linalg.slogdet(Sigma)[1]
    return _log_joint(x, phi, mu, Sigma) - 0.5 * gap


def _with(**changes: Any) -> Any:
    return lambda x, phi, mu, Sigma: _log_joint(x, phi, mu, Sigma, **changes)


def _joint_cases() -> list[Case]:
    return [(x, t.phi, t.mu, t.Sigma) for x, t in (*mixtures(), narrow())]


def _joint_shown() -> Case:
    theta = data.ANEMIA
    return data.anemia().x, theta.phi, theta.mu, theta.Sigma


log_joint = Exercise(
    label="ex-log-joint",
    name="log_joint",
    minutes=40,
    level="core",
    arguments=("x", "phi", "mu", "Sigma"),
    parts=("log_joint",),
    reference=lambda x, phi, mu, Sigma: Mixture(phi, mu, Sigma).log_joint(x),
    cases=_joint_cases,
    shown=_joint_shown,
    slips=(
        Slip(
            "forgot log phi",
            _with(log_phi=0),
            "log phi_j is missing: this is the density of the cloud, without the "
            "probability of choosing the group.",
            "eq-log-joint",
        ),
        Slip(
            "phi not in logs",
            lambda x, phi, mu, Sigma: _log_joint(x, phi, mu, Sigma, log_phi=0) + phi,
            "You added phi_j itself. Its logarithm belongs there.",
            "eq-log-joint",
        ),
        Slip(
            "k in place of d in the constant",
            _with(constant="k"),
            "The constant counts the features: d log(2 pi), with d = x.shape[1]. You "
            "used k, the number of groups. On two features and two groups nobody sees "
            "it.",
            "eq-gaussian",
        ),
        Slip(
            "constant without d",
            _with(constant="1"),
            "The constant is -1/2 log(2 pi) for each feature. You counted it once.",
            "eq-gaussian",
        ),
        Slip(
            "constant forgotten",
            _with(constant="0"),
            "The constant -d/2 log(2 pi) is missing.",
            "eq-gaussian",
        ),
        Slip(
            "covariance where the precision belongs",
            _with(precision=False),
            "You used Sigma in D^2 where its inverse belongs: far points must count "
            "for less in a wide cloud, not for more. Round clouds of size one hide it.",
            "eq-gaussian",
        ),
        Slip(
            "log det not halved",
            _with(log_det=1),
            "log det Sigma must be halved: the density is divided by the *root* of the "
            "determinant.",
            "eq-gaussian",
        ),
        Slip(
            "log det of L, halved again",
            _with(log_det=0.25),
            "Your log det is half of what it should be. det Sigma is the square of det "
            "L, so log det Sigma is twice the sum of the logs of L's diagonal.",
            "step-determinant",
        ),
        Slip(
            "log det forgotten",
            _with(log_det=0),
            "log det Sigma is missing: a wide cloud must be low.",
            "eq-gaussian",
        ),
        Slip(
            "sign of log det",
            _with(log_det=-0.5),
            "log det Sigma has the wrong sign: a wide cloud must be low, not high.",
            "eq-gaussian",
        ),
        Slip(
            "D squared not halved",
            _with(square=1),
            "D^2 must be halved.",
            "eq-gaussian",
        ),
        Slip(
            "sign of D squared",
            _with(square=-0.5),
            "D^2 has the wrong sign: the density must fall with the distance.",
            "eq-gaussian",
        ),
        Slip(
            "exp not undone: densities, not logs",
            lambda *a: np.exp(_log_joint(*a)),
            "These are densities. Their logarithms are asked for, and far out the "
            "densities are zero in a computer.",
            "eq-log-joint",
        ),
        Slip(
            "sign of the log-density",
            lambda *a: -_log_joint(*a),
            "The sign is the wrong way round.",
            "eq-log-joint",
        ),
        Slip(
            "normalized over the groups",
            lambda *a: (
                _log_joint(*a) - np.logaddexp.reduce(_log_joint(*a), axis=1)[:, None]
            ),
            "You normalized each row: that is the log of the posterior, for later. The "
            "log-joint is not divided by anything.",
            "eq-log-joint",
        ),
        Slip(
            "det in place of Cholesky",
            _by_det,
            "You took the log of a determinant. With many features and little spread "
            "it underflows to 0. Sum the logs of L's diagonal, or use slogdet.",
            "eq-gaussian",
        ),
        Slip(
            "positive log-density taken for a bug",
            lambda *a: np.minimum(_log_joint(*a), 0),
            "You cut the values off at 0. A log-*density* may be positive: it is no "
            "probability.",
            "step-log-axes-density",
        ),
        Slip(
            "variances only",
            lambda x, phi, mu, Sigma: _log_joint(
                x, phi, mu, Sigma * np.eye(x.shape[1])
            ),
            "You used the diagonal of Sigma only. The covariances off it tilt the "
            "cloud.",
            "eq-gaussian",
        ),
    ),
    hints=(
        "Start with one group: r = x - mu[j], one row per example. What is D^2?",
        "Solve L y = r for all rows at once: np.linalg.solve(L, r.T). Then D^2 is the "
        "sum of the squares of each column of y.",
        "log det Sigma is 2 * np.log(np.diagonal(L)).sum(). Put the three terms of the "
        "log-density together, add np.log(phi[j]), and make it column j.",
    ),
    look_next="This function is the ground of all that follows: you will need it in "
    "chapters 3 and 4.",
)


ellipse = Exercise(
    label="ex-ellipse-share",
    name="ellipse",
    minutes=25,
    level="core",
    parts=("radius", "expected", "counted"),
    reference=lambda: (np.sqrt(-2 * np.log(0.5)), 83 * np.exp(-2), 9),
    tolerance=0.01,
    slips=(
        Slip(
            "radius squared",
            {"radius": 2 * np.log(2)},
            "That is R squared. Take the root.",
            "eq-ellipse",
        ),
        Slip(
            "one-dimensional rule",
            {"radius": 0.6745, "expected": 83 * 0.0455},
            "That is the rule for a single feature. In two dimensions the share within "
            "R is 1 - exp(-R^2 / 2).",
            "step-share",
        ),
        Slip(
            "logarithm to base ten",
            {"radius": np.sqrt(-2 * np.log10(0.5))},
            "The logarithm is the natural one: np.log, not np.log10.",
            "eq-ellipse",
        ),
        Slip(
            "the 2 forgotten",
            {"radius": np.sqrt(np.log(2)), "expected": 83 * np.exp(-4)},
            "The exponent is -R^2 / 2. You left out the 2.",
            "step-share",
        ),
        Slip(
            "inside instead of outside",
            {"expected": 83 * (1 - np.exp(-2)), "counted": 74},
            "These are the points inside the ellipse. The question asks for those "
            "outside.",
        ),
        Slip(
            "radius not squared",
            {"expected": 83 * np.exp(-1), "counted": 30},
            "Mind the square: R = 2 means D^2 = 4, and the share outside is "
            "exp(-R^2 / 2).",
            "step-share",
        ),
        Slip(
            "both groups counted",
            {"expected": 180 * np.exp(-2), "counted": 17},
            "You counted all 180 points. Only the 83 Anemia points are asked for.",
        ),
        Slip(
            "everybody held against Anemia's ellipse",
            {"counted": 83},
            "You counted Control points, too. Select x[z == 'Anemia'] first.",
        ),
        Slip(
            "share instead of count",
            {"expected": np.exp(-2), "counted": 9 / 83},
            "That is the share of the points. How many points are that?",
        ),
    ),
    hints=(
        "The share inside the radius R is 1 - exp(-R^2 / 2).",
        "For (a) set the share to one half and solve for R. For (b), what is the share "
        "outside the radius 2?",
        "For (c), D^2 of row r is r @ np.linalg.solve(Sigma, r), with r = x - mu. "
        "Count the rows where it is above 4.",
    ),
    look_next="9 points where 11 were expected: that is chance. Now try (d). In ten "
    "dimensions hardly any point lies within D = 1: the typical point is far out.",
)


def _change(A: Any) -> Any:
    return -np.linalg.slogdet(A)[1]


change_units = Exercise(
    label="ex-units",
    name="change_units",
    minutes=45,
    level="stretch",
    arguments=("mu", "Sigma", "A", "b"),
    parts=("mean", "covariance", "change"),
    reference=lambda mu, Sigma, A, b: (A @ mu + b, A @ Sigma @ A.T, _change(A)),
    cases=lambda: [_small_units(), _units(3, 7), _units(4, 8)],
    slips=(
        Slip(
            "A Sigma A without transpose",
            lambda mu, S, A, b: (A @ mu + b, A @ S @ A, _change(A)),
            "The covariance is A Sigma A^T: the second A is transposed, as in L L^T.",
            "step-draw-covariance",
        ),
        Slip(
            "transpose on the wrong side",
            lambda mu, S, A, b: (A.T @ mu + b, A.T @ S @ A, _change(A)),
            "The transpose is on the wrong side: new examples are A x + b, so the mean "
            "is A mu + b and the covariance is A Sigma A^T.",
            "step-draw-covariance",
        ),
        Slip(
            "A once, as if for a standard deviation",
            lambda mu, S, A, b: (A @ mu + b, A @ S, _change(A)),
            "You multiplied by A once. A covariance is in squared units, so A comes "
            "twice: A Sigma A^T.",
            "step-draw-covariance",
        ),
        Slip(
            "covariance shifted by b",
            lambda mu, S, A, b: (
                A @ mu + b,
                A @ S @ A.T + np.outer(b, b),
                _change(A),
            ),
            "A shift moves the cloud and does not change its shape: b is not part of "
            "the covariance.",
            "step-phi-mu-sigma",
        ),
        Slip(
            "mean without the shift",
            lambda mu, S, A, b: (A @ mu, A @ S @ A.T, _change(A)),
            "The mean moves with the shift: add b.",
        ),
        Slip(
            "shift before stretch",
            lambda mu, S, A, b: (A @ (mu + b), A @ S @ A.T, _change(A)),
            "You added b before multiplying by A. It is A mu + b.",
        ),
        Slip(
            "sign of the change",
            lambda mu, S, A, b: (A @ mu + b, A @ S @ A.T, -_change(A)),
            "The sign of the change is wrong: where a step becomes longer, the same "
            "probability covers more space, and the density falls.",
            "step-log-axes-density",
        ),
        Slip(
            "log det without its absolute value",
            lambda mu, S, A, b: (A @ mu + b, A @ S @ A.T, -np.log(np.linalg.det(A))),
            "A may turn space over: then det A is negative, and its logarithm does not "
            "exist. Take the absolute value: np.linalg.slogdet(A)[1].",
        ),
        Slip(
            "det of the covariance's change",
            lambda mu, S, A, b: (A @ mu + b, A @ S @ A.T, 2 * _change(A)),
            "log det Sigma changes by 2 log |det A|, but the density holds half of it.",
            "eq-gaussian",
        ),
        Slip(
            "halved twice",
            lambda mu, S, A, b: (A @ mu + b, A @ S @ A.T, _change(A) / 2),
            "You halved once too often: log det Sigma changes by 2 log |det A|, and "
            "half of that is log |det A|.",
            "eq-gaussian",
        ),
        Slip(
            "determinant without log",
            lambda mu, S, A, b: (A @ mu + b, A @ S @ A.T, -abs(np.linalg.det(A))),
            "The change of a *log*-density is asked for: take the log of |det A|.",
        ),
    ),
    hints=(
        "Expectation is linear: E[A x + b] = A E[x] + b.",
        "New minus new mean is A (x - mu). Put it into E[r r^T].",
        "log det (A Sigma A^T) = log det Sigma + 2 log |det A|. Half of the "
        "difference, with a minus sign, is the change.",
    ),
    look_next="With A = diag(0.001, 10) the change is log 100 = 4.605 nats for each "
    "point. Compare log-likelihoods in the same units only.",
)


def _small_units() -> Case:
    mu, Sigma = np.array([1.0, 2.0]), np.array([[4.0, 1.0], [1.0, 3.0]])
    return mu, Sigma, np.array([[2.0, 1.0], [0.0, -3.0]]), np.array([5.0, 7.0])


def _units(d: int, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    _, theta = sample(3, d, 2, seed)
    return theta.mu[0], theta.Sigma[0], rng.normal(size=(d, d)), rng.normal(size=d)


def _total(
    phi: Any,
    mu: Any,
    Sigma: Any,
    *,
    weights: Any = None,
    center: Any = None,
    within: float = 1,
    between: float = 1,
) -> Any:
    """Mean and covariance of everybody, as a slip weights, centers or forgets."""
    weights = phi if weights is None else weights
    mean = weights @ mu
    gaps = mu - (mean if center is None else center)
    spread = np.einsum("j,ja,jb->ab", weights, gaps, gaps)
    inside = np.einsum("j,jab->ab", weights, Sigma)
    return mean, within * inside + between * spread


total = Exercise(
    label="ex-total-covariance",
    name="total",
    minutes=40,
    level="stretch",
    arguments=("phi", "mu", "Sigma"),
    parts=("mean", "covariance"),
    reference=_total,
    cases=lambda: [(t.phi, t.mu, t.Sigma) for _, t in mixtures()],
    shown=lambda: (data.ANEMIA.phi, data.ANEMIA.mu, data.ANEMIA.Sigma),
    slips=(
        Slip(
            "spread between the means forgotten",
            lambda *a: _total(*a, between=0),
            "You averaged the covariances. The means lie apart, and that spreads the "
            "points, too: the second term is missing.",
        ),
        Slip(
            "spread within the groups forgotten",
            lambda *a: _total(*a, within=0),
            "You took the spread of the means only. Every point also varies within its "
            "group: add sum_j phi_j Sigma_j.",
        ),
        Slip(
            "groups weighted equally",
            lambda phi, mu, S: _total(
                phi, mu, S, weights=np.full(len(phi), 1 / len(phi))
            ),
            "You gave every group the same weight. Group j has the share phi_j.",
        ),
        Slip(
            "groups summed, not averaged",
            lambda phi, mu, S: _total(phi, mu, S, weights=np.ones(len(phi))),
            "You summed over the groups without their shares phi_j.",
        ),
        Slip(
            "mean not subtracted",
            lambda *a: _total(*a, center=0),
            "The overall mean is not subtracted from the mu_j: this is E[x x^T].",
        ),
        Slip(
            "spread around the unweighted mean",
            lambda phi, mu, S: _total(phi, mu, S, center=mu.mean(axis=0)),
            "You measured the means from their plain average. Measure them from "
            "sum_j phi_j mu_j.",
        ),
        Slip(
            "spread of the means subtracted",
            lambda *a: _total(*a, between=-1),
            "The two parts add up: groups that lie apart make the cloud larger.",
        ),
        Slip(
            "spread of the means without shares",
            lambda phi, mu, S: (
                phi @ mu,
                _total(phi, mu, S, between=0)[1] + (mu - phi @ mu).T @ (mu - phi @ mu),
            ),
            "The spread of the means needs the shares: phi_j in front of each term.",
        ),
    ),
    hints=(
        "Write x - mean as (x - mu_j) + (mu_j - mean) for a point of group j.",
        "Within group j the first bracket has expectation zero, so the mixed terms are "
        "gone.",
        "Two terms are left: Sigma_j, and the outer product of mu_j - mean with "
        "itself. Average both with the shares phi_j.",
    ),
    look_next="For the anemia data most of the covariance of volume and concentration "
    "comes from between the groups. A correlation may come from groups nobody named.",
)

EXERCISES = (read_sigma, ellipse, log_joint, change_units, total)
