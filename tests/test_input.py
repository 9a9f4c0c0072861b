"""Bad input is refused by name; good input may come in any clothes."""

import datetime
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose

import emgmm
from emgmm import (
    Mixture,
    certify,
    complete_log_likelihood,
    data,
    e_step,
    elbo,
    em,
    fit,
    fit_labeled,
    m_step,
    maximize,
    moments,
    one_hot,
    select,
)

# Whole numbers, so that int8, float16 and float64 hold the same.
X = np.array([[0, 1], [2, 0], [3, 4], [9, 2], [8, 7], [12, 5], [10, 9], [1, 5]])
Z = [0, 0, 0, 1, 1, 1, 1, 0]
W = np.array([[3, 1], [2, 2], [4, 0], [1, 3], [0, 4], [1, 3], [0, 4], [3, 1]]) / 4
EYE = np.eye(2)
THETA = Mixture([0.4, 0.6], [[1, 2], [10, 6]], [2 * EYE, 3 * EYE])
NAMED = Mixture(THETA.phi, THETA.mu, THETA.Sigma, ["sick", "well"])

OF_X = {
    "log_joint": THETA.log_joint,
    "log_density": THETA.log_density,
    "log_likelihood": THETA.log_likelihood,
    "responsibilities": THETA.responsibilities,
    "classify": THETA.classify,
    "complete_log_likelihood": lambda x: complete_log_likelihood(x, Z, THETA),
    "e_step": lambda x: e_step(x, THETA),
    "elbo": lambda x: elbo(x, W, THETA),
    "em from theta": lambda x: em(x, THETA, max_iter=3).trace,
    # These learn d from x.
    "fit_labeled": lambda x: fit_labeled(x, Z).Sigma,
    "m_step": lambda x: m_step(x, W).Sigma,
    "moments": lambda x: moments(x, W),
    "em from w": lambda x: em(x, W, max_iter=3).trace,
    "fit": lambda x: fit(x, 1, rng=0, n_starts=1).trace,
    "certify": lambda x: certify(x, fit_labeled(X, [0] * 8)).smallest_eigenvalue,
    "select": lambda x: select(x, 1, "full", rng=0, n_starts=1).best.trace,
}
OF_W = {
    "elbo": lambda w: elbo(X, w, THETA),
    "m_step": lambda w: m_step(X, w).Sigma,
    "em": lambda w: em(X, w, max_iter=3).trace,
    "moments": lambda w: moments(X, w),
}
OF_Z = {
    "one_hot": lambda z: one_hot(z, 2),
    "fit_labeled": lambda z: fit_labeled(X, z).Sigma,
    "complete_log_likelihood": lambda z: complete_log_likelihood(X, z, NAMED),
}


def with_value(array, index, value):
    changed = np.array(array, dtype=np.result_type(array, type(value)))
    changed[index] = value
    return changed


def with_a_hole(a):
    """What pandas makes of columns with a missing value."""
    a = np.asarray(a).astype(object)
    a[(0,) * a.ndim] = None
    return a


# Any array of numbers: what is wrong with it, and what must be said.
NO_NUMBERS = {
    "nan": (lambda a: with_value(a, (1, 0), np.nan), "first is nan at index (1, 0)"),
    "infinity": (
        lambda a: with_value(a, (2, 1), np.inf),
        "first is inf at index (2, 1)",
    ),
    "minus infinity": (lambda a: with_value(a, (0, 0), -np.inf), "must be finite"),
    "long double": (lambda a: a * np.longdouble("1e400"), None),
    "huge": (lambda a: with_value(a, (0, 0), 1e200), "beyond 1e+100"),
    "complex": (lambda a: a + 0j, "has dtype complex128"),
    "sparse": (scipy.sparse.csr_array, "is a sparse matrix; pass"),
    "too large an int": (
        lambda _: [[10**400, 1]] * 8,
        "has whole numbers beyond 64 bits; use larger units",
    ),
    "object": (lambda a: with_a_hole(a), "[0, 0] is None"),
    "strings": (lambda a: a.astype(str), "has dtype <U"),
    "dates": (lambda _: np.zeros((8, 2), "M8[s]"), "has dtype datetime64[s]"),
    "None": (lambda _: None, "but it is None"),
    "ragged": (lambda a: [*a.tolist()[1:], [0.0]], "has rows of different lengths"),
    "masked": (lambda a: np.ma.masked_less(a, 1), "has masked values"),
    "no rows": (lambda a: a[:0], "is empty (shape (0, 2))"),
    "no columns": (lambda a: a[:, :0], "is empty (shape (8, 0))"),
    "3-d": (lambda a: a[None], "has shape (1, 8, 2)"),
    "0-d": (lambda _: 1.0, "has shape ()"),
}


