"""What a certificate promises, on data that nobody would choose.

Wherever `fit` ends, neither 200 more EM steps nor a step along the direction of least
curvature gains anything; what it cannot fit it refuses in words, and what it doubts it
says with a warning.
"""

import warnings
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from emgmm import FAMILIES, Mixture, certify, em, fit
from emgmm._engine.curvature import curvature, matrix_fits, moved
from emgmm._engine.maximize import maximize
from emgmm._engine.rows import Rows
from emgmm.fit import Doubtful, NoStartSurvived

NOTHING = 1e-6  # nats
M = 150


def groups(rng: np.random.Generator, d: int, sizes: tuple[int, ...], apart: float = 5):
    centers = apart * rng.standard_normal((len(sizes), d))
    z = np.repeat(np.arange(len(sizes)), sizes)
    return centers[z] + rng.standard_normal((len(z), d))


def repeated(rng):
    x = rng.standard_normal((60, 1))
    x[:30] = x[0]
    return x


def wild(rng):
    x = groups(rng, 2, (100, 50))
    x[7] *= 1e4
    return x


def one_hot(rng):
    kinds = np.eye(3)[rng.integers(3, size=M)][:, :2]
    return np.column_stack([kinds, groups(rng, 1, (70, 80))])


DATA: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "rounded": lambda rng: np.round(2 * groups(rng, 2, (90, 60), 2)) / 2,
    "zeros": lambda rng: (
        rng.lognormal(size=(M, 2)) * (rng.random((M, 1)) < 0.6)
        + 1e-3 * rng.standard_normal((M, 2)) * np.array([0, 1])
    ),
    "counts": lambda rng: rng.poisson([[3.0, 8.0]], size=(M, 2)).astype(float),
    "integers": lambda rng: rng.integers(0, 5, size=(M, 3)).astype(float),
    "repeated": repeated,
    "one hot": one_hot,
    "wild row": wild,
    "unequal": lambda rng: groups(rng, 2, (140, 10), 8),
    "scales": lambda rng: groups(rng, 3, (50, 50, 50)) * [1e-6, 1.0, 1e9],
    "no groups": lambda rng: rng.standard_normal((M, 4)),
    "few rows": lambda rng: groups(rng, 4, (9, 8)),
    "heavy tails": lambda rng: rng.standard_t(2, size=(M, 2)),
}
CASES = [
    (name, family, 1 + (i + j) % 4)
    for (i, name), (j, family) in product(enumerate(DATA), enumerate(FAMILIES))
]


def most_beside(x: np.ndarray, theta: Mixture, family: str) -> float:
    """The highest log-likelihood a little along the least curved direction."""
    rows = Rows(x, theta.k, family)
    assert matrix_fits(rows)
    at = curvature(rows, rows.state(theta))
    states = (
        maximize(moved(rows, at.state, step * at.vectors[:, 0]), family)
        for step in (-1.0, -0.1, -0.01, 0.01, 0.1, 1.0)
    )
    values = (rows.theta(s).log_likelihood(x) for s in states if s is not None)
    return max(values, default=-np.inf)


@pytest.mark.parametrize(("name", "family", "k"), CASES)
def test_nothing_is_left_to_gain_where_a_fit_ends(name, family, k):
    x = DATA[name](np.random.default_rng([len(name), k]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Doubtful)
        try:
            found = fit(x, k, family=family, rng=0, n_starts=8)
        except NoStartSurvived as error:
            found, said = None, str(error)
    if found is None:
        assert name in HOPELESS
        assert ("Look at row 7:" in said) == (name == "wild row")
        return
    assert found.starts[0].verdict in ("regular", "spurious")
    assert found.reason == "converged"
    assert found.certificate is not None
    assert found.certificate.kind == "strict maximum"
    assert found.log_likelihood == pytest.approx(found.theta.log_likelihood(x), 1e-12)
    on = em(x, found.theta, family=family, tol=0, max_iter=200)
    assert on.log_likelihood - found.log_likelihood < NOTHING
    # Rounding of the sum: 1e-12 of it, where columns differ by 15 orders.
    slack = NOTHING + 1e-12 * abs(found.log_likelihood)
    assert most_beside(x, found.theta, family) - found.log_likelihood < slack


# Where nearly every row is repeated, each group may find copies to fall upon.
# So does a group of one shape on a single row.
HOPELESS = {"zeros", "integers", "repeated", "one hot", "counts", "wild row"}


def test_a_saddle_would_be_seen():
    """Both means equal, and EM at rest: half of the rows are one row."""
    x = repeated(np.random.default_rng(3))
    level = np.full((60, 2), 0.5)
    saddle = em(x, level, family="spherical").theta
    assert certify(x, saddle, "spherical").kind != "strict maximum"
    with pytest.warns(Doubtful):
        found = fit(x, 2, family="spherical", rng=3)
    assert found.log_likelihood > saddle.log_likelihood(x)
