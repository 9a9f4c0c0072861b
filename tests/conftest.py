"""How the tests are spread over the workers of pytest-xdist."""

import re

import pytest
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
