"""Short runs: how far up a start leads, and whether a sound point is there.

Internal: `fit` searches, and is what to call.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emgmm._engine.abreast import MOST, abreast, first_each, room
from emgmm._engine.climb import Log, Reason, Run, many_at_once, still_to_gain
from emgmm._engine.curvature import Curvature, size
from emgmm._engine.left_out import support
from emgmm._engine.maximize import State
from emgmm._engine.rows import Rows
from emgmm._engine.sample import Sample
from emgmm._input import Floats
from emgmm.em import Verdict, climb

LOOSE = 1e-4  # nats: a short run ends where so much is still to come
SAME = 10 * LOOSE  # two short runs this near have found the same point
NEAR = 1.0  # nats below its top, the parabola tells how high that is
FEW = 30  # EM steps after which it shows whether a start is hopeful
AHEAD = 50.0  # steps like the last one that it may still make
LONG = 80  # EM steps of a hopeful start among many, before looks at the curvature
LONGER = 300  # and without, where looks are dear
SHORT = 60  # looks at most
EVEN = 0.2  # of every row is shared alike where a group would start flat
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


@np.errstate(all="ignore")  # a trial may lie anywhere; whoever collapses is reported
def short_runs(rows: Rows, w: Floats, least: float = -np.inf) -> list[Run]:
    """Up from responsibilities (b, m, k) to where they lead, loosely.

    After a few steps a run goes on only if it may still rise above ``least``. A start
    with a flat group is evened a little; if it is flat even so, it leads nowhere.
    """
    states = first_each(rows, w)
    flat = [i for i, state in enumerate(states) if state is None]
    if flat:
        even = iter(first_each(rows, (1 - EVEN) * w[flat] + EVEN / rows.k))
        states = [state or next(even) for state in states]
    solid = [state for state in states if state is not None]
    runs = iter(_climbed(rows, solid, least)) if solid else iter(())
    nowhere = Run(rows.everyone(), np.array([-np.inf]), "degenerate")
    return [nowhere if state is None else next(runs) for state in states]


def _climbed(rows: Rows, states: list[State], least: float) -> list[Run]:
    """Up from each state, as long as it stays hopeful: abreast, then each alone.

    A look at the curvature costs about a quarter of a pass for each number in the
    score: where that is more than a few EM steps, these go on. They go on for a while,
    too, where many states share their calls.
    """
    dear = size(rows) // 4 > FEW
    steps = LONGER if dear else LONG if room(rows) == MOST else FEW

    def done(trace: Floats) -> Reason | None:
        if still_to_gain(trace, rows.rounding) <= LOOSE:
            return "converged"
        return "max_iter" if len(trace) > FEW and not hopeful(trace, least) else None

    def alone(run: Run) -> Run:
        if run.reason != "max_iter" or not hopeful(run.trace, least):
            return run
        if not dear:
            return _with_looks(rows, run, least)
        return climb(rows, run.state, LOOSE, steps + 1 - len(run.trace), False)

    runs = abreast(rows, states, steps, done)
    return [alone(run) for run in runs]


def _with_looks(rows: Rows, run: Run, least: float) -> Run:
    """Many EM steps at once, until a look shows that the top is not above ``least``."""

    def enough(at: Curvature) -> bool:
        near = at.decrement < NEAR
        return near and at.log_likelihood + at.decrement < least - SAME

    log = Log(rows, run.state, SHORT, None)
    reason = many_at_once(log, run.state, LOOSE, enough)
    return Run(log.best, np.array(log.trace or run.trace[-1:]), reason)


def hopeful(trace: Floats, least: float) -> bool:
    """Would it pass ``least``, if it went on for a while as it did in the last step?"""
    gain = trace[-1] - trace[-2:][0]
    return bool(trace[-1] + AHEAD * gain > least)


def judged(sample: Sample, run: Run, known: Sequence[Point] = ()) -> Point:
    """Sound or not: the support of the least supported group, :eq:`eq-sound`.

    A point that is ``known`` already has the support that was found then. With one
    group, and with one covariance for all, the likelihood has an upper bound: what is a
    strict maximum there is sound.
    """
    rows, value = sample.rows, float(run.trace[-1])
    if collapsed(run):
        return Point(run, "degenerate", -np.inf)
    if rows.k == 1 or rows.family.startswith("tied"):
        return Point(run, "regular", np.inf)
    for point in known:
        if point.verdict != "degenerate" and same(point.value, value):
            return Point(run, point.verdict, point.support)
    least = float(support(rows, run.state, sample.equal).min())
    sound = least > (rows.d + 1) * np.log(rows.m)
    return Point(run, "regular" if sound else "spurious", least)


def collapsed(run: Run) -> bool:
    """Has a group become flat, or is it about to?"""
    thickness = float(np.linalg.svd(run.state.L, compute_uv=False).min() ** 2)
    if run.reason == "degenerate" or thickness < THINNEST:
        return True
    return run.reason == "max_iter" and thickness < THIN


def same(a: float, b: float) -> bool:
    """Are the log-likelihoods those of one point?"""
    # Two that failed are the same: there is no gap between infinities.
    return a == b or abs(a - b) < SAME
