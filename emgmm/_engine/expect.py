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
    one_pass = features_pass if state.kappa < KAPPA else residuals_pass
    moments, log_likelihood = one_pass(rows, state)
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


def residuals_pass(rows: Rows, state: State) -> tuple[Moments, float]:
    """The same sums from y = W (x - mu): slower, exact for narrow groups too."""
    d, W, const = rows.d, state.W, state.log_constant
    y = np.ones((d + 1, rows.size))
    M, log_likelihood = np.zeros((rows.k, d + 1, d + 1)), 0.0
    for n in rows.whitened(rows.T[1 : d + 1]):
        x, w = rows.T[1 : d + 1, :n], rows.log_joint[:, :n]
        for j in range(rows.k):
            y[1:, :n] = W[j] @ (x - state.mu[j][:, None])
            w[j] = const[j] - 0.5 * np.square(y[1:, :n]).sum(axis=0)
        log_likelihood += softmax(w, rows.top[:n])
        for j in range(rows.k):
            y[1:, :n] = W[j] @ (x - state.mu[j][:, None])
            M[j] += (y[:, :n] * w[j]) @ y[:, :n].T
    return Moments(M, origin=state), log_likelihood


def given(rows: Rows, w: Floats) -> Moments:
    """The moments of responsibilities (..., m, k) that are known."""
    p = n_products(rows.d, rows.family)
    sums, done = np.zeros((*w.shape[:-2], w.shape[-1], p)), 0
    for T in rows.features():
        n = T.shape[1]
        sums += w[..., done : done + n, :].mT @ T.T
        done += n
    return Moments(matrices(sums, rows.d, rows.family))


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
