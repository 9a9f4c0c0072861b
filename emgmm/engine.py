"""The E-step and the sums the M-step needs, in one pass over blocks of rows.

With T(x) = [1, x, upper half of x x^T] every log-joint is linear in T, and the moments
are weighted sums of the same T: one product, a softmax, one product. A block of rows
fits the cache, and no array grows with the number of rows.

Inside, x is centred and divided by its own spread (a Cholesky factor of its
covariance), so that every threshold here is a plain number without units.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import ThreadpoolController

from emgmm._input import Floats, as_floats, as_reals
from emgmm.mixture import Mixture
from emgmm.moments import check_family, check_group_weights, project

Blocks = Callable[[], Iterable[ArrayLike]]
# N (k,), mu (k, d), Sigma (k, d, d) and the log-likelihood.
Sums = tuple[Floats, Floats, Floats, float]

WORK = 131_072  # numbers per block: 1 MB stays in the cache
KAPPA = 1e6  # the feature form loses log10(KAPPA) digits: beyond, take residuals
EMPTY = 1e-300  # a share this small comes from where exp underflows
SMALLEST = 1e-280  # a variance below is too near to where float64 loses digits
NARROW = 1e6  # a group this many times narrower than the data has collapsed


def whitener(L: Floats) -> Floats:
    """W with W L = I for every group; refuses a group that has collapsed."""
    W: Floats = np.asarray(np.linalg.solve(L, np.eye(L.shape[1])), dtype=np.float64)
    if not (W * W).sum(axis=(1, 2)).max() < NARROW**2:
        raise Degenerate
    return W


def cholesky(Sigma: Floats) -> Floats:
    """Lower triangular L with L L^T = Sigma, for a stack of matrices."""
    L: Floats = np.linalg.cholesky(Sigma).astype(np.float64, copy=False)
    return L


class Degenerate(np.linalg.LinAlgError):
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
        if k > self.m:
            raise ValueError(
                f"k is {k}, but x has only {self.m} rows: ask for fewer groups."
            )
        self.log_det_unit = float(np.log(np.diagonal(self.unit)).sum())
        # Gains below this are rounding in the sum of m log-densities.
        size = 1.5 * self.d + abs(self.log_det_unit)
        self.rounding = float(16 * np.finfo(float).eps * self.m * size)
        self._to_unit = np.linalg.solve(self.unit, np.eye(self.d))
        p = (self.d + 1) * (self.d + 2) // 2
        self.rows = max(256, WORK // (p + k)) // 8 * 8
        n = min(self.m, self.rows)
        # One set of arrays for all passes: fresh memory costs more than arithmetic.
        self._features = np.ones((p, n))
        self._keep = not callable(x) and self.m <= self.rows
        self._kept = False
        self._log_joint = np.empty((k, n))
        self._centered, self._top = np.empty((self.d, n)), np.empty(n)

    def state(self, theta: Mixture) -> State:
        """Mixture -> whitened units."""
        if (theta.k, theta.d) != (self.k, self.d):
            raise ValueError(
                f"x has shape ({self.m}, {self.d}); it must be (m, {theta.d}) with k = "
                f"{theta.k} groups for this start, but k is {self.k}."
            )
        with np.errstate(divide="ignore"):
            log_phi = np.log(theta.phi)
        mu = (theta.mu - self.center) @ self._to_unit.T
        return State(log_phi, mu, self._to_unit @ cholesky(theta.Sigma))

    def theta(self, state: State, names: tuple[Any, ...] = ()) -> Mixture:
        """Whitened units -> Mixture."""
        L = self.unit @ state.L
        phi = np.exp(state.log_phi)
        mu = self.center + state.mu @ self.unit.T
        return Mixture(phi / phi.sum(), mu, L @ L.mT, names)

    def step(self, state: State) -> tuple[State | None, float]:
        """One E-step and one M-step; the log-likelihood is that of ``state``.

        Raises `Degenerate` where a group has collapsed or the M-step collapses it.
        """
        W = whitener(state.L)
        kappa = (W * W).sum(axis=(1, 2)).max()
        sums = self._features_pass if kappa < KAPPA else self._residuals_pass
        N, mu, Sigma, log_likelihood = sums(state, W)
        log_likelihood -= self.m * self.log_det_unit
        phi: Floats = np.asarray(N / self.m, dtype=np.float64)
        try:
            if not N.min() > self.m * EMPTY:
                raise np.linalg.LinAlgError
            shape: Floats = project(Sigma, phi, self.family)
            L = cholesky(shape)
        except np.linalg.LinAlgError:
            return None, log_likelihood
        return State(np.log(phi), mu, L), log_likelihood

    def try_step(self, state: State) -> tuple[State | None, float]:
        """`step`, or (None, -inf) where the state has collapsed or is no number."""
        try:
            following, value = self.step(state)
        except np.linalg.LinAlgError:
            return None, -np.inf
        return (following, value) if np.isfinite(value) else (None, -np.inf)

    def first(self, w: Floats) -> State:
        """The M-step for given responsibilities (m, k)."""
        M, done = np.zeros((self.k, self.d + 1, self.d + 1)), 0
        y = np.ones((self.d + 1, self.rows))
        for n in self.whitened(y[1:]):
            w_block, done = w[done : done + n].T, done + n
            M += (w_block[:, None, :] * y[:, :n]) @ y[:, :n].T
        check_group_weights(M[:, 0, 0])
        phi, mu = M[:, 0, 0] / self.m, M[:, 1:, 0] / M[:, :1, 0]
        Sigma = M[:, 1:, 1:] / M[:, :1, :1] - mu[:, :, None] * mu[:, None, :]
        Sigma = self.unit @ project(Sigma, phi, self.family) @ self.unit.T
        Sigma = (Sigma + Sigma.mT) / 2  # of one example, rounding is all there is
        mean = self.center + mu @ self.unit.T
        return self.state(Mixture(phi / phi.sum(), mean, Sigma))

    def everyone(self) -> State:
        """All groups alike: the Gaussian of all examples, round once whitened."""
        k, d = self.k, self.d
        return State(
            np.full(k, -np.log(k)), np.zeros((k, d)), np.tile(np.eye(d), (k, 1, 1))
        )

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

    def _blocks_of_features(self) -> Iterator[Floats]:
        """T (p, n) of block after block; kept when the data are a single block."""
        d, T = self.d, self._features
        if self._kept:
            yield T
            return
        for n in self.whitened(T[1 : d + 1]):
            t, f = T[:, :n], d + 1
            for a in range(1, d + 1):
                np.multiply(t[a], t[a : d + 1], out=t[f : f + d + 1 - a])
                f += d + 1 - a
            self._kept = self._keep
            yield t

    def _features_pass(self, state: State, W: Floats) -> Sums:
        d = self.d
        Theta = _coefficients(state, W)
        S, log_likelihood = np.zeros(Theta.shape), 0.0
        for t in self._blocks_of_features():
            n = t.shape[1]
            r = self._log_joint[:, :n]
            np.matmul(Theta, t, out=r)
            log_likelihood += _softmax(r, self._top[:n])
            S += r @ t.T
        N, mean = S[:, 0], S[:, 1:] / S[:, :1]
        mu, second = mean[:, :d], mean[:, d:].take(_square(d), axis=1)
        return N, mu, second - mu[:, :, None] * mu[:, None, :], log_likelihood

    def _residuals_pass(self, state: State, W: Floats) -> Sums:
        """The same sums from y = W (x - mu): slower, exact for narrow groups too."""
        const = log_constant(state)
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


def one_thread(d: int) -> AbstractContextManager[object]:
    """BLAS on one core: more only slow down products with few features."""
    return _thread_pools().limit(limits=1 if d < 48 else None, user_api="blas")


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


def _coefficients(state: State, W: Floats) -> Floats:
    """Theta (k, p) with log p(x, z=j) = Theta_j . T(x)."""
    k, d = state.mu.shape
    P = W.mT @ W
    b = (P @ state.mu[:, :, None])[:, :, 0]
    Theta = np.empty((k, 1 + d + d * (d + 1) // 2))
    Theta[:, 0] = log_constant(state) - 0.5 * (b * state.mu).sum(axis=1)
    Theta[:, 1 : d + 1] = b
    index, factor = _halves(d)
    np.multiply(P.reshape(k, d * d).take(index, axis=1), factor, out=Theta[:, d + 1 :])
    return Theta


def log_constant(state: State) -> Floats:
    """log phi_j minus the log of the normalising constant of N(mu_j, Sigma_j)."""
    log_diagonal = np.log(state.L.diagonal(axis1=1, axis2=2))
    d = state.mu.shape[1]
    return state.log_phi - log_diagonal.sum(axis=1) - 0.5 * d * np.log(2 * np.pi)


def _softmax(r: Floats, top: Floats) -> float:
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


@lru_cache
def upper(d: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the upper half, in the order of the features."""
    return np.triu_indices(d)


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


