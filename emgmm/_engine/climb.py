"""What was seen on the way up, and a way that takes many EM steps at once.

A point with a lower log-likelihood than the best so far is never built upon.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite
from typing import Literal

import numpy as np

from emgmm._engine.curvature import RIDGE, Curvature, look, moved, size
from emgmm._engine.expect import expect
from emgmm._engine.maximize import Moments, State, maximize
from emgmm._engine.rows import Rows
from emgmm._input import Floats

Reason = Literal["converged", "max_iter", "degenerate"]
Watch = Callable[[int, State, float], object]

SHORTEST = 4  # log-likelihoods that show a rate
NOTHING = 1e-20  # nats per row: rounding, in which no rate is to be seen
AT_ONCE = 2.0  # EM steps taken together where the curvature is first seen
GROW, SHRINK = 3.0, 8.0  # of that number, after a step that was right or wrong
REACH = 0.1  # how far, relative to the moments, steps taken together may lead


@dataclass(frozen=True)
class Run:
    """A way walked to its end: the best state, the log-likelihoods, why it ended.

    ``at`` is the curvature there, if it was looked at.
    """

    state: State
    trace: Floats
    reason: Reason
    at: Curvature | None = None


class Log:
    """Every pass over the rows: counted, and the best state kept."""

    def __init__(
        self, rows: Rows, state: State, max_iter: int, watch: Watch | None
    ) -> None:
        self.rows, self.best, self.trace = rows, state, list[float]()
        self.at: Curvature | None = None
        self.max_iter, self.watch = max_iter, watch

    @property
    def room(self) -> bool:
        """May there be another pass?"""
        return len(self.trace) <= self.max_iter

    def expect(self, state: State) -> Moments:
        """The E-step; the log-likelihood goes into the trace."""
        moments, value = expect(self.rows, state)
        self._record(state, value)
        return moments

    def look(self, state: State) -> Curvature | None:
        """The curvature; the log-likelihood goes into the trace."""
        at = look(self.rows, state)
        if at is not None:
            self._record(state, at.log_likelihood)
            self.at = at
        return at

    def _record(self, state: State, value: float) -> None:
        if not isfinite(value):
            return
        # The newest of those that differ by rounding only: tol=0 ends at the last one.
        if not self.trace or value >= self.trace[-1] - self.rows.rounding:
            self.best = state
        self.trace.append(max([value, *self.trace[-1:]]))
        if self.watch is not None:
            self.watch(len(self.trace) - 1, self.best, self.trace[-1])


def still_to_gain(trace: Sequence[float] | Floats, rounding: float) -> float:
    """Nats still to come if the gains go on shrinking as they do.

    A plateau shows small gains too, but they do not shrink: hence the larger of the
    last two rates, and no answer (infinity) while it is 1 or more.
    """
    if len(trace) < SHORTEST:
        return inf
    last = trace[-SHORTEST:]
    a, b, c = (max(after - before, rounding) for before, after in pairwise(last))
    if max(a, b, c) == rounding:
        return 0.0
    rate = max(b / a, c / b)
    return c * rate / (1 - rate) if rate < 1 else inf


def accelerated(log: Log, state: State, tol: float) -> Reason:
    """Plain EM while that is quick, then many of its steps at once."""
    start, arrived = _quick(log, state, tol)
    if start is None:
        return "degenerate"
    if not log.room:
        return "max_iter"
    if arrived:
        log.expect(start)
        return "converged"
    return many_at_once(log, start, tol)


def many_at_once(
    log: Log,
    state: State,
    tol: float,
    enough: Callable[[Curvature], bool] = lambda at: False,
) -> Reason:
    """Look at the curvature, take as many EM steps together as it allows, repeat."""
    rows, at, n = log.rows, log.look(state), AT_ONCE
    while at is not None:
        if tol > 0 and _arrived(at, tol, rows.rounding):
            return "converged"
        if enough(at):
            return "max_iter"
        n, step, promised = _within_reach(at, n, rows.m)
        trial = maximize(moved(rows, at.state, step), rows.family)
        if trial is not None and not log.room:
            return "max_iter"
        there = None if trial is None else log.look(trial)
        if there is not None and (n == 1 or _kept(promised, at, there, rows)):
            at, n = there, max(AT_ONCE, GROW * n)
        elif n > 1:
            n = max(1.0, n / SHRINK)
        else:
            at = None
    return "degenerate"


def _quick(log: Log, state: State, tol: float) -> tuple[State | None, bool]:
    """EM steps while they are quick; where they led, and whether that is the end.

    A look at the curvature costs about as much as a quarter of a pass for each number
    in the score, and several are needed: EM that needs fewer passes than these goes on.
    It has the last word on where it arrived only if one look would cost more than all
    its passes: a look knows a saddle from a maximum.
    """
    rows, price = log.rows, size(log.rows) // 4
    gains, left = list[float](), np.inf
    while left > 0 and (len(gains) < 3 + price // 2 or left <= 8 + 4 * price):
        if not log.room:
            return state, False
        following = maximize(log.expect(state), rows.family)
        if following is None:
            return None, False
        gains.append(step_gain(state, following, rows.m))
        state, left = following, passes_left(gains, tol, rows.m)
    return state, left <= 0 and len(gains) < price


def passes_left(gains: list[float], tol: float, m: int) -> float:
    """EM steps until at most ``tol`` is left, if the gains go on shrinking.

    In the units of the slope U, the M-step alone gains U^2 / 2, and the top is
    U^2 / 2 / (1 - lambda) higher, :eq:`eq-certificate` along the direction that EM
    creeps in. Each step leaves lambda^2 of both: their rate is r = lambda^2.
    """
    if len(gains) < 3 or tol == 0:
        return np.inf
    if gains[-1] < NOTHING * m:
        return 0.0
    a, b, c = np.array(gains[-3:])
    r = max(c / b, b / a)
    if not r < 1:
        return np.inf
    return float(np.log(c * r / (1 - np.sqrt(r)) / tol) / -np.log(r))


def _arrived(at: Curvature, tol: float, rounding: float) -> bool:
    saddle = at.eigenvalues[0] < -RIDGE and at.slope > rounding
    return at.slope <= max(tol, rounding) and not saddle


def _within_reach(at: Curvature, n: float, m: int) -> tuple[float, Floats, float]:
    """As many of n steps as lead no further than the linear approximation holds."""
    step, promised = at.steps_ahead(n)
    while n > 1 and not np.linalg.norm(step) <= REACH * np.sqrt(m):
        n = max(1.0, n / 2)
        step, promised = at.steps_ahead(n)
    return n, step, promised


def _kept(promised: float, at: Curvature, there: Curvature, rows: Rows) -> bool:
    """Nothing lost, and about the gain that the linear approximation promised."""
    gain = there.log_likelihood - at.log_likelihood
    low, high = sorted((gain, promised))
    return gain >= -rows.rounding and high <= 4 * (low + rows.rounding)


def settled(rows: Rows, state: State) -> tuple[float, float]:
    """Length of the scaled score, and nats left to gain by the rate of a few steps."""
    gains: list[float] = []
    for _ in range(6):
        following = maximize(expect(rows, state)[0], rows.family)
        if following is None:
            return 0.0, np.inf  # about to collapse: there is no top
        gains.append(step_gain(state, following, rows.m))
        state = following
    norm, (a, b, c) = float(np.sqrt(2 * gains[0])), gains[-3:]
    if c < NOTHING * rows.m:
        return norm, 0.0
    rate = float(np.sqrt(max(c / b, b / a)))
    return norm, c / (1 - rate) if rate < 1 else np.inf


def step_gain(old: State, new: State, m: int) -> float:
    """What the M-step alone adds to F, in nats, without a difference of large numbers.

    It is m phi_j times the Kullback-Leibler divergence of the new group j from the
    old one, and m times that of the new proportions from the old ones.
    """
    d = old.mu.shape[1]
    N = m * np.exp(new.log_phi)
    E = old.W @ new.L - np.eye(d)
    shift = (old.W @ (new.mu - old.mu)[:, :, None])[:, :, 0]
    e = E.diagonal(axis1=1, axis2=2)
    u = np.expm1(old.log_phi - new.log_phi)
    squares = (E * E).sum(axis=(1, 2)) + (shift * shift).sum(axis=1)
    kl = 0.5 * squares + (e - np.log1p(e)).sum(axis=1) + u - np.log1p(u)
    return float(N @ kl)
