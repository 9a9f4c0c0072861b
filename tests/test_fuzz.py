"""Anything may come in: a finite, valid answer or a ValueError that says why goes out.

Each example starts from arguments that fit together and spoils one or two of them. A
warning is an error here (pytest turns them all into one), and so is any other exception
than ValueError. ``FUZZ=20 pytest tests/test_fuzz.py`` tries 20 times as many examples.
"""

import inspect
import os
import re
import tempfile
import warnings

import numpy as np
import pytest
import reference  # noqa: F401  (loads the profile of Hypothesis)
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import emgmm
from emgmm import (
    FAMILIES,
    Certificate,
    Doubtful,
    Fit,
    Mixture,
    data,
    em,
    fit,
    moments,
    select,
    starts,
)
from emgmm.selection import Selection

MORE = int(os.environ.get("FUZZ", "1"))


# Arguments that fit together ---------------------------------------------------------


def arguments(seed, m, d, k):
    """One good value for every name that a public function asks for."""
    rng = np.random.default_rng(seed)
    z = np.arange(m) % k
    x = rng.normal(size=(m, d)) + 3 * z[:, None]
    w = rng.dirichlet(np.ones(k), m)
    mu, A = rng.normal(size=(k, d)), rng.normal(size=(k, d, d + 2))
    theta = Mixture(np.full(k, 1 / k), mu, A @ A.mT)
    return {
        "x": x,
        "w": w,
        "z": z,
        "theta": theta,
        "start": w,
        "M": moments(x, w),
        "phi": theta.phi,
        "mu": theta.mu,
        "Sigma": theta.Sigma,
        "names": (),
        "k": k,
        "d": d,
        "m": 3,
        "ks": [k],
        "rng": 0,
        "n_starts": 2,
        "family": "full",
        "families": ["full"],
        "criterion": "bic",
        "tol": 1e-6,
        "max_iter": 20,
        "accelerate": seed % 2 == 0,
        "fit": some_fit(x, theta),
        "coverage": 0.5,
        "values": rng.normal(size=(m, d)),
        "a": np.arange(m),
        "b": np.arange(d),
        "depth": 2.0,
        "axis_labels": None,
        "found": None,
    }


def some_fit(x, theta):
    value = theta.log_likelihood(x)
    trace, m = np.array([value]), len(x)
    return Fit(theta, value, trace, 0, 1, "max_iter", "full", m, None, ())


# What can be wrong with an array -----------------------------------------------------


def put(a, value):
    a = np.array(a, dtype=np.result_type(a, type(value)))
    a[(0,) * a.ndim] = value
    return a


def first_column(a, change):
    a = np.array(a, dtype=float)
    a[..., 0] = change(a)
    return a


def on_disk(a):
    stored = np.memmap(
        tempfile.TemporaryFile(),  # noqa: SIM115
        float,
        "w+",
        shape=a.shape,
    )
    stored[...] = a
    return stored


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


class NoArray:
    def __array__(self, *_args, **_options):
        raise TypeError("this is no array")


