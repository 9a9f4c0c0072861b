"""What a reader meets: every page in Chromium, with the network cut."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe

from tools import reading
from tools.browser import served

ROOT = Path(__file__).resolve().parents[1]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
FILES = [c["file"] for part in TOC["parts"] for c in part["chapters"]]
# All pages of source are made alike; the files differ in the colors of their words.
SOURCES = [f"_modules/{name}" for name in ("index", "emgmm/em", "emgmm/_engine/rows")]
NAMES = [TOC["root"], *FILES, *SOURCES, "search", "genindex"]
PAGES = [f"{name}.html" for name in NAMES]
CHAPTER = "chapters/04_em.html"
WHOLE = "chapters/reference_fit.html"
# What the theme says on every page.
EXPECTED = re.compile(r"\[PST\]: |\[togglebutton\]: Adding toggle")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# Axe would need minutes for thousands of colored words and hidden letters.
PRUNE = """() => {
  const seen = new Set();
  const keep = (key) => !seen.has(key) && seen.add(key);
  for (const e of document.querySelectorAll("pre span")) {
    const color = getComputedStyle(e).color + e.closest("pre").className;
    if (!keep(color)) e.replaceWith(...e.childNodes);
  }
  for (const e of document.querySelectorAll("mjx-container")) {
    if (!keep("formula")) e.replaceChildren();
  }
}"""
UNSET = """
[...document.querySelectorAll(".math")].filter((e) => !e.querySelector("svg")).length
+ document.querySelectorAll("[data-mjx-error]").length
"""
NO_ALT = """
[...document.images].filter((e) => !(e.alt.trim() && e.naturalWidth)).map((e) => e.src)
"""
# What ends outside of the page, or of a box that hides what does not fit. On a screen a
# box that scrolls shows all; itself it must be in sight.
OUT_OF_SIGHT = """(paper) => {
  const overflow = (e) => getComputedStyle(e).overflowX;
  const scrolls = (e) => !paper && /auto|scroll/.test(overflow(e));
  const ends = (e) => {
    for (; e !== document.body; e = e.parentElement) {
      if (scrolls(e)) return {left: -Infinity, right: Infinity};
      if (overflow(e) !== "visible") return e.getBoundingClientRect();
    }
    return {left: 0, right: document.documentElement.clientWidth};
  };
  const boxes = (node) => {
    const letters = document.createRange();
    letters.selectNodeContents(node);
    if (node.nodeType === Node.TEXT_NODE) return [...letters.getClientRects()];
    const whole = node.matches("svg, img, table") || scrolls(node);
    return whole ? [node.getBoundingClientRect()] : [];
  };
  const found = [], all = document.querySelector(".bd-article-container");
  const nodes = document.createTreeWalker(all, 5);  // elements and text
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const e = node.parentElement;
    if (e.closest("svg, mjx-assistive-mml, .visually-hidden")) continue;
    if (!e.checkVisibility()) continue;
    const { left, right } = ends(e);
    const out = (box) => box.width && (box.left < left - 1 || box.right > right + 1);
    if (boxes(node).some(out)) found.push((node.data ?? node.outerHTML).slice(0, 80));
  }
  return found;
}"""
A4 = {"width": 658, "height": 980}  # within the margins, in pixels of 1/96 inch


@pytest.fixture(scope="module")
def addresses(html):
    """Where the book is, by protocol."""
    with served(html) as server:
        yield {"http": server, "file": html.as_uri()}


@pytest.fixture(params=["http", "file"])
def address(request, addresses):
    return addresses[request.param]


@pytest.fixture
def page(browser):
    """A page that keeps what goes wrong on it."""
    # No fading colors: a check would see them half way.
    opened = browser.new_page(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    opened.set_default_timeout(10_000)
    opened.problems = []
    watch(opened)
    yield opened
    opened.close()


def watch(page):
    found = page.problems.append
    page.on("pageerror", lambda error: found(f"error: {error}"))
    page.on("requestfailed", lambda request: found(f"failed: {request.url}"))
    page.on("request", lambda request: foreign(request.url) and found(request.url))
    page.on("console", lambda m: EXPECTED.match(m.text) or found(f"says: {m.text}"))


def foreign(url):
    return not re.match(r"http://127\.0\.0\.1:|file:|data:|blob:", url)


LONG = "x" * 1000


def test_problems_of_a_page_are_seen(page, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<img src='https://host.invalid/x.png'><script>console.log('x'); y()</script>"
        "<span class='math'>x</span><div style='width: 200vw'>x</div>"
        f"<div class='bd-article-container'><p style='overflow: hidden'>{LONG}</p>"
        f"<pre style='overflow: auto'>{LONG}</pre></div>",
        encoding="utf-8",
    )
    page.goto(bad.as_uri())
    kinds = {problem.split(":")[0] for problem in page.problems}
    assert kinds == {"https", "failed", "says", "error"}
    assert page.evaluate(WIDE)
    assert page.evaluate(OUT_OF_SIGHT, False) == [LONG[:80]]
    assert page.evaluate(OUT_OF_SIGHT, True) == 2 * [LONG[:80]]
    assert page.evaluate(UNSET) == 1
    assert len(page.evaluate(NO_ALT)) == 1
    assert "image-alt" in {v["id"] for v in violations(page)}


def violations(page, prune=True):
    """What axe finds, in a page with one formula and one bit of code of each color."""
    if prune:
        page.evaluate(PRUNE)
    options = {
        "runOnly": RULES,
        "resultTypes": ["violations"],
        "preload": False,
        "selectors": False,
    }
    return Axe().run(page, options=options).response["violations"]


def short(found):
    """What a reader of a failing test needs."""
    return [
        (
            v["id"],
            [(n["html"][:120], n["failureSummary"][:200]) for n in v["nodes"][:3]],
        )
        for v in found
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_fits_every_screen(page, address, name):
    page.add_init_script(SHIFTS)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{address}/{name}")
    assert not page.evaluate(WIDE)
    assert page.evaluate(OUT_OF_SIGHT, False) == []
    assert page.evaluate("shift") < 0.05
    assert page.evaluate(UNSET) == 0
    assert page.evaluate(NO_ALT) == []
    page.set_viewport_size({"width": 1280, "height": 800})
    assert not page.evaluate(WIDE)
    assert page.problems == []


# Colors depend on the scheme and sizes on the width: two of the four pairs find what
# all four would. One page gets all of them, with all its formulas.
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_in_both_schemes(page, addresses, name):
    pairs = [("light", 1280), ("dark", 360)]
    more = [("dark", 1280), ("light", 360)]
    page.goto(f"{addresses['http']}/{name}")
    for scheme, width in pairs + more * (name == WHOLE):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        found = violations(page, prune=name != WHOLE)
        assert short(found) == [], (width, scheme)


def test_figures_stand_on_white_paper_in_the_dark(page, addresses):
    page.emulate_media(color_scheme="dark")
    page.goto(f"{addresses['http']}/{CHAPTER}")
    script = "all => all.map(e => getComputedStyle(e).backgroundColor)"
    found = page.locator("article figure img").evaluate_all(script)
    assert set(found) == {"rgb(255, 255, 255)"}


def test_wide_figures_and_formulas_scroll_in_their_own_boxes(page, addresses):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{addresses['http']}/{CHAPTER}")
    for box in page.locator(".figure-box.wide").all():
        assert box.evaluate("e => e.scrollWidth > e.clientWidth && e.tabIndex === 0")
    for box in page.locator(".figure-box:not(.wide)").all():
        assert box.evaluate("e => e.scrollWidth === e.clientWidth")
    assert not page.evaluate(WIDE)


def test_search_finds_words(page, address):
    page.goto(f"{address}/search.html?q=responsibilities")
    page.wait_for_selector("ul.search li a")
    links = page.eval_on_selector_all("ul.search li a", "all => all.map(a => a.href)")
    assert any("03_labels_hidden" in link for link in links)
    assert page.problems == []


def test_the_notebook_can_be_saved(page, address):
    page.goto(f"{address}/{CHAPTER}")
    with page.expect_download() as saved:
        page.click(".get-notebook a")
    assert saved.value.suggested_filename == "04_em.ipynb"
    got = nbformat.read(saved.value.path(), as_version=4)
    wanted = reading.notebook("04_em", reading.links())
    assert [c.source for c in got.cells] == [c.source for c in wanted.cells]
    nbformat.validate(got)


def test_a_cell_can_be_copied(page, addresses):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{addresses['http']}/{CHAPTER}")
    cell = page.locator("div.cell_input").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip()


def test_a_symbol_shows_what_it_means(page, address):
    page.goto(f"{address}/{CHAPTER}")
    symbol = page.locator("a.symbol").first
    name = symbol.get_attribute("aria-describedby")
    box = page.locator(f"#{name}")
    assert box.is_hidden()
    symbol.focus()
    assert box.is_visible()
    page.keyboard.press("Escape")
    assert box.is_hidden()
    symbol.hover()
    box.hover()
    assert box.is_visible()
    symbol.click()
    assert page.url.endswith(f"notation.html#{name.removeprefix('preview-')}")
    page.locator("tr:target").wait_for()


def test_an_equation_leads_to_its_code_and_back(page, address):
    page.goto(f"{address}/{CHAPTER}")
    page.click("#equation-eq-e-step .to-code")
    page.locator("#e_step:target").wait_for()
    assert page.url.endswith("_modules/emgmm/em.html#e_step")
    assert page.evaluate(SEEN, "def e_step(")
    page.click("#e_step .viewcode-back")
    assert page.url.endswith("api.html#emgmm.e_step")
    page.locator("dl:has(> #emgmm\\.e_step) a[href$='#equation-eq-e-step']").click()
    assert page.url.endswith("04_em.html#equation-eq-e-step")


# Is a word in sight where a link has led, and not below the head of the page?
SEEN = """(word) => {
  const target = document.querySelector(":target");
  const line = [...target.childNodes].find((e) => e.textContent.startsWith("def"));
  const { x, y } = line.getBoundingClientRect();
  const seen = document.elementFromPoint(x + 2, y + 2);
  return line === seen && target.textContent.includes(word);
}"""
TABBABLE = """
[...document.querySelectorAll(
    "a[href], button, input, select, summary, [tabindex='0']")]
  .filter((e) => e.tabIndex === 0 && !e.disabled
    && !e.matches('[type=radio]:not(:checked)')
    && e.checkVisibility({visibilityProperty: true}))
