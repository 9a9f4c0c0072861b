"""Many starts, short runs, the best of them to the end; nothing degenerate wins."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from emgmm._engine.blas import one_thread
from emgmm._engine.climb import Run
from emgmm._engine.maximize import State
from emgmm._engine.rows import Blocks, Rows
from emgmm._input import Floats, as_array, as_count, as_generator, as_real, as_tol
from emgmm.certificate import certificate_at
from emgmm.em import (
    Callback,
    Fit,
    StationaryPoint,
    Verdict,
    as_start,
    climb,
    finished,
    first_state,
    watched,
)
from emgmm.mixture import Mixture
from emgmm.moments import check_family, group_parameters
from emgmm.starts import (
    Seed,
    Start,
    kmeans_plus_plus,
    random_examples,
    random_responsibilities,
    split,
)

STARTS: dict[str, Start] = {
    "k-means++": kmeans_plus_plus,
    "examples": random_examples,
    "responsibilities": random_responsibilities,
}
SAMPLE = 10_000  # rows on which starts are made and compared
FOLLOWED = 5  # distinct points that are followed to the end
LOOSE = 1e-4  # nats: two short runs this near have found the same point
SHORT = 60  # passes of a short run
PARENTS = 5  # fits with one group less, of which the best is split
NAMES = ("default", *STARTS)
THINNEST = 1e-12  # thinner than this (variance, whitened), a group is no longer solid
THIN = 1e-4  # a group this thin (variance, whitened) that still moves is collapsing


def fit(
    x: ArrayLike | Blocks,
    k: int,
    *,
    family: str = "full",
    start: str | Start | Mixture | Fit | ArrayLike = "default",
    rng: Seed = None,
    n_starts: int = 30,
    tol: float = 1e-9,
    max_iter: int = 10_000,
    accelerate: bool = True,
    progress: bool = False,
    callback: Callback | None = None,
) -> Fit:
    """Maximum likelihood from many starts, with a certificate.

    Runs are short at first, on at most 10,000 rows; the best few distinct points are
    followed to the end. Points where a group has collapsed, or rests on fewer examples
    than it has parameters, are counted in ``starts`` and never returned.

    Parameters
    ----------
    x : array_like, shape (m, d), or callable
        Examples, as in `em`.
    k : int
        Number of groups.
    family : str
        What the covariances may look like, one of `FAMILIES`.
    start : str, callable, Mixture or array_like
        "default" takes turns between k-means++, splitting a group of a fit with k - 1,
        and random examples; or "k-means++", "examples", "responsibilities", or a
        function of (whitened x, k, rng) that returns w. One start only: a Mixture,
        responsibilities (m, k), or labels (m,) in 0 .. k-1.
    rng : int or numpy Generator, optional
        A seed makes the fit repeatable, whatever the units and the order of rows.
    n_starts : int
        How many starts to try.
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
        if isinstance(begin, str) or callable(begin):
            points = _search(rows, begin, rng, n_starts, progress)
        else:
            run = Run(_given(rows, begin), np.array([np.nan]), "max_iter")
            points = [_Point(run, 1, "regular")]
        for i in [i for i, p in enumerate(points) if p.verdict == "regular"][:FOLLOWED]:
            state, n = points[i].run.state, points[i].count
            run = climb(rows, state, tol, max_iter, accelerate, watch)
            points[i] = _Point(run, n, _verdict(rows, run))
        return _best(rows, points)


class NoStartSurvived(ValueError):
    """Every start ended where a group collapses or rests on too few examples."""


@dataclass(frozen=True)
class _Point:
    """Where ``count`` starts led."""

    run: Run
    count: int
    verdict: Verdict


def _best(rows: Rows, points: list[_Point]) -> Fit:
    """The regular point with the highest log-likelihood, certified."""
    regular = [p.run for p in points if p.verdict == "regular"]
    if not regular:
        raise NoStartSurvived(
            f"every start ended where a group collapses or rests on too few of the "
            f"{rows.m} examples: use fewer groups than k = {rows.k}, a family with "
            "fewer parameters, more starts, or drop repeated rows."
        )
    run = max(regular, key=lambda run: run.trace[-1])
    # The largest group first, equals in the order of their means.
    keys = np.column_stack([-run.state.log_phi, run.state.mu]).round(6)
    order = np.lexsort(keys.T[::-1])
    state = State(run.state.log_phi[order], run.state.mu[order], run.state.L[order])
    run = replace(run, state=state, at=None)
    return replace(
        finished(rows, run, rows.theta(state), certificate_at(rows, run)),
        starts=tuple(sorted((_row(rows, p) for p in points), key=_rank)),
    )


def _rank(row: StationaryPoint) -> tuple[bool, float]:
    return row.verdict != "regular", -np.nan_to_num(row.log_likelihood, nan=-np.inf)


def _search(
    rows: Rows,
    start: str | Start,
    rng: np.random.Generator,
    n_starts: int,
    progress: bool,
) -> list[_Point]:
    """Short runs on a sample: the distinct points they lead to, best first."""
    y = _sample(rows)
    small = Rows(y, rows.k, rows.family)
    make = _maker(start, y, small, rng)
    runs = [_short(small, make(i), y, rng) for i in _counted(n_starts, progress)]
    points: list[_Point] = []
    for run in sorted(runs, key=lambda run: -run.trace[-1]):
        verdict = _verdict(small, run)
        last = points[-1] if points else None
        if last and verdict == last.verdict and _same(run, last.run):
            points[-1] = replace(last, count=last.count + 1)
        else:
            points.append(_Point(run, 1, verdict))
    return [_in_units_of(rows, small, p) for p in points]


