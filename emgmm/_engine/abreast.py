"""EM from many starts abreast: on few rows the calls take the time, not the arithmetic.

A stack of states goes through the same formulas as one state.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from emgmm._engine.climb import Reason, Run
from emgmm._engine.expect import KAPPA, coefficients, expect, given, matrices, softmax
from emgmm._engine.maximize import Moments, State, maximize
from emgmm._engine.rows import WORK, Rows
from emgmm._input import Floats

MOST = 16  # states abreast: with more, the calls take little of the time
EVERY = 5  # steps, it is asked who is done

Done = Callable[[Floats], Reason | None]


def room(rows: Rows) -> int:
    """How many states go abreast: their log-joints stay in the cache."""
    return max(1, min(MOST, WORK // (rows.k * min(rows.m, rows.size))))


def abreast(rows: Rows, states: Sequence[State], steps: int, done: Done) -> list[Run]:
    """So many EM steps from each state, or fewer: until its trace is ``done``.

    One whose next state is too narrow for products of features stops as well.
    """
    runs: dict[int, Run] = {}
    trace = np.empty((steps + 1, len(states)))
    going, stack = np.arange(len(states)), stacked(states)
    for step in range(steps + 1):
        moments, trace[step, going] = expect_each(rows, stack)
        following, alive = maximize_each(moments, stack, rows.family)
        out = (following.kappa >= KAPPA) | (step == steps)
        reasons = _reasons(trace[: step + 1, going], alive, out, done)
        for at, reason in enumerate(reasons):
            if reason is not None:
                i = going[at]
                runs[i] = Run(stack[at], trace[: step + 1, i].copy(), reason)
        stays = np.array([reason is None for reason in reasons])
        if not stays.any():
            break
        going, stack = going[stays], following[stays]
    return [runs[i] for i in range(len(states))]


def _reasons(
    trace: Floats, alive: NDArray[np.bool_], out: NDArray[np.bool_], done: Done
) -> list[Reason | None]:
    """For each of those on the way, why it has ended, or None."""
    asked = (len(trace) - 1) % EVERY == 0
    reasons = [done(column) if asked else None for column in trace.T]
    for at in np.flatnonzero(out):
        reasons[at] = reasons[at] or "max_iter"
    for at in np.flatnonzero(~alive):
        reasons[at] = "degenerate"
    return reasons


def stacked(states: Sequence[State]) -> State:
    """Many states as one, with an axis in front."""
    return State(
        np.array([state.log_phi for state in states]),
        np.array([state.mu for state in states]),
        np.array([state.L for state in states]),
    )


def expect_each(rows: Rows, stack: State) -> tuple[Moments, Floats]:
    """`expect` for every state of a stack: one product for all their groups."""
    if rows.apart:
        each = [expect(rows, stack[i]) for i in range(len(stack.mu))]
        M = np.array([moments.M for moments, _ in each])
        return Moments(M, origin=stack), np.array([value for _, value in each])
    Theta = coefficients(stack, rows.family)
    groups = Theta.reshape(-1, Theta.shape[-1])
    sums = np.zeros(groups.shape)
    values = np.full(len(Theta), -rows.m * rows.log_det_unit)
    for T in rows.features():
        w = groups @ T
        top = np.empty((len(Theta), T.shape[1]))
        values += softmax(w.reshape(len(Theta), -1, T.shape[1]), top)
        sums += w @ T.T
    return Moments(matrices(sums.reshape(Theta.shape), rows.d, rows.family)), values


def maximize_each(
    moments: Moments, stack: State, family: str
) -> tuple[State, NDArray[np.bool_]]:
    """`maximize` for every state of a stack; one that collapses stays as it is."""
    together = maximize(moments, family)
    if together is not None:
        return together, np.ones(len(moments.M), bool)
    origin = moments.origin
    each = [
        maximize(Moments(M, origin and origin[i]), family)
        for i, M in enumerate(moments.M)
    ]
    states = [new or stack[i] for i, new in enumerate(each)]
    return stacked(states), np.array([new is not None for new in each])


def first_each(rows: Rows, w: Floats) -> list[State | None]:
    """The M-step of responsibilities (b, m, k); None where a group collapses."""
    return [maximize(Moments(M), rows.family) for M in given(rows, w).M]
