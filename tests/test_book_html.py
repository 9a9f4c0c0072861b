"""What holds for the built pages, as files."""

import base64
import importlib
import inspect
import json
import re
import shutil
from functools import cache
from operator import attrgetter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

import emgmm.checks
import emgmm.plots
from _ext import em_explorer
from emgmm.em import plain
from tests.conftest import build
from tools import equations, numbers, reading, times

ROOT = Path(__file__).resolve().parents[1]
CSS_LOAD = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""")


@cache
def soup(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def pages(html):
    """The pages for readers: not the redirect at the top, not the theme's files."""
    found = [html.glob(n) for n in ("chapters/**/*", "_modules/**/*", "[gs]e*")]
    return sorted(p for paths in found for p in paths if p.suffix == ".html")


def test_every_page_of_the_contents_is_built(html):
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    for name in [toc["root"], *files]:
        assert soup(html / f"{name}.html").find("article").find("h1")
    assert "chapters/00_welcome" in (html / "index.html").read_text(encoding="utf-8")


def small_book(folder, toc):
    """The book's own set-up, for a few pages."""
    for name in ("_ext", "assets", "tools"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "_config.yml", folder)
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: chapters/{toc}\n")
    (folder / "chapters").mkdir()
    shutil.copy(ROOT / "chapters" / "references.bib", folder / "chapters")
    return folder / "chapters"


def test_a_broken_reference_and_formula_fail_the_build(tmp_path):
    chapters = small_book(tmp_path, "page")
    broken = ["{eq}`eq-none`", "{doc}`no_page`", "[link](no-file.md)", "{cite}`nobody`"]
    text = "# Page\n\n" + " ".join([*broken, r"$\unknown$"])
    (chapters / "page.md").write_text(text, encoding="utf-8")
    result = build(tmp_path, tmp_path)
    assert result.returncode != 0
    found = ("eq-none", "no_page", "no-file.md", "nobody", "Undefined control sequence")
    for name in found:
        assert re.search(f"WARNING.*{re.escape(name)}", result.stderr), result.stderr


LAUNCH = ("colab.research.google.com/github/a/b/", "mybinder.org/v2/gh/a/b/")


def test_chapters_launch_elsewhere_only_from_a_repository(html, tmp_path):
    chapters = small_book(tmp_path, "00_welcome")
    shutil.copy(ROOT / "chapters" / "00_welcome.ipynb", chapters)
    config = tmp_path / "_config.yml"
    address = '\n  url: "https://github.com/a/b"'
    config.write_text(config.read_text().replace('\n  url: ""', address))
    build(tmp_path, tmp_path)
    online = tmp_path / "_build/html/chapters/00_welcome.html"
    assert all(name in online.read_text(encoding="utf-8") for name in LAUNCH)
    offline = (html / "chapters/04_em.html").read_text(encoding="utf-8")
    assert not any(name.split("/")[0] in offline for name in LAUNCH)


# No page asks another host for anything


def loads(tree):
    """Addresses that a browser fetches by itself: not those of links to follow."""
    for tag in tree.find_all(["img", "script", "iframe", "source", "embed", "video"]):
        yield from (tag.get("src"), *(tag.get("srcset") or "").split())
    yield from (tag.get("href") for tag in tree.find_all("link"))
    yield from (tag.get("data") for tag in tree.find_all("object"))
    for tag in tree.find_all("style"):
        yield from CSS_LOAD.findall(tag.string or "")
    for tag in tree.find_all(style=True):
        yield from CSS_LOAD.findall(tag["style"])
    for tag in tree.find_all("script", src=False):
        yield from re.findall(r"https?://[^\s\"'`]+", tag.string or "")


def foreign(addresses):
    return [a for a in addresses if a and re.match(r"(\w+:)?//", a)]


def test_pages_load_nothing_from_another_host(html):
    for page in sorted(html.rglob("*.html")):
        assert foreign(loads(soup(page))) == [], page


