"""Up to 10,000 rows that stand for all: starts are made and compared on them."""

from dataclasses import dataclass

import numpy as np

from emgmm._engine.left_out import equal_rows
from emgmm._engine.maximize import State
from emgmm._engine.rows import Rows
from emgmm._input import Floats

SAMPLE = 10_000  # rows


@dataclass(frozen=True)
class Sample:
    """Some of the rows: x in the units they came in, y whitened, `Rows` of these.

    ``equal`` counts for each row how many there are of it.
    """

    x: Floats
    y: Floats
    rows: Rows
    equal: Floats

    def outside(self, state: State) -> State:
        """A state of the sample as one of all rows."""
        mu = self.rows.center + state.mu @ self.rows.unit.T
        return State(state.log_phi, mu, self.rows.unit @ state.L)

    def inside(self, state: State) -> State:
        """A state of all rows as one of the sample."""
        mu = (state.mu - self.rows.center) @ self.rows.to_unit.T
        return State(state.log_phi, mu, self.rows.to_unit @ state.L)


def sampled(rows: Rows) -> Sample:
    """The sample of the rows, whatever their order."""
    y = _some(rows)
    small = Rows(y, rows.k, rows.family)
    return Sample(y @ rows.unit.T, y, small, equal_rows(small))


def _some(rows: Rows) -> Floats:
    """Up to 10,000 distinct whitened rows, as often as they are due, nearest first.

    They are chosen by a hash of their values, and sorted by their distance from the
    center: neither the order of the rows nor a rotation changes that.
    """
    direction = np.sqrt(np.arange(2, rows.d + 2))
    keys, counts, y = np.empty(0), np.empty(0), np.empty((0, rows.d))
    out = np.empty((rows.d, rows.size))
    for n in rows.whitened(out):
        new = out[:, :n].T.round(10)
        key = np.mod(1e6 * (new @ direction), 1)
        likely = key <= (keys[-1] if len(keys) == SAMPLE else 1)
        new, keys = new[likely], np.concatenate([keys, key[likely]])
        keys, first, which = np.unique(keys, return_index=True, return_inverse=True)
        weights = np.concatenate([counts, np.ones(len(new))])
        counts = np.bincount(which, weights).astype(float)[:SAMPLE]
        y, keys = np.concatenate([y, new])[first[:SAMPLE]], keys[:SAMPLE]
    share = min(1, SAMPLE / rows.m)
    y = np.repeat(y, np.maximum(1, np.rint(counts * share)).astype(int), axis=0)
    return y[np.lexsort([*y.T[::-1], (y * y).sum(axis=1).round(8)])]
