"""The EM explorer: its numbers are emgmm's, and everything in it can be used.

The numbers run outside a page, in the Node that Playwright brings. The rest runs in
Chromium on a page that holds the explorer alone.
"""

import html
import json
import re
import subprocess
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import playwright
import pytest

import emgmm
from _ext import em_explorer
from emgmm import data, plots
from tools import explorer_data

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "explorer"
NODE = next(Path(playwright.__file__).parent.glob("driver/node*"))
RUN = """
const EM = require(process.argv[1]);
const { x, means, size, options } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const run = EM.run(x, EM.startAt(x, means, size), options);
const w = run.history.map(({ theta }) => EM.eStep(x, theta).map((c) => [...c]));
console.log(JSON.stringify({ ...run, w }));
"""
SETS = {key: entry[2] for key, entry in explorer_data.sets().items()}


def in_node(x, means, size=1.0, **options):
    """What core.js makes of a start."""
    given = {"x": x.tolist(), "means": means, "size": size, "options": options}
    command = [NODE, "-e", RUN, ASSETS / "core.js"]
    result = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def as_mixture(groups):
    return emgmm.Mixture(
        [g["phi"] for g in groups],
        [g["mu"] for g in groups],
        [[[a, b], [b, c]] for a, b, c in (g["Sigma"] for g in groups)],
    )


def start(x, means, size=1.0):
    k = len(means)
    Sigma = size**2 * np.cov(x.T, bias=True)
    return emgmm.Mixture(np.full(k, 1 / k), means, [Sigma] * k)


def some_means(x, k, seed):
    rng = np.random.default_rng(seed)
    return x[rng.choice(len(x), k, replace=False)].tolist()


# The numbers


@pytest.mark.parametrize("key", SETS)
@pytest.mark.parametrize(("k", "size"), [(1, 1.0), (2, 1.0), (3, 0.5), (4, 1.0)])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_half_step_is_that_of_the_package(key, k, size, seed):
    x = SETS[key].x
    means = some_means(x, k, seed)
    history = in_node(x, means, size, tol=0, limit=12)["history"]
    assert len(history) == 26
    theta, w, F = start(x, means, size), None, None
    for state in history:
        if state["step"] == "E":
            w = emgmm.e_step(x, theta)
        elif state["step"] == "M":
            theta = emgmm.m_step(x, w)
        F = None if w is None else emgmm.elbo(x, w, theta)
        same_numbers(state, theta, theta.log_likelihood(x), F)


def same_numbers(state, theta, log_likelihood, F):
    found = as_mixture(state["theta"])
    for name in ("phi", "mu", "Sigma"):
        a, b = getattr(found, name), getattr(theta, name)
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * np.abs(b).max())
    assert state["logLikelihood"] == pytest.approx(log_likelihood, rel=1e-10)
    if F is None:
        assert state["F"] is None
    else:
        assert state["F"] == pytest.approx(F, rel=1e-10)


@pytest.mark.parametrize("key", SETS)
def test_responsibilities_are_those_of_the_package(key):
    x = SETS[key].x
    run = in_node(x, some_means(x, 3, 0), tol=0, limit=3)
    for state, w in zip(run["history"], run["w"]):
        expected = as_mixture(state["theta"]).responsibilities(x)
        np.testing.assert_allclose(np.transpose(w), expected, rtol=1e-8, atol=1e-12)


def test_far_out_nothing_underflows():
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 1e4]])
    run = in_node(x, [[-1, 0], [1, 0]], 1e-3, tol=0, limit=0)
    assert run["history"][0]["logLikelihood"] < -1e5
    np.testing.assert_allclose(np.sum(run["w"][0], axis=0), 1)


@pytest.mark.parametrize(
    ("key", "means", "size"),
    [
        ("anemia", [[70, 28], [92, 34]], 1.0),
        ("anemia", [[76.3, 36.3], [90, 34]], 0.1),
        ("anemia", [[80, 24], [90, 34]], 0.1),
        ("anemia", [[60, 35], [90, 34]], 0.25),
        ("faithful", [[2, 55], [4, 70], [4.5, 85]], 1.0),
        ("three", [[11, 9], [11, 9.5], [3, 2.5]], 0.25),
    ],
)
def test_it_ends_where_and_why_the_package_ends(key, means, size):
    x = SETS[key].x
    run, fit = in_node(x, means, size), emgmm.em(x, start(x, means, size))
    reasons = {"rest": "converged", "collapsed": "degenerate", "limit": "max_iter"}
    assert reasons[run["end"]] == fit.reason
    ell = run["history"][-1]["logLikelihood"]
    assert ell == pytest.approx(fit.log_likelihood, abs=1e-4)
    if fit.reason == "degenerate":
        assert run["n"] == fit.n_iter
        assert run["N"] < 3


def test_a_plateau_is_not_taken_for_the_end():
    x = SETS["anemia"].x
    run = in_node(x, [[84.0, 32.0], [84.05, 32.0]])
    gains = np.diff([s["logLikelihood"] for s in run["history"] if s["step"] == "E"])
    assert gains[1:6].max() < 0.2
    assert run["history"][-1]["logLikelihood"] > -904


# The data


def test_the_data_are_those_of_the_package():
    assert explorer_data.FILE.read_text(encoding="utf-8") == explorer_data.script()


