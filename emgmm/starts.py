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

ROUNDS = 10  # of k-means: where EM will go on, no more are needed
CUT = 5.0  # standard deviations, as the middle half of a column tells


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
    return _nearest(y, y[rng.permutation(_different(x))[:k]])


def soft_examples(x: ArrayLike, k: int, rng: Seed = None) -> Floats:
    """Centres are k examples drawn at random; each row is shared between all.

    The shares are those of Gaussians around the centres, each with half the covariance
    of all rows: wide groups, of which none collapses at once onto a few equal rows.

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

    Raises
    ------
    ValueError
        When x is no table of finite numbers, k is not in 1 .. m, or fewer than k rows
        of x differ.

    Examples
    --------
    >>> soft_examples([[0.0], [1.0], [9.0]], 2, rng=0).round(2).tolist()
    [[0.01, 0.99], [0.02, 0.98], [0.99, 0.01]]
    """
    x, k, rng = _checked(x, k, rng)
    y = _whitened(x)
    centers = y[rng.permutation(_different(x))[:k]]
    D2 = np.stack([_distances(y, c) for c in centers], axis=1)
    w: Floats = np.exp(D2.min(axis=1, keepdims=True) - D2)
    return w / w.sum(axis=1, keepdims=True)


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
    return _nearest(y, _far_apart(y, k, rng))


def k_means(x: ArrayLike, k: int, rng: Seed = None) -> Floats:
    """k-means++ and a few rounds of k-means, distances in the units of x as they are.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples; see `middle` for units in which no wild row hides the others.
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
    >>> k_means([[0.0], [1.0], [50.0]], 2, rng=0).sum(axis=0).tolist()
    [1.0, 2.0]
    """
    x, k, rng = _checked(x, k, rng)
    w = _nearest(x, _far_apart(x, k, rng))
    for _ in range(ROUNDS):
        if not (N := w.sum(axis=0)).all():
            break
        before, w = w, _nearest(x, (w.T @ x) / N[:, None])
        if (w == before).all():
            break
    return w


def cut(x: ArrayLike, k: int, rng: Seed = None) -> Floats:
    """Slices across the line through two examples, at random quantiles.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
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
    >>> cut([[0.0], [1.0], [2.0], [9.0]], 2, rng=0).sum(axis=0).tolist()
    [1.0, 3.0]
    """
    x, k, rng = _checked(x, k, rng)
    different = _different(x)
    a, b = x[rng.choice(different, 2, replace=len(different) == 1)]
    along = x @ (a - b)
    bounds = np.quantile(along, np.sort(rng.random(k - 1)))
    return np.eye(k)[np.searchsorted(bounds, along)]


