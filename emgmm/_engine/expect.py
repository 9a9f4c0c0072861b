"""The E-step, and the sums that the M-step needs, in one pass over blocks of rows.

With T(x) = [1, x, upper half of x x^T] every log-joint is linear in T, and the moments
are weighted sums of the same T: one product, a softmax, one product. Where features
have no covariance, the squares are enough.
"""

from typing import Any

import numpy as np

from emgmm._engine.maximize import Moments, State
from emgmm._engine.rows import Rows, n_products, pairs
from emgmm._input import Floats

KAPPA = 1e6  # the feature form loses log10(KAPPA) digits: beyond, take residuals


def expect(rows: Rows, state: State) -> tuple[Moments, float]:
    """The moments of the responsibilities, and the log-likelihood of ``state``."""
    apart = rows.apart or state.kappa >= KAPPA
    moments, log_likelihood = (groups_pass if apart else features_pass)(rows, state)
    return moments, float(log_likelihood) - rows.m * rows.log_det_unit


def features_pass(rows: Rows, state: State) -> tuple[Moments, float]:
    """From T, a block at a time."""
    Theta = coefficients(state, rows.family)
    sums, log_likelihood = np.zeros(Theta.shape), 0.0
    for T in rows.features():
        n = T.shape[1]
        w = rows.log_joint[:, :n]
        np.matmul(Theta, T, out=w)
        log_likelihood += softmax(w, rows.top[:n])
        sums += w @ T.T
    return Moments(matrices(sums, rows.d, rows.family)), log_likelihood


def groups_pass(rows: Rows, state: State) -> tuple[Moments, float]:
    """The same sums from y = W (x - mu), group by group: exact for narrow ones too."""
    d, W, const = rows.d, state.W, state.log_constant
    x, r = np.empty((2, d, rows.size))
    M, log_likelihood = np.zeros((rows.k, d + 1, d + 1)), 0.0
    for n in rows.whitened(x):
        y, w = rows.y[:, :, :n], rows.log_joint[:, :n]
        for j in range(rows.k):
            np.subtract(x[:, :n], state.mu[j][:, None], out=r[:, :n])
            y[j, 0] = 1.0
            np.matmul(W[j], r[:, :n], out=y[j, 1:])
            w[j] = const[j] - 0.5 * np.einsum("an,an->n", y[j, 1:], y[j, 1:])
        log_likelihood += softmax(w, rows.top[:n])
        np.sqrt(w, out=w)
        for j in range(rows.k):
            y[j] *= w[j]
            M[j] += y[j] @ y[j].T
    return Moments(M, origin=state), log_likelihood


def given(rows: Rows, w: Floats) -> Moments:
    """The moments of responsibilities (..., m, k) that are known."""
    d, done = rows.d, 0
    M = np.zeros((*w.shape[:-2], w.shape[-1], d + 1, d + 1))
    y = np.ones((d + 1, rows.size))
    for n in rows.whitened(y[1:]):
        w_block, done = w[..., done : done + n, :].mT, done + n
        M += (w_block[..., None, :] * y[:, :n]) @ y[:, :n].T
    return Moments(M)


def softmax(w: Floats, top: Floats) -> Any:
    """Turn log-joints (..., k, n) into responsibilities; return the log-likelihood."""
    w.max(axis=-2, out=top)
    w -= top[..., None, :]
    log_likelihood = top.sum(axis=-1)
    if w.min() < -700.0:  # exp is a hundred times slower where it underflows
        np.maximum(w, -700.0, out=w)
    np.exp(w, out=w)
    w.sum(axis=-2, out=top)
    w /= top[..., None, :]
    return log_likelihood + np.log(top, out=top).sum(axis=-1)


def coefficients(state: State, family: str) -> Floats:
    """Theta (..., k, p) with log p(x, z=j) = Theta_j . T(x)."""
    d = state.mu.shape[-1]
    i, j = pairs(d, family)
    P = state.W.mT @ state.W
    b = (P @ state.mu[..., None])[..., 0]
    Theta = np.empty((*b.shape[:-1], n_products(d, family)))
    Theta[..., 0] = state.log_constant - 0.5 * (b * state.mu).sum(axis=-1)
    Theta[..., 1 : d + 1] = b
    # Off the diagonal, a product stands for both halves.
    Theta[..., d + 1 :] = np.where(i == j, -0.5, -1.0) * P[..., i, j]
    return Theta


def matrices(sums: Floats, d: int, family: str) -> Floats:
    """Sums of T as the matrices M_j; what no family reads of them stays 0."""
    M = np.zeros((*sums.shape[:-1], d + 1, d + 1))
    i, j = pairs(d, family)
    M[..., 0, :] = M[..., :, 0] = sums[..., : d + 1]
    M[..., i + 1, j + 1] = M[..., j + 1, i + 1] = sums[..., d + 1 :]
    return M
