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
from functools import lru_cache

import numpy as np

from emgmm._engine.expect import matrices, softmax
from emgmm._engine.maximize import Moments, State
from emgmm._engine.rows import WORK, Rows, multiplied, n_products, pairs
from emgmm._input import Floats

RIDGE = 1e-7  # nearer to 0, an eigenvalue of the scaled information is rounding
MOST = 1000  # numbers in the score: beyond, its matrix takes more than 8 MB
TINY = 1e-140  # squares of smaller w underflow, and that takes a hundred times longer


@dataclass(frozen=True)
class Curvature:
    """The information K by its eigenvectors, and the slope U along them."""

    state: State
    log_likelihood: float
    slopes: Floats
    eigenvalues: Floats
    vectors: Floats

    @property
    def decrement(self) -> float:
        """Nats up to the top of the parabola; infinite where it has none."""
        if self.eigenvalues[0] < RIDGE:
            return np.inf
        return float(0.5 * (self.slopes**2 / self.eigenvalues).sum())

    @property
    def slope(self) -> float:
        """The decrement with the eigenvalues' sizes: 0 on level ground of any kind."""
        sizes = np.maximum(np.abs(self.eigenvalues), 1e-10)
        return float(0.5 * (self.slopes**2 / sizes).sum())

    def steps_ahead(self, n: float) -> tuple[Floats, float]:
        """n EM steps at once, as far as they are linear, and the gain they promise.

        :eq:`step-steps-ahead`, along each eigenvector: (1 - B^n) / K times the slope.
        """
        K = np.where(np.abs(self.eigenvalues) < 1e-12, 1e-12, self.eigenvalues)
        with np.errstate(all="ignore"):  # a saddle, seen from afar
            delta = -np.expm1(n * np.log(np.maximum(1 - K, 1e-300))) / K * self.slopes
            gain = delta @ (self.slopes - 0.5 * K * delta)
            return self.vectors @ delta, float(gain)


def matrix_fits(rows: Rows) -> bool:
    """Is the information matrix small enough to be kept?"""
    return size(rows) <= MOST


def size(rows: Rows) -> int:
    """Numbers in the score."""
    return rows.k * n_products(rows.d, rows.family)


def curvature(rows: Rows, state: State) -> Curvature:
    """Score and information at a point, in one pass."""
    U, B, log_likelihood = _score_and_rate(rows, state)
    if rows.family in ("full", "diagonal"):  # it may move anywhere
        eigenvalues, vectors = np.linalg.eigh(np.eye(len(U)) - B)
    else:
        V = _tangent(rows, state)
        eigenvalues, inside = np.linalg.eigh(np.eye(V.shape[1]) - V.T @ B @ V)
        vectors = V @ inside
    return Curvature(state, log_likelihood, vectors.T @ U, eigenvalues, vectors)


def look(rows: Rows, state: State) -> Curvature | None:
    """`curvature`, or None where it is no number."""
    try:
        at = curvature(rows, state)
    except np.linalg.LinAlgError:
        return None
    return at if np.isfinite(at.log_likelihood) else None


def moved(rows: Rows, state: State, step: Floats) -> Moments:
    """The moments that an E-step would give at ``state``, and a step beyond.

    Without the step they are those of the state itself, m phi_j times the identity.
    """
    k, d = state.mu.shape
    N = rows.m * np.exp(state.log_phi)[:, None]
    a = np.sqrt(N) * step.reshape(k, -1)
    # The products y_a y_b are orthonormal polynomials, the squares sqrt 2 times one.
    i, j = pairs(d, rows.family)
    a[:, d + 1 :] *= np.where(i == j, np.sqrt(2), 1.0)
    M = matrices(a, d, rows.family)
    diagonal = M.reshape(k, -1)[:, :: d + 2]
    diagonal += N
    diagonal[:, 1:] += a[:, :1]
    return Moments(M, origin=state)


