"""What the instructors' page promises: times that add up, limits that are kept."""

import re
from pathlib import Path

import pytest

from emgmm.checks.judge import RESTARTS
from emgmm.checks.kernel import PATIENCE, Limits
from emgmm.checks.submissions import LARGEST
from tools import notebooks

GUIDE = (notebooks.CHAPTERS / "instructor_guide.md").read_text(encoding="utf-8")
WORDS = {4: "four"}


def minutes(name):
    """The first column of one of the page's lists."""
    block = re.search(rf":name: {name}\n(.*?)\n```", GUIDE, re.DOTALL)[1]
    return [int(n) for n in re.findall(r"^\* - (\d+)$", block, re.MULTILINE)]


@pytest.mark.parametrize("name", ["guide-class-1", "guide-class-2"])
def test_the_steps_of_a_class_fill_it(name):
    length = int(re.search(r"## Two classes of (\d+) minutes", GUIDE)[1])
    assert sum(minutes(name)) == length


def test_there_are_as_many_weeks_as_it_says():
    assert "## A block of four weeks" in GUIDE
    weeks = GUIDE.split("## A block of four weeks")[1].split("##")[0]
    assert re.findall(r"^\| (\d) \|", weeks, re.MULTILINE) == list("1234")


def test_the_times_of_reading_are_those_of_the_chapters():
    stated = dict(re.findall(r"^\| \{doc\}`(\w+)` \| (\d+) \|", GUIDE, re.MULTILINE))
    own = {
        md.stem: re.search(r"\*\*Minutes:\*\* (\d+)", md.read_text(encoding="utf-8"))
        for md in notebooks.pairs([notebooks.CHAPTERS])
    }
    assert stated == {name: found[1] for name, found in own.items() if found}


def test_the_limits_are_those_of_the_grader():
    text = " ".join(GUIDE.split())
    assert f"{Limits.seconds} seconds of computing" in text
    assert f"{WORDS[PATIENCE]} times as much by the clock" in text
    assert f"{Limits.total} seconds" in text
    assert f"{Limits.megabytes} megabytes of memory" in text
    assert f"ended {RESTARTS + 1} times" in text
    assert f"larger than {LARGEST // 10**6} megabytes" in text


def test_its_commands_exist():
    makefile = (Path(notebooks.CHAPTERS).parent / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)$", GUIDE, re.MULTILINE))
    assert {"classroom", "classroom-solutions", "figures"} <= named <= targets
