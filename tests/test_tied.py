"""More rows than `fit` starts from, and few of them different."""

import numpy as np
import pytest

from emgmm import em, fit

M = 20_000


def counts(d=2):
    """Simulated whole numbers from two groups, and the groups."""
    rng = np.random.default_rng(0)
    z = np.arange(M) % 5 < 2
    x = np.where(
        z[:, None], rng.binomial(6, 0.25, (M, d)), rng.binomial(7, 0.75, (M, d))
    )
    return x, np.eye(2)[z.astype(int)]


def tied():
    """Half of the rows are continuous, the others lie on 36 points."""
    x, w = counts()
    noise = np.random.default_rng(1).normal(size=x.shape) * (np.arange(M)[:, None] % 2)
    return x + noise, w


@pytest.mark.parametrize("family", ["full", "diagonal", "tied", "spherical"])
@pytest.mark.parametrize("data", [counts, tied])
def test_few_different_rows(data, family, monkeypatch):
    monkeypatch.setattr("emgmm._engine.sample.SAMPLE", 500)
    x, w = data()
    right = em(x, w, family=family, accelerate=True)
    found = fit(x, 2, family=family, rng=0, n_starts=4)
    assert found.log_likelihood == pytest.approx(right.log_likelihood, abs=1e-6)
    shuffled = fit(
        np.random.default_rng(2).permutation(x), 2, family=family, rng=0, n_starts=4
    )
    assert shuffled.log_likelihood == pytest.approx(right.log_likelihood, abs=1e-6)
    assert [row.count for row in shuffled.starts] == [row.count for row in found.starts]