@pytest.mark.parametrize("function", OF_X)
@pytest.mark.parametrize("bad", NO_NUMBERS)
def test_bad_x(function, bad):
    spoil, message = NO_NUMBERS[bad]
    with pytest.raises(ValueError, match=f"^x .*{re.escape(message or '')}"):
        OF_X[function](spoil(X))


@pytest.mark.parametrize("function", OF_W)
@pytest.mark.parametrize("bad", NO_NUMBERS)
def test_bad_w(function, bad):
    spoil, message = NO_NUMBERS[bad]
    with pytest.raises(ValueError, match=f"^w .*{re.escape(message or '')}"):
        OF_W[function](spoil(W))


@pytest.mark.parametrize("function", list(OF_X)[:9])
@pytest.mark.parametrize("x", [X[:, :1], np.hstack([X, X**2]), X[:, 0]])
def test_x_of_another_d_than_theta(function, x):
    with pytest.raises(ValueError, match=r"x has shape \(8,.*; it must be \(m, 2\)"):
        OF_X[function](x)


@pytest.mark.parametrize("function", OF_W)
@pytest.mark.parametrize(
    ("w", "message"),
    [
        (W[:-1], "w has shape (7, 2); it must be (8, k)"),
        (W[:, 0], "w has shape (8,); it must be (8, k)"),
        (with_value(W, (3, 1), -0.25), "w[3, 1] is -0.25"),
    ],
)
def test_w_that_does_not_fit(function, w, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        OF_W[function](w)


@pytest.mark.parametrize("function", ["elbo", "m_step", "em"])
def test_rows_of_w_must_sum_to_one(function):
    w = with_value(W, (5, 1), 0.8)
    with pytest.raises(ValueError, match=r"row 5 of w sums to 1\.05"):
        OF_W[function](w)
    # Rounding is no reason to refuse, and moments take any weights.
    OF_W[function](W + 1e-10)
    assert moments(X, w)[1, 0, 0] == pytest.approx(W[:, 1].sum() + 0.05)


def test_w_of_another_k_than_theta():
    with pytest.raises(
        ValueError, match=r"w has shape \(8, 1\); theta asks for \(8, 2\)"
    ):
        elbo(X, np.ones((8, 1)), THETA)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("m_step", "Sigma of group 1, shape (2, 2), is not positive"),
        ("em", "start: group 1 is flat in some direction"),
    ],
)
@pytest.mark.parametrize("few", [1, 2])
def test_a_start_without_a_covariance(function, message, few):
    w = np.eye(2)[[0] * (8 - few) + [1] * few]
    with pytest.raises(ValueError, match=re.escape(message)):
        OF_W[function](w)


@pytest.mark.parametrize("function", ["m_step", "em"])
def test_a_start_without_a_group(function):
    with pytest.raises(ValueError, match="group 1 has total weight 0"):
        OF_W[function](np.eye(2)[[0] * 8])


@pytest.mark.parametrize(
    "x",
    [X[:1], X[:2], X[:, [0, 0]], X * [1, 0], np.outer(range(8), [1, 2])],
    ids=["one row", "two rows", "equal columns", "constant", "a line"],
)
def test_examples_that_are_flat(x):
    w, z = np.ones((len(x), 1)), [0] * len(x)
    flat = r"shape \(2, 2\), is not positive definite: it is flat"
    with pytest.raises(ValueError, match=f"Sigma of group 0, {flat}"):
        m_step(x, w)
    everyone = "x is flat in some direction.* Drop that feature|in every row: drop"
    with pytest.raises(ValueError, match=everyone):
        em(x, THETA)
    with pytest.raises(ValueError, match=f"group 0 has {len(x)} examples|{flat}"):
        fit_labeled(x, z)
    with pytest.raises(ValueError, match=f"{flat}|too small a difference of squares"):
        maximize(moments(x, w))