def test_axes_have_units_and_simulated_data_say_so():
    entries = {key: explorer_data.entry(*v) for key, v in explorer_data.sets().items()}
    for key, entry in entries.items():
        assert all(re.search(r"\(.+\)$", label) for label in entry["axes"])
        if SETS[key].simulated:
            assert "imulated" in entry["menu"]
            assert "imulated" in entry["note"]
    assert {key for key, d in SETS.items() if not d.simulated} == {"faithful"}
    np.testing.assert_array_equal(entries["anemia"]["x"], data.anemia().x)


def test_everything_together_is_small():
    assert sum(file.stat().st_size for file in ASSETS.iterdir()) < 100_000


def test_colors_and_shapes_are_those_of_the_figures():
    text = (ASSETS / "draw.js").read_text(encoding="utf-8")
    colors = re.search(r"COLORS = \[(.*?)\]", text)[1]
    assert tuple(re.findall(r"#\w+", colors)) == plots.COLORS[:4]
    assert plots.MARKERS[:4] == ("o", "^", "s", "D")  # MARKS, in this order


@pytest.mark.parametrize("background", [(255, 255, 255), (18, 18, 18)])
@pytest.mark.parametrize("color", plots.COLORS[:4])
def test_marks_stand_out_in_both_themes(color, background):
    rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    low, high = sorted(map(luminance, (rgb, background)))
    assert (high + 0.05) / (low + 0.05) >= 3  # WCAG 1.4.11


def luminance(rgb):
    """As WCAG defines it."""
    c = np.array(rgb) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_labels_of_one_data_set_have_different_initials():
    for d in SETS.values():
        names = set() if d.z is None else set(d.z)
        assert len({name[0] for name in names}) == len(names)


# The page

PAGE = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Explorer</title>
<link rel="stylesheet" href="{assets}/explorer.css">
<style>html {{ --pst-color-background: #fff; --pst-color-text-base: #222832 }}
html[data-theme=dark] {{ --pst-color-background: #121212;
--pst-color-text-base: #ced6dd; color-scheme: dark }}
body {{ background: var(--pst-color-background); margin: 0; font-family: sans-serif }}
</style><main><h1>Explorer</h1>
<div class="em-explorer" {attributes}><p>See the figure instead.</p></div></main>
{scripts}</html>
"""
SCRIPTS = [(ASSETS / name).as_uri() for name in em_explorer.SCRIPTS]
HIGH = {"explorer": "anemia", "means": "70,28_92,34", "at": "end"}
SWAPPED = HIGH | {"means": "92,34_70,28"}
POOR = HIGH | {"means": "76.3,36.3_90,34", "size": "0.1"}
FALLEN = HIGH | {"means": "80,24_90,34", "size": "0.1"}


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens a page with the explorer; errors and requests elsewhere fail the test."""
    contexts, said = [], []

    def opened(attributes="", fragment=None, script=True, **options):
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(
            PAGE.format(
                assets=ASSETS.as_uri(),
                attributes=attributes,
                scripts="".join(f'<script src="{src}"></script>' for src in SCRIPTS),
            ),
            encoding="utf-8",
        )
        context = browser.new_context(java_script_enabled=script, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda r: r.url.startswith("file:") or said.append(r.url))
        page.clock.install(time=datetime(2000, 1, 1))
        page.goto(file.as_uri() + address(fragment))
        page.clock.pause_at(datetime(2000, 1, 2))  # from now on, time is run_for
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def address(fragment):
    return "#" + urlencode(fragment, safe=",_") if fragment else ""


def status(page):
    return page.locator(".em-status").inner_text()


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def choice(page, name):
    return page.get_by_role("combobox", name=name, exact=True)


def check(page, name):
    return page.get_by_role("checkbox", name=name, exact=True)


def fills(page):
    script = (
        "dots => dots.map(dot => getComputedStyle(dot).fill + dot.getAttribute('d'))"
    )
    return page.locator(".em-dots path").evaluate_all(script)


def ellipses(page):
    script = "all => all.map(ellipse => ellipse.style.transform)"
    return page.locator(".em-shapes circle").evaluate_all(script)


def handle(page, j):
    return page.get_by_role("slider", name=f"Start mean of group {j}")


def center(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, j, to):
    page.mouse.move(*center(handle(page, j)))
    page.mouse.down()
    page.mouse.move(*to)
    page.mouse.up()


def test_the_e_step_repaints_and_the_m_step_moves(open_page):
    page = open_page()
    start_paint, start_shapes = fills(page), ellipses(page)
    assert len(set(start_paint)) == 1
    button(page, "E-step").click()
    painted = fills(page)
    assert len(set(painted)) > 20
    assert ellipses(page) == start_shapes
    button(page, "M-step").click()
    assert fills(page) == painted
    assert ellipses(page) != start_shapes
    assert "Iteration 0.5, after the M-step" in status(page)
    button(page, "Back").click()
    button(page, "Back").click()
    assert (fills(page), ellipses(page)) == (start_paint, start_shapes)


def test_the_colors_are_mixed_as_in_the_figures(open_page):
    page = open_page(fragment=HIGH | {"at": 1})
    x = data.anemia().x
    w = emgmm.e_step(x, start(x, [[70, 28], [92, 34]]))
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in plots.COLORS])
    found = [re.findall(r"\d+", text.split(")")[0]) for text in fills(page)]
    np.testing.assert_allclose(np.array(found, float), w @ rgb[:2], atol=0.51)


def test_dragging_a_start_mean_runs_em_again(open_page):
    page = open_page(fragment=HIGH)
    before, curve = status(page), page.locator(".em-ell").get_attribute("d")
    x, y = center(page.locator(".em-plot"))
    drag(page, 0, (x - 20, y + 60))
    assert page.locator(".em-ell").get_attribute("d") != curve
    assert re.sub(r"\d+", "", status(page)) == re.sub(r"\d+", "", before)
    assert "EM rests here" in status(page)
    assert center(handle(page, 0)) == pytest.approx((x - 20, y + 60), abs=1)


def test_a_click_on_a_handle_moves_nothing(open_page):
    page = open_page(fragment=HIGH)
    shapes, x, y = ellipses(page), *center(handle(page, 0))
    page.mouse.click(x + 7, y - 6)
    assert described(handle(page, 0)) == "70 fL, 28 g/dL"
    assert ellipses(page) == shapes


def test_during_a_drag_the_picture_follows(open_page):
    page = open_page(fragment=HIGH | {"at": 2})
    shapes = ellipses(page)
    page.mouse.move(*center(handle(page, 1)))
    page.mouse.down()
    page.mouse.move(*center(page.locator(".em-plot")))
    page.clock.run_for(100)
    moved = ellipses(page)
    page.mouse.up()
    assert shapes != moved == ellipses(page)


def test_a_finger_drags_a_start_mean(open_page):
    page = open_page(has_touch=True, is_mobile=True, viewport=PHONE)
    x, y = center(handle(page, 0))
    touch = page.context.new_cdp_session(page)
    for kind, points in [
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + 30, "y": y + 20}]),
        *2 * [("touchMove", [{"x": x + 60, "y": y + 40}])],
        ("touchEnd", []),
    ]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert center(handle(page, 0)) == pytest.approx((x + 60, y + 40), abs=1)
    assert page.evaluate("scrollY") == 0


