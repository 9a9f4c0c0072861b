"""Answers as arrays, equal up to rounding, and differences in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgmm.checks.exercise import Exercise
from emgmm.em import Fit
from emgmm.mixture import Mixture

Array = NDArray[Any]
Parts = tuple[Array, ...]
SINGLE = 5e-4  # relative error that float32 may end with


class Misfit(Exception):
    """The answer is not of the kind that was asked for; the message says how."""


def as_parts(exercise: Exercise, answer: Any) -> Parts:
    """One array for each part, however the learner packed them."""
    values = _unpacked(exercise.parts, answer)
    if len(values) != len(exercise.parts):
        raise Misfit(
            f"The answer has {len(exercise.parts)} parts: {', '.join(exercise.parts)}. "
            f"You gave {len(values)}."
        )
    return tuple(map(_as_array, values, exercise.parts))


def _unpacked(names: tuple[str, ...], answer: Any) -> list[Any]:
    if isinstance(answer, Fit):
        answer = answer.theta
    if isinstance(answer, Mixture):
        answer = {n: getattr(answer, n, None) for n in names}
    if isinstance(answer, Mapping):
        missing = [name for name in names if name not in answer]
        if missing:
            raise Misfit(f"Your answer has no entry named {missing[0]!r}.")
        return [answer[name] for name in names]
    if len(names) == 1 or not isinstance(answer, (list, tuple, np.ndarray)):
        return [answer]
    return list(np.atleast_1d(answer) if isinstance(answer, np.ndarray) else answer)


def _as_array(value: Any, name: str) -> Array:
    if isinstance(value, np.ma.MaskedArray):
        value = np.ma.filled(value.astype(float), np.nan)
    try:
        array = np.asarray(value)
    except ValueError:
        shapes = ", ".join(dict.fromkeys(map(_shape, value)))
        raise Misfit(
            f"{name} does not fit into one array: its pieces have shapes {shapes}."
        ) from None
    if array.dtype.kind == "O":
        array = _numbers(array)
    if array.dtype.kind == "U":
        raise Misfit(
            f"{name} must hold numbers; yours is {_kind(value)}. Numbers stand without "
            "quotes."
        )
    if array.dtype.kind not in "biuf":
        raise Misfit(f"{name} must hold numbers; yours is {_kind(value)}.")
    return array if array.dtype.kind == "f" else array.astype(float)


def _numbers(array: Array) -> Array:
    """Fractions, decimals and what else knows its value; other objects as they are."""
    if any(isinstance(entry, str) for entry in array.flat):
        return array
    try:
        return array.astype(float)
    except (TypeError, ValueError):
        return array


def _shape(piece: Any) -> str:
    try:
        return str(np.shape(piece))
    except ValueError:
        return "(ragged)"


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}: {str(value)[:40]}"


def fitted(array: Array, shape: tuple[int, ...]) -> Array:
    """The array in this shape when only axes of length one differ."""
    trimmed = [n for n in array.shape if n != 1]
    same = trimmed == [n for n in shape if n != 1]
    return array.reshape(shape) if same else array


def equal(exercise: Exercise, a: Array, b: Array, part: str = "") -> bool:
    """Equal up to rounding; infinite and missing values at the same places.

    Numbers may be off by the part's tolerance, what functions return by that
    share of the largest entry.
    """
    a = fitted(a, b.shape)
    if a.shape != b.shape:
        return False
    loose, scale = exercise.loose(part), 1.0
    if exercise.arguments:
        loose = max(loose, SINGLE if a.dtype.itemsize < 8 else 0)
        scale = float(np.abs(b[np.isfinite(b)]).max(initial=0.0)) or 1.0
    off = loose * scale + 1e-11
    if a.size and abs(a.flat[0] - b.flat[0]) > off:
        return False  # most are told apart by a look
    return bool(np.allclose(a, b, rtol=0, atol=off, equal_nan=True))


def differences(exercise: Exercise, mine: Array, right: Array, name: str) -> str:
    """One sentence: what is different."""
    mine = fitted(mine, right.shape)
    if mine.shape != right.shape:
        return f"{name} has shape {mine.shape}; it should be {right.shape}."
    bad = ~np.isfinite(mine) & np.isfinite(right)
    if bad.any():
        at = _entry(name, np.argwhere(bad)[0])
        return f"{at} is {mine[bad][0]}; every entry should be a finite number."
    return _values(exercise, mine, right, name)


def _values(exercise: Exercise, mine: Array, right: Array, name: str) -> str:
    if mine.ndim > 1 and equal(exercise, np.swapaxes(mine, -1, -2), right):
        return f"{name} has the right numbers with rows and columns exchanged: .T"
    if mine.ndim == 2 and np.allclose(right.sum(axis=1), 1, atol=1e-6):
        sums = mine.sum(axis=1)
        if not np.allclose(sums, 1, atol=1e-3):
            return f"The rows of {name} must sum to 1; yours sum to {brief(sums)}."
    return (
        _pattern(mine, right, name)
        or _where(exercise, mine, right, name)
        or _worst(exercise, mine, right, name)
    )


def _pattern(mine: Array, right: Array, name: str) -> str:
    """One offset that explains all entries."""
    gaps = mine - right
    if right.size > 1 and np.allclose(gaps, gaps.flat[0], rtol=1e-4):
        return f"{name} is off by the same {gaps.flat[0]:.4g} in every entry."
    return ""


def _where(exercise: Exercise, mine: Array, right: Array, name: str) -> str:
    """Square matrices: is it the diagonal, or all but the diagonal?"""
    if right.ndim < 2 or right.shape[-1] != right.shape[-2] or right.shape[-1] < 2:
        return ""
    diagonal = np.broadcast_to(np.eye(right.shape[-1], dtype=bool), right.shape)
    if equal(exercise, mine[diagonal], right[diagonal]):
        return f"The diagonal of {name} is right, the entries off it are not."
    if equal(exercise, mine[~diagonal], right[~diagonal]):
        return f"Only the diagonal of {name} is wrong."
    return ""


def _worst(exercise: Exercise, mine: Array, right: Array, name: str) -> str:
    gaps = np.abs(mine - right)
    at = np.unravel_index(gaps.argmax(), gaps.shape)
    said = f"{_entry(name, at)} is {mine[at]:.6g}"
    if exercise.arguments:
        return f"{said}; it should be {right[at]:.6g}."
    # Numbers are asked for: the checker does not give them away.
    return f"{said}. That is not right."


def is_rounded(mine: Array, right: Array) -> bool:
    """Whether mine are the right numbers, rounded to the decimals that they show."""
    if mine.shape != right.shape:
        return False
    decimals = max(len(f"{v:.10f}".rstrip("0").partition(".")[2]) for v in mine.flat)
    off = 0.51 / 10**decimals
    return decimals > 0 and bool(np.allclose(mine, right, rtol=0, atol=off))


def _entry(name: str, at: Any) -> str:
    return f"{name}[{', '.join(str(int(i)) for i in at)}]" if len(at) else name


def brief(value: Any) -> str:
    """A number or an array, four digits, as one would type it."""
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array[()]:.6g}" if array.dtype.kind == "f" else str(value)
    return str(np.round(array, 4).tolist())