def _blocks(x: ArrayLike | Blocks) -> Callable[[], Iterator[np.ndarray]]:
    """Any accepted x as a function that starts a new pass over arrays (n, d)."""
    if callable(x):
        return _passes(x)
    rows = _as_rows(x)
    return lambda: iter([rows])


def _passes(x: Blocks) -> Callable[[], Iterator[np.ndarray]]:
    """Passes over the blocks of x(), each with as many rows as the first."""
    m, d = -1, 0

    def one_pass() -> Iterator[np.ndarray]:
        nonlocal m, d
        seen = 0
        for block in _as_blocks(x()):
            rows = _as_rows(block, "block of x")
            d = d or rows.shape[1]
            if rows.shape[1] != d:
                raise ValueError(f"x has blocks of {rows.shape[1]} and {d} features.")
            seen += len(rows)
            if m < 0 or seen <= m:
                yield rows
        m = seen if m < 0 else m
        if seen != m:
            raise ValueError(
                f"x() gave {m} rows at first and {seen} later; it must return the same "
                "rows whenever it is called, not the rest of one iterator."
            )

    return one_pass


def _as_blocks(blocks: Iterable[ArrayLike]) -> Iterable[ArrayLike]:
    if isinstance(blocks, Iterable) and not hasattr(blocks, "ndim"):
        return blocks
    raise ValueError(
        f"x() returned {type(blocks).__name__}; it must return an iterable of arrays "
        "(n, d), for example a list of one."
    )