PHONE = {"width": 360, "height": 740}


def test_arrow_keys_move_a_start_mean(open_page):
    page = open_page(fragment=HIGH)
    shapes = ellipses(page)
    handle(page, 0).focus()
    said = handle(page, 0).get_attribute("aria-valuetext")
    assert said == "70 fL, 28 g/dL"
    for key in ("ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    u, v = map(float, re.findall(r"[\d.]+", described(handle(page, 0))))
    assert (u > 70.5, v > 28.2) == (True, True)
    page.keyboard.press("Shift+ArrowLeft")
    assert 0 < u - float(re.findall(r"[\d.]+", described(handle(page, 0)))[0]) < 0.5
    button(page, "Start").click()
    assert ellipses(page) != shapes


def described(locator):
    return locator.get_attribute("aria-valuetext")


def test_it_plays_pauses_and_stops_at_the_end(open_page):
    page = open_page()
    button(page, "Play").click()
    page.clock.run_for(1300)
    assert "Iteration 1, after the E-step" in status(page)
    live = page.get_by_role("status")
    assert live.get_attribute("aria-live") == "off"
    button(page, "Pause").click()
    assert live.get_attribute("aria-live") == "polite"
    page.clock.run_for(5000)
    assert "Iteration 1, after the E-step" in status(page)
    button(page, "Play").click()
    page.clock.run_for(200_000)
    assert "EM rests here" in status(page)
    assert button(page, "Play").is_visible()


def test_the_history_can_be_scrubbed(open_page):
    page = open_page(fragment=HIGH)
    scrubber = page.get_by_role("slider", name="History")
    end = fills(page)
    scrubber.focus()
    page.keyboard.press("Home")
    assert len(set(fills(page))) == 1
    page.keyboard.press("ArrowRight")
    assert described(scrubber) == "Iteration 0, after the E-step"
    page.keyboard.press("End")
    assert fills(page) == end


def counted(page):
    """The iteration that the words name, and the one over which the mark stands."""
    mark = page.locator(".em-now").evaluate(
        "e => { const b = e.getBBox(); return b.x + b.width / 2 }"
    )
    script = "all => all.map(e => [+e.getAttribute('x'), +e.textContent])"
    (x0, t0), (x1, t1) = page.locator(".em-curve [y='166']").evaluate_all(script)[:2]
    words = re.search(r"Iteration ([\d.]+), after|(?=Start)", status(page))[1]
    return float(words or 0), t0 + (mark - x0) / (x1 - x0) * (t1 - t0)


@pytest.mark.parametrize("bound", [0, 1])
def test_words_and_axis_count_iterations_alike(open_page, bound):
    page = open_page(fragment=HIGH | {"at": 0, "bound": bound})
    for t in [0, 0, 0.5, 1, 1.5, 2]:
        assert counted(page) == pytest.approx((t, t), abs=1e-6)
        button(
            page, "M-step" if t % 1 == 0 and "E-step:" in status(page) else "E-step"
        ).click()
    button(page, "End").click()
    x = data.anemia().x
    n = in_node(x, [[70, 28], [92, 34]])["n"]
    assert counted(page) == pytest.approx((n, n), abs=1e-6)
    assert f"over {n} iterations" in page.locator(".em-curve").get_attribute(
        "aria-label"
    )


def test_a_value_below_the_plot_is_an_arrow(open_page):
    page = open_page(fragment=HIGH | {"at": 0})
    assert page.locator("path.em-now").count() == 1
    button(page, "E-step").click()
    button(page, "M-step").click()
    assert page.locator("circle.em-now").count() == 1


def test_a_level_outside_of_the_plot_is_not_drawn(open_page):
    page = open_page(fragment=POOR | {"fit": 1, "bound": 1})
    assert page.locator(".em-level").count() == 0
    check(page, "Bound F").uncheck()
    assert page.locator(".em-level").count() == 1


def heights(page, name):
    """The levels of a staircase: pixels, downwards."""
    path = page.locator(f".{name}").get_attribute("d")
    return [float(v) for v in re.findall(r"(?:M[\d.]+ |V)([\d.]+)", path)]


def test_the_bound_climbs_and_touches_after_each_e_step(open_page):
    page = open_page("data-bound", HIGH | {"at": 5, "bound": 1})
    ell, bound = heights(page, "em-ell"), heights(page, "em-bound")
    ell = ell[len(ell) - len(bound) :]
    assert all(b <= a + 0.051 for a, b in pairwise(bound))
    touching = [f == pytest.approx(e, abs=0.051) for e, f in zip(ell, bound)]
    assert touching == [False, True] * 4
    assert all(f >= e - 0.051 for e, f in zip(ell, bound))
    assert "F touches it." in status(page)
    button(page, "M-step").click()
    gap = float(re.search(r"F is ([\d.]+) nats lower", status(page))[1])
    x = data.anemia().x
    theta = start(x, [[70, 28], [92, 34]])
    for _ in range(3):
        w = emgmm.e_step(x, theta)
        theta = emgmm.m_step(x, w)
    expected = theta.log_likelihood(x) - emgmm.elbo(x, w, theta)
    assert gap == pytest.approx(expected, abs=0.0051)
    check(page, "Bound F").uncheck()
    assert page.locator(".em-bound").count() == 0


def test_w_is_read_as_the_terms_of_bayes_rule(open_page):
    page = open_page(fragment=HIGH)
    slider = page.get_by_role("slider", name="Point")
    slider.fill("119")
    slider.press("ArrowRight")
    x = data.anemia().x
    x = x[np.argsort(x[:, 0], kind="stable")[120]]
    assert f"({x[0]:.4g} fL, {x[1]:.4g} g/dL)" in page.locator("caption").inner_text()
    theta = emgmm.em(
        data.anemia().x, start(data.anemia().x, [[70, 28], [92, 34]])
    ).theta
    joint = np.exp(theta.log_joint([x]))[0]
    for j, cells in enumerate([*bayes(page)][:2]):
        terms = [
            theta.phi[j],
            joint[j] / theta.phi[j],
            joint[j],
            joint[j] / joint.sum(),
        ]
        np.testing.assert_allclose(cells, terms, rtol=6e-3, atol=6e-4)
    assert f"{joint[0] / joint.sum():.3f} for group 0" in described(slider)


def bayes(page):
    """The numbers of the table; a power of ten is written as a superscript."""
    script = "cells => cells.map(cell => cell.innerHTML)"
    for row in page.locator(".em-bayes tbody tr").all():
        cells = row.locator("td").evaluate_all(script)
        cells = [c.replace("·10<sup>", "e").replace("</sup>", "") for c in cells]
        yield [float(c.replace("\u2212", "-")) for c in cells if c]


def test_pointing_at_a_point_chooses_it(open_page):
    page = open_page(fragment=HIGH)
    lonely = int(np.argmax(data.anemia().x[:, 1]))
    before = page.locator("caption").inner_text()
    page.mouse.move(*center(page.locator(".em-dots path").nth(lonely)))
    u, v = data.anemia().x[lonely]
    after = page.locator("caption").inner_text()
    assert before != after
    assert f"({u:.4g} fL, {v:.4g} g/dL)" in after


@pytest.mark.parametrize("key", SETS)
def test_every_data_set_can_be_chosen(open_page, key):
    page = open_page("data-at=end")
    choice(page, "Data").select_option(key)
    d = SETS[key]
    labels = page.locator(".em-plot .em-axes text").all_text_contents()
    assert tuple(labels[-2:]) == d.axis_labels
    assert page.locator(".em-dots path").count() == len(d.x)
    assert ("imulated" in page.locator(".em-note").inner_text()) == d.simulated
    assert check(page, "Labels").is_disabled() == (d.z is None)
    button(page, "End").click()
    assert "EM rests here" in status(page)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_every_number_of_groups_can_be_chosen(open_page, k):
    page = open_page()
    choice(page, "Groups").select_option(str(k))
    button(page, "E-step").click()
    assert page.locator(".em-shapes circle").count() == k
    assert page.locator(".em-groups li").count() == k
    assert page.locator(".em-handle").count() == k
    dashes = page.locator(".em-shapes circle").evaluate_all(
        "all => all.map(e => e.getAttribute('stroke-dasharray'))"
    )
    assert len(set(dashes)) == k


def test_points_can_be_drawn_by_hand(open_page):
    page = open_page()
    choice(page, "Data").select_option("own")
    assert "at least three points" in status(page)
    box = page.locator(".em-plot").bounding_box()
    for u, v in [(0.2, 0.2), (0.3, 0.25), (0.25, 0.3), (0.7, 0.8), (0.8, 0.7)]:
        page.mouse.click(box["x"] + u * box["width"], box["y"] + v * box["height"])
    assert page.locator(".em-dots path").count() == 5
    assert "log-likelihood" in status(page)
    page.locator("[name=u]").fill("6.5")
    page.locator("[name=v]").fill("1.5")
    button(page, "Add point").click()
    assert page.locator(".em-dots path").count() == 6
    assert "6.5,1.5" in page.get_by_role("link").get_attribute("href")
    button(page, "Remove last").click()
    assert page.locator(".em-dots path").count() == 5
    button(page, "Clear").click()
    assert "at least three points" in status(page)


@pytest.mark.parametrize("points", ["1,1_2,2_3,3_4,4", "5,5_5,5_5,5", "1,2_3,4"])
def test_points_without_a_width_are_refused_in_words(open_page, points):
    page = open_page(fragment={"explorer": "own", "points": points})
    assert "not on one line" in status(page)
    button(page, "E-step").press("Enter")
    button(page, "Play").click()
    page.clock.run_for(1000)
    assert "not on one line" in status(page)


def test_a_random_start_is_made_of_examples(open_page):
    page = open_page("data-at=end")
    before = described(handle(page, 0)), described(handle(page, 1))
    button(page, "Random start").click()
    after = described(handle(page, 0)), described(handle(page, 1))
    assert before != after
    known = {f"{u:.4g} fL, {v:.4g} g/dL" for u, v in data.anemia().x}
    assert set(after) <= known


def test_labels_can_be_shown_and_hidden(open_page):
    page = open_page("data-set=three data-k=3")
    script = "dots => dots.map(dot => dot.getAttribute('d'))"
    dots = page.locator(".em-dots path")
    assert len(set(dots.evaluate_all(script))) == 1
    assert "labels" not in page.locator(".em-note").inner_text()
    check(page, "Labels").check()
    assert (
        "The letters are the labels: a, b, c." in page.locator(".em-note").inner_text()
    )
    check(page, "Labels").uncheck()
    assert len(set(dots.evaluate_all(script))) == 1


MARKS_SEEN = """dots => dots.map(dot => [...dot.children]
  .filter((e) => getComputedStyle(e).display !== "none")
  .map((e) => e.getAttribute("d") ?? e.textContent))"""
KEYS = """keys => keys.map(key => key.getAttribute("d") + key.getAttribute("fill"))"""


def seen_marks(page):
    """The shape or the letter of each point."""
    found = page.locator(".em-dots g").evaluate_all(MARKS_SEEN)
    assert {len(marks) for marks in found} == {1}
    return [marks[0] for marks in found]


@pytest.mark.parametrize("key", ["anemia", "three"])
def test_a_shape_means_a_group_and_a_letter_a_label(open_page, key):
    x, z = SETS[key].x, SETS[key].z
    k, means = len(set(z)), some_means(x, len(set(z)), 1)
    words = {"explorer": key, "k": k, "means": "_".join(f"{u},{v}" for u, v in means)}
    page = open_page(fragment=words | {"at": 3})
    shapes = [
        key.split("#")[0] for key in page.locator(".em-groups path").evaluate_all(KEYS)
    ]
    theta = emgmm.m_step(x, emgmm.e_step(x, start(x, means)))
    group = emgmm.e_step(x, theta).argmax(axis=1)
    assert seen_marks(page) == [shapes[j] for j in group]
    paint = fills(page)
    for name in ("Labeled fit", "Bound F"):
        check(page, name).check()
        assert seen_marks(page) == [shapes[j] for j in group]
    check(page, "Labels").check()
    assert seen_marks(page) == [name[0] for name in z]
    assert fills(page) == paint
    button(page, "Start").click()
    assert seen_marks(page) == [name[0] for name in z]
    check(page, "Labels").uncheck()
    assert not set(seen_marks(page)) & set(shapes)


def test_each_color_means_one_group_in_the_legends_too(open_page):
    page = open_page(
        fragment={"explorer": "three", "k": 4, "at": 4, "bound": 1, "fit": 1}
    )
    keys = page.locator(".em-groups path").evaluate_all(KEYS)
    assert page.locator(".em-bayes path").evaluate_all(KEYS) == keys
    assert tuple(re.findall("#.*", "\n".join(keys))) == plots.COLORS[:4]
    script = """all => all.map(e => getComputedStyle(e))
      .flatMap(style => [style.fill, style.stroke])"""
    colors = {
        f"rgb({int(c[1:3], 16)}, {int(c[3:5], 16)}, {int(c[5:], 16)})"
        for c in plots.COLORS
    }
    for plot in (".em-curve", ".em-truth"):
        assert not colors & set(page.locator(f"{plot} *").evaluate_all(script))


def test_the_labeled_fit_can_be_compared(open_page):
    page = open_page(fragment=HIGH)
    truth = page.locator(".em-truth")
    assert not truth.locator("text").first.is_visible()
    check(page, "Labeled fit").check()
    assert truth.locator("text").all_text_contents() == ["Anemia", "Control"]
    assert truth.locator("text").first.is_visible()
    assert page.locator(".em-level").count() == 1
    labeled = emgmm.fit_labeled(data.anemia().x, data.anemia().z)
    level = f"{labeled.log_likelihood(data.anemia().x):.2f}".replace("-", "−")
    assert f"The labeled fit has {level}." in status(page)
    # Both clouds of ellipses are placed by one map from data to pixels.
    script = (
        "all => all.map(e => new DOMMatrix(e.style.transform)).map(m => [m.e, m.f])"
    )
    found = np.array(truth.locator("circle").evaluate_all(script))
    em = np.array(page.locator(".em-shapes circle").evaluate_all(script))
    fit = emgmm.em(data.anemia().x, start(data.anemia().x, [[70, 28], [92, 34]])).theta
    scale = (found[1] - found[0]) / (labeled.mu[1] - labeled.mu[0])
    np.testing.assert_allclose(found - em, (labeled.mu - fit.mu) * scale, atol=0.02)


def test_a_collapse_is_explained_and_can_be_left(open_page):
    page = open_page(fragment=FALLEN)
    assert "Group 0 collapses: the next M-step would leave it about 2" in status(page)
    assert "without limit" in status(page)
    assert page.locator(".em-alarm").is_visible()
    button(page, "E-step").press("Enter")
    assert "Group 0 collapses" in status(page)
    choice(page, "Start size").select_option("1")
    assert "EM rests here" in status(page)
    assert not page.locator(".em-alarm").is_visible()


def test_a_group_that_gets_nothing_is_explained(open_page):
    page = open_page(fragment=FALLEN | {"means": "95,24_90,34"})
    assert "Group 0 collapses: the next M-step would leave it no point" in status(page)


def test_a_poor_rest_is_told_from_a_higher_one(open_page):
    page = open_page(fragment=POOR)
    assert "−986.66" in status(page)
    assert "No start so far has led higher" in status(page)
    page.evaluate(f"location.hash = '{address(HIGH)}'")
    assert "−903.08" in status(page)
    page.evaluate(f"location.hash = '{address(POOR)}'")
    assert "You have seen a higher rest: 83.58 nats above this one" in status(page)


def test_swapped_numbers_are_named(open_page):
    page = open_page(fragment=HIGH | {"labels": 1})
    assert "Group 0 is Anemia, group 1 is Control." in status(page)
    assert "swapped" not in status(page)
    page.evaluate(f"location.hash = '{address(SWAPPED | {'labels': 1})}'")
    assert "−903.08" in status(page)
    assert "The numbers are swapped: group 0 is Control" in status(page)


def test_a_link_brings_the_state_back(open_page):
    page = open_page("data-set=three data-k=3 data-labels data-bound data-size=0.5")
    for name in ("E-step", "M-step", "E-step"):
        button(page, name).click()
    handle(page, 1).press("ArrowUp")
    before = [read(page) for read in (status, fills, ellipses)]
    link = page.get_by_role("link", name="Link to this state")
    other = open_page()
    other.goto(other.url + link.get_attribute("href"))
    other.reload()
    link.click()
    assert "Iteration 1, after the E-step" in before[0]
    for tab in (page, other):
        assert [read(tab) for read in (status, fills, ellipses)] == before
        assert tab.evaluate("location.hash") == link.get_attribute("href")
        assert check(tab, "Bound F").is_checked()


def test_drawn_points_travel_in_the_link(open_page):
    page = open_page(fragment={"explorer": "own", "points": "1,1_2,2.5_3,1_8,8_9,7"})
    assert page.locator(".em-dots path").count() == 5
    assert "points=1,1_2,2.5_3,1_8,8_9,7" in page.get_by_role("link").get_attribute(
        "href"
    )


@pytest.mark.parametrize(
    "fragment",
    [
        {"explorer": "nothing", "k": "9", "means": "1", "at": "-3", "size": "x"},
        {"explorer": "anemia", "k": "2", "means": "1,2_3,NaN", "point": "9999"},
        {"explorer": "own", "points": "a,b_1_,"},
        {"other": "anchor"},
    ],
)
def test_a_broken_link_does_no_harm(open_page, fragment):
    page = open_page(fragment=fragment)
    choice(page, "Data").select_option("anemia")
    button(page, "End").click()
    assert "EM rests here" in status(page)


# Whatever comes: the state is read from an address that anybody may write

INHERITED = ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]
SPACED = """
0 1 2 3 4 5 -1 1.5 1e999 -1e999 1e-7 0x2 1_000 NaN Infinity -Infinity null undefined
true [] {} anemia ANEMIA three faithful own end , _ 1,2 1,2_ 70,34_86,26 86,26_86,26
1,2,3_4,5,6 NaN,1_2,3 a,b_c,d 1e308,1e308_-1e308,1e308 5,5_5,5_5,5 1,1_2,2_3,3
1,1_2,2.5_3,1_8,8_9,7 <script>alert(1)</script> '"><img/src=x/onerror=alert(1)>
"""
ODD = [
    *SPACED.split(),
    *("", "9" * 400, " anemia", "anemia\0", "70,34 86,26", "\u00e9\u202e\U0001d7da"),
    "_".join(f"{i % 11},{i * i % 11}" for i in range(3000)),
]
NAMES = ["explorer", "set", "k", "means", "size", "at", "point", "points"]
NAMES += ["labels", "fit", "bound"]
UNESCAPED = """
% %E0%A4%A %zz explorer=%E0%A4%A&k=% explorer explorer= =&=&= #explorer=own &&&
explorer=own&explorer=three&k=3&k=9 explorer=anemia&k=4&k= __proto__=1&explorer=anemia
"""
BROKEN = [*UNESCAPED.split(), "explorer=anemia&" + "x=1&" * 5000]
SANE = """() => {
  const $ = (what) => document.querySelector(`.em-explorer ${what}`);
  const wrong = () => $(".em-body").outerHTML.match(/.{0,60}(NaN|Infinity|undefined)/);
  const words = () => $(".em-status").textContent;
  const before = wrong(), said = words();
  $("[name=first]").click();
  const start = words();
  $("[name=next]").click();
  const works = words() !== start || words().startsWith("EM needs at least three");
  return [before ?? wrong(), said !== "" && works];
}"""
MOVE_TO = """fragment => new Promise((done) => {
  if (location.hash === fragment) return done();
  addEventListener("hashchange", () => done(), { once: true });
  location.hash = fragment;
})"""


