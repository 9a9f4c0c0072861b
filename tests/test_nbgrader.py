"""nbgrader takes the exercises as they are, and gives the marks that it should."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import classroom, exercises, nbgrading

ROOT = Path(__file__).resolve().parents[1]
PAGE = "01_two_groups"
HANDED_OUT = exercises.TARGET / f"{PAGE}.ipynb"
SOURCE = classroom.for_nbgrader()[f"nbgrader/source/{PAGE}/{PAGE}.ipynb"].decode()
SOLVED = {e.label: e.answer.source for e in exercises.answered() if e.page == PAGE}
SLIP = "sd_volume, sd_concentration, correlation, lowest, highest = 9, 4, -1, 0, 0"
LEARNERS = {
    "ada": SOLVED,
    "bob": SOLVED | {"ex-read-sigma": SLIP},
    "eve": {},
    "mallory": {"ex-read-sigma": f"{SLIP}\ncheck = lambda *answer: None"},
}


def nbgrader(*command, cwd):
    """A command of nbgrader in a folder, with this checkout's package."""
    programs = Path(sys.executable).parent  # it calls alembic by name
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=cwd,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def filled(handed_out, answers):
    """The notebook that was handed out, with these answers."""
    notebook = json.loads(handed_out.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = answers.get(name, cell["source"])
    return json.dumps(notebook)


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of one assignment: made, handed in by each, graded and exported."""
    folder = tmp_path_factory.mktemp("course")
    config = 'get_config().CourseDirectory.course_id = "em"\n'
    _write(folder / "nbgrader_config.py", config)
    _write(folder / "source" / PAGE / f"{PAGE}.ipynb", SOURCE)
    nbgrader("generate_assignment", PAGE, cwd=folder)
    released = folder / "release" / PAGE / f"{PAGE}.ipynb"
    for learner, answers in LEARNERS.items():
        path = folder / "submitted" / learner / PAGE / f"{PAGE}.ipynb"
        _write(path, filled(released, answers))
    said = nbgrader("autograde", PAGE, cwd=folder)
    nbgrader("export", cwd=folder)
    (folder / "said").write_text(said, encoding="utf-8")
    return folder


def test_each_learner_gets_the_marks(course):
    with open(course / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    cells = json.loads(HANDED_OUT.read_text(encoding="utf-8"))["cells"]
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    points = {m["grade_id"]: m["points"] for m in marks if m.get("grade")}
    n = sum(points.values())
    bob = n - points["check-ex-read-sigma"]
    scores = {learner: float(row["score"]) for learner, row in rows.items()}
    assert scores == {"ada": n, "bob": bob, "eve": 0, "mallory": 0}
    assert {float(row["max_score"]) for row in rows.values()} == {n}


def test_right_answers_bring_no_warnings(course):
    said = (course / "said").read_text(encoding="utf-8")
    assert "Autograding" in said
    assert "AutogradeApp | WARNING" not in said
    assert "partial credit" not in said


def test_the_words_of_the_check_stand_in_the_graded_copy(course):
    path = course / "autograded" / "bob" / PAGE / f"{PAGE}.ipynb"
    text = path.read_text(encoding="utf-8")
    for title in ("1.1: Read a covariance matrix", "1.3: The log-density"):
        assert title in text.replace("\\u2717", "")


def test_a_name_given_to_something_else_does_not_help(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    source = 'check("read_sigma", [9, 4, -1, 0, 0])'
    exec(source, {"check": lambda *answer: None})
    with pytest.raises(AssertionError, match=r"1\.1"):
        exec(nbgrading.graded(source), {"check": lambda *answer: None})


def test_a_cell_without_a_check_at_its_end_is_refused():
    with pytest.raises(ValueError, match="must end in a call of check"):
        nbgrading.graded("x = 1")


def test_its_copy_for_learners_has_the_blanks_and_no_solution(course):
    text = (course / "release" / PAGE / f"{PAGE}.ipynb").read_text(encoding="utf-8")
    assert "def log_joint(x, phi, mu, Sigma):" in text
    assert "SOLUTION" not in text
    assert classroom.leaks({"release.ipynb": text.encode()}) == []


def test_it_accepts_the_marks_of_every_notebook():
    code = (
        "import sys\nfrom nbgrader.nbgraderformat import read\n"
        "for name in sys.argv[1:]:\n    read(name, as_version=4)"
    )
    every = sorted(exercises.TARGET.glob("*.ipynb"))
    assert every
    command = [sys.executable, "-W", "ignore", "-c", code, *every]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
