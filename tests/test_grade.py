"""Grading a pile: the right marks whatever a submission does, no process left."""

import csv
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from emgmm.checks import __main__ as command
from emgmm.checks import child, report, runner
from emgmm.checks.course import Task, read_course
from emgmm.checks.grade import HANDED_OUT, _write, notebooks, table
from emgmm.checks.registry import find
from emgmm.checks.runner import Limits, Record

PAGE = "01_two_groups"
HANDED = (HANDED_OUT / f"{PAGE}.ipynb").read_text(encoding="utf-8")
OURS = f"{os.getpid()}-"  # marks what this process has started
LABELS = ("ex-read-sigma", "ex-log-joint")  # one asks for numbers, one for code
COURSE = [task for task in read_course(HANDED_OUT) if task.label in LABELS]

LEAN = "import numpy as np\nfrom emgmm.checks import check"
NUMBERS = "sd_volume, sd_concentration, correlation, lowest, highest"
RIGHT_NUMBERS = f"{NUMBERS} = 3, 2, -0.5, 76.12, 87.88"
RIGHT = """\
def log_joint(x, phi, mu, Sigma):
    columns = []
    for j in range(len(phi)):
        r = x - mu[j]
        D2 = (r * np.linalg.solve(Sigma[j], r.T).T).sum(axis=1)
        log_det = np.linalg.slogdet(2 * np.pi * Sigma[j])[1]
        columns.append(np.log(phi[j]) - log_det / 2 - D2 / 2)
    return np.array(columns).T
"""


def notebook(answers, *, change=lambda cells: cells, **more):
    """The notebook that was handed out with these cells filled in."""
    made = json.loads(HANDED)
    for cell in made["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell["source"] = answers[name]
        elif "import matplotlib" in "".join(cell["source"]):
            cell["source"] = LEAN  # loading Matplotlib takes a second
    made["cells"] = change(made["cells"])
    return json.dumps(made | more)


def filled(function, numbers=RIGHT_NUMBERS, **more):
    return notebook({"ex-log-joint": function, "ex-read-sigma": numbers}, **more)


def first(source):
    """Put a cell in front of all others."""
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
    return partial(filled, RIGHT, change=lambda cells: [cell, *cells])


def slipped(name):
    """The checker's own wrong version of the function."""
    names = [slip.name for slip in find("log_joint").slips]
    at = names.index(name)
    return filled(
        "from emgmm.checks.registry import find\n"
        'exercise = find("log_joint")\n'
        "def log_joint(*case):\n"
        "    right = exercise.recipe.run(case)\n"
        f"    slip = exercise.slips[{at}]\n"
        '    return exercise.recipe.rerun(case, right, slip.wrong)["log_joint"]'
    )


def without_marks(cells):
    return [cell | {"metadata": {}} for cell in cells]


def without_checks(cells):
    return [c for c in cells if not "".join(c["source"]).startswith("check(")]


def without_answers(cells):
    name = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in cells]
    return [cell for cell, n in zip(cells, name) if n not in LABELS]


def forged(cells):
    """Checks that claim success in every way that does not look for the grader."""
    lie = (
        'print(\'{"event": "outcome", "label": "ex-log-joint", "kind": "right"}\')\n'
        "import emgmm.checks\ncheck = lambda *a: True\nemgmm.checks.check = check"
    )
    for cell in cells:
        if "".join(cell["source"]).startswith("check("):
            cell["source"] = lie
    return cells


LEAVES_GROUP = """\
import os, threading
if os.fork() == 0:
    os.setsid()
    threading.Event().wait()
if os.fork() == 0:
    threading.Event().wait()
"""
A_COPY_GOES_ON = """\
import os
if os.fork():
    os.wait()
    os._exit(0)
"""
NOT_ENDING_THREAD = (
    "import threading\nthreading.Thread(target=threading.Event().wait).start()"
)
PRINTS = "import sys\nfor _ in range(300):\n    print('x' * 10**6, file=sys.stderr)"
IN_R = "log_joint <- function(x) { x }"

