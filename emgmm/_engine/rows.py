"""Where examples come from: arrays, memory maps, blocks; and their units.

Inside, x is centred and divided by its own spread (a Cholesky factor of its
covariance), so that every threshold here is a plain number without units. A block of
rows fits the cache, and no array grows with the number of rows.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgmm._engine.maximize import NARROW, State, cholesky
from emgmm._input import Floats, as_floats, as_reals
from emgmm.mixture import Mixture
from emgmm.moments import check_family, project

Blocks = Callable[[], Iterable[ArrayLike]]

WORK = 131_072  # numbers per block: 1 MB stays in the cache
FEATURES = 16  # fewer are a matter of calls, and one product has the fewest
SMALLEST = 1e-280  # a variance below is too near to where float64 loses digits


class Rows:
    """The examples, seen in units of their own spread, block by block.

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
        self.to_unit = np.linalg.solve(self.unit, np.eye(self.d))
        # Rows per block: large products want no fewer than these.
        if self.apart:
            self.size = max(512, WORK // (k * (self.d + 1))) // 8 * 8
        else:
            self.size = max(256, WORK // (n_products(self.d, family) + k)) // 8 * 8
        # One set of arrays for all passes: fresh memory costs more than arithmetic.
        n = min(self.m, self.size)
        self.log_joint, self.top = np.empty((k, n)), np.empty(n)
        self.products: tuple[Floats, Floats, Floats] | None = None  # of the curvature
        self._centered = np.empty((self.d, n))
        self._keep = not callable(x) and self.m <= self.size
        self._kept = False

    @property
    def apart(self) -> bool:
        """Are groups taken one by one? So it is quicker with few, and many features.

        A group alone takes half as many products again, but large and square ones.
        """
        return not alone(self.family) and self.d >= FEATURES and 8 * self.k <= self.d

    @cached_property
    def T(self) -> Floats:
        """Room for a block of `features`."""
        p = n_products(self.d, self.family)
        return np.ones((p, min(self.m, self.size)))

    @cached_property
    def y(self) -> Floats:
        """Room for a block in units of each group, with a row of ones on top."""
        return np.ones((self.k, self.d + 1, min(self.m, self.size)))

    def state(self, theta: Mixture) -> State:
        """Mixture -> whitened units."""
        if (theta.k, theta.d) != (self.k, self.d):
            raise ValueError(
                f"x has shape ({self.m}, {self.d}); it must be (m, {theta.d}) with k = "
                f"{theta.k} groups for this start, but k is {self.k}."
            )
        with np.errstate(divide="ignore"):
            log_phi = np.log(theta.phi)
        mu = (theta.mu - self.center) @ self.to_unit.T
        state = State(log_phi, mu, self.to_unit @ cholesky(theta.Sigma))
        if not state.kappa < NARROW**2:
            raise np.linalg.LinAlgError(
                "start: a group is too narrow for these examples."
            )
        return state

    def theta(self, state: State, names: tuple[Any, ...] = ()) -> Mixture:
        """Whitened units -> Mixture."""
        L = self.unit @ state.L
        phi = np.exp(state.log_phi)
        mu = self.center + state.mu @ self.unit.T
        return Mixture(phi / phi.sum(), mu, L @ L.mT, names)

    def everyone(self) -> State:
        """All groups alike: the Gaussian of all examples, round once whitened."""
        k, d = self.k, self.d
        return State(
            np.full(k, -np.log(k)), np.zeros((k, d)), np.tile(np.eye(d), (k, 1, 1))
        )

    def whitened(self, out: Floats) -> Iterator[int]:
        """Write block after block, whitened, into ``out`` (d, size); yield its rows."""
        center = self.center[:, None]
        for block in self.source():
            for start in range(0, len(block), self.size):
                x = block[start : start + self.size].T
                n = x.shape[1]
                c = self._centered[:, :n]
                np.subtract(x, center, out=c)
                np.matmul(self.to_unit, c, out=out[:, :n])
                yield n

    def features(self) -> Iterator[Floats]:
        """T (p, n) of block after block: 1, y and the products of `pairs`.

        They are kept when the data are a single block.
        """
        y = self.T[1 : self.d + 1]
        if self._kept:
            yield self.T
            return
        for n in self.whitened(y):
            multiplied(y[:, :n], self.family, out=self.T[self.d + 1 :, :n])
            self._kept = self._keep
            yield self.T[:, :n]


def alone(family: str) -> bool:
    """Is there no covariance between features, so that squares are all it takes?"""
    return family.endswith(("diagonal", "spherical"))


@lru_cache
def pairs(d: int, family: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which features are multiplied: their upper half, or each with itself."""
    diagonal = np.arange(d)
    return (diagonal, diagonal) if alone(family) else np.triu_indices(d)


def multiplied(y: Floats, family: str, out: Floats) -> None:
    """The products of `pairs`, for features y (..., d, n)."""
    d, f = y.shape[-2], 0
    if alone(family):
        np.multiply(y, y, out=out)
        return
    for a in range(d):
        np.multiply(y[..., a : a + 1, :], y[..., a:, :], out=out[..., f : f + d - a, :])
        f += d - a


def n_products(d: int, family: str) -> int:
    """The number of 1, all features, and the products of `pairs`."""
    return 1 + d + len(pairs(d, family)[0])


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