def _as_rows(x: ArrayLike, name: str = "x") -> np.ndarray:
    array = as_reals(x, name)
    if array.ndim == 1 and name == "x":
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"{name} has shape {array.shape}; it must be (m, d): one row per example, "
            "one column per feature."
        )
    return array


def _survey(source: Callable[[], Iterator[np.ndarray]]) -> tuple[int, Floats, Floats]:
    """Number of rows, mean and covariance, block by block; every value is checked."""
    m, shift = 0, None
    s, S = np.zeros(1), np.zeros((1, 1))
    for block in source():
        rows = max(1, WORK // (2 * block.shape[1]))
        for start in range(0, len(block), rows):
            part = as_floats(block[start : start + rows], "x", offset=m)
            shift = part.mean(axis=0) if shift is None else shift
            part = part - shift
            m, s, S = m + len(part), s + part.sum(axis=0), S + part.T @ part
    if shift is None:
        raise ValueError("x has no rows.")
    s = s / m
    return m, shift + s, S / m - np.outer(s, s)


def _unit(center: Floats, covariance: Floats, family: str) -> Floats:
    """The spread of all examples, as the family sees it: x = center + unit y."""
    check_family(family)
    variance = np.diagonal(covariance)
    rounding = (8 * np.finfo(float).eps * center) ** 2
    flat = np.flatnonzero(variance <= np.maximum(rounding, SMALLEST))
    if len(flat) and ("spherical" not in family or len(flat) == len(center)):
        raise ValueError(
            f"x[:, {flat[0]}] is {center[flat[0]]:.6g} in every row: drop that "
            "feature, or use smaller units if it varies."
        )
    spread = project(covariance[None], np.ones(1), family.removeprefix("tied "))
    try:
        return cholesky(Mixture([1.0], [center], spread).Sigma[0])
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(
            f"x is flat in some direction: it has {len(center)} features, but too few "
            "different rows, or a feature that follows from the others. Drop that "
            'feature, collect more rows or choose family="diagonal".'
        ) from None