def _score_and_rate(rows: Rows, state: State) -> tuple[Floats, Floats, float]:
    """Scaled slope U (p,), rate matrix B (p, p) of all groups, and log-likelihood."""
    k, d = state.mu.shape
    f = n_products(d, rows.family)
    const = state.log_constant[:, None]
    U, B = np.zeros((k, f)), np.zeros((k * f, k * f))
    out, log_likelihood = np.empty((d, rows.size)), -rows.m * rows.log_det_unit
    H, A, r = _work(rows)
    few = H.shape[2]
    for n in rows.whitened(out):
        for start in range(0, n, few):
            block = out[:, start : min(n, start + few)]
            h, residual = (array[:, :, : block.shape[1]] for array in (H, r))
            np.subtract(block, state.mu[:, :, None], out=residual)
            y = np.matmul(state.W, residual, out=h[:, 1 : d + 1])
            w = const - 0.5 * np.einsum("jan,jan->jn", y, y)
            log_likelihood += softmax(w, np.empty(w.shape[1]))
            w[w < TINY] = 0.0
            _second_degree(h, d, rows.family)
            _add(U, B, h, np.multiply(w[:, None], h, out=A[:, :, : block.shape[1]]))
    scale = np.sqrt(rows.m * np.exp(state.log_phi))
    U[:, 0] -= scale**2
    scales = np.repeat(scale, f)
    U, B = (U / scale[:, None]).ravel(), B / scales[:, None] / scales
    return U, B, float(log_likelihood)


def _work(rows: Rows) -> tuple[Floats, Floats, Floats]:
    """One set of arrays for all blocks: fresh memory costs more than arithmetic."""
    k, d, f = rows.k, rows.d, n_products(rows.d, rows.family)
    n = min(rows.size, rows.m, max(64, WORK // (2 * k * f)))
    if rows.products is None:
        rows.products = (
            np.ones((k, f, n)),
            np.empty((k, f, n)),
            np.empty((k, d, n)),
        )
    return rows.products


def _second_degree(h: Floats, d: int, family: str) -> None:
    """Orthonormal polynomials h (k, f, n) of degree two, from those of degree one."""
    multiplied(h[:, 1 : d + 1], family, out=h[:, d + 1 :])
    i, j = pairs(d, family)
    for f in d + 1 + np.flatnonzero(i == j):
        h[:, f] -= 1.0
        h[:, f] /= np.sqrt(2)


def _add(U: Floats, B: Floats, h: Floats, A: Floats) -> None:
    """Add one block's slope, and the covariance of its complete score given x.

    A holds the polynomials h times w.
    """
    k, f, n = h.shape
    U += A.sum(axis=2)
    a = A.reshape(k * f, n)
    B -= a @ a.T
    B.reshape(k, f, k, f)[np.arange(k), :, np.arange(k), :] += A @ h.mT


def _tangent(rows: Rows, state: State) -> Floats:
    """Orthonormal directions (p, r) in which the family may move."""
    if rows.family.startswith("tied"):
        share = np.exp(0.5 * state.log_phi)[:, None]
        return _directions(share, rows.d, rows.family)
    return _each_alone(rows.k, rows.d, rows.family)


@lru_cache
def _each_alone(k: int, d: int, family: str) -> Floats:
    """Where each group has a covariance of its own: the same at every point."""
    return _directions(np.eye(k), d, family)


def _directions(share: Floats, d: int, family: str) -> Floats:
    """Means move freely; covariances as the family allows, groups by their share."""
    k, n = len(share), len(pairs(d, family)[0])
    shape = np.full((n, 1), d**-0.5) if family.endswith("spherical") else np.eye(n)
    quadratic = np.zeros((k, 1 + d + n, share.shape[1] * shape.shape[1]))
    quadratic[:, 1 + d :] = np.kron(share, shape).reshape(k, n, -1)
    linear = np.kron(np.eye(k), np.eye(1 + d + n, 1 + d))
    return np.hstack([linear, quadratic.reshape(len(linear), -1)])