"""
FOCUS = """() => {
  const e = document.activeElement, s = getComputedStyle(e);
  const seen = s.outlineStyle !== "none" || s.boxShadow !== "none";
  return [TABBABLE.indexOf(e), seen || e.outerHTML];
}""".replace("TABBABLE", f"({TABBABLE.strip()})")


def test_the_keyboard_reaches_everything_and_the_focus_is_seen(page, addresses):
    page.goto(f"{addresses['http']}/{CHAPTER}")
    reached = []
    for _ in range(page.evaluate(f"({TABBABLE.strip()}).length")):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS))
    assert {place for place, _ in reached} == set(range(len(reached)))
    assert {seen for _, seen in reached} == {True}


def test_a_reader_who_wants_no_motion_gets_none(page, addresses):
    page.goto(f"{addresses['http']}/{CHAPTER}")
    moving = "[...document.all].filter((e) => parseFloat(getComputedStyle(e)[KIND]))"
    for kind in ("transitionDuration", "animationDuration"):
        assert page.evaluate(moving.replace("KIND", f"'{kind}'") + ".length") == 0


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_on_paper(page, addresses, name):
    page.emulate_media(media="print")
    page.set_viewport_size(A4)
    page.goto(f"{addresses['http']}/{name}")
    assert page.evaluate(OUT_OF_SIGHT, True) == []
    for explorer in page.locator(".em-explorer").all():
        assert explorer.get_by_text("where scripts run").is_visible()
        assert explorer.locator("button, svg").filter(visible=True).count() == 0
    assert page.locator("article details:not([open])").count() == 0


def test_a_page_of_paper_has_margins_and_figures_are_whole(page, addresses):
    page.emulate_media(media="print")
    page.set_viewport_size(A4)
    page.goto(f"{addresses['http']}/{CHAPTER}")
    assert page.evaluate(MARGINS) == ["1.8cm"]
    for figure in page.locator("article figure").all():
        assert figure.bounding_box()["height"] < A4["height"]
        assert figure.evaluate("e => getComputedStyle(e).breakInside") == "avoid"


MARGINS = """
[...document.styleSheets].filter((sheet) => sheet.href?.includes("book.css"))
  .flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule instanceof CSSPageRule).map((rule) => rule.style.margin)
"""


def test_paper_gets_the_text_alone(page, addresses):
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(f"{addresses['http']}/{CHAPTER}")
    furniture = "button, input, .bd-sidebar-primary, .bd-sidebar-secondary, .story"
    for element in page.locator(furniture).all():
        assert element.is_hidden()
    for text in ("article section > h1", "article .formula"):
        assert page.locator(text).first.is_visible()
    color = "getComputedStyle(document.querySelector('article')).color"
    assert sum(map(int, re.findall(r"\d+", page.evaluate(color))[:3])) < 200
    assert page.pdf().startswith(b"%PDF")