SPOILED = {
    "nan": lambda a: put(a, np.nan),
    "infinity": lambda a: put(a, -np.inf),
    "all nan": lambda a: a * np.nan,
    "huge": lambda a: put(a, 1e300),
    "large": lambda a: put(a, 1e99),
    "negative": lambda a: put(a, -0.5),
    **{f"x {s:g}": lambda a, s=s: a * s for s in (0.0, 5e-324, 1e-300, 1e-200, 1e-150)},
    **{f"x  {s:g}": lambda a, s=s: a * s for s in (1e-100, 1e-6, 1e6, 1e98, 1e300)},
    **{f"+ {s:g}": lambda a, s=s: a + s for s in (1e6, 1e15, 1e100)},
    "one column x 1e-150": lambda a: first_column(a, lambda a: a[..., 0] * 1e-150),
    "one column x 1e90": lambda a: first_column(a, lambda a: a[..., 0] * 1e90),
    "long double": lambda a: a * np.longdouble("1e400"),
    "small long double": lambda a: a * np.longdouble("1e-4000"),
    "complex": lambda a: a + 0j,
    "object": lambda a: a.astype(object),
    "None inside": lambda a: put(a.astype(object), None),
    "strings": lambda a: a.astype(str),
    "bytes": lambda a: a.astype(bytes),
    "dates": lambda a: np.zeros(a.shape, "M8[s]"),
    "records": lambda a: np.zeros(a.shape, [("a", float)]),
    "sparse": lambda a: scipy.sparse.csr_array(np.atleast_2d(a[..., 0])),
    "sparse matrix": lambda a: scipy.sparse.coo_matrix(np.atleast_2d(a[..., 0])),
    "no rows": lambda a: a[:0],
    "no columns": lambda a: a[..., :0],
    "one row": lambda a: a[:1],
    "a row less": lambda a: a[:-1],
    "a row more": lambda a: np.concatenate([a, a[-1:]]),
    "a column more": lambda a: np.concatenate([a, a[..., -1:]], axis=-1),
    "one column": lambda a: a[..., 0],
    "turned": lambda a: a.T,
    "one axis more": lambda a: a[None],
    "one number": lambda _: 1.0,
    "None": lambda _: None,
    "a word": lambda _: "data",
    "a dict": lambda _: {"a": [1.0]},
    "a generator": lambda a: (row for row in a),
    "no array": lambda _: NoArray(),
    "ragged": lambda a: [*a.tolist(), [0.0] * 9],
    "masked": lambda a: np.ma.masked_less(a, a.mean() + 0.1),
    "nothing masked": np.ma.masked_invalid,
    "masked in a list": lambda a: [np.ma.masked, *a.tolist()[1:]],
    "list": lambda a: a.tolist(),
    "too large an int": lambda a: np.full(a.shape, 10**400, dtype=object).tolist(),
    "beyond 64 bits": lambda a: put(a.astype(int).astype(object), 2**64).tolist(),
    **{
        t: lambda a, t=t: a.astype(t)
        for t in ("?", "i1", "u1", "u8", "f2", "f4", ">f8", "longdouble")
    },
    "largest int": lambda a: np.where(a > 0, np.iinfo(int).max, np.iinfo(int).min),
    "largest uint": lambda a: np.where(a > 0, np.uint64(2**64 - 1), np.uint64(0)),
    "ties": np.round,
    "two values": lambda a: np.where(a > 1, 1.0, 0.0),
    "equal": lambda a: np.broadcast_to(a[:1], a.shape),
    "a constant": lambda a: first_column(a, lambda _: 7.0),
    "a line": lambda a: first_column(a, lambda a: 2 * a[..., -1]),
    **{
        f"near a line {s:g}": lambda a, s=s: first_column(
            a, lambda a: a[..., -1] + s * a[..., 0]
        )
        for s in (1e-3, 1e-6, 1e-8, 1e-12)
    },
    **{
        f"near a point {s:g}": lambda a, s=s: (
            1 + s * (np.asarray(a, float) - np.asarray(a[:1], float))
        )
        for s in (1e-3, 1e-9, 1e-15)
    },
    "half equal": lambda a: np.where(np.arange(len(a)) % 2, a.T, a[0].T[..., None]).T,
    "twice": lambda a: np.repeat(a, 2, axis=0)[: len(a)],
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1],
    "on disk": on_disk,
}


def blocks(x):
    """Functions that should return blocks of x, and mostly do not."""
    once = iter([x])
    several = iter([[x, x], [x], [x[:1]]] + [[x]] * 99)
    narrower = iter([[x], [x[:, :1]]] + [[x]] * 99)
    return [
        lambda: [x[:2], x[2:]],
        lambda: iter([x]),
        lambda: [x, x[:, :0]],
        lambda: [x, x[:, :1]],
        lambda: [x, x * np.nan],
        lambda: [x, None],
        lambda: [x, "rows"],
        lambda: [x[0]],
        lambda: [x[:0], x],
        lambda: once,
        lambda: next(several),
        lambda: next(narrower),
        lambda: x,
        lambda: None,
        lambda: 3,
        lambda: {"a": x},
        lambda: "rows",
        list,
    ]


NO_COUNT = [0, -1, 1, 2, 2.0, np.nan, True, None, "2", [2], 2**70, np.int8(2)]
BAD = {
    "k": NO_COUNT,
    "d": NO_COUNT,
    "m": [value for value in NO_COUNT if value != 2**62],
    "n_starts": [0, -1, 1, 1.0, None, True, "a", 2**64],
    "ks": [None, 2, np.int64(1), [], [0], [1, 9], ["a"], 2.0, "ab", [[1]]],
    "rng": [-1, 1.5, "a", None, True, [1, 2], [], ["a"], object, 2**200, np.nan],
    "family": [*FAMILIES, None, 3, "round", "", ["full"], b"full", np.array("full")],
    "families": [FAMILIES, None, [], 3, "tied", "round", [3], [["full"]]],
    "criterion": ["aic", "icl", None, "best", ["bic"], np.array(["bic", "aic"])],
    "tol": [-1, np.nan, np.inf, "a", None, [1e-9], 0, 1e300, 10**400, 1j, True],
    "max_iter": [-1, 0, 1, 1.5, None, True, "a", 2**70],
    "names": [None, 2, ["a"], ["a", "a"], "ab", [["a"], ["b"]], np.eye(2), {"a", "b"}],
    "fit": [None, 3, "fit", Mixture([1], [[0]], [[[1]]])],
    "theta": [
        None,
        3,
        np.eye(2),
        Mixture([1], [[0]], [[[1]]]),
        Mixture([0.5, 0.5], [[0, 0], [1, 1]], [1e-280 * np.eye(2), np.eye(2)]),
        Mixture([0.5, 0.5], [[0, 0], [1e100, 1]], [1e290 * np.eye(2), np.eye(2)]),
        Mixture([1, 0], [[0, 0], [1, 1]], [np.eye(2), np.eye(2)]),
        Mixture([0.5, 0.5], [[0], [0]], [[[1]], [[1e-12]]]),
    ],
    "coverage": [0, 1, -1, np.nan, 1e-300, 1 - 1e-16, None, "a", [0.5]],
    "depth": [0, -1, np.nan, np.inf, 1e-300, 1e99, None, "a", [1]],
}