def hostile_pairs():
    """Each name with all that objects inherit, and with a third of the other words."""
    for i, name in enumerate(NAMES):
        for word in [*INHERITED, *ODD[i % 3 :: 3]]:
            yield name, word


def hostile_fragments():
    yield from BROKEN
    for pair in hostile_pairs():
        yield urlencode([("explorer", "three"), pair])
    rng = np.random.default_rng(0)
    for _ in range(120):
        names = rng.choice(NAMES, rng.integers(1, 12))
        words = rng.choice([*INHERITED, *ODD], len(names))
        sets = rng.choice(["own", "anemia", "faithful"], rng.integers(2))
        yield urlencode([*(("explorer", s) for s in sets), *zip(names, words)])


def test_no_fragment_breaks_it(open_page):
    page = open_page()
    for number, fragment in enumerate(hostile_fragments()):
        # The number makes the address a new one each time.
        page.evaluate(MOVE_TO, f"#{fragment}&number={number}")
        if number % 20 == 0:
            page.reload()
        assert page.evaluate(SANE) == [None, True], fragment
    assert number > 300


def test_no_attribute_breaks_it(open_page):
    hosts = [f'data-{n}="{html.escape(word)}"' for n, word in hostile_pairs()]
    page = open_page('><p>.</p></div><div class="em-explorer" '.join(hosts[::5]))
    explorers = page.locator(".em-explorer").all()
    assert len(explorers) == page.locator("[data-ready] .em-status").count() > 30
    for host in explorers:
        host.evaluate("e => document.querySelector('main').prepend(e)")
        words = host.evaluate("e => ({...e.dataset})")
        assert page.evaluate(SANE) == [None, True], words


