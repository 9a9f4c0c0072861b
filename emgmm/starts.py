"""Where EM may begin: functions of (x, k, rng) that return responsibilities w.

None looks at the order of rows or at the units of x beyond what it is told: `fit`
hands over whitened rows in a fixed order.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from emgmm._input import Floats, Ints, as_count, as_generator, as_responsibilities, as_x

Seed = int | np.random.Generator | None
Start = Callable[[Floats, int, np.random.Generator], ArrayLike]


def random_responsibilities(x: ArrayLike, k: int, rng: Seed = None) -> Floats:
    """Each row of w uniform on the simplex: all groups start almost alike.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples; only their number matters.
    k : int
        Number of groups.
    rng : int or numpy Generator, optional
        A seed makes the draw repeatable.

    Returns
    -------
    w : ndarray, shape (m, k)

    Raises
    ------
    ValueError
        When x is no table of finite numbers or k is not in 1 .. m.

    Examples
    --------
    >>> random_responsibilities([[0.0], [1.0]], 2, rng=0).round(2).tolist()
    [[0.4, 0.6], [0.9, 0.1]]
    """
    x, k, rng = _checked(x, k, rng)
    return rng.dirichlet(np.ones(k), len(x))


def random_examples(x: ArrayLike, k: int, rng: Seed = None) -> Floats:
    """Centres are k examples drawn at random; each row goes to the nearest.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples; distances are measured after whitening.
    k : int
        Number of groups.
    rng : int or numpy Generator, optional
        A seed makes the draw repeatable.

    Returns
    -------
    w : ndarray, shape (m, k)
        One-hot rows.

    Raises
    ------
    ValueError
        When x is no table of finite numbers, k is not in 1 .. m, or fewer than k rows
        of x differ.

    Examples
    --------
    >>> random_examples([[0.0], [1.0], [9.0]], 3, rng=0).sum(axis=0).tolist()
    [1.0, 1.0, 1.0]
    """
    x, k, rng = _checked(x, k, rng)
    y = _whitened(x)
    different = np.unique(x, axis=0, return_index=True)[1]
    return _nearest(y, y[rng.permutation(different)[:k]])


def kmeans_plus_plus(x: ArrayLike, k: int, rng: Seed = None) -> Floats:
    """Centres are drawn far from each other; each row goes to the nearest.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples; distances are measured after whitening.
    k : int
        Number of groups.
    rng : int or numpy Generator, optional
        A seed makes the draw repeatable.

    Returns
    -------
    w : ndarray, shape (m, k)
        One-hot rows.

    Raises
    ------
    ValueError
        When x is no table of finite numbers, k is not in 1 .. m, or fewer than k rows
        of x differ.

    Examples
    --------
    >>> kmeans_plus_plus([[0.0], [1.0], [50.0]], 2, rng=0).tolist()
    [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    """
    x, k, rng = _checked(x, k, rng)
    y = _whitened(x)
    centers = [y[rng.integers(len(y))]]
    nearest = _distances(y, centers[0])
    while len(centers) < k:
        if not nearest.any():
            raise ValueError(
                f"k is {k}, but only {len(centers)} rows of x differ by more than "
                "rounding; use fewer groups."
            )
        centers.append(y[rng.choice(len(y), p=nearest / nearest.sum())])
        nearest = np.minimum(nearest, _distances(y, centers[-1]))
    return _nearest(y, np.array(centers))


def split(x: ArrayLike, w: ArrayLike, rng: Seed = None) -> Floats:
    """One group of w in two: its rows go to the nearer of two examples drawn from it.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    w : array_like, shape (m, k)
        Responsibilities.
    rng : int or numpy Generator, optional
        A seed makes the draw repeatable.

    Returns
    -------
    ndarray, shape (m, k + 1)

    Raises
    ------
    ValueError
        When x and w do not fit together.

    Examples
    --------
    >>> split([[0.0], [1.0], [9.0]], [[1.0], [1.0], [1.0]], rng=0).shape
    (3, 2)
    """
    x, rng = as_x(x), as_generator(rng)
    w = as_responsibilities(w, len(x))
    weighty = np.flatnonzero(w.sum(axis=0) > 0)
    j = weighty[rng.integers(len(weighty))]
    p = w[:, j] / w[:, j].sum()
    r = _scaled(x - p @ x)
    y = _whitened_by((p * r.T) @ r, r)
    a, b = rng.choice(len(y), size=2, p=p)
    first = (_distances(y, y[a]) <= _distances(y, y[b])) * w[:, j]
    rest = np.delete(w, j, axis=1)
    return np.column_stack([rest, first, w[:, j] - first])


def _checked(
    x: ArrayLike, k: int, rng: Seed
) -> tuple[Floats, int, np.random.Generator]:
    x, rng = as_x(x), as_generator(rng)
    k = as_count(k, "k", least=1)
    n = len(np.unique(x, axis=0))
    if k > n:
        raise ValueError(f"k is {k}, but x has only {n} different rows.")
    return x, k, rng


def _whitened(x: Floats) -> Floats:
    """x in units of its own spread; a flat direction stays flat."""
    r = _scaled(x - x.mean(axis=0))
    sd = np.sqrt((r * r).mean(axis=0))
    r = r / np.where(sd > 0, sd, 1)
    return _whitened_by(r.T @ r / len(r), r)


def _scaled(r: Floats) -> Floats:
    """r in other units, powers of two that cost no digit: squares do not underflow."""
    return np.ldexp(r, -np.frexp(np.abs(r).max(axis=0))[1])


def _whitened_by(covariance: Floats, r: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    solid = values > 1e-12 * values[-1]
    return r @ vectors[:, solid] / np.sqrt(values[solid])


def _distances(y: Floats, center: Floats) -> Floats:
    return ((y - center) ** 2).sum(axis=1)


def _nearest(y: Floats, centers: Floats) -> Floats:
    """One-hot rows of the nearest centre."""
    z: Ints = np.argmin([_distances(y, c) for c in centers], axis=0)
    return np.eye(len(centers))[z]