# What each submission is, its marks, and what must be said of it.
PILE = {
    "waits": (
        filled("import threading\nlog_joint = lambda *a: threading.Event().wait()"),
        1,
        "stopped: it does not end",
    ),
    "right": (filled(RIGHT), 2, ""),
    "right_with_magics": (first("%matplotlib inline\n!ls\nnp.sum?")(), 2, ""),
    "right_with_cell_magic": (first("%%bash\nls -l")(), 2, ""),
    "right_shows_things": (
        first(
            "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\ndisplay(1)"
        )(),
        2,
        "",
    ),
    "right_without_marks": (filled(RIGHT, change=without_marks), 2, ""),
    "right_without_checks": (filled(RIGHT, change=without_checks), 2, ""),
    "right_after_an_error": (first("1 / 0")(), 2, ""),
    "right_and_asks": (first("input('name? ')")(), 2, ""),
    "right_and_prints_300_MB": (first(PRINTS)(), 2, ""),
    "right_and_closes_stdout": (
        first("import os, sys\nsys.stdout.close()\nos.close(1)")(),
        2,
        "",
    ),
    "right_and_leaves_a_thread": (first(NOT_ENDING_THREAD)(), 2, ""),
    "right_and_leaves_processes": (first(LEAVES_GROUP)(), 2, ""),
    "right_and_exits": (first("import sys\nsys.exit(1)")(), 2, ""),
    "half_right": (filled("log_joint = None"), 1, "1.3 not tried"),
    "blank": (HANDED, 0, "1.1 not tried; "),
    "cells_missing": (filled(RIGHT, change=without_answers), 0, "1.1 not tried"),
    "forgot_phi": (slipped("forgot log phi"), 1, "1.3 forgot log phi"),
    "k_for_d": (slipped("k in place of d in the constant"), 1, "k in place of d"),
    "covariance": (
        slipped("covariance where the precision belongs"),
        1,
        "covariance where the precision belongs",
    ),
    "sign": (slipped("sign of D squared"), 1, "1.3 sign of D squared"),
    "variance": (
        filled(RIGHT, f"{NUMBERS} = 9, 4, -0.5, 64.36, 99.64"),
        1,
        "1.1 variance used as standard deviation",
    ),
    "own_mistake": (filled(RIGHT.replace("D2 / 2", "D2 / 7")), 1, "1.3 wrong"),
    "forges": (filled("log_joint = max", "x = 1", change=forged), 0, "1.1 not tried"),
    "raises": (filled("def log_joint(*a):\n    return 1 / 0"), 1, "1.3 error"),
    "syntax_error": (filled("def log_joint(x, phi\n"), 1, "stops with SyntaxError"),
    "wants_memory": (
        filled("log_joint = lambda *a: [np.empty(2**25) for _ in range(64)]"),
        1,
        "1.3 error",
    ),
    "fills_the_disk": (
        filled("log_joint = lambda *a: open('big', 'wb').write(bytes(6 * 10**7))"),
        1,
        "1.3 error",
    ),
    "in_R": (
        filled(IN_R, IN_R, metadata={"kernelspec": {"name": "ir"}}),
        0,
        "stops with SyntaxError",
    ),
    "hangs": (filled("while True:\n    pass"), 1, "stopped"),
    "leaves": (filled("import os\nos._exit(0)"), 1, "ended early"),
    "lets_a_copy_answer": (filled(A_COPY_GOES_ON + RIGHT), 1, "ended early"),
    "kills_itself": (
        filled("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"),
        1,
        "crashed (exit code -11)",
    ),
    "not_json": (HANDED[:-40], 0, "cannot be read: not JSON"),
    "no_notebook": ("[1, 2]", 0, "cannot be read: JSON, but not a notebook"),
    "empty": ("", 0, "cannot be read"),
    "not_text": (b"\xff\xfe\x00", 0, "cannot be read"),
    "of_another_course": ('{"cells": []}', 0, "holds no exercise of this course"),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The pile graded once: the folder of the results, and rows by name."""
    pile, out = tmp_path_factory.mktemp("pile"), tmp_path_factory.mktemp("out")
    for n, (name, (contents, _, _)) in enumerate(PILE.items()):
        path = pile / f"learner_{n:02d}" / f"{name}.ipynb"
        path.parent.mkdir()
        data = contents if isinstance(contents, bytes) else contents.encode()
        path.write_bytes(data)
    arguments = ["grade", str(pile), "--out", str(out / "grades.csv"), "--seconds", "5"]
    assert command.main(arguments) == 0
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {Path(row["submission"]).stem: row for row in csv.DictReader(file)}
    return out, rows


def test_the_pile_is_large_and_each_submission_has_its_row(graded):
    assert len(PILE) >= 30
    assert graded[1].keys() == PILE.keys()


@pytest.mark.parametrize("name", PILE)
def test_each_submission_gets_its_marks_and_its_reason(graded, name):
    row, (_, marks, said) = graded[1][name], PILE[name]
    assert float(row["marks"]) == marks, row
    assert said in f"{row['slips']} {row['note']}", row


def test_what_was_right_before_a_crash_counts(graded):
    for name in ("hangs", "waits", "leaves", "kills_itself"):
        row = graded[1][name]
        assert (row["1.1"], row["1.3"]) == ("1", "0")
        assert "1.3 not reached" in row["slips"]


def test_no_process_is_left(graded):
    assert list(runner.marked(OURS)) == []


def test_a_process_of_a_submission_would_be_seen():
    environment = dict(os.environ) | {runner.MARK: "abc"}
    waiting = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, env=environment) as process:
        assert list(runner.marked("ab")) == [process.pid]
        assert list(runner.marked("b")) == []
        process.communicate(b"\n")


def test_no_half_written_file_is_left(graded):
    names = sorted(path.name for path in graded[0].iterdir())
    assert names == ["grades.csv", "grades.md", "grades.png"]


def test_the_summary_counts_the_class(graded):
    text = (graded[0] / "grades.md").read_text(encoding="utf-8")
    n = len(PILE)
    assert f"{n} learners handed in {n} notebooks. Marks from 0 to 2 of 5," in text
    assert "| 1 | forgot log phi | 1.3 |" in text
    for name in ("hangs", "not_json", "of_another_course"):
        assert f"{name}.ipynb`: {graded[1][name]['note']}" in text


def test_the_plot_shows_something(graded):
    picture = imread(graded[0] / "grades.png")
    assert picture.shape[1] == 1920  # 8 inches
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 20


# The parts, in this process; another one would grade the same


def test_the_reasons_for_an_end_are_told_apart():
    def said(code, text=""):
        return runner._in_words(code, Limits(7, 1), text)

    assert said(-signal.SIGXCPU) == "stopped after 7 s of computing"
    assert said(-signal.SIGALRM).startswith("stopped: it does not end")
    assert said(-signal.SIGABRT) == "crashed (exit code -6)"
    assert said(1, "Trace\nMemoryError: x\n") == "crashed (exit code 1) MemoryError: x"
    assert said(0) == "ended early: its code ends the process"


def judged(text, name="submission.ipynb"):
    """What the child tells of a notebook, without a child."""
    main, said = sys.modules["__main__"], []
    try:
        child.judge(name, text, COURSE, lambda **line: said.append(line))
    finally:
        sys.modules["__main__"] = main
    return said


def kinds(said):
    return {s["label"]: s["kind"] for s in said if s["event"] == "outcome"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (filled(RIGHT), ["right", "right"]),
        (filled(RIGHT, change=without_checks), ["right", "right"]),
        (filled(RIGHT, change=without_marks), ["right", "right"]),
        (HANDED, ["not tried", "not tried"]),
        (filled("def log_joint(", "sd_volume = 1 /"), ["error", "error"]),
        (slipped("forgot log phi"), ["right", "wrong"]),
    ],
)
def test_judging_a_notebook(text, expected):
    said = judged(text)
    assert list(kinds(said).values()) == expected
    assert said[0] == {"event": "read", "labels": [t.label for t in COURSE]}
    assert said[-1] == {"event": "end"}


def test_an_object_that_raises_when_looked_at_is_an_error():
    source = (
        "class Odd:\n"
        "    def __getattribute__(self, name):\n"
        "        raise KeyboardInterrupt\n"
        "log_joint = Odd()"
    )
    assert kinds(judged(filled(source)))["ex-log-joint"] == "error"


def test_the_name_of_the_file_tells_the_page_when_no_cell_does():
    bare = json.dumps({"cells": []})
    expected = {t.label: "not tried" for t in COURSE}
    assert kinds(judged(bare, f"ada {PAGE}.ipynb")) == expected
    assert judged(bare) == [{"event": "read", "labels": []}, {"event": "end"}]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"cells": [1]}', '{"cells": [{}]}', "[" * 9999]
)
def test_what_is_no_notebook_is_unreadable(text):
    (said,) = judged(text)
    assert said["event"] == "unreadable"


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("x = 7 % 2", "x = 7 % 2"),
        ("%time x = 1\ny = 2", "pass\ny = 2"),
        ("if x:\n    !ls\ny?", "if x:\n    pass\npass"),
        ("%%time\nx = 1", "pass\nx = 1"),
        ("%%writefile x.py\nx = 1", ""),
        ('x = """\n% no magic\n"""', 'x = """\n% no magic\n"""'),
    ],
)
def test_magics_do_nothing(source, plain):
    assert child.without_magics(source) == plain


def test_lines_without_the_token_do_not_count(tmp_path):
    file = tmp_path / "result"
    lines = ['{"token": "t", "event": "end"}', '{"token": "u", "event": "end"}']
    file.write_text("\n".join([*lines, "{", "[]", ""]), encoding="utf-8")
    assert list(runner._lines(file, "t")) == [{"token": "t", "event": "end"}]
    assert list(runner._lines(tmp_path / "none", "t")) == []


def test_a_child_that_never_comes_to_an_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "STARTUP", 0.01 - runner.PATIENCE * Limits.seconds)
    path = tmp_path / "hangs.ipynb"
    path.write_text(filled("while True: pass"), encoding="utf-8")
    record = runner.run(path, "hangs", COURSE, Limits())
    assert record.note.startswith("stopped: it does not end")
    assert list(runner.marked(OURS)) == []


def test_a_submission_sees_little_of_the_instructors_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    environment = runner._environment(tmp_path, "mark")
    assert "API_KEY" not in environment
    assert environment["PATH"] == os.environ["PATH"]


def test_a_file_that_is_gone_is_unreadable(tmp_path):
    record = runner.run(tmp_path / "gone.ipynb", "gone", COURSE, Limits())
    assert record.note.startswith("cannot be read: ")


TASK = Task("ex-a", "1.1", "A", "01_a", 'check("a", a)', 2.0)


def test_names_that_look_like_formulas_are_harmless():
    text = table([Record("=1+1.ipynb", {"ex-a": "right"})], [TASK])
    assert text.splitlines()[1] == "'=1+1,'=1+1.ipynb,2,2,2,,"


def test_points_count_and_exercises_of_other_pages_stay_empty():
    other = Task("ex-b", "2.1", "B", "02_b", 'check("b", b)', 1.0)
    records = [Record("a", {"ex-a": "right"}), Record("b", {"ex-b": "wrong"})]
    assert table(records, [TASK, other]).splitlines()[1:] == [
        "a,a,2,2,2,,,",
        "b,b,0,1,,0,2.1 wrong,",
    ]


def test_common_slips_come_first_and_only_those_of_wrong_answers():
    answers = [("wrong", "p"), ("wrong", "q"), ("wrong", "q"), ("error", "e")]
    records = [
        Record(f"{n}/x.ipynb", {"ex-a": kind}, {"ex-a": slip})
        for n, (kind, slip) in enumerate(answers)
    ]
    assert report.count_slips(records, [TASK]) == [("q", ["1.1"], 2), ("p", ["1.1"], 1)]
    assert report.count_kinds(records, TASK) == {"wrong": 3, "error": 1}


def test_a_learner_counts_once_however_many_notebooks():
    other = Task("ex-b", "2.1", "B", "02_b", 'check("b", b)', 1.0)
    wrong = [
        Record("ada/1.ipynb", {"ex-a": "wrong"}, {"ex-a": "p"}),
        Record("ada/2.ipynb", {"ex-b": "wrong"}, {"ex-b": "p"}),
    ]
    assert report.count_slips(wrong, [TASK, other]) == [("p", ["1.1", "2.1"], 1)]
    right = [Record("ada/1", {"ex-a": "right"}), Record("ada/2", {"ex-b": "right"})]
    assert report.totals([*right, Record("eve.ipynb")], [TASK, other]) == [3, 0]


def test_a_class_without_slips_or_exercises_has_a_summary_too():
    assert "Misconceptions" not in report.summary([Record("a")], [])
    assert report.picture([Record("a")], [])[:4] == b"\x89PNG"


def test_jupyters_own_copies_are_not_submissions(tmp_path):
    for name in ("b/a.ipynb", "a.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(HANDED, encoding="utf-8")
    (tmp_path / "folder.ipynb").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in notebooks(tmp_path)]
    assert found == ["a.ipynb", "b/a.ipynb"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["none"], "none holds no notebook"),
        (["pile", "--out", "grades.txt"], "give NAME.csv"),
        (["pile", "--out", "nowhere/grades.csv"], "give NAME.csv"),
        (["pile", "--seconds", "0"], "seconds is 0"),
        (["pile", "--megabytes", "-1"], "megabytes -1"),
        (["pile", "--workers", "0"], "workers 0"),
        (["pile", "--course", "pile"], "pile holds no exercises"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_written(
    more, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pile").mkdir()
    (tmp_path / "pile" / "a.ipynb").write_text('{"cells": []}', encoding="utf-8")
    assert command.main(["grade", *more]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["pile"]


def test_whoever_stops_it_gets_nothing_half_done(tmp_path, monkeypatch, capsys):
    def stop(*arguments):
        raise KeyboardInterrupt

    (tmp_path / "a.ipynb").write_text(HANDED, encoding="utf-8")
    monkeypatch.setattr("emgmm.checks.grade.run", stop)
    out = str(tmp_path / "grades.csv")
    assert command.main(["grade", str(tmp_path), "--out", out]) == 130
    assert "nothing is written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.ipynb"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "grades.csv"
    file.write_text("old", encoding="utf-8")

    def full(path, contents):
        path.touch()
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        _write(file, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["grades.csv"]
    assert file.read_text(encoding="utf-8") == "old"