def _same(a: Run, b: Run) -> bool:
    if a.trace[-1] == b.trace[-1]:  # both may have failed: no gap between infinities
        return True
    gap = abs(a.trace[-1] - b.trace[-1])
    return bool(gap < 10 * LOOSE)


def _in_units_of(rows: Rows, small: Rows, point: _Point) -> _Point:
    """A point found on the whitened sample, as one of all examples."""
    state, trace = point.run.state, point.run.trace
    mu = small.center + state.mu @ small.unit.T
    state = State(state.log_phi, mu, small.unit @ state.L)
    shift = rows.m * rows.log_det_unit if rows.m == small.m else np.nan
    return replace(point, run=replace(point.run, state=state, trace=trace - shift))


def _short(rows: Rows, make: Start, y: Floats, rng: np.random.Generator) -> Run:
    """A loose run from one start; one that collapses at once is reported so."""
    w = as_real(make(y, rows.k, rng), "w")
    for even in (0.0, 0.2):  # a group that starts flat gets a little of every row
        try:
            state = first_state(rows, (1 - even) * w + even / rows.k)
            return climb(rows, state, LOOSE, SHORT, accelerate=True)
        except np.linalg.LinAlgError:
            pass
    return Run(rows.everyone(), np.array([-np.inf]), "degenerate")


def _maker(
    start: str | Start, y: Floats, small: Rows, rng: np.random.Generator
) -> Callable[[int], Start]:
    """The start function for each of the starts, by number."""
    if callable(start):
        return lambda i: start
    if start in STARTS:
        return lambda i: STARTS[start]
    if start != "default":
        raise ValueError(f"start is {start!r}; it must be one of {NAMES}, or a start.")
    if small.k == 1:
        return lambda i: random_responsibilities
    w = _parent(y, small, rng)
    turns = kmeans_plus_plus, lambda y, k, rng: split(y, w, rng), random_examples
    return lambda i: turns[i % 3]


def _parent(y: Floats, small: Rows, rng: np.random.Generator) -> Floats:
    """Responsibilities of the best of a few fits with one group less."""
    rows = Rows(y, small.k - 1, small.family)
    runs = [
        _short(rows, kmeans_plus_plus, y, rng)
        for _ in range(PARENTS if small.k > 2 else 1)
    ]
    good = [run for run in runs if _verdict(rows, run) == "regular"] or runs
    best = max(good, key=lambda run: run.trace[-1])
    return rows.theta(best.state).responsibilities(y)


def _sample(rows: Rows) -> Floats:
    """Up to 10,000 distinct whitened rows, as often as they are due, nearest first.

    They are chosen by a hash of their values, and sorted by their distance from the
    center: neither the order of the rows nor a rotation changes that.
    """
    direction = np.sqrt(np.arange(2, rows.d + 2))
    keys, counts, y = np.empty(0), np.empty(0), np.empty((0, rows.d))
    out = np.empty((rows.d, rows.size))
    for n in rows.whitened(out):
        new = out[:, :n].T.round(10)
        key = np.mod(1e6 * (new @ direction), 1)
        likely = key <= (keys[-1] if len(keys) == SAMPLE else 1)
        new, keys = new[likely], np.concatenate([keys, key[likely]])
        keys, first, which = np.unique(keys, return_index=True, return_inverse=True)
        weights = np.concatenate([counts, np.ones(len(new))])
        counts = np.bincount(which, weights).astype(float)[:SAMPLE]
        y, keys = np.concatenate([y, new])[first[:SAMPLE]], keys[:SAMPLE]
    share = min(1, SAMPLE / rows.m)
    y = np.repeat(y, np.maximum(1, np.rint(counts * share)).astype(int), axis=0)
    return y[np.lexsort([*y.T[::-1], (y * y).sum(axis=1).round(8)])]


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


def _measures(rows: Rows, state: State) -> tuple[float, float]:
    """Smallest eigenvalue of a covariance, whitened, and size of the smallest group."""
    singular = np.linalg.svd(state.L, compute_uv=False)
    return float(singular.min() ** 2), float(rows.m * np.exp(state.log_phi.min()))


def _verdict(rows: Rows, run: Run) -> Verdict:
    thickness, size = _measures(rows, run.state)
    if run.reason == "degenerate" or thickness < THINNEST:
        return "degenerate"
    if run.reason == "max_iter" and thickness < THIN:
        return "degenerate"
    enough = size > group_parameters(rows.d, rows.family)
    return "regular" if enough else "spurious"


def _row(rows: Rows, point: _Point) -> StationaryPoint:
    measures = _measures(rows, point.run.state)
    value = float(point.run.trace[-1])
    return StationaryPoint(
        value if np.isfinite(value) else np.nan, point.count, *measures, point.verdict
    )


def _counted(n: int, progress: bool) -> Iterable[int]:
    if not progress:
        return range(n)
    from tqdm.auto import tqdm

    return tqdm(range(n), desc="starts")
