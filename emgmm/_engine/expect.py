"""The E-step, and the sums that the M-step needs, in one pass over blocks of rows.

With T(x) = [1, x, upper half of x x^T] every log-joint is linear in T, and the moments
are weighted sums of the same T: one product, a softmax, one product.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emgmm._engine.maximize import Moments, State
from emgmm._engine.rows import Rows, upper
from emgmm._input import Floats

KAPPA = 1e6  # the feature form loses log10(KAPPA) digits: beyond, take residuals


def expect(rows: Rows, state: State) -> tuple[Moments, float]:
    """The moments of the responsibilities, and the log-likelihood of ``state``."""
    one_pass = features_pass if state.kappa < KAPPA else residuals_pass
    moments, log_likelihood = one_pass(rows, state)
    return moments, log_likelihood - rows.m * rows.log_det_unit


def features_pass(rows: Rows, state: State) -> tuple[Moments, float]:
    """From T, a block at a time."""
    Theta = _coefficients(state)
    S, log_likelihood = np.zeros(Theta.shape), 0.0
    for T in rows.features():
        n = T.shape[1]
        r = rows.log_joint[:, :n]
        np.matmul(Theta, T, out=r)
        log_likelihood += softmax(r, rows.top[:n])
        S += r @ T.T
    return Moments(S.take(_square(rows.d + 1), axis=1)), log_likelihood


def residuals_pass(rows: Rows, state: State) -> tuple[Moments, float]:
    """The same sums from y = W (x - mu): slower, exact for narrow groups too."""
    d, W, const = rows.d, state.W, state.log_constant
    y = np.ones((d + 1, rows.size))
    M, log_likelihood = np.zeros((rows.k, d + 1, d + 1)), 0.0
    for n in rows.whitened(rows.T[1 : d + 1]):
        x, r = rows.T[1 : d + 1, :n], rows.log_joint[:, :n]
        for j in range(rows.k):
            z = W[j] @ (x - state.mu[j][:, None])
            r[j] = const[j] - 0.5 * np.einsum("an,an->n", z, z)
        log_likelihood += softmax(r, rows.top[:n])
        for j in range(rows.k):
            y[1:, :n] = W[j] @ (x - state.mu[j][:, None])
            M[j] += (y[:, :n] * r[j]) @ y[:, :n].T
    return Moments(M, origin=state), log_likelihood


def given(rows: Rows, w: Floats) -> Moments:
    """The moments of responsibilities (m, k) that are known."""
    M, done = np.zeros((rows.k, rows.d + 1, rows.d + 1)), 0
    y = np.ones((rows.d + 1, rows.size))
    for n in rows.whitened(y[1:]):
        w_block, done = w[done : done + n].T, done + n
        M += (w_block[:, None, :] * y[:, :n]) @ y[:, :n].T
    return Moments(M)


def softmax(r: Floats, top: Floats) -> float:
    """Turn log-joints (k, n) into responsibilities; return the log-likelihood."""
    r.max(axis=0, out=top)
    r -= top
    log_likelihood = top.sum()
    if r.min() < -700.0:  # exp is a hundred times slower where it underflows
        np.maximum(r, -700.0, out=r)
    np.exp(r, out=r)
    r.sum(axis=0, out=top)
    r /= top
    return float(log_likelihood + np.log(top, out=top).sum())


def _coefficients(state: State) -> Floats:
    """Theta (k, p) with log p(x, z=j) = Theta_j . T(x)."""
    k, d = state.mu.shape
    P = state.W.mT @ state.W
    b = (P @ state.mu[:, :, None])[:, :, 0]
    Theta = np.empty((k, 1 + d + d * (d + 1) // 2))
    Theta[:, 0] = state.log_constant - 0.5 * (b * state.mu).sum(axis=1)
    Theta[:, 1 : d + 1] = b
    index, factor = _halves(d)
    np.multiply(P.reshape(k, d * d).take(index, axis=1), factor, out=Theta[:, d + 1 :])
    return Theta


@lru_cache
def _halves(d: int) -> tuple[NDArray[np.intp], Floats]:
    """Where the upper half lies in a flat matrix, and its factors in -x^T P x / 2."""
    i, j = upper(d)
    return i * d + j, np.where(i == j, -0.5, -1.0)


@lru_cache
def _square(d: int) -> NDArray[np.intp]:
    """Where each entry of a symmetric matrix lies in its upper half."""
    where = np.zeros((d, d), dtype=np.intp)
    i, j = upper(d)
    where[i, j] = where[j, i] = np.arange(len(i))
    return where