def middle(x: ArrayLike) -> Floats:
    """Columns in units of their middle half, cut off far out: no wild row hides others.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.

    Returns
    -------
    ndarray, shape (m, d)

    Raises
    ------
    ValueError
        When x is no table of finite numbers.

    Examples
    --------
    >>> middle([[0.0], [1.0], [2.0], [3.0], [1e9]]).ravel().round(2).tolist()
    [-1.35, -0.68, 0.0, 0.68, 5.0]
    """
    x = as_x(x)
    low, center, high = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    # The middle half of a Gaussian is 1.35 standard deviations wide.
    scale = np.where(high > low, (high - low) / 1.35, x.std(axis=0))
    return np.clip((x - center) / np.where(scale > 0, scale, 1), -CUT, CUT)


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
        The two parts are the last two columns.

    Raises
    ------
    ValueError
        When x and w do not fit together.

    Examples
    --------
    >>> split([[0.0], [1.0], [9.0]], [[1.0], [1.0], [1.0]], rng=0).shape
    (3, 2)
    """
    return _parted(x, w, rng, _nearer)


def peel(x: ArrayLike, w: ArrayLike, rng: Seed = None) -> Floats:
    """A handful off one group of w: a random share of it around one of its examples.

    Parameters
    ----------
    x, w, rng
        As for `split`.

    Returns
    -------
    ndarray, shape (m, k + 1)
        The handful and the rest are the last two columns.

    Raises
    ------
    ValueError
        When x and w do not fit together.

    Examples
    --------
    >>> peel([[0.0], [1.0], [9.0]], [[1.0], [1.0], [1.0]], rng=0).shape
    (3, 2)
    """
    return _parted(x, w, rng, _handful)


def rearranged(x: ArrayLike, w: ArrayLike, rng: Seed = None) -> Floats:
    """One group of w is parted, then two groups become one, but not its two parts.

    Parameters
    ----------
    x, w, rng
        As for `split`.

    Returns
    -------
    ndarray, shape (m, k)

    Raises
    ------
    ValueError
        When x and w do not fit together, or w has one group.

    Examples
    --------
    >>> w = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    >>> rearranged([[0.0], [1.0], [9.0]], w, rng=0).shape
    (3, 2)
    """
    rng = as_generator(rng)
    w = (split if rng.random() < 0.5 else peel)(x, w, rng)
    k = w.shape[1]
    if k < 3:
        raise ValueError(f"w has shape {np.shape(w)}; it must have two groups or more.")
    pairs = [(a, b) for a in range(k) for b in range(a) if (a, b) != (k - 1, k - 2)]
    a, b = pairs[rng.integers(len(pairs))]
    merged = np.delete(w, a, axis=1)
    merged[:, b] += w[:, a]
    return merged


def _parted(
    x: ArrayLike,
    w: ArrayLike,
    rng: Seed,
    part: Callable[[Floats, Floats, np.random.Generator], Floats],
) -> Floats:
    """Part one group; ``part`` says how much of each of its rows goes first."""
    x, rng = as_x(x), as_generator(rng)
    w = as_responsibilities(w, len(x))
    N = w.sum(axis=0)
    # A group of one example cannot be parted, if there is another.
    j = rng.choice(np.flatnonzero(min(1.5, N.max() / 2) < N))
    p = w[:, j] / N[j]
    r = _scaled(x - p @ x)
    first = part(_whitened_by((p * r.T) @ r, r), p, rng) * w[:, j]
    return np.column_stack([np.delete(w, j, axis=1), first, w[:, j] - first])


def _nearer(y: Floats, p: Floats, rng: np.random.Generator) -> Floats:
    """1 for rows nearer to the first of two different examples."""
    a = y[rng.choice(len(y), p=p)]
    far = p * _distances(y, a)
    if not far.max() > 1e-12 * p.max():  # nothing differs: half of every row
        return np.full(len(y), 0.5)
    b = y[rng.choice(len(y), p=far / far.sum())]
    return (_distances(y, a) <= _distances(y, b)).astype(float)


def _handful(y: Floats, p: Floats, rng: np.random.Generator) -> Floats:
    """1 for the rows around one of them, from a row or two up to half of all."""
    order = np.argsort(_distances(y, y[rng.choice(len(y), p=p)]), kind="stable")
    least = min(0.5, p.max())
    share = np.exp(rng.uniform(np.log(least), np.log(0.5)))
    first = np.zeros(len(y))
    first[order] = np.cumsum(p[order]) <= share + p[order]
    return first


def _checked(
    x: ArrayLike, k: int, rng: Seed
) -> tuple[Floats, int, np.random.Generator]:
    x, rng = as_x(x), as_generator(rng)
    k = as_count(k, "k", least=1)
    n = len(_different(x))
    if k > n:
        raise ValueError(f"k is {k}, but x has only {n} different rows.")
    return x, k, rng


def _different(x: Floats) -> Ints:
    """One of each kind of rows, in the order of rows, whatever the order of columns."""
    order = np.lexsort(x.T)  # equal rows stand side by side, the first of them first
    new = (x[order[1:]] != x[order[:-1]]).any(axis=1)
    return np.sort(order[np.append(True, new)])


def _far_apart(y: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Centres drawn in proportion to their squared distance from those before."""
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
    return np.array(centers)


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
