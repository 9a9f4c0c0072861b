"""The exercises: one source, and all that is made from it."""

import contextlib
import io
import json

import nbformat
import pytest

from emgmm.checks.registry import EXERCISES, find
from tests.wrong_answers import everything
from tools import exercises, misconceptions, notebooks, reading

NOTEBOOKS = sorted(exercises.TARGET.glob("*.ipynb"))
by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def learners(path):
    return nbformat.read(path, as_version=4)


def code(path):
    return [c for c in learners(path).cells if c.cell_type == "code"]


def test_generated_files_are_current():
    assert exercises.stale() == []


def test_an_old_file_is_found(monkeypatch, tmp_path):
    files = exercises.files()
    book = next(path for path in files if path.name == "book.json")
    monkeypatch.setattr(exercises, "files", lambda: {**files, book: "{}\n"})
    assert exercises.stale() == ["book.json"]


def test_every_question_has_an_answer_and_a_check():
    assert exercises.unmatched() == set()
    stated = {e.label: e for e in exercises.answered()}
    assert stated.keys() == {e.label for e in EXERCISES}
    for e in EXERCISES:
        assert stated[e.label].name == e.name
        assert find(stated[e.label].number) is e


@pytest.mark.parametrize("page", exercises.chapters()[1:6], ids=lambda p: p.stem)
def test_chapters_have_three_to_six_exercises(page):
    own = [e for e in exercises.statements() if e.page == page.stem]
    assert 3 <= len(own) <= 6


def test_the_page_for_teachers_is_current():
    stored = misconceptions.PAGE.read_text(encoding="utf-8")
    assert misconceptions.page(misconceptions.current()) == stored
    counts = misconceptions.current()
    assert counts.wrong == counts.named == len(everything().wrong)


def test_the_classic_misconceptions_are_slips_of_exercises():
    for classic in misconceptions.CLASSICS:
        assert classic.caught
        for name, slip in classic.caught:
            assert slip in {s.name for s in find(name).slips}


# The learner's notebooks


@by_notebook
def test_nothing_has_been_run(path):
    assert all(c.outputs == [] and c.execution_count is None for c in code(path))


def answer_lines(exercise):
    """The lines that learners have to write; short ones stand elsewhere, too."""
    lines = exercise.answer.source.splitlines()
    first = lines.index(next(s for s in lines if "BEGIN SOLUTION" in s))
    last = lines.index(next(s for s in lines if "END SOLUTION" in s))
    return [s.strip() for s in lines[first + 1 : last] if len(s.strip()) > 20]


def test_no_answer_is_left_in():
    text = "\n".join(path.read_text(encoding="utf-8") for path in NOTEBOOKS)
    text += (exercises.DATA / "book.json").read_text(encoding="utf-8")
    for exercise in exercises.answered():
        assert [s for s in answer_lines(exercise) if json.dumps(s)[1:-1] in text] == []


def test_statements_need_no_book_around_them():
    for path in NOTEBOOKS:
        for cell in learners(path).cells:
            if cell.cell_type == "markdown":
                assert not reading.UNRESOLVED.search(cell.source), cell.source


@by_notebook
def test_starters_and_checks_run_from_top_to_bottom(path):
    names, outcomes = {}, []
    for cell in code(path):
        if exercises.CHECK.search(cell.source):
            before, last = cell.source.rsplit("check(", 1)
            exec(before, names)
            outcomes.append(eval("check(" + last, names))
        else:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(cell.source, names)
    assert {outcome.kind for outcome in outcomes} == {"not tried"}
    assert len(outcomes) == sum(e.page == path.stem for e in exercises.statements())


def test_a_notebook_runs_in_a_kernel():
    done = notebooks.execute(learners(NOTEBOOKS[0]), exercises.TARGET)
    shown = [o.data for c in done.cells for o in c.get("outputs", ()) if "data" in o]
    assert all({"text/plain", "text/html"} <= set(data) for data in shown)
    assert sum("not tried yet" in data["text/html"] for data in shown) == 5


@by_notebook
def test_nbgrader_finds_its_marks(path):
    marks = [c.metadata["nbgrader"] for c in code(path) if "nbgrader" in c.metadata]
    ids = [m["grade_id"] for m in marks]
    assert len(ids) == len(set(ids))
    for m in marks:
        assert {"grade", "grade_id", "locked", "schema_version", "solution"} < set(m)
        assert m["schema_version"] == 3
        assert m["grade"] != m["solution"]
        assert m["locked"] == m["grade"] == ("points" in m)
    points = {m["grade_id"]: m["points"] for m in marks if m["grade"]}
    for label, value in points.items():
        assert value == find(label.removeprefix("check-")).points


def test_colab_gets_one_line():
    for path in NOTEBOOKS:
        assert learners(path).cells[0].source.count("%pip install") == 1


# The solutions


def test_every_solution_was_right_when_it_was_run():
    for md in notebooks.pairs([exercises.CHAPTERS / "solutions"]):
        stored = nbformat.read(md.with_suffix(".ipynb"), as_version=4)
        for cell in stored.cells:
            if exercises.CHECK.search(cell.source):
                assert ": right" in cell.outputs[0].data["text/plain"]


def test_a_cell_without_marks_is_refused():
    with pytest.raises(SystemExit, match="one answer must be marked"):
        exercises.starter("x = 1")
