"""What the page of the engine room says, beside what the engine does."""

import re
from importlib import import_module
from inspect import getsource
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import random_mixture

from emgmm import e_step
from emgmm._engine import rows as rows_module
from emgmm._engine.expect import coefficients, expect, given
from emgmm._engine.maximize import Moments, maximize
from emgmm._engine.rows import Rows

PAGE = Path(__file__).parents[1] / "chapters" / "engine_room.md"
ENTRY_OR_LINE = re.compile(
    r"^\.\. autofunction:: (\S+)$|^\| .+ \| `([^`]+)` \|$", re.MULTILINE
)
THETA = random_mixture(3, 2, 5, 10.0)
X, _ = THETA.sample(60, 1)


def lines():
    """Each line of code in a table of the page, with the function above the table."""
    name = ""
    for match in ENTRY_OR_LINE.finditer(PAGE.read_text(encoding="utf-8")):
        name = match[1] or name
        if match[2]:
            yield name, match[2]


def test_all_rows_of_the_tables_are_seen():
    text = PAGE.read_text(encoding="utf-8")
    tables = text.split("| Formula | Its line |\n| --- | --- |\n")[1:]
    rows = [row for t in tables for row in t.split("\n```")[0].splitlines()]
    assert len(rows) == len(list(lines())) > 5


@pytest.mark.parametrize(("function", "line"), list(lines()))
def test_a_line_of_the_page_stands_in_its_function(function, line):
    module, name = function.rsplit(".", 1)
    assert line in getsource(getattr(import_module(module), name))


@pytest.mark.equation("step-linear-log-joint")
def test_the_log_joint_is_linear_in_the_features():
    d, right = THETA.d, THETA.log_joint(X)
    for (i, j), a_ij in np.ndenumerate(right):
        x, mu, Sigma = X[i], THETA.mu[j], THETA.Sigma[j]
        Lambda = np.linalg.inv(Sigma)
        a = np.log(THETA.phi[j]) - 0.5 * np.log(np.linalg.det(2 * np.pi * Sigma))
        a += -0.5 * mu @ Lambda @ mu + (Lambda @ mu) @ x
        a -= sum(0.5 * Lambda[b, b] * x[b] ** 2 for b in range(d))
        a -= sum(Lambda[b, c] * x[b] * x[c] for c in range(d) for b in range(c))
        assert a == pytest.approx(a_ij, abs=1e-10)


def test_itscoefficients_are_those_of_the_code():
    rows = Rows(X, THETA.k)
    (T,) = rows.features()
    log_joint = (coefficients(rows.state(THETA), "full") @ T).T - rows.log_det_unit
    assert_allclose(log_joint, THETA.log_joint(X), atol=1e-10)
    y = T[1 : THETA.d + 1]
    products = [y[a] * y[b] for a in range(THETA.d) for b in range(a, THETA.d)]
    assert_allclose(T, [np.ones(len(X)), *y, *products])
    assert_allclose(y.mean(axis=1), 0, atol=1e-14)
    assert_allclose(np.cov(y, bias=True), np.eye(THETA.d), atol=1e-12)


def test_a_family_whitens_by_its_own_shape():
    def variances(family):
        (T,) = Rows(X * [1, 2, 3, 4, 5], 2, family).features()
        return np.var(T[1:6], axis=1)

    assert_allclose(variances("diagonal"), 1)
    assert variances("spherical").mean() == pytest.approx(1)
    assert np.ptp(variances("spherical")) > 0.1


# Where something would enter


def whitened_alike(x, rows):
    """Other examples in the units of these."""
    other = Rows(x, rows.k)
    for name in ("center", "unit", "to_unit", "log_det_unit"):
        setattr(other, name, getattr(rows, name))
    return other


def test_machines_add_moments_and_log_likelihoods():
    rows = Rows(X, THETA.k)
    state = rows.state(THETA)
    parts = [expect(whitened_alike(x, rows), state) for x in (X[:20], X[20:])]
    moments, value = expect(rows, state)
    assert_allclose(sum(part.M for part, _ in parts), moments.M, atol=1e-10)
    assert sum(value for _, value in parts) == pytest.approx(value, rel=1e-12)


def test_a_weight_multiplies_w_before_the_sum():
    weights = np.arange(60) % 3 + 1
    many = Rows(np.repeat(X, weights, axis=0), THETA.k)
    moments, value = expect(many, many.state(THETA))
    weighted = given(whitened_alike(X, many), weights[:, None] * e_step(X, THETA))
    assert_allclose(weighted.M, moments.M, atol=1e-10)
    assert value == pytest.approx(weights @ THETA.log_density(X), rel=1e-12)


def test_examples_seen_before_add_their_moments():
    rows, w = Rows(X, THETA.k), e_step(X, THETA)
    now, before = (
        given(whitened_alike(X[s], rows), w[s]) for s in (slice(20), slice(20, 60))
    )
    found = maximize(Moments(now.M + before.M), "full")
    right = maximize(given(rows, w), "full")
    for name in ("log_phi", "mu", "L"):
        assert_allclose(getattr(found, name), getattr(right, name), atol=1e-10)


def test_the_page_says_when_groups_are_taken_apart():
    x = np.random.default_rng(0).normal(size=(300, 24))
    assert rows_module.FEATURES == 16
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert "features (16 or more) and at most an eighth as many groups" in text
    assert Rows(x, 3).apart
    assert not Rows(x, 4).apart
    assert not Rows(x[:, :15], 1).apart
    assert not Rows(x, 3, "diagonal").apart