def test_a_link_is_read_strictly(open_page):
    good = "#explorer=anemia&k=3&means=70,30_80,30_90,34&size=0.5&at=4&point=7"
    page = open_page()
    page.evaluate(MOVE_TO, good)
    link = page.get_by_role("link", name="Link to this state")
    kept = link.get_attribute("href")
    assert kept == good + "&labels=0&fit=0&bound=0"
    for change in [
        ("k=3", "k=3.0"),
        ("=70,30", "=0x46,30"),
        ("0.5", "0.50"),
        ("at=4", "at=4e0"),
        ("point=7", "point=7px"),
        ("90,34", "90,34,1"),
        ("70,30", "70,NaN_1,2"),
    ]:
        page.evaluate(MOVE_TO, good.replace(*change))
        assert link.get_attribute("href") != kept, change
        page.evaluate(MOVE_TO, good)
        assert link.get_attribute("href") == kept


def test_start_means_stay_in_the_figure(open_page):
    page = open_page(fragment={"explorer": "anemia", "means": "1e30,-1e30_-5,99"})
    box = page.locator(".em-inside").bounding_box()
    for j in (0, 1):
        x, y = center(handle(page, j))
        assert box["x"] - 1 <= x <= box["x"] + box["width"] + 1
        assert box["y"] - 1 <= y <= box["y"] + box["height"] + 1
    x, y = center(page.locator(".em-plot"))
    for to in [(x + 5000, y - 5000), (-5000, 5000)]:
        drag(page, 0, to)
        now = {
            n: float(handle(page, 0).get_attribute(f"aria-value{n}"))
            for n in ("min", "now", "max")
        }
        assert now["min"] <= now["now"] <= now["max"]
        assert page.evaluate(SANE) == [None, True]


