"""Labels hidden: guess them softly, estimate as if they were known, repeat."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from emgmm._input import Floats, as_count, as_number, as_responsibilities, as_x
from emgmm.mixture import Mixture
from emgmm.moments import check_group_weights

Reason = Literal["converged", "max_iter", "degenerate"]


def e_step(x: ArrayLike, theta: Mixture) -> Floats:
    """Responsibilities w of the groups for the examples, :eq:`eq-e-step`.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    theta : Mixture
        Current parameters.

    Returns
    -------
    w : ndarray, shape (m, k)
        Rows sum to one.

    Raises
    ------
    ValueError
        When x does not fit theta.

    Examples
    --------
    >>> theta = Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])
    >>> e_step([[1.0], [2.0]], theta).round(3).tolist()
    [[0.5, 0.5], [0.119, 0.881]]
    """
    return theta.responsibilities(x)


def m_step(x: ArrayLike, w: ArrayLike) -> Mixture:
    """Parameters that maximize the bound F(w, theta) for this w.

    Shares :eq:`eq-m-step-phi`, means :eq:`eq-m-step-mu` and covariances
    :eq:`eq-m-step-sigma`: the formulas of known labels, with w for the indicator.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    w : array_like, shape (m, k)
        Responsibilities; rows sum to one.

    Returns
    -------
    Mixture

    Raises
    ------
    ValueError
        When w does not fit x, its rows do not sum to one, or a group is empty or
        flat.

    Examples
    --------
    >>> m_step([[0.0], [1.0], [2.0]], [[1.0], [1.0], [1.0]]).mu.tolist()
    [[1.0]]
    """
    x = as_x(x)
    w = as_responsibilities(w, len(x))
    N = w.sum(axis=0)
    check_group_weights(N)
    phi = N / len(x)
    mu = np.stack([w_j @ x for w_j in (w / N).T])
    r = x - mu[:, None]
    Sigma = np.stack([(w_j * r_j.T) @ r_j for w_j, r_j in zip((w / N).T, r)])
    return Mixture(phi, mu, Sigma)


def elbo(x: ArrayLike, w: ArrayLike, theta: Mixture) -> float:
    """The bound F(w, theta) that both steps raise, :eq:`eq-elbo`.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    w : array_like, shape (m, k)
        Responsibilities; rows sum to one.
    theta : Mixture
        Parameters.

    Returns
    -------
    float
        A total, in nats; at most ``theta.log_likelihood(x)``, equal to it when
        ``w = e_step(x, theta)``.

    Raises
    ------
    ValueError
        When x, w and theta do not fit together.

    Examples
    --------
    >>> theta = Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])
    >>> x = [[1.0], [2.0]]
    >>> round(elbo(x, [[0.5, 0.5], [0.5, 0.5]], theta), 4)
    -3.3379
    >>> round(elbo(x, e_step(x, theta), theta), 4), round(theta.log_likelihood(x), 4)
    (-2.9041, -2.9041)
    """
    log_joint = theta.log_joint(x)
    w = as_responsibilities(w, len(log_joint))
    if w.shape != log_joint.shape:
        raise ValueError(f"w has shape {w.shape}; theta asks for {log_joint.shape}.")
    # 0 log 0 is 0: a group without weight adds nothing, even where p is 0.
    expected = np.multiply(w, log_joint, where=w > 0, out=np.zeros_like(w))
    return float((expected + entr(w)).sum())


@dataclass(frozen=True)
class Fit:
    """What `em` returns.

    Attributes
    ----------
    theta : Mixture
        The last parameters.
    log_likelihood : float
        Of ``theta``, in nats: ``theta.log_likelihood(x)``.
    trace : ndarray, shape (n_iter + 1,)
        Log-likelihood at the start and after each iteration; it never falls.
    n_iter : int
        Iterations done: one E-step and one M-step each.
    n_evaluations : int
        E-steps done: one more, for the log-likelihood of the last parameters.
    reason : {"converged", "max_iter", "degenerate"}
        Why it stopped. "degenerate": the next step would have shrunk a group onto
        too few or equal points, where the likelihood has no maximum.
    """

    theta: Mixture
    log_likelihood: float
    trace: Floats
    n_iter: int
    n_evaluations: int
    reason: Reason


def em(
    x: ArrayLike,
    start: Mixture | ArrayLike,
    *,
    tol: float = 1e-9,
    max_iter: int = 10_000,
    callback: Callable[[int, Mixture, float], object] | None = None,
) -> Fit:
    """Expectation-maximization: E-step, M-step, repeat, :eq:`eq-em`.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    start : Mixture or array_like, shape (m, k)
        Where to begin: parameters, or responsibilities w.
    tol : float
        Stop when the log-likelihood still to be gained, :eq:`eq-still-to-gain`, is
        at most this many nats. 0 runs exactly ``max_iter`` iterations.
    max_iter : int
        Stop after this many iterations.
    callback : callable, optional
        Called as ``callback(n_iter, theta, log_likelihood)`` at the start
        (``n_iter`` = 0) and after every iteration.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        When the arguments do not fit together, or x is flat in some direction.

    Examples
    --------
    >>> x = [[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]]
    >>> fit = em(x, [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0.5, 0.5]])
    >>> fit.reason, fit.theta.mu.ravel().round(6).tolist()
    ('converged', [1.0, 11.0])
    """
    x, max_iter = as_x(x), as_count(max_iter, "max_iter", least=0)
    tol = as_number(tol, "tol")
    if tol < 0:
        raise ValueError(f"tol is {tol}; it must be 0 or more.")
    spread = _spread(x)
    theta = start if isinstance(start, Mixture) else m_step(x, start)
    trace: list[float] = []
    reason: Reason = "max_iter"
    for n_iter in range(max_iter + 1):
        w, log_density = theta._posterior(x)
        trace.append(float(log_density.sum()))
        if callback is not None:
            callback(n_iter, theta, trace[-1])
        if tol > 0 and _still_to_gain(trace, _rounding(log_density)) <= tol:
            reason = "converged"
            break
        if n_iter < max_iter:
            following = _m_step_unless_degenerate(x, w, spread)
            if following is None:
                reason = "degenerate"
                break
            theta = following
    return Fit(theta, trace[-1], np.array(trace), n_iter, n_iter + 1, reason)


def _still_to_gain(trace: list[float], rounding: float) -> float:
    """Nats still to come if the gains go on shrinking as they do.

    A plateau shows small gains too, but they do not shrink: hence the larger of the
    last two rates, and no answer (infinity) while it is 1 or more.
    """
    if len(trace) < 4:
        return np.inf
    gains = np.maximum(np.diff(trace[-4:]), rounding)
    if gains.max() == rounding:
        return 0.0
    rate = (gains[1:] / gains[:-1]).max()
    return float(gains[-1] * rate / (1 - rate)) if rate < 1 else np.inf


def _rounding(log_density: Floats) -> float:
    """Gains below this are rounding in the sum."""
    return float(4 * np.finfo(float).eps * np.abs(log_density).sum())


def _spread(x: Floats) -> Floats:
    """Cholesky factor of the covariance of all examples together."""
    r = x - x.mean(axis=0)
    everyone = Mixture([1.0], r[:1] * 0, [r.T @ r / len(x)], ("all examples",))
    return np.linalg.cholesky(everyone.Sigma[0])


def _m_step_unless_degenerate(x: Floats, w: Floats, spread: Floats) -> Mixture | None:
    """The M-step, or None where it makes a group a million times narrower than x."""
    try:
        theta = m_step(x, w)
    except np.linalg.LinAlgError:
        return None
    narrowness = np.linalg.norm(theta._whiteners @ spread, axis=(1, 2)).max()
    return theta if narrowness < 1e6 else None
