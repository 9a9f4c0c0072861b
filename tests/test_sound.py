"""Sound groups explain their own rows; chance groups do not; saddles are left."""

import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import DATA
from scipy.stats import multivariate_normal

from emgmm import FAMILIES, Mixture, bic, certify, e_step, em, fit, short_runs, support
from emgmm._engine import abreast
from emgmm._engine.rows import Rows
from emgmm._engine.sample import SAMPLE, sampled
from emgmm.certificate import by_rate
from emgmm.fit import Doubtful
from emgmm.starts import peel

GEYSER = DATA["faithful"].x


def without(x, w, i, j, family):
    """The M-step of group j, made without row i and all rows that equal it."""
    keep = (x != x[i]).any(axis=1)
    w, y = w[keep, j], x[keep]
    N = w.sum()
    mu = w @ y / N
    Sigma = ((w * (y - mu).T) @ (y - mu)) / N
    if family == "diagonal":
        Sigma = np.diag(np.diag(Sigma))
    if family == "spherical":
        Sigma = np.eye(len(mu)) * np.trace(Sigma) / len(mu)
    return N / keep.sum(), mu, Sigma


def by_hand(x, theta, family):
    """Support as it is printed, each row really left out."""
    w, joint = e_step(x, theta), np.exp(theta.log_joint(x))
    total = np.zeros(theta.k)
    for j in range(theta.k):
        for i in range(len(x)):
            others = np.delete(joint[i], j).sum()
            phi, mu, Sigma = without(x, w, i, j, family)
            own = phi * multivariate_normal(mu, Sigma).pdf(x[i])
            total[j] += np.log((others + own) / (others / (1 - theta.phi[j])))
    return total


@pytest.mark.equation("eq-support")
@pytest.mark.parametrize("family", ["full", "diagonal", "spherical"])
@pytest.mark.parametrize("k", [2, 3])
def test_support_is_that_of_rows_really_left_out(family, k):
    x = np.concatenate([GEYSER[:90], GEYSER[:7]])  # some rows are there twice
    w = np.random.default_rng(k).dirichlet(np.full(k, 0.3), len(x))
    theta = em(x, 0.9 * w + 0.1 / k, family=family, accelerate=True).theta
    assert_allclose(support(x, theta, family), by_hand(x, theta, family), rtol=1e-6)


def test_support_knows_no_units_and_no_order():
    theta = fit(GEYSER, 2, rng=0, n_starts=3).theta
    A, b = np.array([[2.0, 0.1], [0, 1e-3]]), np.array([5.0, -1e4])
    moved = Mixture(theta.phi, theta.mu @ A.T + b, A @ theta.Sigma @ A.T)
    right = support(GEYSER, theta)
    assert_allclose(support((GEYSER @ A.T + b)[::-1], moved), right, rtol=1e-6)


@pytest.mark.parametrize(("k", "family"), [(1, "full"), (2, "tied")])
def test_where_the_likelihood_has_a_limit_support_is_infinite(k, family):
    found = fit(GEYSER, k, family=family, rng=0, n_starts=2)
    assert support(GEYSER, found.theta, family).tolist() == [np.inf] * k


def chance(seed, m, d):
    """The best strict maximum around a handful of rows of one Gaussian."""
    rng = np.random.default_rng(seed)
    x, best = rng.standard_normal((m, d)), None
    for _ in range(12):
        w = 0.98 * peel(x, np.ones((m, 1)), rng) + 0.01
        try:
            run = em(x, w, accelerate=True, max_iter=300)
        except ValueError:
            continue
        is_top = run.reason == "converged" and run.certificate.kind == "strict maximum"
        if is_top and (best is None or run.log_likelihood > best.log_likelihood):
            best = run
    return x, best


@pytest.mark.equation("eq-sound")
@pytest.mark.parametrize(("m", "d"), [(60, 1), (100, 2), (200, 2), (150, 4)])
def test_groups_of_chance_have_no_support(m, d):
    found = [chance(seed, m, d) for seed in range(6)]
    points = [(x, run.theta) for x, run in found if run is not None]
    assert len(points) >= 3
    sound = [support(x, theta).min() > (d + 1) * np.log(m) for x, theta in points]
    assert sum(sound) <= 1  # a rule with reasons, no theorem


@pytest.mark.equation("eq-sound")
@pytest.mark.parametrize(("few", "d"), [(5, 1), (8, 2), (12, 4), (40, 10)])
def test_true_groups_of_few_rows_are_sound(few, d):
    rng = np.random.default_rng(few)
    x = rng.standard_normal((300, d))
    x[:few] += 8 / np.sqrt(d)
    w = np.eye(2)[(np.arange(300) < few).astype(int)]
    theta = em(x, w, accelerate=True).theta
    least = support(x, theta).min()
    assert least > (d + 1) * np.log(300)
    found = fit(x, 2, rng=0)
    assert found.starts[0].verdict == "regular"
    assert found.starts[0].support == pytest.approx(least, rel=1e-4)