def test_an_address_that_changes_during_a_drag_ends_it(open_page):
    page = open_page(fragment={"explorer": "three", "k": 4})
    page.mouse.move(*center(handle(page, 3)))
    page.mouse.down()
    page.mouse.move(*center(page.locator(".em-plot")))
    page.evaluate(MOVE_TO, "#explorer=three&k=1&means=5,5")
    page.clock.run_for(100)
    page.mouse.move(*center(page.locator(".em-curve")))
    page.mouse.up()
    assert "means=5,5&" in page.get_by_role("link").get_attribute("href")
    assert page.evaluate(SANE) == [None, True]


def test_an_address_that_changes_while_it_plays_stops_it(open_page):
    page = open_page()
    button(page, "Play").click()
    page.clock.run_for(1000)
    page.evaluate(MOVE_TO, "#explorer=three&k=3&at=2")
    page.clock.run_for(5000)
    assert "Iteration 0.5, after the M-step" in status(page)
    assert button(page, "Play").is_visible()


def test_a_drag_that_the_system_ends_is_finished(open_page):
    page = open_page("data-set=three data-k=3 data-at=end")
    page.mouse.move(*center(handle(page, 0)))
    page.mouse.down()
    x, y = center(handle(page, 0))
    page.mouse.move(x + 1, y)
    page.clock.run_for(100)
    assert "Not at rest after 40 iterations" in status(page)
    handle(page, 0).dispatch_event("pointercancel")
    assert "EM rests here" in status(page)