def labels(z):
    return [z.astype(t) for t in ("u1", "f8", "?", "U3", "S3", "O", "c16", "u8")] + [
        z + 1,
        z - 1,
        z * 2**62,
        z[:-1],
        z[:, None],
        z[:0],
        None,
        "ab",
        0,
        z.tolist(),
        [None] * len(z),
        [np.nan] * len(z),
        np.ma.masked_equal(z, 0),
        scipy.sparse.csr_array(z[None]),
        z * 0,
        [2**70] * len(z),
        [[0], [0, 1]],
        np.zeros(len(z), [("a", int)]),
    ]


ARRAYS = ("x", "w", "start", "M", "phi", "mu", "Sigma", "values", "a", "b")


@st.composite
def spoiled(draw, names, seed):
    """Arguments, of which one or two of these names do not fit (or look odd)."""
    m, d, k = draw(st.integers(1, 12)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    given_names = arguments(seed + draw(st.integers(0, 9)), max(m, k), d, k)
    given_names = {name: given_names[name] for name in names}
    for name in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
        given_names[name] = draw(in_place_of(name, given_names[name]))
    return given_names


def in_place_of(name, value):
    if name == "z":
        return st.sampled_from(labels(value))
    if name not in ARRAYS:
        return st.sampled_from(BAD.get(name, [value]))
    choices = st.lists(st.sampled_from(list(SPOILED)), min_size=1, max_size=2)
    arrays = choices.map(lambda chosen: spoil(value, chosen))
    return arrays | st.sampled_from(blocks(value)) if name == "x" else arrays


def spoil(value, chosen):
    """One way after another, as long as they leave an array of numbers."""
    with warnings.catch_warnings(action="ignore"):
        for name in chosen:
            plain = isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
            if not plain or value.size == 0 or value.ndim == 0:
                break
            value = SPOILED[name](value)
    return value


# What may come out -------------------------------------------------------------------

SAID = (
    r"\b(x|w|z|k|d|m|ks|rng|tol|max_iter|n_starts|start|theta|phi|mu|Sigma|names|M|fit"
    r"|family|families|criterion|values|a|b|depth|coverage|axis_labels|groups?)\b"
)
RAW = (
    r"ufunc|broadcast|truth value|inhomogeneous|array element|signature|arg(ument)? \d"
)


def attempt(function, values):
    """The answer, or None where the arguments were refused in the right way."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Doubtful)
            return function(**values)
    except ValueError as error:
        said = str(error)
    assert re.search(SAID, said), f"names no argument: {said}"
    assert not re.search(RAW, said), f"is NumPy's, not ours: {said}"
    return None


def check(answer):
    """Every number in an answer is finite."""
    if isinstance(answer, Selection):
        answer = answer.best
    if isinstance(answer, Fit):
        assert (np.diff(answer.trace) >= 0).all()
        assert answer.trace[-1] == answer.log_likelihood
        answer = (answer.theta, answer.trace, answer.certificate)
    if isinstance(answer, Mixture):
        answer = (answer.phi, answer.mu, answer.Sigma)
    if isinstance(answer, Certificate):
        certified = answer.method == "Newton decrement"
        answer = (answer.score_norm, answer.smallest_eigenvalue if certified else 0)
    for part in answer if isinstance(answer, tuple) else [answer]:
        if part is not answer:
            check(part)
        elif isinstance(part, np.ndarray | float):
            assert np.isfinite(part).all(), part


def of_fit(values, answer):
    """A fit's log-likelihood is that of theta, as far as mu and Sigma can hold it."""
    x = values["x"]
    if answer is None or callable(x):
        return
    try:
        value = answer.theta.log_likelihood(x)
    except ValueError:  # outside of what the formula takes
        return
    Sigma = answer.theta.Sigma
    sd = np.sqrt(np.diagonal(Sigma, axis1=1, axis2=2))
    correlation = Sigma / sd[:, :, None] / sd[:, None, :]
    far = np.abs(answer.theta.mu / sd).max()
    digits = 1e-15 * max(np.linalg.cond(correlation).max(), far)
    size = abs(value) + answer.m * (answer.theta.d + np.abs(np.log(sd)).max())
    assert answer.log_likelihood == pytest.approx(value, abs=size * (1e-9 + digits))


def of_theta(name):
    """A method of `Mixture`, with theta among the arguments."""
    return lambda theta, **values: getattr(theta, name)(**values)


CALLS = {
    "Mixture": (Mixture, "phi mu Sigma names"),
    **{
        f"Mixture.{name}": (of_theta(name), "theta x")
        for name in (
            "log_joint",
            "log_density",
            "log_likelihood",
            "responsibilities",
            "classify",
        )
    },
    "Mixture.sample": (of_theta("sample"), "theta m rng"),
    "moments": (emgmm.moments, "x w"),
    "maximize": (emgmm.maximize, "M family"),
    "n_parameters": (emgmm.n_parameters, "k d family"),
    "one_hot": (emgmm.one_hot, "z k"),
    "fit_labeled": (emgmm.fit_labeled, "x z"),
    "complete_log_likelihood": (emgmm.complete_log_likelihood, "x z theta"),
    "e_step": (emgmm.e_step, "x theta"),
    "m_step": (emgmm.m_step, "x w"),
    "elbo": (emgmm.elbo, "x w theta"),
    "em": (em, "x start family tol max_iter accelerate"),
    "fit": (fit, "x k family rng n_starts tol max_iter"),
    "fit from one start": (fit, "x k start family tol max_iter"),
    "select": (select, "x ks families criterion rng n_starts max_iter"),
    "aic": (emgmm.aic, "fit"),
    "bic": (emgmm.bic, "fit"),
    "icl": (emgmm.icl, "fit x"),
    "certify": (emgmm.certify, "x theta family"),
    "support": (emgmm.support, "x theta family"),
    "starts.random_responsibilities": (starts.random_responsibilities, "x k rng"),
    "starts.random_examples": (starts.random_examples, "x k rng"),
    "starts.soft_examples": (starts.soft_examples, "x k rng"),
    "starts.kmeans_plus_plus": (starts.kmeans_plus_plus, "x k rng"),
    "starts.k_means": (starts.k_means, "x k rng"),
    "starts.cut": (starts.cut, "x k rng"),
    "starts.middle": (starts.middle, "x"),
    "starts.split": (starts.split, "x w rng"),
    "starts.peel": (starts.peel, "x w rng"),
    "starts.rearranged": (starts.rearranged, "x w rng"),
    "data.draw_anemia": (lambda rng: data.draw_anemia(rng)[0], "rng"),
}
# Public, but nothing that one calls.
ANSWERS = {"Fit", "Certificate", "StationaryPoint", "Selection", "Doubtful"}
# The logarithm of a density is minus infinity where a group's share is 0.
LOGS_OF_ZERO = ("Mixture.log_joint", "complete_log_likelihood", "elbo")
# A few of them need many examples, the others a glance.
EXAMPLES = {"em": 90, "fit": 60, "select": 20, "certify": 40}


def test_every_public_function_is_here():
    public = [name for name in emgmm.__all__ if callable(getattr(emgmm, name))]
    public += [
        f"starts.{name}"
        for name, function in inspect.getmembers(starts, inspect.isfunction)
        if function.__module__ == starts.__name__ and name[0] != "_"
    ]
    public += [
        f"Mixture.{name}"
        for name, _ in inspect.getmembers(Mixture, inspect.isfunction)
        if name[0] != "_"
    ]
    called = {name.split()[0] for name in CALLS}
    assert set(public) - ANSWERS == called - {"data.draw_anemia"}


@pytest.mark.parametrize("name", CALLS)
def test_a_valid_answer_or_a_value_error(name):
    function, names = CALLS[name]

    @settings(max_examples=EXAMPLES.get(name, 30) * MORE)
    @given(spoiled(names.split(), seed=len(name)))
    def run(values):
        if name.startswith("Mixture.") and not isinstance(values["theta"], Mixture):
            return
        answer = attempt(function, values)
        if name in LOGS_OF_ZERO and answer is not None:
            assert not np.isnan(answer).any()
            assert np.max(answer) < np.inf
        elif name == "support" and answer is not None:  # infinite where there is a top
            assert not np.isnan(answer).any()
        else:
            check(answer)
        if name.split()[0] in ("em", "fit"):
            of_fit(values, answer)

    run()
