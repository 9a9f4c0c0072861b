"""How the formulas get into the pages, and that the engine which sets them ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import build
from tests.test_book_html import small_book
from tools import browser as chrome

ROOT = Path(__file__).resolve().parents[1]

# What is registered first runs last: after the engine was closed.
ENDING = """
import atexit, threading
atexit.register(lambda: print("threads:", threading.active_count()))
from _ext.ready_math import engine
print(engine().eval("draw('x', false)")[:14])
{end}
"""


@pytest.mark.parametrize("end", ["", "raise KeyboardInterrupt", "raise SystemExit"])
def test_the_engine_ends_with_the_build_however_it_ends(end):
    pytest.importorskip("py_mini_racer", reason="formulas are left to the browser")
    # Left open, it hangs: from Python 3.12 on the limit below is reached.
    result = subprocess.run(
        [sys.executable, "-c", ENDING.format(end=end)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout.split("\n")[:2] == ["<mjx-container", "threads: 1"], result


@pytest.fixture(scope="module")
def without_engine(tmp_path_factory):
    """A page of formulas, built where mini-racer cannot be imported."""
    folder = tmp_path_factory.mktemp("without_engine")
    text = (
        "# Page\n\nSo $a < b$, and:\n\n$$\n\\Sigma = 1\n$$ (eq-s)\n\nSee {eq}`eq-s`.\n"
    )
    (small_book(folder, "page") / "page.md").write_text(text, encoding="utf-8")
    (folder / "py_mini_racer.py").write_text("raise OSError('no V8')", encoding="utf-8")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return folder, build(folder, folder, env={**os.environ, "PYTHONPATH": path})


def test_without_an_engine_the_book_is_built_and_says_so(without_engine):
    folder, result = without_engine
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("LEFT TO THE BROWSER") == 1
    assert "(no V8)" in result.stderr
    page = (folder / "_build/html/chapters/page.html").read_text(encoding="utf-8")
    assert r"\(a &lt; b\)" in page
    assert 'src="../_static/mathjax/tex-svg-full.js"' in page


def test_without_an_engine_the_page_sets_its_formulas(without_engine, browser):
    folder, _ = without_engine
    page = browser.new_page()
    with chrome.served(folder / "_build" / "html") as address:
        page.goto(f"{address}/chapters/page.html")
        page.wait_for_selector(".formula mjx-container svg")
    assert page.locator("mjx-container").count() == 2
    assert page.locator("[data-mjx-error]").count() == 0
    page.close()