def test_only_a_rest_that_was_shown_counts_as_seen(open_page):
    page = open_page(fragment=HIGH | {"at": 0})
    page.evaluate(MOVE_TO, address(POOR))
    assert "No start so far has led higher" in status(page)


def test_two_groups_in_one_place_are_named(open_page):
    page = open_page(fragment=HIGH | {"means": "84,32_84,32"})
    assert "EM rests here: groups 0 and 1 are the same" in status(page)
    handle(page, 0).press("ArrowRight")
    assert "EM rests here. No start so far has led higher." in status(page)


def test_two_explorers_do_not_meet(open_page):
    page = open_page(
        '><p>.</p></div><div class="em-explorer" data-set=three data-at=end',
        fragment=POOR,
    )
    first, second = page.locator(".em-explorer").all()
    assert "−986.66" in first.locator(".em-status").inner_text()
    assert "No start so far" in second.locator(".em-status").inner_text()
    assert page.get_by_role("link", name="Link to this state").count() == 1
    said = second.locator(".em-status").inner_text()
    page.evaluate(MOVE_TO, address(HIGH))
    assert "−903.08" in first.locator(".em-status").inner_text()
    assert second.locator(".em-status").inner_text() == said


def test_it_may_be_hidden_at_first(open_page):
    page = open_page("style='display: none'")
    page.evaluate("document.querySelector('.em-explorer').style.display = ''")
    page.wait_for_function(
        "document.querySelector('.em-plot').width.baseVal.value > 300"
    )
    button(page, "E-step").click()
    assert "Iteration 0, after the E-step" in status(page)


