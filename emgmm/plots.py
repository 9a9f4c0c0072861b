"""One look for every figure of the book.

Groups differ in color *and* in shape, in colors that readers with the common
color-vision deficiencies can tell apart (the palette of Okabe and Ito, 2008).
Every function draws on ``ax`` (a new one when not given) and returns it.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike

from emgmm._input import (
    Floats,
    as_array,
    as_number,
    as_real,
    as_responsibilities,
    as_x,
)
from emgmm.mixture import Mixture, check_mixture
from emgmm.selection import Selection

__all__ = [
    "boundary",
    "ellipses",
    "histogram",
    "landscape",
    "scatter",
    "scatter_w",
    "selection",
    "trace",
    "use_style",
]

COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "^", "s", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
UNKNOWN = "#6b6b6b"


def use_style() -> None:
    """Set the book's look for all figures drawn after this call.

    The background is white, not transparent, so that axes stay visible when the page
    around them is dark.

    Examples
    --------
    >>> use_style()
    """
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 4.2),
            "figure.dpi": 240,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "font.size": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 11,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def scatter(
    x: ArrayLike,
    z: ArrayLike | None = None,
    *,
    axis_labels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Examples in the plane: one color and shape per label, gray without labels.

    Parameters
    ----------
    x : array_like, shape (m, 2)
        Examples.
    z : array_like, shape (m,), optional
        Labels of any kind; groups take their colors in sorted order.
    axis_labels : sequence of 2 str, optional
        With units, as in ``data.axis_labels``.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When x is not (m, 2), or z is not as long as x.

    Examples
    --------
    >>> ax = scatter([[0, 0], [1, 1]], ["a", "b"], axis_labels=["u (m)", "v (m)"])
    >>> ax.get_xlabel()
    'u (m)'
    """
    x, ax = as_x(x, 2), _axes(ax)
    if z is None:
        ax.scatter(
            x[:, 0], x[:, 1], s=22, color=UNKNOWN, marker=".", label="label unknown"
        )
    else:
        z = _as_long_as(z, x)
        for j, name in enumerate(np.unique(z)):
            ax.scatter(x[z == name, 0], x[z == name, 1], label=str(name), **_dots(j))
        ax.legend()
    return _label_axes(ax, axis_labels)