def test_a_group_may_be_small_if_it_is_alone():
    x = np.random.default_rng(0).random((10, 5))
    found = fit(x, 1)
    assert_allclose(found.theta.Sigma[0], np.cov(x.T, bias=True), rtol=1e-9)
    assert found.certificate.kind == "strict maximum"


def test_banknotes_in_three_groups_have_their_eighteen_rows():
    x = DATA["banknote"].x
    found = fit(x, 3, rng=0, n_starts=60)
    assert found.log_likelihood > -627.05
    assert found.theta.phi.min() * 200 == pytest.approx(18, abs=1)


def twins(seed):
    """Half of the rows are equal: two examples drawn from them are no two groups."""
    x = np.random.default_rng(seed).standard_normal((60, 1))
    x[:30] = x[0]
    return x


@pytest.mark.parametrize("family", ["spherical", "tied"])
@pytest.mark.parametrize("seed", range(4))
def test_no_fit_ends_on_a_saddle(family, seed):
    with warnings.catch_warnings(action="ignore", category=Doubtful):
        found = fit(twins(seed), 2, family=family, rng=seed)
    assert found.certificate.kind != "saddle"
    assert found.starts[0].verdict != "saddle"


def test_a_saddle_given_as_a_start_is_left():
    one = em(GEYSER, np.ones((272, 1))).theta
    saddle = Mixture([0.5, 0.5], [one.mu[0]] * 2, [one.Sigma[0]] * 2)
    assert certify(GEYSER, saddle).kind == "saddle"
    found = fit(GEYSER, 2, start=saddle)
    assert found.log_likelihood > saddle.log_likelihood(GEYSER) + 100
    assert found.certificate.kind == "strict maximum"


def test_forty_features_hide_no_two_groups():
    rng = np.random.default_rng(0)
    mu, z = rng.standard_normal((2, 40)), rng.integers(2, size=1000)
    x = mu[z] + rng.standard_normal((1000, 40))
    found = fit(x, 2, rng=0, n_starts=6)
    right = em(x, np.eye(2)[z])
    assert found.log_likelihood == pytest.approx(right.log_likelihood, abs=1e-4)


def with_a_wild_row(factor):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((200, 2)) + 6 * (np.arange(200) % 2)[:, None]
    x[7] *= factor
    return x


@pytest.mark.parametrize("factor", [1e3, 1e6])
def test_one_wild_row_hides_no_two_groups(factor):
    found = fit(with_a_wild_row(factor), 2, rng=0)
    z = np.arange(200) % 2
    agree = (found.theta.classify(with_a_wild_row(1)) == z).mean()
    assert max(agree, 1 - agree) > 0.95
    assert found.starts[0].verdict == "regular"


def test_where_nothing_can_be_fitted_the_wild_row_is_named():
    with pytest.raises(ValueError, match="Look at row 7: it lies far"):
        fit(with_a_wild_row(1e6), 2, family="spherical", rng=0, n_starts=4)


def test_a_sound_maximum_does_not_say_how_many_groups_there_are():
    x = np.random.default_rng(0).standard_normal((150, 1))
    one, two = fit(x, 1), fit(x, 2, rng=1)
    assert two.starts[0].verdict == "regular"
    assert 0 < two.log_likelihood - one.log_likelihood < 2
    assert bic(two) > bic(one) + 10


def test_where_looks_are_dear_plain_steps_lead_as_far(monkeypatch):
    rows, w = Rows(GEYSER, 3), np.random.default_rng(0).dirichlet(np.ones(3), (1, 272))
    right = em(GEYSER, w[0], accelerate=True).log_likelihood
    monkeypatch.setattr(short_runs, "size", lambda rows: 10**6)
    ends = []
    for steps in (5, 50, 3000):
        monkeypatch.setattr(short_runs, "LONGER", steps)
        ends.append(short_runs.short_runs(rows, w)[0].trace[-1])
    assert ends[0] < ends[1] < ends[2]
    assert ends[2] == pytest.approx(right, abs=0.01)
    # It is left alone once it cannot pass the best.
    (run,) = short_runs.short_runs(rows, w, least=np.inf)
    assert len(run.trace) - 1 == short_runs.FEW


def test_no_search_goes_on_for_ever(monkeypatch):
    monkeypatch.setattr(sys.modules["emgmm.search"], "MOST", 1)
    assert fit(GEYSER, 3, rng=0, n_starts=13).n_starts == 13


def level(x, k, rng):
    """All groups alike: EM rests there, and the curvature is 0."""
    return np.full((len(x), k), 1 / k)


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_groups_are_left_though_the_curvature_is_level(family):
    x = np.random.default_rng(0).standard_normal((200, 2))
    x[:90] += 6
    found = fit(x, 2, family=family, start=level, n_starts=1)
    assert found.certificate.kind == "strict maximum"
    assert found.log_likelihood > fit(x, 1, family=family).log_likelihood + 50


