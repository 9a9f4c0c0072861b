"""Each symbol has one meaning, and its pop-up gives it: see CONTRIBUTING, "Symbols"."""

import re
import shutil
from functools import cache
from pathlib import Path
from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from _ext.symbols import Local, ambiguous, problems
from tests.conftest import build
from tests.test_book_html import small_book
from tools import symbols

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        (r"\hat\mu_l = \sum_i w_{i0}\,x_i", [r"\hat \mu_j", "i", "w_i.", "x_i"]),
        (r"\mu_{z_i} + L_{00}", [r"\mu_.", "z_i", "L_.."]),
        (r"\mu_{\tau(j)}", [r"\mu_.", r"\tau", "j"]),
        (r"\nabla_{\!\mu_j}\,\bar\ell_c", [r"\mu_j", r"\bar \ell_c"]),
        (r"\int_0^R e^{-D^2/2}\,\mathrm dD", ["R", "e", "D", r"\mathrm d", "D"]),
        (r"\varepsilon_{d-1}", [r"\varepsilon_.", "d"]),
        (r"G_{ba}\big|_{h=0}", ["G_aa", "h"]),
        (r"\mathrm{KL}(w_i^t\,\|\,q_i)", [r"\mathrm KL", "w_i", "t", "q_i"]),
        (r"\operatorname{E}[x] = 3 \quad\text{for all } x", [r"\mathrm E", "x", "x"]),
        (r"\begin{aligned} a &= \tfrac12 k_\Sigma \end{aligned}", ["a", r"k_\Sigma"]),
        (r"\mathbb R^d \ni w'_j", [r"\mathbb R", "d", "w'_j"]),
        (r"\frac{1", []),
        ("x_", ["x_"]),
    ],
)
def test_the_symbols_of_a_formula(formula, found):
    assert symbols.symbols(formula) == found


@pytest.mark.parametrize(
    ("used", "listed", "expected"),
    [
        (r"\mu_.", r"\mu_j", True),
        (r"\hat \mu_j", r"\mu_j", True),
        (r"\bar \ell_c", r"\ell_c", True),
        (r"\tilde x", "x", False),
        (r"\mathcal L", "L", False),
        ("S_i", "S_j", False),
        ("c_.", "c", False),
        ("p", r"\mathrm p", False),
    ],
)
def test_a_symbol_fits_what_is_listed(used, listed, expected):
    assert symbols.fits(used, {listed}) == expected


def test_a_declaration_is_read_or_refused():
    comment = (
        "check: 2 == m\n local: c, c_j (a factor (of two))\n local: b\n Local b (x)"
        "\n local: d (row $i$)"
    )
    assert symbols.declared(comment) == [("c, c_j", "a factor (of two)")]
    assert symbols.malformed(comment) == [
        " local: b",
        " Local b (x)",
        " local: d (row $i$)",
    ]


# What the build says


def page(*blocks):
    """A document with one section of these blocks."""
    section = nodes.section("", *blocks, ids=["place"])
    document = nodes.document(None, None)
    document += section
    return document, section


def said(document, local=()):
    return [text for text, _ in problems(document, {"x_i", r"\mu_j"}, list(local))]


@pytest.mark.parametrize("node", [nodes.math, nodes.math_block])
def test_a_symbol_without_a_meaning_is_found(node):
    document, _ = page(node(r"x_0 - \mu_1", r"x_0 - \mu_1"), node("x_0 + v", "x_0 + v"))
    [text] = said(document)
    assert text == "symbol v is neither on the page of notation nor declared local"


def test_a_declaration_holds_in_its_place_only():
    document, section = page(nodes.math("v", "v"))
    document += nodes.math("v", "v")
    assert len(said(document, [Local("v", "a step", section)])) == 1


def test_a_declaration_that_does_nothing_is_found():
    document, section = page(nodes.math("x_i", "x_i"), nodes.comment("", "local: v"))
    texts = said(document, [Local("v", "a step", section)])
    assert texts == [
        "symbol v is declared local and not used",
        "not understood: %local: v",
    ]


def test_a_symbol_in_two_rows_is_found():
    assert ambiguous([["m"], ["j", "l"], ["p(x)"], ["p(x,z)", "p_{ij}"]]) == []
    assert ambiguous([["m"], ["j"], ["k", "m"]]) == ["m", "m"]
    assert ambiguous([["p(x)"], ["p"]]) == ["p"]


