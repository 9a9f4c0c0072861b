"""Ways to the fixed point of EM: one step after the other, or with longer strides.

Each is a generator: it yields a point u to evaluate and is sent back (G(u), value),
with G one EM iteration and value the log-likelihood at u; (None, -inf) means that u
was no valid point. A point whose value is lower than the best so far is never built
upon, so the trace of the best never falls.
"""

from collections import deque
from collections.abc import Generator

import numpy as np
from scipy.special import logsumexp

from emgmm._input import Floats
from emgmm.engine import State

Path = Generator[Floats, tuple[Floats | None, float], None]


def pack(state: State) -> Floats:
    """A state as one vector without constraints: log phi, mu, L with log diagonal."""
    L = state.L.copy()
    i = np.arange(L.shape[1])
    L[:, i, i] = np.log(L[:, i, i])
    return np.concatenate([state.log_phi, state.mu.ravel(), L.ravel()])


def unpack(u: Floats, k: int, d: int) -> State:
    """The state of a vector; the proportions are normalised."""
    log_phi, mu, L = np.split(u, [k, k + k * d])
    L = L.reshape(k, d, d).copy()
    i = np.arange(d)
    L[:, i, i] = np.exp(L[:, i, i])
    return State(log_phi - logsumexp(log_phi), mu.reshape(k, d), L)


def plain(u: Floats) -> Path:
    """EM as it is."""
    while True:
        u, _ = yield u


def accelerated(x: Floats, memory: int = 5) -> Path:
    """Anderson steps, and SQUAREM cycles whenever one of them is refused.

    Anderson (1965): the combination of the last few points whose next EM step would be
    shortest. SQUAREM (Varadhan and Roland, 2008): two EM steps, then a stride along
    their change of direction.
    """
    f, value = yield x
    dx: deque[Floats] = deque(maxlen=memory)
    dg: deque[Floats] = deque(maxlen=memory)
    cycles, pause, cap = 1, 1, 4.0

    def remember(a: Floats, Ga: Floats, b: Floats, Gb: Floats) -> None:
        dx.append(b - a)
        dg.append((Gb - b) - (Ga - a))

    while True:
        if cycles <= 0:
            trial = _anderson(f, f - x, np.array(dx), np.array(dg))
            Gtrial, trial_value = yield trial
            if trial_value >= value:
                remember(x, f, trial, Gtrial)
                x, f, value, pause = trial, Gtrial, trial_value, 1
                continue
            cycles, pause = pause, min(2 * pause, 16)
        f2, value = yield f
        remember(x, f, f, f2)
        stride = min(_stride(x, f, f2), cap)
        cap = 4 * cap if stride == cap else cap
        far = x + 2 * stride * (f - x) + stride**2 * (f2 - 2 * f + x)
        Gfar, far_value = yield far
        if far_value < value:
            cap = max(4.0, cap / 4)
            far = f2
            Gfar, far_value = yield far
        remember(f, f2, far, Gfar)
        x, f, value = far, Gfar, far_value
        cycles -= 1


def _stride(x: Floats, f: Floats, f2: Floats) -> float:
    """About 1 / (1 - rate of EM), at least 1."""
    r, v = f - x, f2 - 2 * f + x
    return max(1.0, float(np.linalg.norm(r) / max(np.linalg.norm(v), 1e-300)))


def _anderson(f: Floats, g: Floats, dx: Floats, dg: Floats) -> Floats:
    """f minus what the remembered differences explain of the residual g."""
    H = dg @ dg.T
    H[np.diag_indices_from(H)] *= 1 + 1e-10
    H[np.diag_indices_from(H)] += 1e-300
    c = np.linalg.solve(H, dg @ g)
    return f - c @ (dx + dg)