def test_equal_groups_are_named_where_they_are_not_left(monkeypatch):
    monkeypatch.setattr(sys.modules["emgmm.fit"], "SADDLES", 0)
    with pytest.warns(Doubtful, match="groups are equal"):
        found = fit(GEYSER, 2, start=level, n_starts=1)
    assert found.starts[0].verdict == "saddle"
    assert found.certificate.kind != "strict maximum"


def test_a_wild_row_is_named_in_whichever_block_it_is():
    x = with_a_wild_row(1e6)
    at = np.abs(x).max(axis=1).argmax()
    blocks = [x[: at + 20], x[at + 20 :]]
    with pytest.raises(ValueError, match=f"Look at row {at}:"):
        fit(lambda: blocks, 2, family="spherical", rng=0, n_starts=4)


def test_a_group_without_share_has_no_certificate():
    theta = Mixture([1.0, 0.0], [[3, 70], [3, 70]], [np.diag([1.0, 100])] * 2)
    with pytest.raises(ValueError, match="has share 0; leave it out"):
        certify(GEYSER, theta)


def test_by_its_rate_a_group_about_to_collapse_has_no_top():
    x = np.concatenate([np.zeros(20), np.linspace(5, 9, 20)])[:, None]
    rows = Rows(x, 2)
    theta = Mixture([0.5, 0.5], [[0], [7]], [[[1e-9]], [[2.0]]])
    found = by_rate(rows, rows.state(theta))
    assert (found.kind, found.still_to_gain) == ("unknown", np.inf)


@pytest.mark.parametrize("judge", [certify, support])
def test_a_group_that_has_collapsed_is_refused_by_its_name(judge):
    theta = Mixture([0.5, 0.5], [[2, 55], [4, 80]], [np.eye(2), 1e-14 * np.eye(2)])
    with pytest.raises(ValueError, match="theta: a group is a million times narrower"):
        judge(GEYSER, theta)


def test_the_page_says_how_the_search_goes():
    page = Path(__file__).resolve().parents[1] / "chapters" / "reference_fit.md"
    said = " ".join(page.read_text(encoding="utf-8").split())
    searching, fitting = sys.modules["emgmm.search"], sys.modules["emgmm.fit"]
    words = {4: "four", 5: "five", 10: "ten", 12: "twelve"}
    for sentence in (
        f"{short_runs.FEW} steps of EM on at most {SAMPLE:,} rows show",
        f"The first {words[searching.FIRST]} starts are new ones, of four kinds",
        f"up to {abreast.MOST} starts go side by side",
        f"tried, up to {words[searching.MOST]} times as long as the patience",
        f"when {searching.ENOUGH} starts have led to the best point itself "
        f"({searching.SHARE:.0%} of `n_starts`, if that is more)".replace("%", " %"),
        f"moves from one of the best {words[searching.BEST]} points",
        f"The best {words[fitting.FOLLOWED]} points are followed to the end",
    ):
        assert sentence in said


@pytest.mark.parametrize(("patience", "enough"), [(200, 30), (400, 60)])
def test_a_search_ends_where_enough_starts_agree(patience, enough):
    found = fit(GEYSER, 2, rng=0, n_starts=patience)
    assert enough <= found.n_agree
    assert found.n_starts < 2 * enough < patience
    # With less patience than that, nothing ends early.
    assert fit(GEYSER, 2, rng=0, n_starts=20).n_starts > 20


def test_a_search_goes_on_while_every_start_collapses(monkeypatch):
    first_each, calls = short_runs.first_each, []

    def flat_at_first(rows, w):
        calls.append(1)
        flat = len(calls) <= 8  # as it is, and evened
        return [None] * len(w) if flat else first_each(rows, w)

    monkeypatch.setattr(short_runs, "first_each", flat_at_first)
    found = fit(GEYSER, 2, rng=0, n_starts=3)
    assert found.starts[-1].verdict == "degenerate"
    assert found.starts[-1].count == 4 * 3
    assert found.log_likelihood == pytest.approx(-1130.2639601847, abs=1e-8)


def test_only_a_point_that_is_known_is_not_judged_again():
    rows = Rows(GEYSER, 2)
    sample, w = sampled(rows), np.eye(2)[(GEYSER[:, 1] > 68).astype(int)]
    (run,) = short_runs.short_runs(rows, w[None])
    doubtful = short_runs.Point(run, "spurious", -7.0)
    other = short_runs.Point(replace(run, trace=run.trace - 1), "spurious", -7.0)
    assert short_runs.judged(sample, run, [other, doubtful]).support == -7.0
    alone = short_runs.judged(sample, run, [other])
    assert (alone.verdict, alone.support > 100) == ("regular", True)