def test_style_sheets_load_nothing_from_another_host(html):
    sheets = sorted(html.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert CSS_LOAD.findall(sheet.read_text(encoding="utf-8")) == [], sheet


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://host/x.js"></script>',
        '<script src="//host/x.js"></script>',
        '<script>import("https://host/x.js")</script>',
        '<link rel="stylesheet" href="https://host/x.css">',
        '<img src="http://host/x.png">',
        '<img srcset="https://host/x.png 2x">',
        '<iframe src="https://host"></iframe>',
        '<p style="background: url(https://host/x.png)">',
        "<style>@import 'https://host/x.css';</style>",
    ],
)
def test_a_foreign_address_is_found(text):
    assert len(foreign(loads(BeautifulSoup(text, "html.parser")))) == 1


def test_local_files_and_links_to_follow_are_allowed():
    text = '<a href="https://host">x</a><img src="../x.png"><script>let x = 1</script>'
    assert foreign(loads(BeautifulSoup(text, "html.parser"))) == []


def test_formulas_are_drawn_before_a_reader_comes(html):
    for page in pages(html):
        formulas = soup(page).select(".math")
        assert all(formula.find("mjx-container") for formula in formulas), page
        assert not soup(page).select("merror"), page
        assert "mathjax" not in " ".join(str(s) for s in soup(page).find_all("script"))
    assert len(soup(html / "chapters/04_em.html").select(".math")) > 100


# The explorer


def test_the_explorer_is_loaded_where_it_is_mounted(html):
    for page in pages(html):
        mounted = bool(soup(page).select(".em-explorer"))
        loaded = [s["src"] for s in soup(page).find_all("script", src=True)]
        found = [re.search(r"explorer/(\w+\.js)", s) for s in loaded]
        expected = list(em_explorer.SCRIPTS) if mounted else []
        assert [m[1] for m in found if m] == expected, page
    mounts = {p.stem for p in pages(html) if soup(p).select(".em-explorer")}
    assert mounts == {"03_labels_hidden", "04_em", "05_why_em_works"}


@pytest.mark.parametrize("page", ["03_labels_hidden", "04_em", "05_why_em_works"])
def test_the_explorer_runs_in_the_page(html, browser, page):
    errors = []
    with browser.new_page(viewport={"width": 360, "height": 740}) as tab:
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto((html / "chapters" / f"{page}.html").as_uri())
        tab.get_by_role("button", name="End", exact=True).click()
        status = tab.locator(".em-status").inner_text()
        assert "−903.08 nats" in status
        assert ("Group 0 is Anemia" in status) == (page == "03_labels_hidden")
        assert tab.locator(".em-bound").count() == (page == "05_why_em_works")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert errors == []


# Links and figures


def targets(page):
    """Local files and fragments that a page points to."""
    for tag, key in [
        ("a", "href"),
        ("img", "src"),
        ("script", "src"),
        ("link", "href"),
    ]:
        for found in soup(page).find_all(tag, attrs={key: True}):
            url = urlsplit(found[key])
            if not url.scheme and not url.netloc and found[key] != "#":
                file = (page.parent / unquote(url.path)) if url.path else page
                yield file.resolve(), unquote(url.fragment)


@cache
def ids(page):
    return {tag["id"] for tag in soup(page).find_all(id=True)}


def dead(page):
    for file, fragment in targets(page):
        if not file.exists():
            yield str(file)
        elif fragment and fragment not in ids(file):
            yield f"{file}#{fragment}"


def test_every_local_link_arrives(html):
    for page in pages(html):
        assert list(dead(page)) == [], page


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        '<a href="none.html">x</a><a href="#none">x</a><a href="#a" id="a">'
    )
    assert len(list(dead(page))) == 2


def bad_alts(tree):
    images = tree.select("article img, article figure > svg")
    alts = [image.get("alt") or image.get("aria-label") or "" for image in images]
    return [a for a in alts if len(a) < 30 or re.search(r"\.(png|svg|jpe?g)\b|/", a)]


