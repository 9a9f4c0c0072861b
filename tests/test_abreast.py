"""Many EM runs at once are the runs that each would be alone."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import DATA, random_mixture

from emgmm import FAMILIES, em
from emgmm._engine import abreast as side
from emgmm._engine.abreast import (
    abreast,
    expect_each,
    first_each,
    maximize_each,
    room,
    stacked,
)
from emgmm._engine.expect import KAPPA, expect
from emgmm._engine.maximize import Moments, State
from emgmm._engine.rows import Rows

X = DATA["iris"].x


def starts(k, b=5):
    return np.random.default_rng(0).dirichlet(np.full(k, 0.3), (b, len(X)))


def goes_on(trace):
    return None


def as_rows(x, k, family, blocks):
    """The rows as they are, or in two blocks, which are never kept."""
    return Rows((lambda: [x[:70], x[70:]]) if blocks else x, k, family)


@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_runs_abreast_are_the_runs_of_em(family, blocks):
    w = starts(3)
    rows = as_rows(X, 3, family, blocks)
    runs = abreast(rows, first_each(rows, w), 12, goes_on)
    for each, run in zip(w, runs):
        right = em(X, each, family=family, tol=0, max_iter=12)
        assert_allclose(run.trace, right.trace, rtol=1e-11)
        assert run.reason == "max_iter"
        theta = rows.theta(run.state)
        for name in ("phi", "mu", "Sigma"):
            assert_allclose(getattr(theta, name), getattr(right.theta, name), atol=1e-8)


def test_the_step_of_a_stack_is_that_of_each_state():
    rows = Rows(X, 3)
    states = [rows.state(random_mixture(seed, 3, 4)) for seed in range(4)]
    moments, values = expect_each(rows, stacked(states))
    following, alive = maximize_each(moments, stacked(states), "full")
    assert alive.all()
    for i, state in enumerate(states):
        right, value = expect(rows, state)
        assert values[i] == pytest.approx(value, rel=1e-12)
        assert_allclose(moments.M[i], right.M, rtol=1e-9, atol=1e-9)
        Sigma = following[i].L @ following[i].L.mT
        assert_allclose(Sigma, covariances(right), atol=1e-10)


def covariances(moments):
    M = moments.M
    mu = M[:, 1:, 0] / M[:, :1, 0]
    S = M[:, 1:, 1:] / M[:, :1, :1]
    return S - mu[:, :, None] * mu[:, None, :]


def test_who_is_done_leaves_and_the_others_go_on():
    rows, w = Rows(X, 2), starts(2)
    alone = abreast(rows, first_each(rows, w), 20, goes_on)
    high = sorted(run.trace[side.EVERY] for run in alone)[2]

    def done(trace):
        return "converged" if trace[-1] >= high else None

    runs = abreast(rows, first_each(rows, w), 20, done)
    lengths = {len(run.trace) - 1 for run in runs}
    assert side.EVERY in lengths
    assert all(n % side.EVERY == 0 for n in lengths)
    for run, right in zip(runs, alone):
        n = len(run.trace)
        assert_allclose(run.trace, right.trace[:n], rtol=1e-12)
        assert (run.reason == "converged") == (run.trace[-1] >= high)


def test_one_that_collapses_ends_alone():
    rows = Rows(X, 2)
    good, other = first_each(rows, starts(2, 2))
    # Around one row, a group that nothing but this row belongs to.
    mu = np.stack([(X[0] - rows.center) @ rows.to_unit.T, other.mu[1]])
    thin = State(other.log_phi, mu, other.L * np.array([1e-4, 1.0])[:, None, None])
    runs = abreast(rows, [good, thin, good], 5, goes_on)
    assert [run.reason for run in runs] == ["max_iter", "degenerate", "max_iter"]
    assert [len(run.trace) for run in runs] == [6, 1, 6]
    assert runs[1].state.mu.tolist() == thin.mu.tolist()
    assert runs[0].trace.tolist() == runs[2].trace.tolist()


def test_one_that_gets_narrow_stops_before():
    x = np.concatenate([np.linspace(-1, 1, 50), 1e-2 * np.linspace(-1, 1, 50) + 30])
    rows = Rows(np.append(x, -300.0), 2)  # so far out that a group is narrow
    w = np.repeat([[0.9, 0.1], [0.1, 0.9], [1.0, 0.0]], [50, 50, 1], axis=0)
    (run,) = abreast(rows, first_each(rows, w[None]), 50, goes_on)
    assert run.reason == "max_iter"
    assert len(run.trace) < 51
    assert run.state.kappa < KAPPA


def test_a_flat_group_has_no_first_state():
    rows, w = Rows(X, 2), starts(2, 2)
    w[1] = np.eye(2)[np.r_[0, np.ones(len(X) - 1, int)]]
    good, flat = first_each(rows, w)
    assert good is not None
    assert flat is None


def test_a_stack_in_which_all_collapse_stays_as_it_is():
    rows = Rows(X, 2)
    stack = stacked(first_each(rows, starts(2, 2)))
    flat = Moments(np.ones((2, 2, 5, 5)))
    following, alive = maximize_each(flat, stack, "full")
    assert not alive.any()
    assert following.mu.tolist() == stack.mu.tolist()


def test_fewer_go_abreast_where_there_are_many_rows():
    assert room(Rows(X, 3)) == side.MOST
    many = np.random.default_rng(0).normal(size=(10_000, 2))
    assert 1 <= room(Rows(many, 3)) < side.MOST
    assert room(Rows(np.tile(many, (3, 1)), 20)) == 1
