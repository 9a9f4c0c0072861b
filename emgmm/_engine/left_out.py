"""Does each group explain its own rows when they are left out of it?"""

from collections.abc import Iterator

import numpy as np

from emgmm._engine.maximize import State
from emgmm._engine.rows import Rows
from emgmm._input import Floats

NOTHING = 1e-300  # below, a left-out row has taken the group with it


def support(rows: Rows, state: State, equal: Floats) -> Floats:
    """Support (k,) of every group, in nats, :eq:`eq-support`.

    ``equal`` (m,) counts the rows that are equal to each row, itself included: they are
    left out together.
    """
    total, done = np.zeros(rows.k), 0
    with np.errstate(all="ignore"):  # a row that the group cannot do without
        for x in _blocks(rows):
            c, done = equal[done : done + x.shape[1]], done + x.shape[1]
            log_joint, without = _left_out(rows, state, x, c)
            for j in range(rows.k):
                others = np.delete(log_joint, j, axis=0)
                others = np.logaddexp.reduce(others, axis=0)
                total[j] += (np.logaddexp(others, without[j]) - others).sum()
        return total + rows.m * np.log1p(-np.exp(state.log_phi))


def _blocks(rows: Rows) -> Iterator[Floats]:
    out = np.empty((rows.d, rows.size))
    for n in rows.whitened(out):
        yield out[:, :n]


def _left_out(rows: Rows, state: State, x: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Log-joints (k, n) as they are, and with each row left out of the M-step."""
    r = x - state.mu[:, :, None]
    z = np.square(state.W @ r).sum(axis=1)
    log_joint = state.log_constant[:, None] - 0.5 * z
    N = rows.m * np.exp(state.log_phi)[:, None]
    w = c * np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=0))
    rest = np.maximum(N - w, NOTHING)
    change = _full if rows.family == "full" else _columns
    log_det, D2 = change(rows, state, r, z, w / rest, N / rest)
    log_phi = np.log(rest / (rows.m - c))
    shift = log_phi - state.log_phi[:, None] - 0.5 * log_det - 0.5 * D2
    return log_joint, state.log_constant[:, None] + shift


def _full(
    rows: Rows, state: State, r: Floats, z: Floats, a: Floats, b: Floats
) -> tuple[Floats, Floats]:
    """Change of log det Sigma, and D^2, where Sigma becomes b (Sigma - a r r^T)."""
    left = np.maximum(1 - a * z, NOTHING)
    return rows.d * np.log(b) + np.log(left), b * z / left


def _columns(
    rows: Rows, state: State, r: Floats, z: Floats, a: Floats, b: Floats
) -> tuple[Floats, Floats]:
    """The same where Sigma is diagonal, or a number times the identity."""
    square = r * r
    moved = square
    if rows.family == "spherical":
        moved = np.broadcast_to(square.mean(axis=1, keepdims=True), r.shape)
    old = np.square(state.L).sum(axis=2)[:, :, None]
    new = b[:, None] * np.maximum(old - a[:, None] * moved, NOTHING * old)
    return np.log(new / old).sum(axis=1), (b**2) * (square / new).sum(axis=1)


def equal_rows(rows: Rows) -> Floats:
    """How many rows equal each row, itself included."""
    y = np.concatenate([x.T.round(10) for x in _blocks(rows)])
    _, which, counts = np.unique(y, axis=0, return_inverse=True, return_counts=True)
    return counts[which.ravel()].astype(float)
