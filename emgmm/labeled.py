"""Labels known: maximum likelihood in three formulas."""

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emgmm._input import Floats, Ints, as_array, as_count, as_x
from emgmm.mixture import Mixture, check_mixture


def one_hot(z: ArrayLike, k: int) -> Floats:
    """Labels as weights: 1 in the column of the label, else 0, :eq:`eq-one-hot`.

    Parameters
    ----------
    z : array_like of int, shape (m,)
        Labels 0 .. k-1.
    k : int
        Number of groups.

    Returns
    -------
    w : ndarray, shape (m, k)

    Raises
    ------
    ValueError
        When z is not a vector of whole numbers, or a label is out of range.

    Examples
    --------
    >>> one_hot([1, 0, 1], k=2).tolist()
    [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    """
    k = as_count(k, "k", least=1)
    labels = _as_labels(z)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"z has dtype {labels.dtype}; one_hot needs whole numbers.")
    z = _codes(labels, range(k))
    return (z[:, None] == np.arange(k)).astype(float)


def fit_labeled(x: ArrayLike, z: ArrayLike) -> Mixture:
    """Maximum likelihood when every label is known.

    Shares :eq:`eq-phi-labeled`, means :eq:`eq-mu-labeled` and covariances
    :eq:`eq-sigma-labeled` of the groups. They divide by N_j, not N_j - 1.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    z : array_like, shape (m,)
        Labels: integers 0 .. k-1, strings or booleans. Strings and booleans become
        the names of the groups, in sorted order.

    Returns
    -------
    Mixture
        With the classes as ``names``.

    Raises
    ------
    ValueError
        When z does not fit x, or a group has fewer than d + 1 examples or a singular
        covariance.

    Examples
    --------
    >>> theta = fit_labeled([[1.0], [3.0], [10.0], [14.0]], ["a", "a", "b", "b"])
    >>> theta.names, theta.mu.ravel().tolist(), theta.Sigma.ravel().tolist()
    (('a', 'b'), [2.0, 12.0], [1.0, 4.0])
    """
    x = as_x(x)
    labels = _as_labels(z, len(x))
    names = _names(labels)
    z = _codes(labels, names)
    N = np.bincount(z, minlength=len(names))
    _check_group_sizes(N, x.shape[1], names)
    mu = np.stack([x[z == j].mean(axis=0) for j in range(len(names))])
    r = x - mu[z]
    Sigma = np.stack([r[z == j].T @ r[z == j] / N[j] for j in range(len(names))])
    return Mixture(N / len(x), mu, Sigma, names)


def complete_log_likelihood(x: ArrayLike, z: ArrayLike, theta: Mixture) -> float:
    """Log-likelihood of examples *and* labels, :eq:`eq-complete-log-likelihood`.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    z : array_like, shape (m,)
        Labels: whole numbers 0 .. k-1, or theta's names.
    theta : Mixture
        Parameters.

    Returns
    -------
    float
        A total, in nats.

    Raises
    ------
    ValueError
        When z does not fit x, or holds a label that theta does not know.

    Examples
    --------
    >>> theta = Mixture([0.5, 0.5], [[0.0], [1.0]], [[[1.0]], [[1.0]]])
    >>> round(complete_log_likelihood([[0.0], [1.0]], [0, 1], theta), 4)
    -3.2242
    """
    check_mixture(theta)
    log_joint = theta.log_joint(x)
    z = _codes(_as_labels(z, len(log_joint)), theta.names)
    return float(log_joint[np.arange(len(z)), z].sum())


def _as_labels(z: ArrayLike, m: int | None = None) -> np.ndarray:
    labels = as_array(z, "z")
    if labels.dtype == object and all(isinstance(name, str) for name in labels.flat):
        labels = labels.astype(str)
    wanted = (len(labels) if m is None and labels.ndim else m,)
    if labels.dtype.kind not in "iubU" or labels.size == 0 or labels.shape != wanted:
        raise ValueError(
            f"z has shape {labels.shape} and dtype {labels.dtype}; it must be a vector "
            f"of {m or 'm'} integers, strings or booleans, one label per example."
        )
    return labels


def _names(labels: np.ndarray) -> tuple[Any, ...]:
    """The classes, sorted; whole numbers stand for themselves and start at 0."""
    if labels.dtype.kind not in "iu":
        return tuple(np.unique(labels).tolist())
    if labels.max() >= len(labels):
        raise ValueError(
            f"z holds the label {labels.max()}, out of range for {len(labels)} "
            "examples; whole-number labels count the groups 0, 1, 2, ..."
        )
    return tuple(range(max(int(labels.max()), 0) + 1))


def _codes(labels: np.ndarray, names: Sequence[Any]) -> Ints:
    """Each label as the position of its name; whole numbers are positions already."""
    if labels.dtype.kind in "iu":
        names, codes = range(len(names)), labels
    else:
        position = {name: j for j, name in enumerate(names)}
        codes = np.array([position.get(a, -1) for a in labels.tolist()])
    bad = np.flatnonzero((codes < 0) | (codes >= len(names)))
    if len(bad):
        raise ValueError(
            f"z[{bad[0]}] is {labels[bad[0]].item()!r}, out of range: "
            f"the labels are {reprlib.repr(list(names[:7]))}."
        )
    return codes.astype(np.intp)


def _check_group_sizes(N: Ints, d: int, names: tuple[Any, ...]) -> None:
    if N.min() <= d:
        j = int(N.argmin())
        raise np.linalg.LinAlgError(
            f"group {names[j]!r} has {N[j]} examples; a covariance of {d} features "
            f"needs at least {d + 1}. Collect more or merge groups."
        )