@pytest.mark.parametrize("function", OF_Z)
@pytest.mark.parametrize(
    ("z", "message"),
    [
        ([0.0, 1.0] * 4, "z has shape (8,) and dtype float64"),
        ([0, 1j] * 4, "z has shape (8,) and dtype complex128"),
        ([None, 1] * 4, "z has shape (8,) and dtype object"),
        (np.array([b"a", b"b"] * 4), "z has shape (8,) and dtype |S1"),
        ([[0, 1]] * 4, "z has shape (4, 2)"),
        (0, "z has shape ()"),
        ("anemia", "z has shape ()"),
        ([], "z has shape (0,)"),
        ([[0], [0, 1]], "z has rows of different lengths"),
        (np.ma.masked_equal(Z, 1), "z has masked values"),
        ([0, -1, *Z[2:]], "z[1] is -1, out of range"),
    ],
)
def test_bad_z(function, z, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        OF_Z[function](z)


@pytest.mark.parametrize("label", [2, 10**9, 2**63 - 1, np.uint64(2**64 - 1)])
def test_labels_too_large(label):
    z = np.array([0, 1, label], dtype=type(label) if label != 2 else np.uint8)
    with pytest.raises(ValueError, match=rf"z\[2\] is {label}, out of .* are \[0, 1\]"):
        one_hot(z, 2)
    with pytest.raises(ValueError, match=rf"z\[2\] is {label}, out of .* are \[0, 1\]"):
        complete_log_likelihood(X[:3], z, THETA)
    with pytest.raises(ValueError, match=f"label {label}, out of|group 0 has 1 examp"):
        fit_labeled(X[:3], z)


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (Z[:-1], "z has shape (7,) and dtype int64; it must be a vector of 8"),
        ([0, 0, 0, 0, 2, 2, 2, 2], "group 1 has 0 examples"),
        (
            [0, 0, 0, 0, 0, 0, 1, 1],
            "group 1 has 2 examples; a covariance of 2 features",
        ),
        (["a"] * 6 + ["b"] * 2, "group 'b' has 2 examples"),
        ([True] * 6 + [False] * 2, "group False has 2 examples"),
        ([0, 0, 0, 0, 0, 0, 0, 7], "group 1 has 0 examples"),
    ],
)
def test_labels_that_make_no_fit(z, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fit_labeled(X, z)


def test_a_collinear_group_is_named():
    x = [[0, 0], [1, 1], [2, 2], [0, 1], [1, 0], [5, 5]]
    with pytest.raises(ValueError, match=r"Sigma of group 'flat', .* not positive"):
        fit_labeled(x, ["flat"] * 3 + ["full"] * 3)


def test_labels_that_theta_does_not_know():
    said = r"z\[1\] is 'ill', out of range: the labels are \['sick', 'well'\]"
    with pytest.raises(ValueError, match=said):
        complete_log_likelihood(X[:2], ["sick", "ill"], NAMED)
    with pytest.raises(ValueError, match=r"z has shape \(3,\)"):
        complete_log_likelihood(X[:2], ["sick"] * 3, NAMED)
    with pytest.raises(ValueError, match="z has dtype bool; one_hot needs whole numb"):
        one_hot([True, False], 2)


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "2", None])
def test_bad_k(k):
    with pytest.raises(ValueError, match=f"^k is {k!r}; it must be"):
        one_hot([0], k)


def test_a_message_does_not_list_every_label():
    with pytest.raises(ValueError, match="out of range") as error:
        one_hot([-1], 10**6)
    assert len(str(error.value)) < 200
    assert one_hot([10**5 - 1], 10**5).sum() == 1


# Mixture ---------------------------------------------------------------------------

