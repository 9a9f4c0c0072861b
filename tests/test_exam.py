"""Exam, pre-test and rubric: answers that are computed, points that add up."""

import math
import re
from fractions import Fraction

import nbformat
import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import norm

import emgmm
from emgmm.checks.registry import EXERCISES
from tools import book, notebooks, prose

GUIDE = (notebooks.CHAPTERS / "instructor_guide.md").read_text(encoding="utf-8")
PAGES = {name: book.page(name, answers=True) for name in ("exam", "pretest")}
POINTS = re.compile(r"\((\d)\)")


def exact(number):
    return Fraction(float(number)).limit_denominator(1000)


def boundary(ratio):
    """Where the two log-joints of question 4 are equal; the shares are ratio : 1."""
    at = np.linspace(0, 4, 4001)
    gap = math.log(ratio) + norm.logpdf(at, 0, 2) - norm.logpdf(at, 4, 2)
    return round(float(at[np.abs(gap).argmin()]))


# What the questions give.
KNOWN = {
    "np": np,
    "Fraction": Fraction,
    "exact": exact,
    "boundary": boundary,
    "softmax": softmax,
    "logsumexp": logsumexp,
    "alone": lambda x, sigma: norm.logpdf(x, 0, sigma),
    "S": np.array([[25, 12], [12, 16]]),
    "X": np.array([1, 3, 4, 8]),
    "A": -1000 + np.log([1, 2, 5]),
    "M": emgmm.m_step(
        [[0, 0], [2, 0], [0, 2], [2, 2]], [[1, 0], [0.5, 0.5], [0.5, 0.5], [0, 1]]
    ),
}


def questions():
    """Title, head line and the rest of each question of the exam."""
    head = r"(?m)^## (\d\. .+)\n\nChapter (\d) · (\d+) minutes · (\d+) points\n"
    return re.findall(head + r"([\s\S]+?)(?=^## |\Z)", PAGES["exam"])


@pytest.mark.parametrize("name", PAGES)
def test_every_number_of_an_answer_is_computed(name):
    checks = [c for p in prose.paragraphs(PAGES[name]) for c in p.checks]
    assert len(checks) > 8
    for check in checks:
        assert str(eval(check.expression, dict(KNOWN))) == check.text, check.expression
    cell = nbformat.v4.new_markdown_cell(PAGES[name])
    assert prose.untested(nbformat.v4.new_notebook(cells=[cell])) == []


def test_the_exam_adds_up():
    found = questions()
    assert len(found) == PAGES["exam"].count("\n## ") == 8
    minutes, points = (sum(int(q[i]) for q in found) for i in (2, 3))
    assert f"Eight questions, {points} points, {minutes} minutes" in PAGES["exam"]
    assert {q[1] for q in found} == set("12345")
    for title, _, _, stated, text in found:
        answer = re.sub("(?m)^% .*", "", "".join(book.ANSWER.findall(text)))
        given = POINTS.findall(answer.split("Half right")[0])
        assert sum(map(int, given)) == int(stated), title
        assert "Half right" in answer, title
        assert "% check: " in text, title


def test_the_guide_announces_this_exam():
    rows = [f"| {t} | {c} | {m} | {p} |" for t, c, m, p, _ in questions()]
    assert re.findall(r"(?m)^\| \d\. .*$", GUIDE) == rows
    assert "| all | | 90 | 60 |" in GUIDE


def test_neither_the_guide_nor_the_sheet_has_an_answer_of_the_exam():
    sheet = book.page("exam", answers=False)
    for answer in book.ANSWER.findall(PAGES["exam"]):
        for paragraph in answer.split("\n\n"):
            assert len(paragraph) < 40 or paragraph not in GUIDE + sheet
    assert len(re.findall("(?m)^## ", sheet)) == 8
    assert "Half right" not in sheet
    assert "*Answer" not in sheet


def test_each_question_of_the_pretest_has_an_answer_and_a_way_to_go_on():
    text = PAGES["pretest"]
    asked = re.findall(r"(?m)^\*\*(\d+)\.\*\*", text)
    assert asked == [str(n) for n in range(1, 11)]
    answers = book.ANSWER.findall(text)[1:]
    assert len(answers) == 10
    assert all("*Answer.*" in a and "*If not:*" in " ".join(a.split()) for a in answers)
    sheet = book.page("pretest", answers=False)
    assert re.findall(r"(?m)^\*\*(\d+)\.\*\*", sheet) == asked
    assert not re.search(r"\*Answer|\*If", sheet)


def rubric():
    """Label, points and text of each paragraph of the rubric."""
    part = GUIDE.split("(guide-rubric)=")[1].split("(guide-exam)=")[0]
    return part, re.findall(
        r"\*\*\{ref\}`([\w-]+)`\*\* \((\d) points\)\. ([\s\S]+?)(?=\n\n)", part
    )


def test_the_rubric_adds_up_and_forgets_no_exercise():
    part, rows = rubric()
    assert len(rows) > 15
    for label, stated, text in rows:
        points, half = text.split("*Half right:*")
        assert sum(map(int, POINTS.findall(points))) == int(stated), label
        assert half.strip(), label
    without = re.findall(
        r"`(ex-[\w-]+)`", part.split("No paper part:")[1].split("\n\n")[0]
    )
    assert sorted([*(r[0] for r in rows), *without]) == sorted(
        e.label for e in EXERCISES
    )


def test_the_share_in_the_rubric_is_computed():
    share = 1 - math.exp(-(1.96**2) / 2)
    assert f"which holds {100 * share:.0f} %" in " ".join(GUIDE.split())
