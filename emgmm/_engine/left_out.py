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
    """Log-joints (k, n), and with each row left out, :eq:`step-left-out`."""
    r = x - state.mu[:, :, None]
    D2 = np.square(state.W @ r).sum(axis=1)
    log_joint = state.log_constant[:, None] - 0.5 * D2
    N = rows.m * np.exp(state.log_phi)[:, None]
    cw = c * np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=0))
    N_left = np.maximum(N - cw, NOTHING)
    change = _full if rows.family == "full" else _columns
    log_det, D2_left = change(rows, state, r, D2, cw / N_left, N / N_left)
    log_phi = np.log(N_left / (rows.m - c))
    shift = log_phi - state.log_phi[:, None] - 0.5 * log_det - 0.5 * D2_left
    return log_joint, state.log_constant[:, None] + shift


def _full(
    rows: Rows, state: State, r: Floats, D2: Floats, pull: Floats, swell: Floats
) -> tuple[Floats, Floats]:
    """Change of log det Sigma, and D^2 from the mean that is left.

    Sigma becomes swell (Sigma - pull r r^T), and r becomes swell r: a matrix less one
    product has a determinant 1 - pull D^2 times as large.
    """
    left = np.maximum(1 - pull * D2, NOTHING)
    return rows.d * np.log(swell) + np.log(left), swell * D2 / left


def _columns(
    rows: Rows, state: State, r: Floats, D2: Floats, pull: Floats, swell: Floats
) -> tuple[Floats, Floats]:
    """The same where Sigma is diagonal, or a number times the identity."""
    square = r * r
    taken = square
    if rows.family == "spherical":
        taken = np.broadcast_to(square.mean(axis=1, keepdims=True), r.shape)
    old = np.square(state.L).sum(axis=2)[:, :, None]
    new = swell[:, None] * np.maximum(old - pull[:, None] * taken, NOTHING * old)
    return np.log(new / old).sum(axis=1), (swell**2) * (square / new).sum(axis=1)


def equal_rows(rows: Rows) -> Floats:
    """How many rows equal each row, itself included."""
    y = np.concatenate([x.T.round(10) for x in _blocks(rows)])
    _, which, counts = np.unique(y, axis=0, return_inverse=True, return_counts=True)
    return counts[which.ravel()].astype(float)