GOOD = {"phi": [0.4, 0.6], "mu": [[1, 2], [10, 6]], "Sigma": [EYE, EYE], "names": ()}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"phi": [0.4, 0.7]}, "phi sums to 1.1"),
        ({"phi": [0.4, 0.6 + 2e-6]}, "phi sums to 1.000002"),
        ({"phi": [-0.1, 1.1]}, "phi[0] is -0.1"),
        ({"phi": [[0.4, 0.6]]}, "phi has shape (1, 2); it must be (k,)"),
        ({"phi": 1.0}, "phi has shape ()"),
        ({"phi": []}, "phi is empty (shape (0,))"),
        ({"phi": [0.4, np.nan]}, "phi must be finite"),
        ({"phi": [0.4, "0.6"]}, "phi has dtype <U"),
        ({"phi": [0.2, 0.2, 0.6]}, "mu has shape (2, 2), but phi names 3 groups"),
        ({"mu": [1, 2]}, "mu has shape (2,)"),
        ({"mu": [[[1, 2], [10, 6]]]}, "mu has shape (1, 2, 2)"),
        ({"mu": [[1, np.inf], [10, 6]]}, "mu must be finite"),
        ({"mu": [[1, 2], [10]]}, "mu has rows of different lengths"),
        ({"mu": [[1], [10]]}, "Sigma has shape (2, 2, 2), but mu has shape (2, 1)"),
        ({"Sigma": EYE}, "Sigma has shape (2, 2), but mu has shape (2, 2)"),
        ({"Sigma": [EYE]}, "Sigma has shape (1, 2, 2)"),
        ({"Sigma": [[1, 1], [1, 1]]}, "Sigma has shape (2, 2)"),
        ({"Sigma": [EYE, EYE * 1j]}, "Sigma has dtype complex128"),
        ({"Sigma": [EYE, EYE + np.nan]}, "Sigma must be finite, but 4 of its 8"),
        ({"Sigma": [EYE, EYE * 1e301]}, "Sigma holds values beyond 1e+300"),
        (
            {"Sigma": [EYE, [[1, 0.5], [0, 1]]]},
            "Sigma of group 1, shape (2, 2), is not s",
        ),
        (
            {"Sigma": [[[1, 2], [2, 1]], EYE]},
            "Sigma of group 0, shape (2, 2), is not pos",
        ),
        ({"Sigma": [EYE, 0 * EYE]}, "Sigma of group 1, shape (2, 2), is not positive"),
        ({"Sigma": [EYE, -EYE]}, "Sigma of group 1, shape (2, 2), is not positive"),
        (
            {"Sigma": [EYE, [[1, 1], [1, 1]]]},
            "Sigma of group 1, shape (2, 2), is not pos",
        ),
        (
            {"Sigma": [EYE, [[0, 1], [1, 0]]]},
            "Sigma of group 1, shape (2, 2), is not pos",
        ),
        ({"Sigma": [EYE, -EYE], "names": "ab"}, "Sigma of group 'b'"),
        ({"names": ["a"]}, "names is ['a']; it must hold 2 different names"),
        ({"names": ["a", "a"]}, "names is ['a', 'a']"),
        ({"names": [["a"], ["b"]]}, "names is [['a'], ['b']]"),
        ({"names": None}, "names is None"),
        ({"names": 2}, "names is 2"),
    ],
)
def test_bad_parameters(changed, message):
    assert Mixture(**GOOD).k == 2
    with pytest.raises(ValueError, match=re.escape(message)):
        Mixture(**GOOD | changed)


@pytest.mark.parametrize("scale", [1e-150, 1e-12, 1e12, 1e98])
def test_no_units_are_too_small_or_too_large(scale):
    other = Mixture(THETA.phi, THETA.mu * scale, THETA.Sigma * scale**2)
    right = THETA.log_density(X) - 2 * np.log(scale)
    assert_allclose(other.log_density(X * scale), right, rtol=1e-12)
    assert_allclose(m_step(X * scale, W).mu, m_step(X, W).mu * scale, rtol=1e-12)


def test_a_nearly_flat_covariance_is_told_from_a_flat_one():
    almost = [[1, 1], [1, 1 + 1e-12]]
    assert Mixture([1], [[0, 0]], [almost]).k == 1
    with pytest.raises(ValueError, match="not positive definite"):
        Mixture([1], [[0, 0]], [[[1, 1], [1, 1 + 4e-16]]])


