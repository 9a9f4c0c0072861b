"""The E-step and the sums the M-step needs, in one pass over blocks of rows.

With T(x) = [1, x, upper half of x x^T] every log-joint is linear in T, and the moments
are weighted sums of the same T: one product, a softmax, one product. A block of rows
fits the cache, and no array grows with the number of rows.

Inside, x is centred and divided by its own spread (a Cholesky factor of its
covariance), so that every threshold here is a plain number without units.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emgmm._input import Floats, as_array, check_finite
from emgmm.mixture import Mixture
from emgmm.moments import project

Blocks = Callable[[], Iterable[ArrayLike]]

WORK = 131_072  # numbers per block: 1 MB stays in the cache
KAPPA = 1e6  # the feature form loses log10(KAPPA) digits: beyond, take residuals
NARROW = 1e6  # a group this many times narrower than the data has collapsed


class Degenerate(Exception):
    """A group has shrunk onto too few or equal points, or has lost all its weight."""


@dataclass(frozen=True)
class State:
    """Parameters in whitened units: log phi (k,), mu (k, d), L (k, d, d)."""

    log_phi: Floats
    mu: Floats
    L: Floats


class Engine:
    """The data, seen in units of their own spread, with the E-step and M-step.

    Parameters
    ----------
    x : array_like, shape (m, d), or callable
        Examples: an array of any real dtype and memory order (a memory map too), read
        block by block; or a function without arguments that returns an iterable of
        arrays (n, d), called once per pass.
    k : int
        Number of groups.
    family : str
        Covariance family, as in `maximize`.
    """

    def __init__(self, x: ArrayLike | Blocks, k: int, family: str = "full") -> None:
        self.source = _blocks(x)
        self.k, self.family = k, family
        self.m, self.center, covariance = _survey(self.source)
        self.d = len(self.center)
        self.unit = _unit(self.center, covariance, family)
        self.log_det_unit = float(np.log(np.diagonal(self.unit)).sum())
        self._to_unit = np.linalg.solve(self.unit, np.eye(self.d))
        p = (self.d + 1) * (self.d + 2) // 2
        self.rows = max(256, WORK // (p + k)) // 8 * 8
        n = min(self.m, self.rows)
        # One set of arrays for all passes: fresh memory costs more than arithmetic.
        self._features = np.ones((p, n))
        self._log_joint = np.empty((k, n))
        self._centered, self._top = np.empty((self.d, n)), np.empty(n)

    def state(self, theta: Mixture) -> State:
        """Mixture -> whitened units."""
        if (theta.k, theta.d) != (self.k, self.d):
            raise ValueError(
                f"start has k = {theta.k} and d = {theta.d}; expected k = {self.k} and "
                f"d = {self.d}."
            )
        with np.errstate(divide="ignore"):
            log_phi = np.log(theta.phi)
        mu = (theta.mu - self.center) @ self._to_unit.T
        return State(log_phi, mu, self._to_unit @ np.linalg.cholesky(theta.Sigma))

    def theta(self, state: State, names: tuple[Any, ...] = ()) -> Mixture:
        """Whitened units -> Mixture."""
        L = self.unit @ state.L
        phi = np.exp(state.log_phi)
        mu = self.center + state.mu @ self.unit.T
        return Mixture(phi / phi.sum(), mu, L @ L.mT, names)

    def step(self, state: State) -> tuple[State, float]:
        """One E-step and one M-step; the log-likelihood is that of ``state``."""
        W = np.linalg.solve(state.L, np.eye(self.d))
        kappa = np.einsum("jab,jab->j", W, W).max()
        if not kappa < NARROW**2:
            raise Degenerate
        sums = self._features_pass if kappa < KAPPA else self._residuals_pass
        N, mu, Sigma, log_likelihood = sums(state, W)
        if not N.min() > 0:
            raise Degenerate
        try:
            L = np.linalg.cholesky(project(Sigma, N / self.m, self.family))
        except np.linalg.LinAlgError:
            raise Degenerate from None
        log_likelihood -= self.m * self.log_det_unit
        return State(np.log(N / self.m), mu, L), log_likelihood

    def whitened(self, out: Floats) -> Iterator[int]:
        """Write block after block, whitened, into ``out`` (d, rows); yield its rows."""
        center = self.center[:, None]
        for block in self.source():
            for start in range(0, len(block), self.rows):
                x = block[start : start + self.rows].T
                n = x.shape[1]
                c = self._centered[:, :n]
                np.subtract(x, center, out=c)
                np.matmul(self._to_unit, c, out=out[:, :n])
                yield n

    def _features_pass(self, state: State, W: Floats) -> tuple[Floats, ...]:
        d, T = self.d, self._features
        Theta = _coefficients(state, W)
        S, log_likelihood = np.zeros(Theta.shape), 0.0
        for n in self.whitened(T[1 : d + 1]):
            t, r = T[:, :n], self._log_joint[:, :n]
            f = d + 1
            for a in range(1, d + 1):
                np.multiply(t[a], t[a : d + 1], out=t[f : f + d + 1 - a])
                f += d + 1 - a
            np.matmul(Theta, t, out=r)
            log_likelihood += _softmax(r, self._top[:n])
            S += r @ t.T
        N, mu = S[:, 0], S[:, 1 : d + 1] / S[:, :1]
        second = np.empty((self.k, d, d))
        i, j = _upper(d)
        second[:, i, j] = second[:, j, i] = S[:, d + 1 :] / S[:, :1]
        return N, mu, second - mu[:, :, None] * mu[:, None, :], log_likelihood

    def _residuals_pass(self, state: State, W: Floats) -> tuple[Floats, ...]:
        """The same sums from y = W (x - mu): slower, exact for narrow groups too."""
        const = _log_constant(state)
        y = np.ones((self.d + 1, self.rows))
        M, log_likelihood = np.zeros((self.k, self.d + 1, self.d + 1)), 0.0
        for n in self.whitened(self._features[1 : self.d + 1]):
            x, r = self._features[1 : self.d + 1, :n], self._log_joint[:, :n]
            for j in range(self.k):
                z = W[j] @ (x - state.mu[j][:, None])
                r[j] = const[j] - 0.5 * np.einsum("an,an->n", z, z)
            log_likelihood += _softmax(r, self._top[:n])
            for j in range(self.k):
                y[1:, :n] = W[j] @ (x - state.mu[j][:, None])
                M[j] += (y[:, :n] * r[j]) @ y[:, :n].T
        N, s = M[:, 0, 0], M[:, 1:, 0] / M[:, :1, 0]
        Sigma = M[:, 1:, 1:] / M[:, :1, :1] - s[:, :, None] * s[:, None, :]
        mu = state.mu + np.einsum("jab,jb->ja", state.L, s)
        return N, mu, state.L @ Sigma @ state.L.mT, log_likelihood


def _coefficients(state: State, W: Floats) -> Floats:
    """Theta (k, p) with log p(x, z=j) = Theta_j . T(x)."""
    b = np.einsum("jab,jb->ja", W, state.mu)
    const = _log_constant(state) - 0.5 * np.einsum("ja,ja->j", b, b)
    i, j = _upper(b.shape[1])
    quadratic = (W.mT @ W)[:, i, j] * np.where(i == j, -0.5, -1.0)
    return np.column_stack([const, np.einsum("jab,ja->jb", W, b), quadratic])


def _log_constant(state: State) -> Floats:
    d = state.mu.shape[1]
    log_det = np.log(np.diagonal(state.L, axis1=1, axis2=2)).sum(axis=1)
    return state.log_phi - log_det - 0.5 * d * np.log(2 * np.pi)


def _softmax(r: Floats, top: Floats) -> float:
    """Turn log-joints (k, n) into responsibilities; return the log-likelihood."""
    r.max(axis=0, out=top)
    r -= top
    log_likelihood = top.sum()
    np.maximum(r, -700.0, out=r)  # exp is a hundred times slower where it underflows
    np.exp(r, out=r)
    r.sum(axis=0, out=top)
    r /= top
    return float(log_likelihood + np.log(top, out=top).sum())


@lru_cache
def _upper(d: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(d)


def _blocks(x: ArrayLike | Blocks) -> Callable[[], Iterator[np.ndarray]]:
    """Any accepted x as a function that starts a new pass over arrays (n, d)."""
    if callable(x):
        return lambda: (_as_rows(block) for block in x())
    rows = _as_rows(x)
    return lambda: iter([rows])


def _as_rows(x: ArrayLike) -> np.ndarray:
    array = as_array(x, "x")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"x has shape {array.shape}; it must be (m, d): one row per example, "
            "one column per feature."
        )
    return array


def _survey(source: Callable[[], Iterator[np.ndarray]]) -> tuple[int, Floats, Floats]:
    """Number of rows, mean and covariance, block by block; every value is checked."""
    m, shift, s, S = 0, None, 0.0, 0.0
    for block in source():
        rows = max(1, WORK // (2 * block.shape[1]))
        for start in range(0, len(block), rows):
            part = block[start : start + rows].astype(np.float64)
            check_finite(part, "x", offset=m)
            shift = part.mean(axis=0) if shift is None else shift
            if part.shape[1] != len(shift):
                raise ValueError(f"x has blocks of {part.shape[1]} and {len(shift)} features.")
            part -= shift
            m, s, S = m + len(part), s + part.sum(axis=0), S + part.T @ part
    if shift is None:
        raise ValueError("x has no rows.")
    s = s / m
    return m, shift + s, S / m - np.outer(s, s)


def _unit(center: Floats, covariance: Floats, family: str) -> Floats:
    """The spread of all examples, as the family sees it: x = center + unit y."""
    variance = np.diagonal(covariance)
    if not np.isfinite(variance).all() or (0 < variance.max() < 1e-290):
        raise ValueError(
            f"x has variances {variance}, beyond what float64 squares can hold: "
            "choose other units."
        )
    flat = np.flatnonzero(variance <= (8 * np.finfo(float).eps * center) ** 2)
    if len(flat) and ("spherical" not in family or len(flat) == len(center)):
        raise ValueError(
            f"x[:, {flat[0]}] is {center[flat[0]]:.6g} in every row: drop that feature."
        )
    spread = project(covariance[None], np.ones(1), family.removeprefix("tied "))
    everyone = Mixture([1.0], [center], spread, ("all examples",))
    return np.linalg.cholesky(everyone.Sigma[0])
