"""Many starts, short runs, the best of them to the end; only what is sound wins."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from emgmm._engine.blas import one_thread
from emgmm._engine.climb import Run, Watch
from emgmm._engine.curvature import RIDGE, look, matrix_fits, moved
from emgmm._engine.expect import expect
from emgmm._engine.maximize import State, maximize
from emgmm._engine.rows import Blocks, Rows
from emgmm._engine.sample import Sample, sampled
from emgmm._input import Floats, as_array, as_count, as_generator, as_real, as_tol
from emgmm.certificate import certificate_at
from emgmm.em import (
    Callback,
    Fit,
    StationaryPoint,
    as_start,
    climb,
    finished,
    first_state,
    watched,
)
from emgmm.mixture import Mixture
from emgmm.moments import check_family
from emgmm.search import distinct, search
from emgmm.short_runs import Point, judged
from emgmm.starts import Seed, Start

FOLLOWED = 5  # distinct points that are followed to the end
STEPS = (
    2.0,
    0.5,
    0.1,
    -0.1,
    -0.5,
    -2.0,
)  # to both sides of a saddle, in standard errors
SADDLES = 10  # left one after the other, at most


def fit(
    x: ArrayLike | Blocks,
    k: int,
    *,
    family: str = "full",
    start: str | Start | Mixture | Fit | ArrayLike = "default",
    rng: Seed = None,
    n_starts: int = 200,
    tol: float = 1e-9,
    max_iter: int = 10_000,
    accelerate: bool = True,
    progress: bool = False,
    callback: Callback | None = None,
) -> Fit:
    """Maximum likelihood from many starts, with a certificate.

    Runs are short at first, on at most 10,000 rows; the best few distinct points are
    followed to the end, beyond saddles. The best *sound* one is returned: each of its
    groups explains its own rows when they are left out of it, :eq:`eq-sound`. The
    others are reported in ``starts``. Where none is sound, the least doubtful is
    returned, with a warning (`Doubtful`).

    Parameters
    ----------
    x : array_like, shape (m, d), or callable
        Examples, as in `em`.
    k : int
        Number of groups.
    family : str
        What the covariances may look like, one of `FAMILIES`.
    start : str, callable, Mixture or array_like
        "default" begins with new starts of four kinds, and then mostly parts one group
        and joins two others of the best points so far; or "k-means++", "examples",
        "responsibilities", or a function of (whitened x, k, rng) that returns w. One
        start only: a Mixture, a Fit, responsibilities (m, k), or labels (m,) in
        0 .. k-1.
    rng : int or numpy Generator, optional
        A seed makes the fit repeatable, whatever the units and the order of rows. Two
        of the four kinds of new starts look at the columns as they are: where a search
        misses the best point, it may miss it otherwise after a rotation.
    n_starts : int
        Patience: the search ends when so many starts in a row found nothing better, or
        when 30 of them (15 %, of more than 200) have found the best point itself.
    tol, max_iter, accelerate, callback
        As in `em`; they apply to the runs that are followed to the end.
    progress : bool
        Show a bar over the starts (needs tqdm).

    Returns
    -------
    Fit
        With ``certificate`` and ``starts``; the largest group first.

    Raises
    ------
    ValueError
        When an argument does not fit, x is flat in some direction, or every start ends
        where a group has collapsed.

    Examples
    --------
    >>> x = [[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]]
    >>> result = fit(x, 2, rng=0)
    >>> result.theta.mu.ravel().round(6).tolist(), result.certificate.kind
    ([1.0, 11.0], 'strict maximum')
    """
    check_family(family)
    begin = as_start(start, family)
    max_iter, tol = as_count(max_iter, "max_iter", least=0), as_tol(tol)
    n_starts, rng = as_count(n_starts, "n_starts", least=1), as_generator(rng)
    rows = Rows(x, as_count(k, "k", least=1), family)
    watch = watched(callback, rows)

    with one_thread(rows.d):
        sample = sampled(rows)
        if isinstance(begin, str) or callable(begin):
            points = search(sample, begin, rng, n_starts, progress)
        else:
            points = [_unknown(sample, _given(rows, begin))]
        points = [_of_all_rows(rows, sample, point) for point in points]

        def follow(point: Point) -> Point:
            run = _past_saddles(rows, point.run.state, tol, max_iter, accelerate, watch)
            return _at_the_end(rows, sample, run, point.count)

        return _best(rows, distinct(_followed(points, follow)))


class NoStartSurvived(ValueError):
    """Every start ended where a group collapses."""


class Doubtful(UserWarning):
    """No group of rows stands behind a group of the fit, or it is no maximum."""


def _unknown(sample: Sample, state: State) -> Point:
    """A start of which nothing is known yet: it is followed, and judged then."""
    run = Run(sample.inside(state), np.array([np.nan]), "max_iter")
    return Point(run, "regular", 0.0)


def _followed(points: list[Point], follow: Callable[[Point], Point]) -> list[Point]:
    """The best few are followed to the end, and on until the best of all is."""
    points, done = list(points), set[int]()
    while worth := _by_worth(points):
        rest = [i for i in worth if i not in done]
        like = bool(rest) and points[rest[0]].verdict == points[worth[0]].verdict
        if worth[0] in done and not (like and len(done) < FOLLOWED):
            break
        points[rest[0]] = follow(points[rest[0]])
        done.add(rest[0])
    return points


def _by_worth(points: list[Point]) -> list[int]:
    """Which points may be returned: sound ones by their height, others by support.

    Of more rows than the sample, the height of those not yet followed is not known:
    they come next, in the order they have.
    """
    height = [
        (np.isnan(p.value), -np.nan_to_num(p.value), i)
        for i, p in enumerate(points)
        if p.verdict == "regular"
    ]
    doubtful = [
        (-p.support, i)
        for i, p in enumerate(points)
        if p.verdict in ("spurious", "saddle") and not np.isneginf(p.value)
    ]
    return [i for *_, i in sorted(height) + sorted(doubtful)]


def _of_all_rows(rows: Rows, sample: Sample, point: Point) -> Point:
    """A point found on the sample, as one of all rows.

    Its log-likelihood is that of the sample: of more rows it is not known yet.
    """
    run = point.run
    shift = rows.m * rows.log_det_unit if rows.m == sample.rows.m else np.nan
    state, trace = sample.outside(run.state), run.trace - shift
    return replace(point, run=Run(state, trace, run.reason))


def _at_the_end(rows: Rows, sample: Sample, run: Run, count: int) -> Point:
    """Where a start has led in the end, and whether that is sound."""
    point = judged(sample, replace(run, state=sample.inside(run.state), at=None))
    arrived = run.at if run.reason == "converged" else None
    saddle = arrived is not None and arrived.eigenvalues[0] < RIDGE
    verdict = "saddle" if saddle else point.verdict
    return replace(point, run=run, verdict=verdict, count=count)


def _past_saddles(
    rows: Rows,
    state: State,
    tol: float,
    max_iter: int,
    accelerate: bool,
    watch: Watch | None,
) -> Run:
    """Climb, leave a saddle, climb on."""
    run = climb(rows, state, tol, max_iter, accelerate, watch)
    for _ in range(SADDLES):
        run = _looked_at(rows, run)
        beside = _higher_beside(rows, run)
        if beside is None:
            break
        run = climb(rows, beside, tol, max_iter, accelerate, watch)
    run = _looked_at(rows, run)
    left = run.at.decrement if run.at and run.reason == "converged" else 0.0
    if 0 < tol < left < np.inf:
        # By its last steps EM had arrived; the curvature, which knows better, goes on.
        run = climb(rows, run.state, tol / 10, max_iter, accelerate, watch)
    return run


def _looked_at(rows: Rows, run: Run) -> Run:
    """With the curvature where it has arrived, if its matrix fits into memory."""
    if run.at is not None or run.reason != "converged" or not matrix_fits(rows):
        return run
    return replace(run, at=look(rows, run.state))


def _higher_beside(rows: Rows, run: Run) -> State | None:
    """The best of a few states beside a saddle or on a ridge, if it is higher."""
    if run.at is None or run.reason != "converged":
        return None
    best, top = None, run.trace[-1] + rows.rounding
    level = run.at.eigenvalues < RIDGE
    for direction, step in product(run.at.vectors.T[level], STEPS):
        state = maximize(moved(rows, run.state, step * direction), rows.family)
        if state is not None and (value := expect(rows, state)[1]) > top:
            best, top = state, value
    return best


def _best(rows: Rows, points: list[Point]) -> Fit:
    """The sound point with the highest log-likelihood, certified."""
    best = _chosen(rows, points)
    # The largest group first, equals in the order of their means.
    state = best.run.state
    keys = np.column_stack([-state.log_phi, state.mu]).round(6)
    order = np.lexsort(keys.T[::-1])
    state = State(state.log_phi[order], state.mu[order], state.L[order])
    run = replace(best.run, state=state, at=None)
    points = [replace(best, run=run), *(p for p in points if p is not best)]
    return replace(
        finished(rows, run, rows.theta(state), certificate_at(rows, run)),
        starts=tuple(_row(rows, point) for point in points),
    )


def _chosen(rows: Rows, points: list[Point]) -> Point:
    worth = _by_worth(points)
    if not worth:
        raise NoStartSurvived(
            f"every start ended where a group collapses: the {rows.m} examples do not "
            f"bear k = {rows.k} groups. Use fewer groups, a family with fewer "
            f"parameters, or drop repeated rows.{_wild_row(rows)}"
        )
    best = points[worth[0]]
    if best.verdict != "regular":
        why = (
            "no strict maximum, since groups are equal or EM creeps along a ridge"
            if best.verdict == "saddle"
            else "one with a group that explains its own rows no better than chance"
        )
        warnings.warn(
            f"no sound maximum was found for k = {rows.k}: the best found is {why}. "
            "Use fewer groups or a family with fewer parameters; see fit.starts.",
            Doubtful,
            stacklevel=4,
        )
    return best


def _wild_row(rows: Rows) -> str:
    """Words about a row so far out that it makes the spread of x all alone."""
    out, far, at, done = np.empty((rows.d, rows.size)), 0.0, 0, 0
    for n in rows.whitened(out):
        D2 = np.square(out[:, :n]).sum(axis=0)
        if D2.max() > far:
            far, at = float(D2.max()), done + int(D2.argmax())
        done += n
    # The squares sum to m along each feature: here one row has half of them.
    return (
        f" Look at row {at}: it lies far from all others." if far > rows.m / 2 else ""
    )


def _row(rows: Rows, point: Point) -> StationaryPoint:
    try:
        theta = rows.theta(point.run.state)
    except np.linalg.LinAlgError:
        theta = None
    value = point.value if np.isfinite(point.value) else np.nan
    return StationaryPoint(value, point.count, theta, point.verdict, point.support)


def _given(rows: Rows, start: Mixture | ArrayLike) -> State:
    """One start from parameters, responsibilities (m, k) or labels (m,)."""
    if not isinstance(start, Mixture) and as_array(start, "start").ndim == 1:
        start = _labels(rows, as_real(start, "start"))
    return first_state(rows, start)


def _labels(rows: Rows, z: np.ndarray) -> Floats:
    if z.shape != (rows.m,) or not np.isin(z, np.arange(rows.k)).all():
        raise ValueError(
            f"start has shape {z.shape}; as labels it must be ({rows.m},), whole "
            f"numbers from 0 to {rows.k - 1}."
        )
    return np.eye(rows.k)[z.astype(int)]