def test_x_beyond_every_distance():
    theta = Mixture([1], [[0.0]], [[[1e-250]]])
    assert np.isfinite(theta.log_density([1e20]))
    with pytest.raises(ValueError, match="x is too far from every group"):
        theta.log_density([1e30])


@pytest.mark.parametrize("m", [0, -3, 2.0, True, "2", None, [2]])
def test_bad_m(m):
    with pytest.raises(ValueError, match=f"^m is {re.escape(repr(m))}; it must be"):
        THETA.sample(m, rng=0)


@pytest.mark.parametrize("rng", [-1, 1.5, "seed", object, datetime.date(2000, 1, 1)])
def test_bad_rng(rng):
    with pytest.raises(
        ValueError, match=f"rng is {re.escape(repr(rng))}; pass a whole"
    ):
        THETA.sample(3, rng)
    with pytest.raises(
        ValueError, match=f"rng is {re.escape(repr(rng))}; pass a whole"
    ):
        data.draw_anemia(rng)


# The rest --------------------------------------------------------------------------

ONE = np.array([[2.0, 4.0], [4.0, 10.0]])


@pytest.mark.parametrize(
    ("M", "message"),
    [
        (ONE, "M has shape (2, 2); it must be (k, d+1, d+1)"),
        ([[[2.0]]], "M has shape (1, 1, 1)"),
        (np.ones((1, 2, 3)), "M has shape (1, 2, 3)"),
        ([ONE, ONE * np.nan], "M must be finite"),
        ([ONE * 1j], "M has dtype complex128"),
        ([ONE, 0 * ONE], "group 1 has total weight 0"),
        ([ONE, -ONE], "group 1 has total weight -2"),
        (
            [ONE, [[2.0, 0.0], [0.0, 0.0]]],
            "Sigma of group 1, shape (1, 1), is not posit",
        ),
        ([ONE, [[2.0, 4.0], [4.0, 8.0]]], "M: feature 0 of group 1 has mean 2 and var"),
        ([ONE, [[2.0, 4.0], [4.0, 7.0]]], "M: feature 0 of group 1 has mean 2 and var"),
        ([ONE * 1e300], "M holds values beyond 1e+300"),
        ([[[1e-300, 1e10], [1e10, 1e300]]], "mu must be finite"),
        ([], "M is empty"),
    ],
)
def test_bad_moments(M, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        maximize(M)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tol": -1e-9}, "tol is -1e-09; it must be 0 or more"),
        ({"tol": np.nan}, "tol must be finite, but it is"),
        ({"tol": np.inf}, "tol must be finite, but it is"),
        ({"tol": "small"}, "tol has dtype"),
        ({"tol": None}, "but it is None"),
        ({"tol": [1e-9]}, "tol has shape (1,)"),
        ({"max_iter": -1}, "max_iter is -1; it must be at least 0"),
        ({"max_iter": 1.0}, "max_iter is 1.0; it must be a whole number"),
        ({"max_iter": True}, "max_iter is True"),
        ({"max_iter": None}, "max_iter is None"),
        ({"start": "random"}, "w has dtype <U6"),
        ({"start": W[:4]}, "w has shape (4, 2)"),
        ({"start": Mixture([1], [[0.0]], [[[1.0]]])}, "x has shape (8, 2)"),
    ],
)
def test_bad_arguments_of_em(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        em(X, **{"start": W} | options)


# What `em` and `fit` refuse --------------------------------------------------------

BOTH = {
    "em": lambda x=X, start=W, **options: em(x, start, **options),
    "fit": lambda x=X, start=W, k=2, **options: fit(x, k, start=start, **options),
    "fit from its own starts": lambda x=X, k=2, **options: fit(
        x, k, **{"rng": 0} | options
    ),
}
REFUSED = {
    "nan": (with_value(X, (3, 1), np.nan), "first is nan at index (3, 1). Drop"),
    "infinity": (with_value(X, (0, 0), np.inf), "first is inf at index (0, 0). Drop"),
    "complex": (X * 1j, "has dtype complex128; it must hold real numbers. Convert"),
    "object": (with_a_hole(X), "x must hold real numbers, but x[0, 0] is None"),
    "strings": (X.astype(str), "has dtype <U21; it must hold real numbers. Convert"),
    "sparse": (scipy.sparse.csr_array(X), "is a sparse matrix; pass x.toarray()"),
    "sparse matrix": (scipy.sparse.coo_matrix(X), "is a sparse matrix; pass x.toarr"),
    "empty": ([], "is empty (shape (0,)); it needs at least one value"),
    "0 rows": (X[:0], "is empty (shape (0, 2)); it needs at least one value"),
    "d = 0": (X[:, :0], "is empty (shape (8, 0)); it needs at least one value"),
    "3-d": (X[None], "has shape (1, 8, 2); it must be (m, d): one row per example"),
    "0-d": (3.0, "has shape (); it must be (m, d): one row per example"),
    "all rows equal": (X[[2] * 8], "[:, 0] is 3 in every row: drop that feature"),
    "a constant": (X * [1, 0], "[:, 1] is 0 in every row: drop that feature"),
    "far and constant": (X * [1, 0] + 1e9, "[:, 1] is 1e+09 in every row: drop"),
    "a line": (X[:, [0, 0]], "is flat in some direction: it has 2 features"),
    "nearly a line": (
        X[:, [0, 0]] + np.outer(X[:, 1], [0, 1e-14]),
        "is flat in some direction: it has 2 features",
    ),
    "one row": (X[:1], "[:, 0] is 0 in every row: drop that feature"),
    "overflow": ([[10**400, 1]] * 8, "has whole numbers beyond 64 bits; use larger"),
    "2**64": ([[2**64, 1]] * 8, "has whole numbers beyond 64 bits; use larger units"),
    "x 1e300": (X * 1e300, "holds values beyond 1e+100; use larger units"),
    "x 1e-300": (X * 1e-300, "in every row: drop that feature, or use smaller units"),
    "one x 1e-200": (X * [1, 1e-200], "[:, 1] is 4.125e-200 in every row"),
    "one x 1e-155": (X * [1, 1e-155], "[:, 1] is 4.125e-155 in every row"),
    "signs x 1e-200": ((X - X.mean(axis=0)) * 1e-200, "or use smaller units"),
    "ragged": ([[1.0], [1.0, 2.0]], "has rows of different lengths; give every row"),
    "masked": (np.ma.masked_less(X, 1), "has masked values; drop those rows first"),
    "no iterable": (lambda: 3, "() returned int; it must return an iterable of arr"),
    "one array": (lambda: X, "() returned ndarray; it must return an iterable of a"),
    "rows one by one": (
        lambda: list(X),
        "block of x has shape (2,); it must be (m, d)",
    ),
    "a later nan": (lambda: [X, X * np.nan], "first is nan at index (8, 0). Drop"),
    "no blocks": (list, "has no rows"),
    "a later d": (lambda: [X, X[:, :1]], "has blocks of 1 and 2 features"),
}


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("bad", REFUSED)
def test_x_that_is_refused(function, bad):
    x, message = REFUSED[bad]
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        BOTH[function](x)
    assert str(error.value).startswith(("x", "block of x"))


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("sizes", [[8, 0], [8, 5], [8, 9], [8, 7]])
def test_blocks_must_be_the_same_in_every_pass(function, sizes):
    rows = np.concatenate([X, X])
    passes = iter(sizes + [8] * 999)
    said = f"gave 8 rows at first and {sizes[-1]} later; it must return the same rows"
    with pytest.raises(ValueError, match=re.escape(f"x() {said}")):
        BOTH[function](lambda: [rows[i : i + 1] for i in range(next(passes))])


@pytest.mark.parametrize("function", ["em", "fit"])
@pytest.mark.parametrize(
    ("start", "message"),
    [
        (W[:-1], "w has shape (7, 2); it must be (8, k)"),
        (W[None], "w has shape (1, 8, 2); it must be (8, k)"),
        (with_value(W, (3, 1), -0.25), "w[3, 1] is -0.25; every weight must be 0 or"),
        (W * 2, "row 0 of w sums to 2; every row must sum to 1. Divide by"),
        (with_value(W, (3, 1), np.nan), "w must be finite"),
        (scipy.sparse.csr_array(W), " is a sparse matrix; pass"),
        (with_a_hole(W), "but w[0, 0] is None"),
        (W * 1j, "w has dtype complex128"),
        (W.astype(str), "w has dtype <U"),
        (Mixture([1], [[0.0]], [[[1.0]]]), "x has shape (8, 2); it must be (m, 1)"),
    ],
)
def test_a_start_that_is_refused(function, start, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        BOTH[function](start=start)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, "but it is None"),
        (["a"] * 8, "w has dtype <U1"),
        (W * 1j, "w has dtype complex128"),
        (W * np.nan, "w must be finite"),
        (-W, "every weight must be 0 or more"),
        (2 * W, "every row must sum to 1"),
        (W[:-1], "w has shape (7, 2); it must be (8, k)"),
        (W[:, 0], "w has shape (8,); it must be (8, k)"),
        (np.ones((8, 1)), "w has shape (8, 1); with k = 2 groups it must be (8, 2)"),
        (np.full((8, 4), 0.25), "w has shape (8, 4); with k = 2 groups it must be"),
        ([[1], [0, 1]], "w has rows of different lengths"),
        (scipy.sparse.csr_array(W), "w is a sparse matrix"),
    ],
)
def test_a_start_function_that_returns_no_responsibilities(made, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fit(X, 2, start=lambda x, k, rng: made, rng=0)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (np.ones((8, 1)), "w has shape (8, 1); with k = 2 groups it must be (8, 2)"),
        (np.array(Z) + 0j, "start has dtype complex128"),
        (np.array(Z) * np.nan, "start must be finite"),
        (["a", "b"] * 4, "start has dtype <U1"),
        (np.array(Z) + 1, "start has shape (8,); as labels it must be (8,), whole"),
        (np.array(Z) + 0.5, "start has shape (8,); as labels it must be (8,), whole"),
        (None, "but it is None"),
    ],
)
def test_labels_and_shapes_that_fit_refuses(start, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fit(X, 2, start=start)


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("callback", [3, "print", [print]])
def test_a_callback_that_cannot_be_called(function, callback):
    with pytest.raises(ValueError, match=r"^callback is .*; pass a function or None"):
        BOTH[function](callback=callback)


@pytest.mark.parametrize("theta", [None, 3, W])
def test_a_theta_that_is_none(theta):
    for function in (
        lambda: e_step(X, theta),
        lambda: elbo(X, W, theta),
        lambda: complete_log_likelihood(X, Z, theta),
        lambda: certify(X, theta),
    ):
        with pytest.raises(ValueError, match=r"^theta is of type .*; pass a Mixture"):
            function()


@pytest.mark.parametrize("function", ["em", "fit"])
@pytest.mark.parametrize("family", [None, 3, "", ["full"], b"full", np.array("full")])
def test_a_family_that_is_none(function, family):
    with pytest.raises(ValueError, match=r"^family is .*; it must be one of"):
        BOTH[function](family=family)


@pytest.mark.parametrize("k", [0, -1, 2.0, 1.5, np.nan, True, None, "2", [2]])
@pytest.mark.parametrize("start", ["default", "k-means++", W])
def test_a_k_that_is_refused(k, start):
    with pytest.raises(ValueError, match=f"^k is {re.escape(repr(k))}; it must be"):
        fit(X, k, start=start)


@pytest.mark.parametrize("k", [9, 10**6])
def test_more_groups_than_rows(k):
    with pytest.raises(ValueError, match=f"^k is {k}, but x has only 8 rows"):
        fit(X, k, rng=0)


@pytest.mark.parametrize("rng", [-1, 1.5, "seed", object, True, [1.5], np.nan])
def test_a_seed_that_is_refused(rng):
    for function in (fit, select):
        with pytest.raises(ValueError, match=r"^rng is .*; pass a whole number >= 0"):
            function(X, 2, rng=rng)


@pytest.mark.parametrize("scale", [1e-139, 1e-100, 1e-6, 1e6, 1e98])
def test_wide_scales_are_legal(scale):
    right, found = em(X, W, max_iter=4), em(X * scale, W, max_iter=4)
    shift = -8 * 2 * np.log(scale)
    assert_allclose(found.trace, right.trace + shift, rtol=1e-12)
    assert found.log_likelihood == pytest.approx(
        found.theta.log_likelihood(X * scale), rel=1e-12
    )


# What is accepted ------------------------------------------------------------------


def strided(a):
    return np.repeat(np.repeat(a, 2, axis=0), 3, axis=1)[::2, ::3]


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


CLOTHES = {
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(map(tuple, a.tolist())),
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "long double": lambda a: a.astype(np.longdouble),
    "big-endian": lambda a: a.astype(">f8"),
    "Fortran order": np.asfortranarray,
    "strided": strided,
    "backwards": lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
    "read-only": read_only,
    "masked, no mask": np.ma.masked_invalid,
}
WHOLE = {
    "int8": lambda a: a.astype(np.int8),
    "uint8": lambda a: a.astype(np.uint8),
    "int64": lambda a: a.astype(np.int64),
    "uint64": lambda a: a.astype(np.uint64),
}


@pytest.mark.parametrize("clothes", CLOTHES | WHOLE)
def test_x_in_other_clothes(clothes):
    x = (CLOTHES | WHOLE)[clothes](X)
    before = np.array(x)
    for function in OF_X.values():
        assert_allclose(function(x), function(X.astype(float)), rtol=1e-12)
    assert (np.array(x) == before).all()
    if clothes not in ("list", "tuple", "read-only"):
        assert x.flags.writeable


@pytest.mark.parametrize("clothes", CLOTHES)
def test_w_in_other_clothes(clothes):
    for function in OF_W.values():
        assert_allclose(function(CLOTHES[clothes](W)), function(W), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_z_in_other_clothes(dtype):
    for function in OF_Z.values():
        for z in (np.array(Z, dtype), np.repeat(np.array(Z, dtype), 2)[::2]):
            assert_allclose(function(z), function(Z), rtol=0)
    assert np.array_equal(one_hot(Z, np.int64(2)), one_hot(Z, 2))


@pytest.mark.parametrize("clothes", CLOTHES)
def test_parameters_in_other_clothes(clothes):
    mu = CLOTHES[clothes](THETA.mu)
    assert Mixture(THETA.phi, mu, THETA.Sigma) == THETA
    M = moments(X, W)
    clothed = np.stack([np.array(CLOTHES[clothes](M_j)) for M_j in M])
    assert maximize(clothed) == maximize(M)


def test_x_on_one_axis_may_be_a_vector():
    w, z = W, Z
    x = X[:, 0].astype(float)
    theta = fit_labeled(x, z)
    assert theta == fit_labeled(x[:, None], z)
    assert m_step(x, w) == m_step(x[:, None], w)
    assert np.array_equal(moments(x, w), moments(x[:, None], w))
    assert elbo(x, w, theta) == elbo(x[:, None], w, theta)


def test_importing_the_package_loads_neither_plots_nor_statistics():
    heavy = {"matplotlib", "pandas", "scipy.stats", "sklearn", "emgmm.plots"}
    code = f"import sys, emgmm; print(*sorted({heavy} & set(sys.modules)))"
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
    assert all(hasattr(emgmm, name) for name in emgmm.__all__)


# Right, in other clothes ----------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        lambda a: a.astype(object),
        lambda a: [[Fraction(v) for v in row] for row in a.tolist()],
        lambda a: a.astype(np.float32),
        lambda a: a.astype(int) if (a == a.astype(int)).all() else a,
    ],
)
def test_numbers_in_another_form_are_numbers(form):
    assert_allclose(e_step(form(X), THETA), e_step(X, THETA), rtol=1e-6)
    assert m_step(form(X), form(W)) == m_step(X, W)


def test_probabilities_in_single_precision_are_probabilities():
    phi = np.array([0.1, 0.2, 0.7], dtype=np.float32)
    assert phi.astype(float).sum() != 1
    theta = Mixture(phi.astype(float), np.zeros((3, 1)), np.ones((3, 1, 1)))
    assert theta.phi.sum() == pytest.approx(1, abs=1e-15)
    rng = np.random.default_rng(0)
    w = rng.dirichlet([1, 1, 1], len(X)).astype(np.float32)
    assert m_step(X, w).phi.sum() == pytest.approx(1, abs=1e-15)