def test_the_build_fails_at_an_unknown_symbol(tmp_path):
    chapters = small_book(tmp_path, "notation")
    shutil.copy(ROOT / "chapters" / "notation.md", chapters)
    text = "# Page\n\nHere $\\zeta_j$ and $v$.\n% local: v (a step)\n"
    (chapters / "page.md").write_text(text, encoding="utf-8")
    toc = tmp_path / "_toc.yml"
    toc.write_text(toc.read_text() + "chapters:\n  - file: chapters/page\n")
    result = build(tmp_path, tmp_path)
    assert result.returncode != 0
    assert re.search(r"page.md:3: WARNING: symbol \\zeta_j is neither", result.stderr)
    assert "symbol v " not in result.stderr


# Pop-ups of the built book


@cache
def soup(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def pop_ups(html, page, place):
    """What the pop-ups of a section or an exercise say, by the symbol's spoken name."""
    tree = soup(html / "chapters" / f"{page}.html")
    found = {}
    for link in tree.find(id=place).select("a.symbol"):
        box = tree.find(id=link["aria-describedby"])
        found[link["aria-label"]] = box.get_text(" ", strip=True)
    return found


ONE_PLACE = [
    ("01_two_groups", "what-an-ellipse-holds", {"c", "alpha", "rho"}),
    ("02_labels_known", "the-covariances", {"D", "V", "G", "C_ab", "h"}),
    ("02_labels_known", "move-every-number-a-little", {"c"}),
    ("02_labels_known", "ex-sigma-directly", {"H"}),
    ("03_labels_hidden", "ex-hidden-tied", {"h"}),
    ("04_em", "ex-em-round", {"s_j"}),
    ("05_why_em_works", "a-string-below-a-curve", {"j", "u_j", "w_j", "c", "t"}),
    ("05_why_em_works", "two-ways-to-climb", {"a"}),
    ("solutions/04_em", "round-groups", {"s_j"}),
]


@pytest.mark.parametrize(("page", "place", "letters"), ONE_PLACE)
def test_a_letter_of_one_place_has_no_pop_up(html, page, place, letters):
    assert not letters & pop_ups(html, page, place).keys()


MEANINGS = [
    ("01_two_groups", "what-an-ellipse-holds", "D", "Mahalanobis distance"),
    ("01_two_groups", "what-an-ellipse-holds", "R", "radius of an ellipse"),
    (
        "03_labels_hidden",
        "the-three-equations-of-a-peak",
        "r",
        "distance from the mean",
    ),
    ("04_em", "when-to-stop", "rho", "ratio of two gains"),
    ("04_em", "when-to-stop", "G", "gain still to come"),
    ("05_why_em_works", "what-em-does-not-promise", "rho", "ratio of two gains"),
    ("05_why_em_works", "what-em-does-not-promise", "sigma", "standard deviation"),
    ("solutions/05_why_em_works", "hard-labels", "q_ij", "in Why EM works , where"),
]


@pytest.mark.parametrize(("page", "place", "symbol", "meaning"), MEANINGS)
def test_a_pop_up_gives_the_meaning_that_is_meant(html, page, place, symbol, meaning):
    assert meaning in pop_ups(html, page, place)[symbol]


def targets(tree, page):
    return [urljoin(page, a["href"]) for a in tree.select("a[href]")]


def test_pop_ups_say_and_link_what_their_row_does(html):
    notation = html / "chapters" / "notation.html"
    seen = 0
    for page in sorted(html.rglob("*.html")):
        for box in soup(page).select("div.preview"):
            row = soup(notation).find(id=box["id"].removeprefix("preview-"))
            cells = row.find_all("td")[1:]
            told = [text for cell in cells for text in cell.stripped_strings]
            assert list(box.stripped_strings) == told, page
            linked = [t for cell in cells for t in targets(cell, notation.as_uri())]
            assert targets(box, page.as_uri()) == linked, page
            seen += 1
    assert seen > 100


def test_the_page_of_notation_lists_the_letters_of_one_place(html):
    items = soup(html / "chapters" / "notation.html").select(".local-symbols li")
    links = {a["href"] for item in items for a in item.select("a")}
    for page, place in [
        ("01_two_groups", "what-an-ellipse-holds"),
        ("04_em", "ex-em-round"),
        ("solutions/04_em", "round-groups"),
    ]:
        assert f"{page}.html#{place}" in links
    texts = [item.get_text(" ", strip=True) for item in items]
    assert any("a factor on both covariances" in text for text in texts)