def test_every_figure_has_a_text_alternative(html):
    for page in pages(html):
        if soup(page).find("article"):
            assert bad_alts(soup(page)) == [], page


@pytest.mark.parametrize("alt", ["", 'alt=""', 'alt="../_images/fig-two-groups.png"'])
def test_a_figure_without_words_is_found(alt):
    images = f"<img src='x.png' {alt}><figure><svg></svg></figure>"
    tree = BeautifulSoup(f"<article>{images}</article>", "html.parser")
    assert len(bad_alts(tree)) == 2


STORY = [f"0{n}_" for n in range(1, 6)]


def test_each_chapter_of_the_story_says_where_it_stands(html):
    chapters = [next(html.glob(f"chapters/{n}*.html")) for n in STORY]
    for page in chapters:
        links = soup(page).select("nav.story a")
        assert [link["href"] for link in links] == [c.name for c in chapters]
        (here,) = [a["href"] for a in links if a.get("aria-current") == "page"]
        assert here == page.name


def test_every_computed_equation_leads_to_its_code(html):
    for e in equations.registry():
        if e.functions:
            box = soup(html / f"chapters/{e.page}.html").find(id=f"equation-{e.label}")
            (link,) = box.select("a.to-code")
            href = link["href"].removeprefix("../" * e.page.count("/"))
            assert written(e.functions[0]) in code(html, href), e.label


# The pages made from the package


def public_names():
    """What readers may use: constants, functions, classes and what these can do."""
    for module in map(importlib.import_module, equations.MODULES):
        for name in equations.names(module):
            yield f"{module.__name__}.{name}"
            thing = getattr(module, name)
            for member, value in vars(thing).items() if inspect.isclass(thing) else ():
                can = inspect.isroutine(value) or isinstance(value, property)
                if can and not member.startswith("_"):
                    yield f"{module.__name__}.{name}.{member}"


def entry(html, page, name):
    """The addresses of the source that the entry of a name leads to."""
    head = soup(html / f"chapters/{page}.html").find("dt", id=name)
    return [a["href"] for a in head.select("a:has(.viewcode-link)")]


def code(html, href):
    """The lines that a link of a chapter leads to."""
    page, _, anchor = href.partition("#")
    block = soup((html / "chapters" / page).resolve()).find(id=anchor)
    return dense(block.get_text())


def dense(text):
    """Without what viewcode puts between the lines."""
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line not in ("", "[docs]"))


def written(name):
    """The lines of a name in its file; of a constant, how they begin."""
    thing = attrgetter(name.partition(".")[2])(emgmm)
    thing = getattr(thing, "fget", thing)
    if inspect.isroutine(thing) or inspect.isclass(thing):
        return dense(inspect.getsource(thing))
    return f"{name.rpartition('.')[2]} = "


@pytest.mark.parametrize("name", list(public_names()))
def test_every_public_name_is_on_the_page_and_leads_to_its_lines(html, name):
    links = entry(html, "api", name)
    if name.startswith("emgmm.checks."):
        assert links == []
    else:
        assert written(name) in code(html, *links)


def test_the_checks_know_answers_and_are_not_printed(html):
    printed = {p.relative_to(html / "_modules") for p in html.glob("_modules/**/*")}
    assert Path("emgmm/em.html") in printed
    assert not [p for p in printed if "checks" in p.parts or p.stem == "checks"]


def test_the_engine_room_shows_the_loop_as_it_is(html):
    blocks = soup(html / "chapters/engine_room.html").select(
        "article div.highlight pre"
    )
    assert inspect.getsource(plain) in [block.get_text() for block in blocks]


