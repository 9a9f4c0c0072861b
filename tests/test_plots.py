"""Figures show what they say."""

import io
import math
import re

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.path import Path
from numpy.testing import assert_allclose, assert_array_equal
from reference import random_mixture
from scipy import sparse, stats

from emgmm import Mixture, data, plots

EYE = np.eye(2)
THETA = Mixture(
    [0.3, 0.7], [[0, 0], [3, 1]], [[[2, 0.8], [0.8, 1]], [[1, -0.3], [-0.3, 0.5]]]
)
LINE = Mixture([0.3, 0.7], [[0], [4]], [[[1]], [[2]]])
X, Z = THETA.sample(60, rng=0)
W = THETA.responsibilities(X)
DRAW = {
    "scatter": lambda ax: plots.scatter(X, Z, ax=ax),
    "scatter without labels": lambda ax: plots.scatter(X, ax=ax),
    "scatter_w": lambda ax: plots.scatter_w(X, W, ax=ax),
    "ellipses": lambda ax: plots.ellipses(THETA, ax=ax),
    "boundary": lambda ax: plots.boundary(Mixture([0.5, 0.5], EYE, [EYE, EYE]), ax=ax),
    "histogram": lambda ax: plots.histogram(X[:, 0], LINE, ax=ax),
    "trace": lambda ax: plots.trace([-3, -2, -1], ax=ax),
    "landscape": lambda ax: plots.landscape(
        [0, 1], [0, 1, 2], np.eye(2, 3), depth=1, ax=ax
    ),
}


@pytest.fixture(autouse=True)
def _leave_no_figure():
    with mpl.rc_context():
        yield
    plt.close("all")


def offsets(collection):
    return np.asarray(collection.get_offsets())


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("name", DRAW)
def test_draws_on_the_axes_given_or_on_new_ones(name):
    new = DRAW[name](None)
    assert isinstance(new, Axes)
    before = plt.get_fignums()
    _, (left, right) = plt.subplots(1, 2)
    assert DRAW[name](right) is right
    assert right.has_data()
    assert not left.has_data()
    assert len(plt.get_fignums()) == len(before) + 1
    right.figure.canvas.draw()


def test_scatter_shows_each_group_in_its_colour_and_shape():
    names = np.array(["well", "sick"])[Z]
    ax = plots.scatter(X, names, axis_labels=["u (m)", "v (s)"])
    first, second = ax.collections
    assert_array_equal(offsets(first), X[names == "sick"])
    assert_array_equal(offsets(second), X[names == "well"])
    assert legend(ax) == ["sick", "well"]
    assert not np.allclose(first.get_facecolor(), second.get_facecolor())
    shapes = [c.get_paths()[0].vertices for c in ax.collections]
    assert shapes[0].shape != shapes[1].shape
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("u (m)", "v (s)")


def test_scatter_without_labels_is_grey():
    ax = plots.scatter(X)
    red, green, blue, _ = ax.collections[0].get_facecolor()[0]
    assert red == green == blue
    assert_array_equal(offsets(ax.collections[0]), X)


def test_scatter_takes_labels_of_mixed_kinds():
    ax = plots.scatter(X[:3], np.array(["a", None, 1], object))
    assert legend(ax) == ["1", "None", "a"]


def test_six_groups_have_six_colours_shapes_and_lines():
    assert len({to_rgb(c) for c in plots.COLORS}) == 6
    assert len(set(plots.MARKERS)) == 6
    assert len(set(plots.LINES)) == 6
    ax = plots.scatter(np.zeros((7, 2)), range(7))
    colors = [tuple(c.get_facecolor()[0]) for c in ax.collections]
    assert len(set(colors)) == 6
    assert colors[6] == colors[0]


