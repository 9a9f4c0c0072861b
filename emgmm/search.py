"""Where the starts lead: many short runs, and moves from the best of them.

Internal: `fit` searches, and is what to call.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from emgmm._engine.abreast import room
from emgmm._engine.sample import Sample
from emgmm._input import Floats
from emgmm.em import shares
from emgmm.short_runs import Point, judged, same, short_runs
from emgmm.starts import (
    Start,
    cut,
    k_means,
    kmeans_plus_plus,
    middle,
    random_examples,
    random_responsibilities,
    rearranged,
    soft_examples,
)

STARTS: dict[str, Start] = {
    "k-means++": kmeans_plus_plus,
    "examples": random_examples,
    "responsibilities": random_responsibilities,
}
NAMES = ("default", *STARTS)
FIRST = 12  # starts made anew, before moves from the best begin
ANEW = 4  # and every so many starts after these
BEST = 4  # points from which moves are made
ENOUGH = 30  # starts that agree on the best end the search
SHARE = 0.15  # of the patience, if that is more
MOST = 10  # times the patience: no search goes on for longer
FAVOUR = 1.5  # mean rank, from 0, of the point in the pool that a move begins at


class Base(NamedTuple):
    """A point from which moves are made: its height and its w.

    Sound ones rank before the others, and by their height; the others by support.
    """

    rank: tuple[bool, float]
    value: float
    w: Floats

    @property
    def sound(self) -> bool:
        return self.rank[0]


def search(
    sample: Sample,
    start: str | Start,
    rng: np.random.Generator,
    patience: int,
    progress: bool,
) -> list[Point]:
    """The distinct points that short runs lead to, the best first.

    The pool holds the best few points, for moves to begin at. The search ends when
    ``patience`` starts in a row have found nothing above the best, or when many have
    found the best itself. Where all collapse, it goes on for longer.
    """
    rows, make, tell = sample.rows, _maker(start, sample), _bar(progress)
    patience = 1 if rows.k == 1 else patience  # EM has nothing to choose there
    found, pool = list[Point](), list[Base]()
    since, agree, enough = 0, 0, max(ENOUGH, SHARE * patience)
    while (since < patience or not pool) and len(found) < MOST * patience:
        n = min(room(rows), patience - since % patience)
        starts = [make(len(found) + i, pool, rng) for i in range(n)]
        w = np.array([shares(rows, start(sample.y, rows.k, rng)) for start in starts])
        least = pool[0].value if pool and pool[0].sound else -np.inf
        for run in short_runs(rows, w, least):
            found.append(judged(sample, run, found))
            pool, best = _with(pool, found[-1], sample)
            again = bool(pool) and same(found[-1].value, pool[0].value)
            since, agree = (0, 1) if best else (since + 1, agree + again)
        tell(n)
        if agree >= enough and pool[0].sound:
            break
    return distinct(found)


def _with(pool: list[Base], point: Point, sample: Sample) -> tuple[list[Base], bool]:
    """The pool with a point in it, if that is new and good; and whether it leads."""
    sound = point.verdict == "regular"
    rank = (sound, point.value if sound else point.support)
    low = len(pool) == BEST and rank < pool[-1].rank
    known = any(same(point.value, base.value) for base in pool)
    if point.verdict == "degenerate" or low or known:
        return pool, False
    theta = sample.rows.theta(point.run.state)
    new = Base(rank, point.value, theta.responsibilities(sample.y))
    pool = sorted([*pool, new], key=lambda p: p.rank, reverse=True)[:BEST]
    return pool, pool[0] is new


def distinct(found: list[Point]) -> list[Point]:
    """Each point once, with the number of starts that led there; the best first."""
    points: list[Point] = []
    for point in sorted(found, key=lambda p: -p.value):
        last = points[-1] if points else None
        if last and point.verdict == last.verdict and same(point.value, last.value):
            points[-1] = replace(last, count=last.count + point.count)
        else:
            points.append(point)
    return points


Maker = Callable[[int, list[Base], np.random.Generator], Start]


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
    u = middle(sample.x)
    anew: tuple[Start, ...] = (
        kmeans_plus_plus,
        lambda y, k, rng: k_means(u, k, rng),
        random_examples,
        lambda y, k, rng: cut(u, k, rng),
    )

    def make(i: int, pool: list[Base], rng: np.random.Generator) -> Start:
        if not pool and i >= FIRST:
            return (random_responsibilities, soft_examples)[i % 2]
        if i < FIRST or i % ANEW == 0:
            return anew[i % 4 if i < FIRST else rng.integers(4)]
        best = pool[min(int(rng.exponential(FAVOUR)), len(pool) - 1)]
        return lambda y, k, rng: rearranged(y, best.w, rng)

    return make


def _bar(progress: bool) -> Callable[[int], object]:
    if not progress:
        return lambda n: None
    from tqdm.auto import tqdm

    return tqdm(desc="starts", bar_format="{desc}: {n}, {elapsed}").update
