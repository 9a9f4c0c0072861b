"""Fixtures of the built book, and how the tests are spread over workers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from tools import browser as chrome

ROOT = Path(__file__).resolve().parents[1]
STRICT = ["-W", "-n", "--keep-going", "--all"]
BUILT = re.compile("test_book_(html|browser|symbols)")


class ByFileOrChapter(LoadScopeScheduling):
    """A file's tests share a worker, and so its fixtures.

    So do the files that need the built book: it is built once. Tests with a chapter as
    parameter are grouped by chapter, which runs once: together in one file they would
    take longer than all the rest.
    """

    def _split_scope(self, nodeid):
        chapter = re.search(r"\[((?:solutions/)?\d\d_\w+)\]$", nodeid)
        file = nodeid.split("::")[0]
        if BUILT.search(file):
            return "built"
        return f"{file}::{chapter[1]}" if chapter else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.option.dist == "loadscope":
        return ByFileOrChapter(config, log)
    return None


def build(source, target, env=None):
    """As in the Makefile, but into another folder. It has hung before: at its end."""
    program = Path(sys.executable).with_name("jupyter-book")
    return subprocess.run(
        [program, "build", source, "--path-output", target, *STRICT],
        capture_output=True,
        encoding="utf-8",
        env=env,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="session")
def html(tmp_path_factory):
    """The folder of the built book; a warning or an unresolved link fails here."""
    target = tmp_path_factory.mktemp("book")
    result = build(ROOT, target)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    return target / "_build" / "html"


# Not for the session: beside its event loop other tests would run notebooks.
@pytest.fixture(scope="module")
def browser():
    """Chromium with the network cut; without Chromium the tests are skipped."""
    if chrome.PROGRAM is None:
        pytest.skip(chrome.MISSING)
    with chrome.chromium() as opened:
        yield opened


def pytest_terminal_summary(terminalreporter):
    if chrome.PROGRAM is None:
        terminalreporter.section("BROWSER TESTS NOT RUN", red=True, bold=True)
        terminalreporter.line(chrome.MISSING)