@pytest.mark.parametrize("value", ["", "10.5", "-1", "1.234"])
def test_a_point_that_is_none_is_not_added(open_page, value):
    page = open_page("data-set=own")
    page.locator("[name=u]").fill(value)
    button(page, "Add point").click()
    assert page.locator(".em-dots path").count() == 0
    assert page.locator("[name=u]").evaluate("e => !e.validity.valid")


# For everyone


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("key", ["anemia", "three", "own"])
def test_nothing_is_wider_than_the_screen(open_page, width, key):
    fragment = FALLEN | {"explorer": key, "k": "4", "labels": 1, "means": ""}
    page = open_page(fragment=fragment, viewport={"width": width, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    right = page.locator(".em-explorer").bounding_box()["width"]
    for inner in page.locator(".em-explorer :is(button, select, input, table)").all():
        box = inner.bounding_box()
        assert not box or box["x"] + box["width"] <= right, inner


def test_what_is_touched_is_large_enough(open_page):
    page = open_page(viewport=PHONE)
    for name in ("button", "select", ".em-hit", "input[type=range]"):
        for control in page.locator(f".em-explorer {name}").all():
            box = control.bounding_box()
            assert not box or min(box["width"], box["height"]) >= 24, name


def test_the_keyboard_reaches_everything(open_page):
    page = open_page()
    reached = []
    page.locator("body").press("Tab")
    while (name := page.evaluate(FOCUSED)) not in ("body", *reached[:1]):
        reached.append(name)
        page.keyboard.press("Tab")
    assert reached == [
        *("set", "k", "size", "random", "labels", "fit", "bound", "handle", "handle"),
        *("back" if n == "" else n for n in ("first", "back", "next", "play", "last")),
        *("at", "point", "link"),
    ]


FOCUSED = """() => { const e = document.activeElement;
  return e.name || e.className.baseVal?.slice(3) || e.className.slice(3) || "body"; }"""


def test_it_says_in_words_what_it_shows(open_page):
    page = open_page(fragment=HIGH)
    dots = page.locator(".em-dots")
    assert re.fullmatch(
        r"180 points, \d+ most probably in group 0, \d+ most probably in group 1",
        dots.get_attribute("aria-label"),
    )
    curve = page.locator(".em-curve")
    assert re.search(r"rises from −\d.* to −903.08", curve.get_attribute("aria-label"))
    assert "mean (75.27 fL, 29.54 g/dL)" in page.locator(".em-groups").inner_text()
    assert page.get_by_role("status").get_attribute("aria-live") == "polite"


def test_it_follows_the_theme(open_page):
    page = open_page()
    script = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
    light = page.locator(".em-explorer").evaluate(script)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    dark = page.locator(".em-explorer").evaluate(script)
    assert (light[0], dark[0]) == ("rgb(255, 255, 255)", "rgb(18, 18, 18)")
    assert light[1] != dark[1]


@pytest.mark.parametrize(
    ("motion", "duration", "label"),
    [("reduce", "0s", "0, after the E"), ("no-preference", "0.3s", "1, after the E")],
)
def test_motion_is_reduced_on_request(open_page, motion, duration, label):
    page = open_page(reduced_motion=motion)
    button(page, "Play").click()
    page.clock.run_for(1300)
    assert label in status(page)
    ellipse = page.locator(".em-shapes circle").first
    script = "e => getComputedStyle(e).transitionDuration"
    assert ellipse.evaluate(script) == duration


def test_on_paper_the_text_stands_in(open_page):
    page = open_page()
    still = page.get_by_text("See the figure instead.")
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible()
    assert not page.locator(".em-body").is_visible()


def test_without_scripts_the_text_stands_in(open_page):
    page = open_page(script=False)
    assert page.get_by_text("See the figure instead.").is_visible()


def test_it_fits_a_window_that_changes(open_page):
    page = open_page(viewport={"width": 1000, "height": 740})
    assert float(page.locator(".em-plot").get_attribute("width")) > 400
    page.set_viewport_size(PHONE)
    page.wait_for_function(
        "document.querySelector('.em-plot').width.baseVal.value < 360"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
