"""What the chapters claim in words, computed: geometry, history of a run, sources."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from emgmm import Mixture, data, em, fit_labeled, m_step

CHAPTERS = Path(__file__).parents[1] / "chapters"
ANEMIA = data.anemia()
SKEWED = np.random.default_rng(1).gamma(2, size=(90, 3)) ** 2


def together(x):
    """One Gaussian for all: its mean, its covariance, and its log-likelihood."""
    one = m_step(x, np.ones((len(x), 1)))
    return one.mu[0], one.Sigma[0], one.log_likelihood(x)


# Chapter 5: the saddle of two equal groups.


@pytest.mark.parametrize("x", [ANEMIA.x, data.faithful().x, data.iris().x, SKEWED])
def test_parting_the_means_alone_never_gains_at_any_distance(x):
    mu, Sigma, before = together(x)
    L, rng = np.linalg.cholesky(Sigma), np.random.default_rng(0)
    for size in (1e-2, 0.1, 0.4, 1, 3, 10):
        for _ in range(20):
            direction = rng.normal(size=len(mu))
            h = size * L @ direction / np.linalg.norm(direction)
            parted = Mixture([0.5, 0.5], [mu + h, mu - h], [Sigma, Sigma])
            u = (x - mu) @ np.linalg.solve(Sigma, h)
            printed = np.logaddexp(u, -u) - np.log(2) - u**2 / 2
            change = parted.log_likelihood(x) - before
            assert_allclose(change, printed.sum(), rtol=1e-9, atol=1e-9)
            assert change < 1e-9


def test_parting_the_means_costs_at_fourth_order_and_not_before():
    x = ANEMIA.x
    mu, Sigma, before = together(x)
    for h in (np.array([1.0, 0.0]), np.array([0.3, -0.2])):
        u = (x - mu) @ np.linalg.solve(Sigma, h)
        for t in (0.2, 0.1):
            parted = Mixture([0.5, 0.5], [mu + t * h, mu - t * h], [Sigma, Sigma])
            change = parted.log_likelihood(x) - before
            assert_allclose(change, -(t**4) * (u**4).sum() / 12, rtol=0.05)


def test_tilting_the_ellipses_in_opposite_ways_gains_and_so_does_the_mirror_image():
    x = ANEMIA.x
    mu, Sigma, before = together(x)
    tilt, h = np.array([[0, 1], [1, 0]]), np.array([1, 0])
    for sign in (1, -1):
        pair = [Sigma + sign * tilt, Sigma - sign * tilt]
        tilted = Mixture([0.5, 0.5], [mu, mu], pair).log_likelihood(x)
        means = [mu + sign * h, mu - sign * h]
        both = Mixture([0.5, 0.5], means, pair).log_likelihood(x)
        assert before + 0.8 < tilted < both - 0.1


def test_on_the_map_of_chapter_3_parting_the_means_is_the_way_up():
    volume = ANEMIA.x[:, :1]
    mu, whole, _ = together(volume)
    theta = fit_labeled(volume, ANEMIA.z)
    held = theta.phi @ theta.Sigma[:, 0, 0]
    assert held < whole[0, 0]
    pairs = [
        Mixture([0.5, 0.5], [mu + h, mu - h], [[[held]], [[held]]])
        for h in np.linspace(0, 6, 13)
    ]
    assert (np.diff([pair.log_likelihood(volume) for pair in pairs]) > 0).all()


def test_on_the_plateau_of_chapter_4_shapes_part_before_means():
    x, states = ANEMIA.x, []
    w = np.random.default_rng(0).dirichlet([1, 1], size=len(x))
    em(x, w, max_iter=9, tol=0, callback=lambda n, theta, ell: states.append(theta))
    W = np.linalg.inv(np.linalg.cholesky(together(x)[1]))
    means = [np.linalg.norm(W @ (t.mu[0] - t.mu[1])) for t in states]
    shapes = [np.linalg.norm(W @ (t.Sigma[0] - t.Sigma[1]) @ W.T) for t in states]
    assert shapes[9] > 5 * shapes[0]
    assert means[9] < 2 * means[0]


# Chapter 5: speed, and no summit.


def test_a_decimal_of_theta_costs_twice_the_iterations_of_one_of_the_log_likelihood():
    x, path = data.faithful().x, []
    w = np.random.default_rng(0).dirichlet([1, 1, 1], size=len(x))
    fit = em(x, w, tol=0, max_iter=600, callback=lambda n, t, ell: path.append(t.mu))
    left = fit.trace[-1] - fit.trace[[90, 90 + 18]]
    assert left[1] / left[0] == pytest.approx(0.1, rel=0.1)
    off = [np.linalg.norm(path[n] - path[-1]) for n in (90, 90 + 35)]
    assert off[1] / off[0] == pytest.approx(0.1, rel=0.1)


def test_without_a_second_group_or_its_own_covariance_a_spike_only_costs():
    x = ANEMIA.x
    mu = np.array([x[0], x.mean(axis=0)])
    alone, shared = [], []
    for s in (1e-1, 1e-2, 1e-3):
        spike = s**2 * np.eye(2)
        alone.append(Mixture([1], mu[:1], [spike]).log_likelihood(x))
        two = Mixture([1 / 180, 179 / 180], mu, [spike, spike])
        shared.append(two.log_likelihood(x))
    for values in (alone, shared):
        assert all(b < a - 1e5 for a, b in pairwise(values))


# Chapter 4: what the M-step needs.


def test_after_an_e_step_every_group_has_a_share_of_every_point():
    x = ANEMIA.x
    for seed in range(5):
        w = np.random.default_rng(seed).dirichlet([1, 1, 1], size=len(x))
        for _ in range(30):
            theta = m_step(x, w)
            w = theta.responsibilities(x)
            assert w.min() > 0
            assert np.linalg.eigvalsh(theta.Sigma).min() > 0


def test_flat_and_empty_groups_come_from_zeros():
    x = ANEMIA.x
    w = np.zeros((len(x), 2))
    w[:, 1] = 1
    with pytest.raises(ValueError, match="group 0"):
        m_step(x, w)
    w[:2] = [1, 0]  # two points: a line
    with pytest.raises(np.linalg.LinAlgError, match="flat"):
        m_step(x, w)
    # Underflow stores zeros, too: the exact values are e^-5000 and less.
    far = Mixture([0.5, 0.5], [[0, 0], [1000, 0]], [np.eye(2)] * 2)
    assert far.responsibilities([[1.0, 0.0]])[0, 1] == 0


# Chapter 3: log axes.


def test_log_axes_are_ahead_by_luck_only():
    """The recipe is Gaussian on linear axes; so they win on average, and mostly."""
    gaps = []
    for seed in range(60):
        x, z = data.draw_anemia(seed)
        logs = fit_labeled(np.log(x), z).log_likelihood(np.log(x)) - np.log(x).sum()
        gaps.append(logs - fit_labeled(x, z).log_likelihood(x))
    assert np.mean(gaps) < -0.5
    assert np.mean(np.array(gaps) > 0) < 0.35


# Chapter 2: the boundary of two groups.


def test_a_boundary_may_be_two_lines():
    one_wider = [np.diag([1.0, 4.0]), np.eye(2)]
    height = np.sqrt(np.log(4) / (1 - 1 / 4))  # solves y^2 (1 - 1/4) = log 4
    on_them = [[x, sign * height] for x in (-9, 0, 5) for sign in (1, -1)]
    a = Mixture([0.5, 0.5], np.zeros((2, 2)), one_wider).log_joint(on_them)
    assert_allclose(a[:, 0], a[:, 1], rtol=1e-12)


@pytest.mark.parametrize(("phi", "ties"), [([0.2, 0.8], [[0, 0]]), ([0.1, 0.9], [])])
def test_a_boundary_may_be_a_point_or_nothing(phi, ties):
    theta = Mixture(phi, np.zeros((2, 2)), [np.eye(2), 4 * np.eye(2)])
    line = np.linspace(-5, 5, 41)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    lead = np.diff(theta.log_joint(grid)).ravel()
    assert lead.min() > -1e-12
    assert grid[lead < 1e-12].tolist() == ties


# Sources.


def test_old_faithful_is_the_file_of_october_1980():
    """The first rows of `oldfaith` in Weisberg's book: seconds, and minutes to wait."""
    x = data.faithful().x
    assert (60 * x[:6, 0]).round().tolist() == [216, 108, 200, 137, 272, 173]
    assert x[:6, 1].tolist() == [79, 54, 74, 62, 85, 55]
    assert "October 1980" in data.faithful().title
    assert "1991" in data.faithful().source


def test_the_other_geyser_data_are_named_as_such_only():
    texts = [p.read_text(encoding="utf-8") for p in sorted(CHAPTERS.rglob("*.md"))]
    sentences = [s for text in texts for s in re.split(r"(?<=[.)])\s", text)]
    told = [s for s in sentences if "azzalini1990" in s or "August 1985" in s]
    assert len(told) == 1
    assert "299 eruptions of August 1985" in told[0]
    assert "other data" in told[0]