def scatter_w(
    x: ArrayLike,
    w: ArrayLike,
    *,
    names: Sequence[object] | None = None,
    axis_labels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Examples colored by responsibility: mixed colors where w is undecided.

    Parameters
    ----------
    x : array_like, shape (m, 2)
        Examples.
    w : array_like, shape (m, k)
        Responsibilities. The shape of a point is that of its most probable group.
    names : sequence of k, optional
        The groups' names, such as ``theta.names``; "group 0", ... when not given.
    axis_labels : sequence of 2 str, optional
        With units.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When x is not (m, 2), w does not fit x, or names do not fit w.

    Examples
    --------
    >>> ax = scatter_w([[0, 0], [1, 1]], [[0.9, 0.1], [0.4, 0.6]])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['group 0', 'group 1']
    """
    x, ax = as_x(x, 2), _axes(ax)
    w = as_responsibilities(w, len(x))
    names = [f"group {j}" for j in range(w.shape[1])] if names is None else names
    if not hasattr(names, "__len__") or len(names) != w.shape[1]:
        raise ValueError(f"names is {names!r}; w has {w.shape[1]} columns: name each.")
    mixed = w @ np.array([to_rgb(_color(j)) for j in range(w.shape[1])])
    for j, name in enumerate(names):
        mine = w.argmax(axis=1) == j
        ax.scatter(x[mine, 0], x[mine, 1], **_dots(j) | {"color": mixed[mine]})
        ax.scatter([], [], label=str(name), **_dots(j))
    ax.legend()
    return _label_axes(ax, axis_labels)


def ellipses(theta: Mixture, *, coverage: float = 0.95, ax: Axes | None = None) -> Axes:
    """The region that holds this share of each group, :eq:`eq-ellipse`.

    Parameters
    ----------
    theta : Mixture
        With d = 2.
    coverage : float
        Between 0 and 1. The "one standard deviation" ellipse has 1 - exp(-1/2),
        about 0.39.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When theta is not in the plane or coverage is not between 0 and 1.

    Examples
    --------
    >>> theta = Mixture([1.0], [[0.0, 0.0]], [np.eye(2)])
    >>> radius = ellipses(theta, coverage=0.95).lines[0].get_xdata().max()
    >>> round(float(radius), 3)
    2.448
    """
    check_mixture(theta)
    if theta.d != 2 or not 0 < as_number(coverage, "coverage") < 1:
        raise ValueError(
            f"theta has d = {theta.d} and coverage is {coverage}; ellipses need d = 2 "
            "and a coverage between 0 and 1."
        )
    ax = _axes(ax)
    angle = np.linspace(0, 2 * np.pi, 181)
    circle = np.sqrt(-2 * np.log(1 - coverage)) * np.array(
        [np.cos(angle), np.sin(angle)]
    )
    for j, (mu, L) in enumerate(zip(theta.mu, np.linalg.cholesky(theta.Sigma))):
        ax.plot(*(mu[:, None] + L @ circle), color=_color(j), ls=_line(j))
        ax.plot(*mu, **_mean(j))
    return ax


def boundary(theta: Mixture, *, ax: Axes | None = None) -> Axes:
    """Where `Mixture.classify` changes its answer, over the present axes' range.

    Parameters
    ----------
    theta : Mixture
        With d = 2.
    ax : Axes, optional
        Where to draw; draw the points first, they set the range.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When theta is not in the plane.

    Examples
    --------
    >>> theta = Mixture([0.5, 0.5], [[0, 0], [1, 1]], [np.eye(2), np.eye(2)])
    >>> len(boundary(theta).collections)
    1
    """
    check_mixture(theta)
    if theta.d != 2:
        raise ValueError(f"theta has d = {theta.d}; a boundary needs d = 2.")
    ax = _axes(ax)
    u, v = np.linspace(*ax.get_xlim(), 201), np.linspace(*ax.get_ylim(), 201)
    grid = np.stack(np.meshgrid(u, v), axis=-1)
    log_joint = theta.log_joint(grid.reshape(-1, 2)).reshape(201, 201, theta.k)
    for j in range(theta.k - 1):  # the last region is bounded by the others
        lead = log_joint[..., j] - np.delete(log_joint, j, axis=-1).max(axis=-1)
        if not lead.min() < 0 < lead.max():
            continue  # group j is the answer everywhere here, or nowhere
        ax.contour(u, v, lead, levels=[0], colors="black", linewidths=1.2)
    return ax


def histogram(
    x: ArrayLike,
    theta: Mixture | None = None,
    *,
    axis_labels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One feature as bars of total area 1, with the mixture's curves over it.

    Parameters
    ----------
    x : array_like, shape (m,) or (m, 1)
        Examples.
    theta : Mixture, optional
        With d = 1: its density in black, each group's part in the group's color.
    axis_labels : sequence of 1 str, optional
        With unit.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When x or theta has more than one feature.

    Examples
    --------
    >>> histogram([1.0, 2.0, 2.5], Mixture([1.0], [[2.0]], [[[1.0]]])).get_ylabel()
    'density'
    """
    x = as_x(x, 1)[:, 0]
    if theta is not None:
        check_mixture(theta)
        if theta.d != 1:
            raise ValueError(f"theta has d = {theta.d}; a histogram needs d = 1.")
    spread = np.ptp(x) or 1.0  # equal values get one bar, one unit wide
    if spread < max(1e-12 * np.abs(x).max(), 1e-300):
        raise ValueError("x varies too little for bars; subtract its mean first.")
    ax = _axes(ax)
    ax.hist(x, bins=30, density=True, color="#c9c9c9", edgecolor="white")
    if theta is not None:
        u = np.linspace(*ax.get_xlim(), 400)
        for j, part in enumerate(np.exp(theta.log_joint(u)).T):
            ax.plot(u, part, color=_color(j), ls=_line(j))
        ax.plot(u, np.exp(theta.log_density(u)), color="black", lw=1.2)
    return _label_axes(ax, [*(axis_labels or [""]), "density"])


def trace(values: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Log-likelihood against iteration.

    Parameters
    ----------
    values : array_like, shape (n_iter + 1,)
        Such as ``fit.trace``.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When values is not a vector of finite numbers.

    Examples
    --------
    >>> trace([-10.0, -4.0, -3.0]).get_xlabel()
    'iteration'
    """
    values, ax = as_real(values, "values"), _axes(ax)
    if values.ndim != 1:
        raise ValueError(f"values has shape {values.shape}; it must be a vector.")
    ax.plot(values, color="black", marker="o", markersize=3.5)
    return _label_axes(ax, ["iteration", "log-likelihood (nats)"])


def selection(found: Selection, *, ax: Axes | None = None) -> Axes:
    """The criterion against the number of groups, a line for each family.

    Parameters
    ----------
    found : Selection
        What `select` returned.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When found is no `Selection`.

    Examples
    --------
    >>> from emgmm import select
    >>> x = [[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]]
    >>> selection(select(x, [1, 2], ["tied"], rng=0)).get_xlabel()
    'groups k'
    """
    if not isinstance(found, Selection):
        raise ValueError(
            f"found is of type {type(found).__name__}; pass what `select` returned."
        )
    ax = _axes(ax)
    for j, family in enumerate(dict.fromkeys(row["family"] for row in found.table)):
        rows = [row for row in found.table if row["family"] == family]
        ks, values = [row["k"] for row in rows], [row[found.criterion] for row in rows]
        marker = MARKERS[j % len(MARKERS)]
        ax.plot(ks, values, color=_color(j), ls=_line(j), marker=marker, label=family)
    ax.set_xticks(sorted({row["k"] for row in found.table}))
    ax.legend()
    return _label_axes(
        ax, ["groups k", f"{found.criterion.upper()} (smaller is better)"]
    )


def landscape(
    a: ArrayLike,
    b: ArrayLike,
    values: ArrayLike,
    *,
    depth: float,
    axis_labels: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A log-likelihood over two of its parameters, as a contour map.

    Parameters
    ----------
    a, b : array_like, shape (n,), (p,)
        The parameters, across and up.
    values : array_like, shape (n, p)
        ``values[i, j]`` belongs to ``a[i], b[j]``; in nats.
    depth : float
        How far below the top the map goes, in nats; all below is one color.
    axis_labels : sequence of 2 str, optional
        With units.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When the shapes disagree, a value is not finite or depth is not positive.

    Examples
    --------
    >>> ax = landscape([0, 1], [0, 1, 2], np.eye(2, 3), depth=1)
    >>> len(ax.collections)
    1
    """
    a, b, values = as_real(a, "a"), as_real(b, "b"), as_real(values, "values")
    if values.shape != a.shape + b.shape or values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(
            f"values has shape {values.shape}, a {a.shape} and b {b.shape}; they must "
            "be (n, p), (n,) and (p,), with n and p at least 2."
        )
    if not as_number(depth, "depth") > 0:
        raise ValueError(f"depth is {depth}; it must be more than 0 nats.")
    levels = values.max() - depth * np.linspace(1, 0, 13)
    if not (np.diff(levels) > 0).all():
        raise ValueError(f"depth is {depth}, too little for values as large as these.")
    ax = _axes(ax)
    filled = ax.contourf(a, b, values.T, levels=levels, extend="min", cmap="cividis")
    ax.figure.colorbar(filled, ax=ax, label="log-likelihood (nats)", format="%.0f")
    return _label_axes(ax, axis_labels)


def _axes(ax: Axes | None) -> Axes:
    return plt.subplots()[1] if ax is None else ax


def _as_long_as(z: ArrayLike, x: Floats) -> np.ndarray:
    z = as_array(z, "z")
    if z.shape != (len(x),):
        raise ValueError(f"z has shape {z.shape}; x has {len(x)} rows: ({len(x)},).")
    return z.astype(str) if z.dtype == object else z


def _label_axes(ax: Axes, axis_labels: Sequence[str] | None) -> Axes:
    if axis_labels is not None:
        if not hasattr(axis_labels, "__len__") or len(axis_labels) != 2:
            raise ValueError(f"axis_labels is {axis_labels}; one label per axis.")
        ax.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
    return ax


def _color(j: int) -> str:
    return COLORS[j % len(COLORS)]


def _line(j: int) -> Any:
    return LINES[j % len(LINES)]


def _dots(j: int) -> dict[str, Any]:
    return {
        "color": _color(j),
        "marker": MARKERS[j % len(MARKERS)],
        "s": 22,
        "alpha": 0.75,
        "linewidths": 0,
    }


def _mean(j: int) -> dict[str, Any]:
    return {
        "color": _color(j),
        "marker": MARKERS[j % len(MARKERS)],
        "markersize": 10,
        "markeredgecolor": "black",
    }
