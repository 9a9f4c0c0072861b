"""What kind of point a fit has reached, and how much is left to gain there."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from emgmm._engine import left_out
from emgmm._engine.blas import one_thread
from emgmm._engine.climb import Run, settled
from emgmm._engine.curvature import RIDGE, Curvature, curvature, matrix_fits
from emgmm._engine.maximize import EMPTY, State
from emgmm._engine.rows import Rows
from emgmm._input import Floats
from emgmm.mixture import Mixture, check_mixture
from emgmm.moments import in_family

Kind = Literal["strict maximum", "ridge", "saddle", "unknown"]


@dataclass(frozen=True)
class Certificate:
    """What is known of the point where a fit ended.

    Attributes
    ----------
    score_norm : float
        Length of the gradient, scaled so that with known labels its standard error is 1
        along every direction in which the shares sum to one. 0 where EM rests.
    smallest_eigenvalue : float
        Of the scaled observed information; where EM rests, 1 minus EM's rate. NaN when
        not computed.
    still_to_gain : float
        Log-likelihood still to be gained, in nats: the Newton decrement, or the
        estimate from EM's rate. Infinite where there is no such top near by: the
        information is not positive definite, or the rate is 1 or more.
    kind : {"strict maximum", "ridge", "saddle", "unknown"}
        By the sign of ``smallest_eigenvalue``, for a point where EM rests. "ridge": it
        is 0 but for rounding, and the curvature cannot tell.
    method : {"Newton decrement", "EM rate"}
        How ``still_to_gain`` was found.
    """

    score_norm: float
    smallest_eigenvalue: float
    still_to_gain: float
    kind: Kind
    method: Literal["Newton decrement", "EM rate"]


def certify(x: ArrayLike, theta: Mixture, family: str = "full") -> Certificate:
    """The certificate of any parameters: score, curvature, and what is left to gain.

    The score is :eq:`eq-scaled-score`, the information :eq:`eq-scaled-information`, the
    Newton decrement :eq:`eq-certificate`. It is infinite where the information is not
    positive definite.

    Parameters
    ----------
    x : array_like, shape (m, d), or callable
        Examples, as in `em`.
    theta : Mixture
        Parameters, inside the family.
    family : str
        Covariance family, as in `maximize`.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        When the arguments do not fit together.

    Examples
    --------
    >>> x = [[0.0], [1.0], [2.0]]
    >>> certify(x, Mixture([1.0], [[1.0]], [[[2 / 3]]])).kind
    'strict maximum'
    """
    rows, state = _seen(x, theta, family)
    with one_thread(rows.d):
        return certificate(curvature(rows, state))


def support(x: ArrayLike, theta: Mixture, family: str = "full") -> Floats:
    """How much each group adds, its own rows left out of it, :eq:`eq-support`.

    A group that was drawn around a chance handful of rows explains them only as long as
    they are in it. `fit` takes a maximum for sound when every support is above
    (d + 1) log m.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples. Equal rows are left out together.
    theta : Mixture
        Parameters, inside the family: a resting point of EM.
    family : str
        Covariance family, as in `maximize`.

    Returns
    -------
    ndarray, shape (k,)
        In nats; infinite for a single group and where groups share one covariance,
        since the likelihood has an upper bound there.

    Raises
    ------
    ValueError
        When the arguments do not fit together.

    Examples
    --------
    >>> from emgmm import em
    >>> x = [[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]]
    >>> theta = em(x, [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]).theta
    >>> support(x, theta).round(0).tolist()
    [213.0, 213.0]
    """
    rows, state = _seen(x, theta, family)
    if theta.k == 1 or family.startswith("tied"):
        return np.full(theta.k, np.inf)
    with one_thread(rows.d):
        return left_out.support(rows, state, left_out.equal_rows(rows))


def _seen(x: ArrayLike, theta: Mixture, family: str) -> tuple[Rows, State]:
    """Examples and parameters as the engine sees them, once they are checked."""
    check_mixture(theta)
    if theta.phi.min() < EMPTY:
        raise ValueError(
            f"theta: group {theta.names[theta.phi.argmin()]!r} has share "
            f"{theta.phi.min():g}; leave it out."
        )
    check_of_family(theta, family)
    rows = Rows(x, theta.k, family)
    try:
        return rows, rows.state(theta)
    except np.linalg.LinAlgError:
        raise ValueError(
            "theta: a group is a million times narrower than x; it has collapsed."
        ) from None


def check_of_family(theta: Mixture, family: str) -> None:
    """Refuse parameters that the family does not hold."""
    if in_family(theta, family) is not theta:
        raise ValueError(
            f"theta: its Sigma, shape {theta.Sigma.shape}, is not {family}; name the "
            'family that it was fitted in, or family="full".'
        )


def certificate_at(rows: Rows, run: Run) -> Certificate:
    """From the curvature where its matrix fits into memory, else from EM's rate."""
    if run.at is not None:
        return certificate(run.at)
    if matrix_fits(rows):
        return certificate(curvature(rows, run.state))
    return by_rate(rows, run.state)


def by_rate(rows: Rows, state: State) -> Certificate:
    """From a few EM steps, which tell no saddle from a maximum."""
    norm, left = settled(rows, state)
    return Certificate(norm, np.nan, left, "unknown", "EM rate")


def certificate(at: Curvature) -> Certificate:
    """The public summary of a curvature."""
    least = float(at.eigenvalues[0])
    kind: Kind = "ridge" if abs(least) < RIDGE else "strict maximum"
    kind = "saddle" if least <= -RIDGE else kind
    norm = float(np.linalg.norm(at.slopes))
    return Certificate(norm, least, at.decrement, kind, "Newton decrement")
