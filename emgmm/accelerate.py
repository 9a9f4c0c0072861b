"""Ways to the fixed point of EM: one step after the other, or many at once.

Each is a generator. It yields a state to evaluate and is sent back what `Engine.step`
gives there: the next EM step and the log-likelihood, or (None, -inf) where the state
has collapsed. It returns why it ended. A point with a lower log-likelihood than the
best so far is never built upon.
"""

from collections.abc import Callable, Generator
from typing import Literal

import numpy as np

from emgmm._input import Floats
from emgmm.engine import Engine, State
from emgmm.uncertainty import RIDGE, Curvature, moved, size

Reason = Literal["converged", "max_iter", "degenerate"]
Step = tuple[State | None, float]
Path = Generator[State, Step, Reason]
Look = Callable[[State | None], Curvature | None]

NOTHING = 1e-20  # nats per row: rounding, in which no rate is to be seen
AT_ONCE = 2.0  # EM steps taken together where the curvature is first seen
GROW, SHRINK = 3.0, 8.0  # of that number, after a step that was right or wrong
REACH = 0.1  # how far, relative to the moments, steps taken together may lead


def plain(state: State, tol: float, rounding: float) -> Path:
    """EM as it is, until what is left to gain is at most ``tol``."""
    trace: list[float] = []
    while True:
        following, value = yield state
        trace.append(value)
        if tol > 0 and still_to_gain(trace, rounding) <= tol:
            return "converged"
        if following is None or value == -np.inf:
            return "degenerate"
        state = following


def still_to_gain(trace: list[float], rounding: float) -> float:
    """Nats still to come if the gains go on shrinking as they do.

    A plateau shows small gains too, but they do not shrink: hence the larger of the
    last two rates, and no answer (infinity) while it is 1 or more.
    """
    if len(trace) < 4:
        return np.inf
    gains = np.maximum(np.diff(trace[-4:]), rounding)
    if gains.max() == rounding:
        return 0.0
    rate = (gains[1:] / gains[:-1]).max()
    return float(gains[-1] * rate / (1 - rate)) if rate < 1 else np.inf


def accelerated(engine: Engine, state: State, tol: float, look: Look) -> Path:
    """Plain EM while that is quick, then many of its steps at once."""
    start, arrived = yield from _quick(engine, state, tol)
    if start is not None and arrived:
        yield start
        return "converged"
    at, n = look(start), AT_ONCE
    while at is not None:
        if tol > 0 and _arrived(at, tol, engine.rounding):
            return "converged"
        n, step, promised = _within_reach(at, n, engine.m)
        there = look(moved(engine, at.state, step))
        if there is not None and (n == 1 or _kept(promised, at, there, engine)):
            at, n = there, max(AT_ONCE, GROW * n)
        elif n > 1:
            n = max(1.0, n / SHRINK)
        else:
            at = None
    return "degenerate"


def _quick(
    engine: Engine, state: State, tol: float
) -> Generator[State, Step, tuple[State | None, bool]]:
    """EM steps while they are quick; where they led, and whether that is the end.

    A look at the curvature costs about as much as a quarter of a pass for each number
    in the score, and several are needed: EM that needs fewer passes than these goes on.
    It has the last word on where it arrived only if one look would cost more than all
    its passes: a look knows a saddle from a maximum.
    """
    gains, left, price = list[float](), np.inf, size(engine) // 4
    while left > 0 and (len(gains) < 3 + price // 2 or left <= 8 + 4 * price):
        following, _ = yield state
        if following is None:
            return None, False
        gains.append(step_gain(state, following, engine.m))
        state, left = following, passes_left(gains, tol, engine.m)
    return state, left <= 0 and len(gains) < price


def passes_left(gains: list[float], tol: float, m: int) -> float:
    """EM steps until at most ``tol`` is left, if the gains go on shrinking."""
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


def _kept(promised: float, at: Curvature, there: Curvature, engine: Engine) -> bool:
    """Nothing lost, and about the gain that the linear approximation promised."""
    gain = there.log_likelihood - at.log_likelihood
    low, high = sorted((gain, promised))
    return gain >= -engine.rounding and high <= 4 * (low + engine.rounding)


def settled(engine: Engine, state: State) -> tuple[float, float]:
    """Length of the scaled score, and nats left to gain by the rate of a few steps."""
    gains: list[float] = []
    for _ in range(6):
        following, _ = engine.try_step(state)
        if following is None:
            return 0.0, np.inf  # about to collapse: there is no top
        gains.append(step_gain(state, following, engine.m))
        state = following
    norm, (a, b, c) = float(np.sqrt(2 * gains[0])), gains[-3:]
    if c < NOTHING * engine.m:
        return norm, 0.0
    rate = float(np.sqrt(max(c / b, b / a)))
    return norm, c / (1 - rate) if rate < 1 else np.inf


def step_gain(old: State, new: State, m: int) -> float:
    """What the M-step alone adds to F, in nats, without a difference of large numbers.

    It is m phi_j times the Kullback-Leibler divergence of the new group j from the
    old one, and m times that of the new proportions from the old ones.
    """
    d = old.mu.shape[1]
    W, N = np.linalg.solve(old.L, np.eye(d)), m * np.exp(new.log_phi)
    E = W @ new.L - np.eye(d)
    shift = (W @ (new.mu - old.mu)[:, :, None])[:, :, 0]
    e = E.diagonal(axis1=1, axis2=2)
    u = np.expm1(old.log_phi - new.log_phi)
    squares = (E * E).sum(axis=(1, 2)) + (shift * shift).sum(axis=1)
    kl = 0.5 * squares + (e - np.log1p(e)).sum(axis=1) + u - np.log1p(u)
    return float(N @ kl)
