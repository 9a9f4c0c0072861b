"""Ways to the fixed point of EM: one step after the other, or with longer strides.

Each is a generator. It yields a state to evaluate and is sent back what `Engine.step`
gives there: the next EM step and the log-likelihood, or (None, -inf) where the state
has collapsed. It returns why it ended. A point with a lower log-likelihood than the
best so far is never built upon.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import Literal

import numpy as np
from scipy.special import logsumexp

from emgmm._input import Floats
from emgmm.engine import Engine, State
from emgmm.uncertainty import RIDGE, Curvature, moved

Reason = Literal["converged", "max_iter", "degenerate"]
Step = tuple[State | None, float]
Path = Generator[State, Step, Reason]
Look = Callable[[State], Curvature | None]

MEMORY = 5  # points that an Anderson step combines
FIRST = 2
PATIENCE = 20  # cycles of strides before Newton's method is tried


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


def newton(state: State, tol: float, rounding: float, m: int, look: Look) -> Path:
    """A few EM steps, then Newton's, shortened wherever they do not go uphill."""
    for _ in range(FIRST):
        following, _value = yield state
        if following is None:
            return "degenerate"
        state = following
    at, damping = look(state), 0.0
    while at is not None:
        saddle = at.eigenvalues[0] < -RIDGE and at.decrement > rounding
        if tol > 0 and at.decrement <= max(tol, rounding) and not saddle:
            return "converged"
        trial = moved(state, at.step(damping), m)
        there = None if trial is None else look(trial)
        if (
            trial is not None
            and there is not None
            and there.log_likelihood >= at.log_likelihood - rounding
        ):
            state, at, damping = trial, there, damping / 5
        elif damping < 1:
            damping = max(1e-2, 10 * damping)
        else:
            following, _ = yield state
            if following is None:
                return "degenerate"
            state, at, damping = following, look(following), 0.1
    return "degenerate"


def accelerated(state: State, tol: float, m: int) -> Path:
    """Long strides; now and then plain steps, to see what is left to gain."""
    patience = PATIENCE
    while True:
        state, value = yield from _strides(state, patience)
        if value == -np.inf:
            return "degenerate"
        state, left = yield from _settle(state, m)
        if left == -np.inf:
            return "degenerate"
        if tol > 0 and left <= tol:
            return "converged"
        patience = min(2 * patience, 160)


def _settle(state: State, m: int) -> Generator[State, Step, tuple[State, float]]:
    """Plain steps, until their shrinking tells what is left to gain."""
    gains: list[float] = []
    for _ in range(6):
        following, _ = yield state
        if following is None:
            return state, -np.inf
        gains.append(step_gain(state, following, m))
        state = following
    if gains[-1] < 1e-20 * m:  # rounding: no rate to be seen
        return state, 0.0
    rate = float(np.sqrt(max(gains[-1] / gains[-2], gains[-2] / gains[-3])))
    return state, gains[-1] / (1 - rate) if rate < 1 else np.inf


def settled(engine: Engine, state: State) -> tuple[float, float]:
    """Length of the scaled score, and nats left to gain by EM's rate."""
    following, _ = engine.try_step(state)
    norm = (
        0.0 if following is None else np.sqrt(2 * step_gain(state, following, engine.m))
    )
    path = _settle(state, engine.m)
    state = next(path)
    try:
        while True:
            state = path.send(engine.try_step(state))
    except StopIteration as end:
        return float(norm), float(end.value[1])


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


def _pack(state: State) -> Floats:
    """A state as one vector without constraints: log phi, mu, L with log diagonal."""
    L = state.L.copy()
    i = np.arange(L.shape[1])
    L[:, i, i] = np.log(L[:, i, i])
    return np.concatenate([state.log_phi, state.mu.ravel(), L.ravel()])