def test_scatter_w_mixes_the_colours():
    ax = plots.scatter_w([[0, 0], [1, 1], [2, 2]], [[1, 0], [0.25, 0.75], [0, 1]])
    points = [c for c in ax.collections if len(offsets(c))]
    assert_array_equal(offsets(points[0]), [[0, 0]])
    assert_array_equal(offsets(points[1]), [[1, 1], [2, 2]])
    pure = [np.array(to_rgb(color)) for color in plots.COLORS[:2]]
    assert_allclose(points[0].get_facecolor()[0, :3], pure[0])
    assert_allclose(points[1].get_facecolor()[1, :3], pure[1])
    mixed = points[1].get_facecolor()[0, :3]
    assert_allclose(mixed, 0.25 * pure[0] + 0.75 * pure[1])
    assert legend(ax) == ["group 0", "group 1"]
    keys = [tuple(h.get_facecolor()[0][:3]) for h in ax.get_legend().legend_handles]
    assert keys == [tuple(color) for color in pure]


def test_scatter_w_takes_names_and_groups_without_points():
    names = ("low", "mid", "high")
    ax = plots.scatter_w(X, np.eye(3)[[0] * 60], names=names, axis_labels=["u", "v"])
    assert legend(ax) == list(names)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("u", "v")


@pytest.mark.equation("eq-ellipse")
@pytest.mark.parametrize("coverage", [0.1, 1 - math.exp(-0.5), 0.5, 0.95, 0.999])
def test_ellipses_hold_the_stated_share(coverage):
    theta = random_mixture(seed=3, k=3, d=2)
    curves = [
        line.get_xydata()
        for line in plots.ellipses(theta, coverage=coverage).lines
        if len(line.get_xydata()) > 1
    ]
    assert len(curves) == 3
    m = 4000
    for j, curve in enumerate(curves):
        r = curve - theta.mu[j]
        precision = np.linalg.inv(theta.Sigma[j])
        distance2 = [row @ precision @ row for row in r]
        assert_allclose(distance2, stats.chi2(2).ppf(coverage), rtol=1e-10)
        group = Mixture([1], theta.mu[[j]], theta.Sigma[[j]])
        inside = Path(curve).contains_points(group.sample(m, rng=j)[0])
        error = math.sqrt(coverage * (1 - coverage) / m)
        # A polygon of 180 corners misses less than 0.1 % of the area.
        assert abs(inside.mean() - coverage) < 4 * error + 1e-3


@pytest.mark.equation("eq-ellipse")
def test_one_standard_deviation_is_39_percent():
    ax = plots.ellipses(Mixture([1], [[0, 0]], [EYE]), coverage=1 - math.exp(-0.5))
    assert np.hypot(*ax.lines[0].get_data()) == pytest.approx(1)


def test_ellipses_match_their_points():
    ax = plots.scatter(X, Z)
    plots.ellipses(THETA, ax=ax)
    for j in range(2):
        curve, mean = ax.lines[2 * j : 2 * j + 2]
        color = to_rgba(curve.get_color())[:3]
        assert_allclose(color, ax.collections[j].get_facecolor()[0, :3])
        assert_array_equal(np.ravel(mean.get_data()), THETA.mu[j])
    assert ax.lines[0].get_linestyle() != ax.lines[2].get_linestyle()
    assert ax.lines[1].get_marker() != ax.lines[3].get_marker()


@pytest.mark.parametrize("theta", [THETA, random_mixture(seed=5, k=4, d=2)])
def test_the_boundary_is_where_the_answer_changes(theta):
    x, z = theta.sample(200, rng=1)
    ax = plots.scatter(x, z)
    limits = (ax.get_xlim(), ax.get_ylim())
    before = len(ax.collections)
    plots.boundary(theta, ax=ax)
    assert (ax.get_xlim(), ax.get_ylim()) == limits
    drawn = [c.get_paths()[0].vertices for c in ax.collections[before:]]
    vertices = np.concatenate(drawn)
    assert len(vertices) > 100
    two_cells = np.array([np.ptp(limit) for limit in limits]) / 100
    around = [
        theta.classify(vertices + two_cells * [u, v]) for u in (-1, 1) for v in (-1, 1)
    ]
    assert np.mean(np.ptp(around, axis=0) > 0) > 0.97
    # And nowhere else: where all corners of a cell agree, no line passes near.
    u, v = (np.linspace(*limit, 40) for limit in limits)
    grid = np.stack(np.meshgrid(u, v), axis=-1)
    answer = theta.classify(grid.reshape(-1, 2)).reshape(40, 40)
    i, j = np.nonzero(answer[:, 1:] != answer[:, :-1])
    middle = (grid[i, j] + grid[i, j + 1]) / 2
    cells = np.array([u[1] - u[0], v[1] - v[0]])
    for point in middle:
        assert np.abs((vertices - point) / cells).max(axis=1).min() < 1