def test_the_page_of_equations_lists_all_of_them(html):
    rows = soup(html / "chapters/equations.html").find("article").select("tbody tr")
    listed = {row.find_all("td")[1].get_text() for row in rows}
    links = [[a["href"] for a in row.find_all("a")] for row in rows]
    registered = equations.registry()
    assert listed == {e.label for e in registered}
    # To the equation and its page; a computation also to its function.
    least = [2 if e.is_step else 3 for e in registered]
    assert sorted(map(len, links)) == sorted(least)


def test_the_checker_counts_as_the_book_does(html):
    """Numbers of exercises and equations, which tools/exercises.py computes itself."""
    stored = json.loads((ROOT / "emgmm/checks/book.json").read_text(encoding="utf-8"))
    for label, found in stored["exercises"].items():
        title = soup(html / f"chapters/{found['page']}.html").find(id=label).p
        assert title.get_text().startswith(f"Exercise {found['number']} "), label
    for label, found in stored["equations"].items():
        page = soup(html / f"chapters/{found['page']}.html")
        shown = page.find(id=f"equation-{label}").get_text().strip()
        assert shown.startswith(found["number"]), label


def test_notebooks_count_as_the_book_does(html):
    """Numbers of equations, figures and exercises of all pages, from tools/numbers."""
    for label, target in numbers.targets().items():
        page = html / f"chapters/{target.page}.html"
        if target.kind == "figure":
            caption = soup(page).find(id=label).find("figcaption").get_text().strip()
            assert caption.startswith(f"{target.text} "), label
        elif target.kind == "equation":
            shown = soup(page).find(id=f"equation-{label}").get_text().strip()
            assert shown.startswith(target.text), label
        elif target.kind == "exercise":
            title = soup(page).find(id=label).p.get_text()
            assert title.startswith(f"{target.text} "), label


def test_sources_are_cited_as_the_book_does(html):
    text = " ".join("".join(soup(page).get_text() for page in pages(html)).split())
    sources = [(p.read_text(encoding="utf-8")) for p in ROOT.glob("chapters/*.md")]
    cited = re.findall(r"\{cite(?::t)?\}`([^`]+)`", "\n".join(sources))
    for key in {key for keys in cited for key in keys.split(",")}:
        name, year = numbers.targets()[key].text.rsplit(", ", 1)
        assert f"{name}, {year}" in text or f"{name} [{year}]" in text, key


def test_each_exercise_says_what_it_takes(html):
    """In its box, and above its solution."""
    for label, target in numbers.targets().items():
        if target.kind == "exercise":
            for name in (target.page, f"solutions/{target.page}"):
                lines = soup(html / f"chapters/{name}.html").select(".exercise-facts")
                assert times.facts(label) in [line.get_text() for line in lines], label
            box = soup(html / f"chapters/{target.page}.html").find(id=label)
            assert box.select_one(".exercise-facts").get_text() == times.facts(label)


def test_the_guide_lists_what_all_exercises_take(html):
    tables = soup(html / "chapters/instructor_guide.html").select("article table")
    found = next(t for t in tables if t.th.get_text() == "Exercise")
    printed = [[c.get_text() for c in row.select("td")] for row in found.select("tr")]
    rows = times.table(lambda label: numbers.targets()[label].text)
    wanted = [r.replace("*", "").strip("|").split("|") for r in list(rows)[2:]]
    assert printed[1:] == [[cell.strip() for cell in row] for row in wanted]


def test_downloaded_notebooks_need_no_book(html):
    for file in (html / "_sources/chapters").rglob("*.ipynb"):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
        assert not [t for t in texts if reading.UNRESOLVED.search(t)], file.name
    for page in pages(html):
        for link in soup(page).select(".get-notebook a"):
            told = json.loads(base64.b64decode(link["href"].partition(",")[2]))
            texts = ["".join(c["source"]) for c in told["cells"]]
            assert not [t for t in texts if reading.UNRESOLVED.search(t)], page.name


def test_comments_of_the_sources_are_not_printed(html):
    for page in pages(html):
        article = soup(page).find("article")
        assert not article or "% check" not in article.get_text()
