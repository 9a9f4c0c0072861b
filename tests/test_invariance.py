"""Units, rotation, the order of rows, features and groups: none changes a fit.

The log-likelihood moves by m log|det A| when x becomes A x + b, exactly; how nearly it
is met is a matter of rounding. Adding 1e6 to a number leaves an error of 6e-11 in it,
so a standardised distance z changes by 6e-11 / s in a group of width s, and a term of
the log-likelihood by |z| times that. The groups here are wider than 0.02, so 145 to 272
terms change by less than 3e-6 in total, 1e-8 of the sum; all other changes are rounding
of the last digit. 1e-7 holds for all.
"""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emgmm import FAMILIES, data, em, fit

DATA = {n: getattr(data, n)().x for n in ("faithful", "iris", "anemia", "diabetes")}


def square(seed, d):
    return np.random.default_rng(seed).normal(size=(d, d))


def turn(d):
    return np.linalg.qr(square(0, d))[0]


def scales(d):
    return np.diag(np.geomspace(1e-3, 1e4, d))


# name: (A for d features, b, the families that keep their shape)
CHANGES = {
    "x 1e-6": (lambda d: 1e-6 * np.eye(d), 0, "full diagonal spherical"),
    "x 1e6": (lambda d: 1e6 * np.eye(d), 0, "full diagonal spherical"),
    "x 1e-100": (lambda d: 1e-100 * np.eye(d), 0, "full diagonal spherical"),
    "x 1e95": (lambda d: 1e95 * np.eye(d), 0, "full diagonal spherical"),
    "+ 1e6": (np.eye, 1e6, "full diagonal spherical"),
    "rows": (np.eye, 0, "full diagonal spherical"),
    "features": (lambda d: np.eye(d)[::-1], 0, "full diagonal spherical"),
    "units": (scales, 0, "full diagonal"),
    "rotated": (turn, 0, "full spherical"),
    "any": (lambda d: square(5, d) + 2 * np.eye(d), 3, "full"),
}


def kind(family):
    """tied -> full, tied diagonal -> diagonal: what a change has to keep."""
    return family.removeprefix("tied").strip() or "full"


def cases():
    """Every change meets every data set, k and family, though not all at once."""
    found, i = [], 0
    for family in FAMILIES:
        changes = [name for name, c in CHANGES.items() if kind(family) in c[2].split()]
        for dataset in DATA:
            for k in (2, 3, 4) if family == "full" else (2 + i % 3,):
                for _ in range(4 if family == "full" else 2):
                    found.append((changes[i % len(changes)], dataset, k, family))
                    i += 1
    return found


@cache
def fitted(dataset, k, family):
    return fit(DATA[dataset], k, family=family, rng=0, n_starts=8)


@pytest.mark.parametrize(("change", "dataset", "k", "family"), cases())
def test_a_fit_does_not_depend_on(change, dataset, k, family):
    x, right = DATA[dataset], fitted(dataset, k, family)
    m, d = x.shape
    rows = np.random.default_rng(1).permutation(m) if change == "rows" else np.arange(m)
    A, b = CHANGES[change][0](d), CHANGES[change][1]
    y = (x @ A.T + b)[rows]
    found = fit(y, k, family=family, rng=0, n_starts=8)
    shifted = right.log_likelihood - m * np.linalg.slogdet(A)[1]
    assert found.log_likelihood == pytest.approx(shifted, rel=1e-7)
    assert_array_equal(found.theta.classify(y), right.theta.classify(x)[rows])


@pytest.mark.filterwarnings("ignore::emgmm.Doubtful")
@pytest.mark.parametrize("dataset", DATA)
@pytest.mark.parametrize("k", [2, 3, 4])
def test_a_fit_does_not_depend_on_the_names_of_groups(dataset, k):
    x = DATA[dataset]
    w = 0.7 * fitted(dataset, k, "full").theta.responsibilities(x) + 0.3 / k
    names = np.random.default_rng(k).permutation(k)
    right, found = fit(x, k, start=w), fit(x, k, start=w[:, names])
    assert found.log_likelihood == pytest.approx(right.log_likelihood, rel=1e-12)
    assert_array_equal(found.theta.classify(x), right.theta.classify(x))
    right, found = em(x, w, max_iter=9), em(x, w[:, names], max_iter=9)
    assert found.trace == pytest.approx(right.trace, rel=1e-12)
    assert_array_equal(names[found.theta.classify(x)], right.theta.classify(x))
