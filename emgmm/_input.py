"""Every argument is looked at here, before any arithmetic.

Bad input gets a ``ValueError`` that names the argument, its shape or value, and
what to do about it.
"""

import reprlib
import sys
import warnings
from numbers import Real
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

SUM = 1e-6  # probabilities may sum to 1 within this: float32 knows no better


def as_array(value: ArrayLike, name: str) -> NDArray[Any]:
    """An array of any kind, without holes."""
    if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
        return np.asarray(value)
    if hasattr(value, "toarray"):
        raise ValueError(f"{name} is a sparse matrix; pass {name}.toarray() instead.")
    if np.ma.is_masked(value):
        raise ValueError(f"{name} has masked values; drop those rows first.")
    try:
        # A masked constant in a list becomes NaN with a warning: NaN is refused later.
        with warnings.catch_warnings(action="ignore"):
            return np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name} has rows of different lengths; give every row the same."
        ) from None
    except Exception as error:
        raise ValueError(f"{name} cannot be read as an array: {error}") from error


def as_reals(value: ArrayLike, name: str) -> NDArray[Any]:
    """A non-empty array of real numbers, of any such dtype; not copied."""
    array = as_array(value, name)
    if array.dtype == object:
        array = _as_numbers(array, name)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} has dtype {array.dtype}; it must hold real numbers. "
            f"Convert it first, for example with np.array({name}, dtype=float)."
        )
    if array.size == 0:
        raise ValueError(
            f"{name} is empty (shape {array.shape}); it needs at least one value."
        )
    return array


def _as_numbers(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Python's numbers as float64: columns of pandas that allow for missing values."""
    for index, value in np.ndenumerate(array):
        if not isinstance(value, Real):
            where = f"{name}[{', '.join(map(str, index))}]" if index else "it"
            raise ValueError(
                f"{name} must hold real numbers, but {where} is {reprlib.repr(value)}."
            )
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError(
                f"{name} has whole numbers beyond 64 bits; use larger units."
            )
    return array.astype(float)


def as_real(value: ArrayLike, name: str, limit: float = 1e100) -> Floats:
    """A non-empty float64 array of finite numbers, whose squares are finite too."""
    return as_floats(as_reals(value, name), name, limit)


def as_floats(
    array: NDArray[Any], name: str, limit: float = 1e100, offset: int = 0
) -> Floats:
    """float64, checked; ``offset`` is the number of rows before this block."""
    with np.errstate(over="ignore"):  # of a long double
        array = array.astype(np.float64, copy=False)
    if not np.abs(array).max() <= limit:  # so that NaN is caught too
        _refuse(array, name, limit, offset)
    return array


def _refuse(array: Floats, name: str, limit: float, offset: int) -> NoReturn:
    """Say which values are not finite, or that they are too large."""
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(int(i) for i in bad[0])
        row = (where[0] + offset, *where[1:]) if where else where
        raise ValueError(
            f"{name} must be finite, but {len(bad)} of its {array.size} values are "
            f"NaN or infinite; the first is {array[where]} at index {row}. "
            "Drop those rows or mend the values."
        )
    raise ValueError(f"{name} holds values beyond {limit:g}; use larger units.")


def as_number(value: ArrayLike, name: str) -> float:
    """One finite number."""
    array = as_reals(value, name)
    if array.ndim:
        raise ValueError(f"{name} has shape {array.shape}; it must be one number.")
    if not np.isfinite(array):
        raise ValueError(f"{name} must be finite, but it is {array}.")
    return float(array)


def as_tol(tol: float) -> float:
    """A tolerance in nats."""
    tol = as_number(tol, "tol")
    if tol < 0:
        raise ValueError(f"tol is {tol}; it must be 0 or more.")
    return tol


def as_x(x: ArrayLike, d: int | None = None) -> Floats:
    """The examples, shape (m, d); a plain list of m numbers is read as d = 1."""
    array = as_real(x, "x")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or (d is not None and array.shape[1] != d):
        wanted = "(m, d)" if d is None else f"(m, {d})"
        raise ValueError(
            f"x has shape {np.shape(x)}; it must be {wanted}: one row per example, "
            "one column per feature."
        )
    return array


def as_weights(w: ArrayLike, m: int) -> Floats:
    """Non-negative weights of shape (m, k)."""
    array = as_real(w, "w")
    if array.ndim != 2 or len(array) != m:
        raise ValueError(
            f"w has shape {array.shape}; it must be ({m}, k): one row per example "
            "of x, one column per group."
        )
    if array.min() < 0:
        i, j = np.unravel_index(array.argmin(), array.shape)
        raise ValueError(
            f"w[{i}, {j}] is {array[i, j]:.6g}; every weight must be 0 or more."
        )
    return array


def as_responsibilities(w: ArrayLike, m: int) -> Floats:
    """Weights whose rows sum to one."""
    array = as_weights(w, m)
    total = array.sum(axis=1, keepdims=True)
    off = np.abs(total - 1)
    if off.max() > SUM:
        i = int(off.argmax())
        raise ValueError(
            f"row {i} of w sums to {array[i].sum():.8g}; every row must sum to 1. "
            "Divide by w.sum(axis=1, keepdims=True)."
        )
    return array if off.max() < 1e-15 * array.shape[1] else array / total


def as_count(value: int, name: str, least: int) -> int:
    """A whole number, not a float or a bool."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} is {value!r}; it must be a whole number.")
    if value < least:
        raise ValueError(f"{name} is {value}; it must be at least {least}.")
    if value > sys.maxsize:
        raise ValueError(f"{name} is {value}; it must be at most {sys.maxsize}.")
    return int(value)


def as_generator(rng: int | np.random.Generator | None) -> np.random.Generator:
    """A seed, a Generator or None (fresh randomness)."""
    try:
        if isinstance(rng, bool | np.bool_):
            raise TypeError
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(
            f"rng is {rng!r}; pass a whole number >= 0 or a numpy Generator."
        ) from None
