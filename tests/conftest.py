"""How the tests are spread over the workers of pytest-xdist, and their browser."""

import re
import shutil

import pytest
from playwright.sync_api import sync_playwright
from xdist.scheduler import LoadScopeScheduling


class ByFileOrChapter(LoadScopeScheduling):
    """A file's tests share a worker, and so its fixtures: the book is built once.

    Tests with a chapter as parameter are grouped by chapter, which runs once: together
    in one file they would take longer than all the rest.
    """

    def _split_scope(self, nodeid):
        chapter = re.search(r"\[((?:solutions/)?\d\d_\w+)\]$", nodeid)
        file = nodeid.split("::")[0]
        return f"{file}::{chapter[1]}" if chapter else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.option.dist == "loadscope":
        return ByFileOrChapter(config, log)
    return None


NO_BROWSER = "Chromium is missing"
# No network, and nothing that the browser does on its own account.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window and without a network."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", ())
    n = sum(NO_BROWSER in str(report.longrepr) for report in skipped)
    if n:
        terminalreporter.write_line(
            f"{NO_BROWSER}: {n} browser tests not run; apt-get install chromium",
            red=True,
            bold=True,
        )
