"""Exercises of chapter 1: two groups."""

from typing import Any

import numpy as np

from emgmm import data
from emgmm.checks.exercise import Case, Exercise, Slip
from emgmm.checks.inputs import mixtures
from emgmm.mixture import Mixture

read_sigma = Exercise(
    label="ex-read-sigma",
    name="read_sigma",
    parts=("sd_volume", "sd_concentration", "correlation", "lowest", "highest"),
    reference=lambda: (3, 2, -0.5, 82 - 1.96 * 3, 82 + 1.96 * 3),
    tolerance=2e-3,
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


def _with(**changes: Any) -> Any:
    return lambda x, phi, mu, Sigma: _log_joint(x, phi, mu, Sigma, **changes)


def _joint_cases() -> list[Case]:
    return [(x, t.phi, t.mu, t.Sigma) for x, t in mixtures()]


def _joint_shown() -> Case:
    theta = data.ANEMIA
    return data.anemia().x, theta.phi, theta.mu, theta.Sigma


log_joint = Exercise(
    label="ex-log-joint",
    name="log_joint",
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

EXERCISES = (read_sigma, log_joint)
