"""Where the starts lead: many short runs, and moves from the best of them.

Internal: `fit` searches, and is what to call.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from emgmm._engine.climb import Log, Run, many_at_once
from emgmm._engine.curvature import Curvature, size
from emgmm._engine.left_out import support
from emgmm._engine.rows import Rows
from emgmm._engine.sample import Sample
from emgmm._input import as_real
from emgmm.em import Verdict, climb, first_state
from emgmm.starts import (
    Start,
    cut,
    k_means,
    kmeans_plus_plus,
    middle,
    random_examples,
    random_responsibilities,
    rearranged,
)

STARTS: dict[str, Start] = {
    "k-means++": kmeans_plus_plus,
    "examples": random_examples,
    "responsibilities": random_responsibilities,
}
NAMES = ("default", *STARTS)
LOOSE = 1e-4  # nats: two short runs this near have found the same point
NEAR = 1.0  # nats below its top, the parabola tells how high that is
FEW = 30  # EM steps after which it shows whether a start is hopeful
RUNGS = 10  # times so many steps, where looks are dear
AHEAD = 50.0  # steps like the last one that it may still make
SHORT = 60  # passes of a short run, after these
FIRST = 12  # starts made anew, before moves from the best begin
ANEW = 4  # and every so many starts after these
BEST = 4  # points from which moves are made
MOST = 10  # times the patience: no search goes on for longer
EVEN = 0.2  # of every row is shared alike where a group would start flat
FAVOUR = 1.5  # mean rank, from 0, of the point in the pool that a move begins at
THINNEST = 1e-12  # thinner than this (variance, whitened), a group is no longer solid
THIN = 1e-4  # a group this thin (variance, whitened) that still moves is collapsing


@dataclass(frozen=True)
class Point:
    """Where ``count`` starts led, in units of the rows that it was found on."""

    run: Run
    verdict: Verdict
    support: float
    count: int = 1

    @property
    def value(self) -> float:
        return float(self.run.trace[-1])


def search(
    sample: Sample,
    start: str | Start,
    rng: np.random.Generator,
    patience: int,
    progress: bool,
) -> list[Point]:
    """The distinct points that short runs lead to, the best first.

    The pool holds the best few sound points, for moves to begin at. The search ends
    when ``patience`` starts in a row have found nothing above the pool.
    """
    make = _maker(start, sample)
    patience = 1 if sample.rows.k == 1 else patience  # EM has nothing to choose there
    found, pool, since = list[Point](), list[Point](), 0
    for i in _counted(MOST * patience, progress):
        if since == patience:
            break
        least = pool[0].value if pool else -np.inf
        point = short(sample, make(i, pool, rng), rng, least)
        found.append(point)
        since += 1
        if point.verdict == "regular" and not any(_same(point, p) for p in pool):
            pool = sorted([*pool, point], key=lambda p: -p.value)[:BEST]
            since = 0 if pool[0] is point else since
    return distinct(found)


def short(
    sample: Sample, make: Start, rng: np.random.Generator, least: float = -np.inf
) -> Point:
    """A loose run from one start; one that collapses at once is reported so.

    After a few steps it goes on only if it may still rise above ``least``.
    """
    rows = sample.rows
    w = as_real(make(sample.y, rows.k, rng), "w")
    for even in (0.0, EVEN):
        try:
            state = first_state(rows, (1 - even) * w + even / rows.k)
            run = climb(rows, state, LOOSE, FEW, accelerate=False)
            if run.reason == "max_iter" and _hopeful(run, least):
                run = _onward(rows, run, least)
            return judged(sample, run)
        except np.linalg.LinAlgError:
            pass
    nowhere = Run(rows.everyone(), np.array([-np.inf]), "degenerate")
    return Point(nowhere, "degenerate", -np.inf)


def _onward(rows: Rows, run: Run, least: float) -> Run:
    """Further up from a hopeful place, as long as it stays hopeful.

    A look at the curvature costs about a quarter of a pass for each number in the
    score: where that is more than a few EM steps, these go on.
    """
    if size(rows) // 4 <= FEW:
        return _with_looks(rows, run, least)
    for _ in range(RUNGS):
        run = climb(rows, run.state, LOOSE, FEW, accelerate=False)
        if run.reason != "max_iter" or not _hopeful(run, least):
            break
    return run


def _with_looks(rows: Rows, run: Run, least: float) -> Run:
    """Many EM steps at once, until a look shows that the top is not above ``least``."""

    def enough(at: Curvature) -> bool:
        near = at.decrement < NEAR
        return near and at.log_likelihood + at.decrement < least - 10 * LOOSE

    log = Log(rows, run.state, SHORT, None)
    with np.errstate(all="ignore"):  # a trial may lie anywhere; the log refuses it
        reason = many_at_once(log, run.state, LOOSE, enough)
    return Run(log.best, np.array(log.trace or run.trace[-1:]), reason)


def _hopeful(run: Run, least: float) -> bool:
    """Would it pass ``least``, if it went on for a while as it did in the last step?"""
    gain = run.trace[-1] - run.trace[-2:][0]
    return bool(run.trace[-1] + AHEAD * gain > least)


def judged(sample: Sample, run: Run) -> Point:
    """Sound or not: the support of the least supported group, :eq:`eq-sound`.

    With one group, and with one covariance for all, the likelihood has an upper bound:
    what is a strict maximum there is sound.
    """
    rows, state = sample.rows, run.state
    if collapsed(run):
        return Point(run, "degenerate", -np.inf)
    if rows.k == 1 or rows.family.startswith("tied"):
        return Point(run, "regular", np.inf)
    least = float(support(rows, state, sample.equal).min())
    sound = least > (rows.d + 1) * np.log(rows.m)
    return Point(run, "regular" if sound else "spurious", least)


def collapsed(run: Run) -> bool:
    """Has a group become flat, or is it about to?"""
    thickness = float(np.linalg.svd(run.state.L, compute_uv=False).min() ** 2)
    if run.reason == "degenerate" or thickness < THINNEST:
        return True
    return run.reason == "max_iter" and thickness < THIN


def distinct(found: list[Point]) -> list[Point]:
    """Each point once, with the number of starts that led there; the best first."""
    points: list[Point] = []
    for point in sorted(found, key=lambda p: -p.value):
        last = points[-1] if points else None
        if last and point.verdict == last.verdict and _same(point, last):
            points[-1] = replace(last, count=last.count + point.count)
        else:
            points.append(point)
    return points


def _same(a: Point, b: Point) -> bool:
    # Two that failed are the same: there is no gap between infinities.
    return a.value == b.value or bool(abs(a.value - b.value) < 10 * LOOSE)


Maker = Callable[[int, list[Point], np.random.Generator], Start]


def _maker(start: str | Start, sample: Sample) -> Maker:
    """The start function for each of the starts, by number."""
    if callable(start):
        return lambda i, pool, rng: start
    if start in STARTS:
        return lambda i, pool, rng: STARTS[start]
    if start != "default":
        raise ValueError(f"start is {start!r}; it must be one of {NAMES}, or a start.")
    if sample.rows.k == 1:
        return lambda i, pool, rng: random_responsibilities
    return _default(sample)


def _default(sample: Sample) -> Maker:
    """New starts of four kinds in turn, and moves from the best points so far."""
    rows, u = sample.rows, middle(sample.x)
    anew: tuple[Start, ...] = (
        kmeans_plus_plus,
        lambda y, k, rng: k_means(u, k, rng),
        random_examples,
        lambda y, k, rng: cut(u, k, rng),
    )

    def make(i: int, pool: list[Point], rng: np.random.Generator) -> Start:
        if not pool and i >= FIRST:
            return random_responsibilities
        if i < FIRST or i % ANEW == 0:
            return anew[i % 4 if i < FIRST else rng.integers(4)]
        best = pool[min(int(rng.exponential(FAVOUR)), len(pool) - 1)]
        w = rows.theta(best.run.state).responsibilities(sample.y)
        return lambda y, k, rng: rearranged(y, w, rng)

    return make


def _counted(n: int, progress: bool) -> Iterable[int]:
    if not progress:
        return range(n)
    from tqdm.auto import tqdm

    return tqdm(range(n), desc="starts", bar_format="{desc}: {n}, {elapsed}")
