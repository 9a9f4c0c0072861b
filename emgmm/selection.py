"""How many groups, and which family: what another parameter must earn."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emgmm._input import as_generator, as_x
from emgmm.em import Fit
from emgmm.fit import NoStartSurvived, fit
from emgmm.moments import FAMILIES, n_parameters
from emgmm.starts import Seed


def aic(fit: Fit) -> float:
    """Akaike's criterion, :eq:`eq-aic`, in units of 2 nats; smaller is better.

    Parameters
    ----------
    fit : Fit
        What `em` or `fit` returned.

    Returns
    -------
    float

    Examples
    --------
    >>> from emgmm import em
    >>> x = [[0.0], [1.0], [2.0]]
    >>> round(aic(em(x, [[1.0], [1.0], [1.0]])), 4)
    11.2972
    """
    _check_fit(fit)
    return 2 * fit.n_parameters - 2 * fit.log_likelihood


def bic(fit: Fit) -> float:
    """Schwarz's criterion, :eq:`eq-bic`, in units of 2 nats; smaller is better.

    Parameters
    ----------
    fit : Fit
        What `em` or `fit` returned.

    Returns
    -------
    float

    Examples
    --------
    >>> from emgmm import em
    >>> x = [[0.0], [1.0], [2.0]]
    >>> round(bic(em(x, [[1.0], [1.0], [1.0]])), 4)
    9.4945
    """
    _check_fit(fit)
    return float(fit.n_parameters * np.log(fit.m) - 2 * fit.log_likelihood)


def icl(fit: Fit, x: ArrayLike) -> float:
    """BIC plus a price for doubtful labels, :eq:`eq-icl`; smaller is better.

    Parameters
    ----------
    fit : Fit
        What `em` or `fit` returned.
    x : array_like, shape (m, d)
        The examples it was fitted to.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        When x does not fit.

    Examples
    --------
    >>> from emgmm import em
    >>> x = [[0.0], [1.0], [2.0]]
    >>> round(icl(em(x, [[1.0], [1.0], [1.0]]), x), 4)
    9.4945
    """
    _check_fit(fit)
    top = fit.theta.responsibilities(x).max(axis=1)
    return bic(fit) - 2 * float(np.log(top).sum())


@dataclass(frozen=True)
class Selection:
    """A table of fits, one for each k and family, and the choice.

    Attributes
    ----------
    table : tuple of dict
        ``k``, ``family``, ``n_parameters``, ``log_likelihood``, ``aic``, ``bic``,
        ``icl``, ``fit``; where no start survived, ``fit`` is None, the rest NaN.
    best : Fit
        The fit with the smallest criterion.
    criterion : {"aic", "bic", "icl"}
        The criterion used.
    """

    table: tuple[dict[str, Any], ...]
    best: Fit
    criterion: str


def select(
    x: ArrayLike,
    ks: Iterable[int],
    families: Iterable[str] = FAMILIES,
    *,
    criterion: str = "bic",
    rng: Seed = None,
    **options: Any,
) -> Selection:
    """Fit every k and family and choose by a criterion.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    ks : iterable of int
        Numbers of groups to try.
    families : iterable of str
        Covariance families to try.
    criterion : {"aic", "bic", "icl"}
        What decides.
    rng : int or numpy Generator, optional
        A seed makes the result repeatable.
    **options
        Passed on to `fit`.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        When an argument does not fit, or no fit survived.

    Examples
    --------
    >>> x = [[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]]
    >>> select(x, [1, 2], ["tied"], rng=0).best.theta.k
    2
    """
    if not isinstance(criterion, str) or criterion not in ("aic", "bic", "icl"):
        raise ValueError(f"criterion is {criterion!r}; it must be aic, bic or icl.")
    x, rng = as_x(x), as_generator(rng)
    families, ks = _listed(families, "families"), _listed(ks, "ks")
    pairs = [(k, family) for family in families for k in ks]
    table = tuple(_entry(x, k, family, rng, options) for k, family in pairs)
    survivors = [row for row in table if row["fit"] is not None]
    if not survivors:
        raise ValueError("no fit survived: try fewer groups or a simpler family.")
    best = min(survivors, key=lambda row: row[criterion])
    return Selection(table, best["fit"], criterion)


def _check_fit(fit: Fit) -> None:
    if not isinstance(fit, Fit):
        raise ValueError(
            f"fit is of type {type(fit).__name__}; pass what `em` or `fit` returned."
        )


def _listed(values: Iterable[Any], name: str) -> list[Any]:
    if isinstance(values, str | int | np.integer):
        return [values]
    try:
        items = list(values)
    except TypeError:
        items = []
    if not items:
        raise ValueError(f"{name} is {values!r}; it must list at least one value.")
    return items


def _entry(
    x: ArrayLike, k: int, family: str, rng: np.random.Generator, options: dict[str, Any]
) -> dict[str, Any]:
    row: dict[str, Any] = {"k": k, "family": family}
    row["n_parameters"] = n_parameters(k, np.shape(x)[1], family)
    try:
        found = fit(x, k, family=family, rng=rng, **options)
    except NoStartSurvived:
        nothing = dict.fromkeys(("log_likelihood", "aic", "bic", "icl"), np.nan)
        return row | nothing | {"fit": None}
    values = {"aic": aic(found), "bic": bic(found), "icl": icl(found, x)}
    return row | {"log_likelihood": found.log_likelihood} | values | {"fit": found}
