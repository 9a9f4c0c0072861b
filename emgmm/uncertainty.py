"""How much is left to gain, and what kind of point it is: score and curvature.

In the natural parameters of the complete data every covariance family is a linear
subspace. Per group, the orthonormal polynomials h(y) = [1, y_a, (y_a^2 - 1)/sqrt 2,
y_a y_b] of y = L_j^-1 (x - mu_j) span it, and scaled by sqrt(m phi_j) the information
of the complete data is the identity along all directions in which the shares go on
summing to one. What the hidden labels take away is B, EM's rate matrix; I - B is the
observed information. One direction, sqrt(phi_j) for the 1 of each h, moves no mixture:
the score is 0 there and the eigenvalue of I - B is 1, so nothing reported feels it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from emgmm._input import Floats
from emgmm.engine import (
    EMPTY,
    WORK,
    Engine,
    State,
    _softmax,
    cholesky,
    log_constant,
    one_thread,
    upper,
    whitener,
)
from emgmm.mixture import Mixture, check_mixture
from emgmm.moments import project

RIDGE = (
    1e-7  # an eigenvalue of the scaled information nearer to 0 than this is rounding
)
MOST = 1000  # numbers in the score: beyond, its matrix takes more than 8 MB

TINY = 1e-140  # squares of smaller w underflow, and that takes a hundred times longer

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


@dataclass(frozen=True)
class Curvature:
    """Score c in the eigenvectors U of the scaled information, and its eigenvalues."""

    state: State
    log_likelihood: float
    c: Floats
    eigenvalues: Floats
    U: Floats

    @property
    def decrement(self) -> float:
        """Nats up to the top of the parabola; infinite where it has none."""
        if self.eigenvalues[0] < RIDGE:
            return np.inf
        return float(0.5 * (self.c**2 / self.eigenvalues).sum())

    @property
    def slope(self) -> float:
        """The decrement with the eigenvalues' sizes: 0 on level ground of any kind."""
        sizes = np.maximum(np.abs(self.eigenvalues), 1e-10)
        return float(0.5 * (self.c**2 / sizes).sum())

    def steps_ahead(self, n: float) -> tuple[Floats, float]:
        """n EM steps at once, as far as they are linear, and the gain they promise.

        Each step adds c to the moments, and its successor is B = I - K times as long:
        c + B c + ... + B^(n-1) c.
        """
        K = np.where(np.abs(self.eigenvalues) < 1e-12, 1e-12, self.eigenvalues)
        with np.errstate(all="ignore"):  # a saddle, seen from afar
            a = -np.expm1(n * np.log(np.maximum(1 - K, 1e-300))) / K * self.c
            return self.U @ a, float(a @ (self.c - 0.5 * K * a))


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
    check_mixture(theta)
    if theta.phi.min() < EMPTY:
        raise ValueError(
            f"theta: group {theta.names[theta.phi.argmin()]!r} has share "
            f"{theta.phi.min():g}; leave it out."
        )
    engine = Engine(x, theta.k, family)
    try:
        with one_thread(engine.d):
            return certificate(curvature(engine, engine.state(theta)))
    except np.linalg.LinAlgError:
        raise ValueError(
            "theta: a group is a million times narrower than x; it has collapsed."
        ) from None


def certificate(at: Curvature) -> Certificate:
    """The public summary of a curvature."""
    least = float(at.eigenvalues[0])
    kind: Kind = "ridge" if abs(least) < RIDGE else "strict maximum"
    kind = "saddle" if least <= -RIDGE else kind
    norm = float(np.linalg.norm(at.c))
    return Certificate(norm, least, at.decrement, kind, "Newton decrement")


def affordable(engine: Engine) -> bool:
    """Is the information matrix small enough to be kept?"""
    return size(engine) <= MOST


def size(engine: Engine) -> int:
    """Numbers in the score."""
    return engine.k * (engine.d + 1) * (engine.d + 2) // 2


def curvature(engine: Engine, state: State) -> Curvature:
    """Score and information at a point, in one pass."""
    s, B, log_likelihood = _score_and_rate(engine, state)
    V = _tangent(engine, state)
    eigenvalues, U = np.linalg.eigh(np.eye(V.shape[1]) - V.T @ B @ V)
    return Curvature(state, log_likelihood, U.T @ (V.T @ s), eigenvalues, V @ U)


def try_curvature(engine: Engine, state: State) -> Curvature | None:
    """`curvature`, or None where the state has collapsed."""
    try:
        at = curvature(engine, state)
    except np.linalg.LinAlgError:
        return None
    return at if np.isfinite(at.log_likelihood) else None