@pytest.mark.parametrize(
    "theta",
    [
        Mixture([1], [[0, 0]], [EYE]),
        Mixture([1, 0], [[0, 0], [1, 1]], [EYE, EYE]),
        Mixture([0, 1, 0], [[0, 0], [1, 1], [2, 2]], [EYE, EYE, EYE]),
        Mixture([0.5, 0.5], [[50, 0], [100, 0]], [EYE, EYE]),
    ],
    ids=["one group", "one possible group", "the same", "far from here"],
)
def test_no_boundary_where_there_is_none(theta):
    assert len(plots.boundary(theta).collections) == 0


def test_histogram_has_area_one_and_the_densities_over_it():
    ax = plots.histogram(X[:, 0], LINE, axis_labels=["u (m)"])
    area = sum(bar.get_width() * bar.get_height() for bar in ax.patches)
    assert area == pytest.approx(1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("u (m)", "density")
    first, second, total = ax.lines
    for j, line in enumerate((first, second)):
        u, part = line.get_data()
        right = LINE.phi[j] * stats.norm(LINE.mu[j, 0], LINE.Sigma[j, 0, 0] ** 0.5).pdf(
            u
        )
        assert_allclose(part, right, rtol=1e-10)
        assert line.get_color() == plots.COLORS[j]
    assert_allclose(total.get_ydata(), first.get_ydata() + second.get_ydata())
    assert total.get_color() == "black"


def test_histogram_without_a_mixture():
    ax = plots.histogram(X[:, :1])
    assert not ax.lines
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("", "density")


def test_histogram_with_a_group_of_share_zero():
    ax = plots.histogram(X[:, 0], Mixture([1, 0], LINE.mu, LINE.Sigma))
    assert (ax.lines[1].get_ydata() == 0).all()


def test_trace_counts_iterations():
    line = plots.trace([-10.0, -4.0, -3.0]).lines[0]
    assert line.get_xdata().tolist() == [0, 1, 2]
    assert line.get_ydata().tolist() == [-10, -4, -3]


def test_landscape_maps_a_across_and_b_up():
    a, b = np.linspace(0, 4, 41), np.linspace(10, 20, 61)
    values = -((a[:, None] - 1) ** 2) - ((b - 18) / 4) ** 2
    ax = plots.landscape(a, b, values, depth=2, axis_labels=["a", "b (m)"])
    (filled,) = ax.collections
    assert_allclose(filled.levels, np.linspace(-2, 0, 13), atol=1e-12)
    top = max(
        (p.vertices for p in filled.get_paths() if len(p)), key=lambda v: -np.ptp(v)
    )
    assert_allclose(top.mean(axis=0), [1, 18], atol=0.2)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b (m)")
    assert "nats" in ax.figure.axes[1].get_ylabel()


def test_style_is_white_and_for_all_figures_after():
    plots.use_style()
    figure, ax = plt.subplots()
    assert to_rgba(figure.get_facecolor()) == (1, 1, 1, 1)
    assert mpl.rcParams["savefig.facecolor"] == "white"
    assert not ax.spines["top"].get_visible()


def test_data_and_plots_fit_together():
    blood = data.anemia()
    ax = plots.scatter(blood.x, blood.z, axis_labels=blood.axis_labels)
    plots.ellipses(data.ANEMIA, ax=ax)
    ax.figure.savefig(io.BytesIO())


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.scatter([[0, 0, 0]]), r"x has shape \(1, 3\)"),
        (lambda: plots.scatter(X, Z[:-1]), r"z has shape \(59,\)"),
        (lambda: plots.scatter(X, Z[:, None]), r"z has shape \(60, 1\)"),
        (lambda: plots.scatter(X, [[0], [0, 1]]), "z has rows of different"),
        (lambda: plots.scatter(X, Z, axis_labels=["u"]), r"axis_labels is \['u'\]"),
        (lambda: plots.scatter_w(X, W[:-1]), r"w has shape \(59, 2\)"),
        (lambda: plots.scatter_w(X, 2 * W), "of w sums to 2"),
        (
            lambda: plots.scatter_w(X, W, names=["a"]),
            r"names is \['a'\]; w has 2 columns",
        ),
        (lambda: plots.ellipses(LINE), "theta has d = 1"),
        (lambda: plots.ellipses(THETA, coverage=0), "coverage is 0"),
        (lambda: plots.ellipses(THETA, coverage=1), "coverage is 1"),
        (lambda: plots.ellipses(THETA, coverage=95), "coverage is 95"),
        (lambda: plots.ellipses(THETA, coverage=math.nan), "coverage must be finite"),
        (lambda: plots.ellipses(THETA, coverage="a"), "coverage has dtype"),
        (lambda: plots.ellipses(THETA, coverage=[0.5]), r"coverage has shape \(1,\)"),
        (lambda: plots.boundary(LINE), "theta has d = 1"),
        (lambda: plots.histogram(X), r"x has shape \(60, 2\)"),
        (lambda: plots.histogram(X[:, 0], THETA), "theta has d = 2"),
        (lambda: plots.histogram(X[:, 0], axis_labels=["u", "v"]), "axis_labels"),
        (lambda: plots.trace([[1, 2]]), r"values has shape \(1, 2\)"),
        (lambda: plots.trace([1, math.nan]), "values must be finite"),
        (lambda: plots.trace([]), "values is empty"),
        (lambda: plots.landscape([0, 1], [0, 1], np.eye(2, 3), depth=1), "values has"),
        (lambda: plots.landscape([0], [0, 1], [[0, 1]], depth=1), r"a \(1,\)"),
        (lambda: plots.landscape([[0, 1]], [0, 1], EYE, depth=1), r"a \(1, 2\)"),
        (
            lambda: plots.landscape([0, 1], [0, 1], [[0, 1], [1, math.inf]], depth=1),
            "values must",
        ),
        (
            lambda: plots.landscape([0, math.nan], [0, 1], EYE, depth=1),
            "a must be finite",
        ),
        (lambda: plots.landscape([0, 1], [0, 1], EYE, depth=0), "depth is 0"),
        (lambda: plots.landscape([0, 1], [0, 1], EYE, depth=[1]), "depth has shape"),
    ],
)
def test_what_cannot_be_drawn(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.scatter([[0, 1]], axis_labels=3), "axis_labels is 3; one label"),
        (lambda: plots.scatter([[0, 1]], axis_labels=["u"]), "axis_labels is ['u']"),
        (lambda: plots.scatter_w([[0, 1]], [[1]], names=2), "names is 2; w has 1 col"),
        (lambda: plots.selection(None), "found is of type NoneType; pass what"),
        (lambda: plots.boundary(None), "theta is of type NoneType; pass a Mixture"),
        (lambda: plots.ellipses(3), "theta is of type int; pass a Mixture"),
        (lambda: plots.histogram([1.0, 2.0], 3), "theta is of type int; pass a Mix"),
        (lambda: plots.histogram([1e15, 1e15 + 1]), "x varies too little for bars"),
        (
            lambda: plots.landscape([0, 1], [0, 1], 1e90 * np.eye(2), depth=1),
            "depth is 1, too little for values as large as these",
        ),
        (lambda: plots.trace(sparse.eye_array(3)), "values is a sparse matrix"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        draw()