def _unpack(u: Floats, k: int, d: int) -> State:
    """The state of a vector; the proportions are normalised."""
    log_phi, mu, L = np.split(u, [k, k + k * d])
    L = L.reshape(k, d, d).copy()
    i = np.arange(d)
    L[:, i, i] = np.exp(L[:, i, i])
    return State(log_phi - logsumexp(log_phi), mu.reshape(k, d), L)


class _Memory:
    """The last few differences of points, and of their EM steps."""

    def __init__(self) -> None:
        self.dx: deque[Floats] = deque(maxlen=MEMORY)
        self.dg: deque[Floats] = deque(maxlen=MEMORY)

    def add(self, a: Floats, Ga: Floats, b: Floats, Gb: Floats) -> None:
        self.dx.append(b - a)
        self.dg.append((Gb - b) - (Ga - a))

    def combine(self, x: Floats, f: Floats) -> Floats:
        """f minus what the differences explain of the residual f - x."""
        dx, dg = np.array(self.dx), np.array(self.dg)
        H = dg @ dg.T
        H[np.diag_indices_from(H)] *= 1 + 1e-10
        H[np.diag_indices_from(H)] += 1e-300
        return f - np.linalg.solve(H, dg @ (f - x)) @ (dx + dg)


# Sent back for a packed state: its EM step, packed, and its log-likelihood.
Packed = Generator[State, Step, tuple[Floats, float]]
Point = tuple[Floats, Floats, float]


def _evaluate(u: Floats, k: int, d: int) -> Packed:
    following, value = yield _unpack(u, k, d)
    return (u, -np.inf) if following is None else (_pack(following), value)


def _strides(state: State, n_steps: int) -> Generator[State, Step, tuple[State, float]]:
    """Anderson steps, and SQUAREM cycles whenever one of them is refused.

    Anderson (1965): the combination of the last few points whose next EM step would be
    shortest. SQUAREM (Varadhan and Roland, 2008): two EM steps, then a stride along
    their change of direction.
    """
    k, d = state.mu.shape
    memory, cycles, pause, cap = _Memory(), 1, 1, 4.0
    x = _pack(state)
    f, value = yield from _evaluate(x, k, d)
    for _ in range(n_steps):
        if value == -np.inf:
            break
        if cycles <= 0:
            trial = memory.combine(x, f)
            Gtrial, there = yield from _evaluate(trial, k, d)
            if there >= value:
                memory.add(x, f, trial, Gtrial)
                x, f, value, pause = trial, Gtrial, there, 1
                continue
            cycles, pause = pause, min(2 * pause, 16)
        (x, f, value), cap = yield from _squarem((x, f, value), memory, cap, k, d)
        cycles -= 1
    return _unpack(x, k, d), value


def _squarem(
    point: Point, memory: _Memory, cap: float, k: int, d: int
) -> Generator[State, Step, tuple[Point, float]]:
    """Two EM steps and a stride, or three EM steps where the stride leads downhill."""
    x, f, _ = point
    f2, value = yield from _evaluate(f, k, d)
    if value == -np.inf:
        return (x, f, value), cap
    memory.add(x, f, f, f2)
    stride = min(_stride(x, f, f2), cap)
    cap = 4 * cap if stride == cap else cap
    far = x + 2 * stride * (f - x) + stride**2 * (f2 - 2 * f + x)
    Gfar, far_value = yield from _evaluate(far, k, d)
    if far_value < value:
        cap, far = max(4.0, cap / 4), f2
        Gfar, far_value = yield from _evaluate(far, k, d)
    if far_value > -np.inf:
        memory.add(f, f2, far, Gfar)
    return (far, Gfar, far_value), cap


def _stride(x: Floats, f: Floats, f2: Floats) -> float:
    """About 1 / (1 - rate of EM), at least 1."""
    r, v = f - x, f2 - 2 * f + x
    return max(1.0, float(np.linalg.norm(r) / max(float(np.linalg.norm(v)), 1e-300)))