def moved(engine: Engine, state: State, step: Floats) -> State | None:
    """The M-step of moments that have moved; None where they are no moments."""
    k, d = state.mu.shape
    a = step.reshape(k, -1) / np.sqrt(engine.m * np.exp(state.log_phi))[:, None]
    N = 1 + a[:, 0]
    if not N.min() > 0:
        return None
    C, (i, j) = np.zeros((k, d, d)), upper(d)
    C[:, i, j] = C[:, j, i] = a[:, d + 1 :] * np.where(i == j, np.sqrt(2), 1.0)
    mean, C = a[:, 1 : d + 1] / N[:, None], np.eye(d) + C / N[:, None, None]
    C -= mean[:, :, None] * mean[:, None, :]
    phi = np.exp(state.log_phi) * N
    phi /= phi.sum()
    Sigma = project(state.L @ C @ state.L.mT, phi, engine.family)
    mu = state.mu + (state.L @ mean[:, :, None])[:, :, 0]
    try:
        return State(np.log(phi), mu, cholesky(Sigma))
    except np.linalg.LinAlgError:
        return None


def _score_and_rate(engine: Engine, state: State) -> tuple[Floats, Floats, float]:
    """Scaled score (p,), rate matrix B (p, p) of all groups, and log-likelihood."""
    k, d = state.mu.shape
    f = (d + 1) * (d + 2) // 2
    W, const = whitener(state.L), log_constant(state)
    s, B = np.zeros((k, f)), np.zeros((k * f, k * f))
    out, log_likelihood = np.empty((d, engine.rows)), -engine.m * engine.log_det_unit
    rows = min(engine.rows, max(64, WORK // (2 * k * f)))
    # One set of arrays for all blocks: fresh memory costs more than arithmetic.
    H, A, r = np.ones((k, f, rows)), np.empty((k, f, rows)), np.empty((k, d, rows))
    for n in engine.whitened(out):
        for start in range(0, n, rows):
            block = out[:, start : min(n, start + rows)]
            h, residual = (array[:, :, : block.shape[1]] for array in (H, r))
            np.subtract(block, state.mu[:, :, None], out=residual)
            y = np.matmul(W, residual, out=h[:, 1 : d + 1])
            w = const[:, None] - 0.5 * np.einsum("jan,jan->jn", y, y)
            log_likelihood += _softmax(w, np.empty(w.shape[1]))
            w[w < TINY] = 0.0
            _second_degree(h, d)
            _add(s, B, h, np.multiply(w[:, None], h, out=A[:, :, : block.shape[1]]))
    scale = np.sqrt(engine.m * np.exp(state.log_phi))
    s[:, 0] -= scale**2
    scales = np.repeat(scale, f)
    return (s / scale[:, None]).ravel(), B / scales[:, None] / scales, log_likelihood


def _second_degree(h: Floats, d: int) -> None:
    """Orthonormal polynomials h (k, f, n) of degree two, from those of degree one."""
    y, f = h[:, 1 : d + 1], d + 1
    for a in range(d):
        np.multiply(y[:, a : a + 1], y[:, a:], out=h[:, f : f + d - a])
        h[:, f] -= 1.0
        h[:, f] /= np.sqrt(2)
        f += d - a


def _add(s: Floats, B: Floats, h: Floats, A: Floats) -> None:
    """Add one block's score, and the covariance of its complete score given x.

    A holds the polynomials h times w.
    """
    k, f, n = h.shape
    s += A.sum(axis=2)
    a = A.reshape(k * f, n)
    B -= a @ a.T
    B.reshape(k, f, k, f)[np.arange(k), :, np.arange(k), :] += A @ h.mT


def _tangent(engine: Engine, state: State) -> Floats:
    """Orthonormal directions (p, r) in which the family may move."""
    k, d, family = engine.k, engine.d, engine.family
    i, j = upper(d)
    shape = np.eye(len(i))
    if family.endswith("diagonal"):
        shape = shape[:, i == j]
    if family.endswith("spherical"):
        shape = (i == j)[:, None] / np.sqrt(d)
    share = np.eye(k)
    if family.startswith("tied"):
        share = np.exp(0.5 * state.log_phi)[:, None]
    quadratic = np.zeros((k, 1 + d + len(i), share.shape[1] * shape.shape[1]))
    quadratic[:, 1 + d :] = np.kron(share, shape).reshape(k, len(i), -1)
    linear = np.kron(np.eye(k), np.eye(1 + d + len(i), 1 + d))
    return np.hstack([linear, quadratic.reshape(len(linear), -1)])
