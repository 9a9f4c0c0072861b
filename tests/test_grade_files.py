"""What the grader reads and writes: names of files, the journal, tables, gradebooks."""

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from emgmm.checks import __main__ as command
from emgmm.checks import course as course_module
from emgmm.checks import (
    export,
    feedback,
    grade,
    journal,
    report,
    runner,
    sandbox,
    submissions,
)
from emgmm.checks.course import Task
from emgmm.checks.grade import HANDED_OUT, harmless, table, table_of_learners, write
from emgmm.checks.kernel import Limits
from emgmm.checks.record import Record, best
from emgmm.checks.submissions import beside, find, printable, whose

PAGES = ["01_two_groups", "04_em"]
HANDED = (HANDED_OUT / "01_two_groups.ipynb").read_text(encoding="utf-8")
TASK = Task("ex-a", "1.1", "A", "01_a", 'check("a", a)', 2.0)
OTHER = Task("ex-b", "2.1", "B", "02_b", 'check("b", b)', 1.0)


# Whose is it?


@pytest.mark.parametrize(
    ("path", "learner", "number", "file"),
    [
        ("ada/04_em.ipynb", "ada", "", "04_em.ipynb"),
        ("ada/week 4/04_em.ipynb", "ada", "", "04_em.ipynb"),
        ("04_em/ada.ipynb", "ada", "", "ada.ipynb"),
        ("ada/04_em/04_em.ipynb", "ada", "", "04_em.ipynb"),
        ("Ada L_12_assignsubmission_file_/x.ipynb", "Ada L", "12", "x.ipynb"),
        ("Ada L_12_assignsubmission_file/x.ipynb", "Ada L", "12", "x.ipynb"),
        ("Ada L_12_assignsubmission_file_x.ipynb", "Ada L", "12", "x.ipynb"),
        ("lovelaceada_678_901_04_em.ipynb", "lovelaceada", "678", "04_em.ipynb"),
        ("lovelaceada_LATE_678_901_x-1.ipynb", "lovelaceada", "678", "x-1.ipynb"),
        ("ada_04_em.ipynb", "ada", "", "ada_04_em.ipynb"),
        ("04_em - Ada Lovelace (2).ipynb", "Ada Lovelace", "", None),
        ("ada_lovelace_04_em-Copy1.ipynb", "ada_lovelace", "", None),
        ("ada_04_EM_final.ipynb", "ada", "", None),
        ("04_em.ipynb", "04_em", "", None),
        ("04_em (1).ipynb", "04_em (1)", "", None),
        ("Zoe\u0308_04_em.ipynb", "Zo\u00eb", "", None),
        ("ada.zip", "ada", "", None),
        ("README", "README", "", None),
    ],
)
def test_a_name_tells_the_learner(path, learner, number, file):
    found = whose(path.split("/"), PAGES)
    assert found[:2] == (learner, number)
    assert file is None or found[2] == file


def test_names_that_are_no_text_are_printable():
    assert printable(os.fsdecode(b"a\xff\n.ipynb")) == "a\ufffd\ufffd.ipynb"


def pile(folder, *names, **contents):
    for name in (*names, *contents):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(contents.get(name, name), encoding="utf-8")
    return find(folder, PAGES)


def test_copies_come_after_their_originals_and_noise_not_at_all(tmp_path):
    found = pile(
        tmp_path,
        "a/04_em (1).ipynb",
        "a/04_em.ipynb",
        "a/04_em-1.ipynb",
        ".DS_Store",
        "a/.ipynb_checkpoints/04_em-checkpoint.ipynb",
        "__MACOSX/04_em.ipynb",
    )
    names = [s.name for s in found]
    assert names == ["a/04_em.ipynb", "a/04_em-1.ipynb", "a/04_em (1).ipynb"]


def test_only_the_learners_own_files_lie_beside(tmp_path):
    found = pile(
        tmp_path,
        "ada_1_2_04_em.ipynb",
        "ada_1_3_data.csv",
        "bob_2_4_data.csv",
        "ada_1_5_01_two_groups.ipynb",
    )
    (tmp_path / "ada_1_9_link.csv").symlink_to(tmp_path / "bob_2_4_data.csv")
    found = find(tmp_path, PAGES)
    (one,) = [s for s in found if s.name == "ada_1_2_04_em.ipynb"]
    assert beside(one, found) == [(tmp_path / "ada_1_3_data.csv", Path("data.csv"))]


def test_the_key_changes_with_contents_name_and_files_beside(tmp_path):
    keys = set()
    for contents in ({"a/x.ipynb": "1"}, {"a/x.ipynb": "2"}, {"a/data.csv": "3"}):
        keys |= {s.key for s in pile(tmp_path, **contents) if s.key}
    assert len(keys) == 3
    assert keys >= {s.key for s in find(tmp_path, PAGES) if s.key}


def test_what_may_not_be_read_is_told(tmp_path, monkeypatch):
    pile(tmp_path, "a.ipynb", "closed/b.ipynb")
    real = Path.read_bytes

    def refused(path):
        if path.suffix == ".ipynb":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    monkeypatch.setattr(os, "access", lambda path, _: path.name != "closed")
    troubles = {s.name: s.trouble for s in find(tmp_path, PAGES)}
    assert troubles == {
        "a.ipynb": "cannot be read: Permission denied",
        "closed": "a folder that cannot be opened",
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (found,) = find(tmp_path, PAGES)
    assert found.trouble == "not a file"


# The journal


def test_the_journal_keeps_what_was_written_also_after_half_a_line(tmp_path):
    path, terms = tmp_path / "j", {"course": 1}
    with closing(journal.Journal(path, terms)) as first:
        first.start("a")
        first.finish("a", {"name": "a"})
    with path.open("ab") as file:
        file.write(b'{"done": "b", "rec')
    with closing(journal.Journal(path, terms)) as second:
        assert (second.done, second.starts["a"]) == ({"a": {"name": "a"}}, 1)
        second.finish("c", {"name": "c"})
    with closing(journal.Journal(path, terms)) as third:
        assert set(third.done) == {"a", "c"}


def test_other_terms_are_named_and_nothing_old_counts(tmp_path):
    path = tmp_path / "j"
    with closing(journal.Journal(path, {"course": 1, "limits": 2})) as before:
        before.finish("a", {})
    with closing(journal.Journal(path, {"course": 1, "limits": 3})) as after:
        assert (after.differs, after.done) == (["limits"], {})
    assert journal.differing(path, {"course": 1, "limits": 3}) == []


def test_each_line_is_on_the_disk_before_the_next(tmp_path, monkeypatch):
    path, sizes = tmp_path / "j", []
    monkeypatch.setattr(os, "fsync", lambda _: sizes.append(path.stat().st_size))
    with closing(journal.Journal(path, {})) as kept:
        kept.start("a")
        kept.finish("a", {})
    assert 0 < sizes[0] < sizes[1] < sizes[2] == path.stat().st_size


@pytest.fixture
def one_notebook(tmp_path, monkeypatch):
    """A pile of one, graded without processes; how often it ran."""
    (tmp_path / "pile").mkdir()
    (tmp_path / "pile" / "a.ipynb").write_text(HANDED, encoding="utf-8")
    runs = []

    def run_all(todo, found, course, limits, workers, start):
        for s in todo:
            start(s)
            runs.append(s.name)
            if len(runs) in interrupted:
                raise KeyboardInterrupt
            yield s, Record(s.name, s.learner, kinds={course[0].label: "right"})

    interrupted = set()
    monkeypatch.setattr(grade, "run_all", run_all)
    arguments = ["grade", str(tmp_path / "pile"), "--out", str(tmp_path / "g.csv")]
    return arguments, runs, interrupted


def test_what_is_known_is_not_run_again_but_what_has_changed_is(one_notebook, capsys):
    arguments, runs, _ = one_notebook
    for times in (1, 1):
        assert command.main(arguments) == 0
        assert len(runs) == times
    assert "1 are known from before" in capsys.readouterr().err
    Path(arguments[1], "a.ipynb").write_text(HANDED + " ", encoding="utf-8")
    assert command.main(arguments) == 0
    assert len(runs) == 2
    assert command.main([*arguments, "--seconds", "7"]) == 0
    assert len(runs) == 3
    assert "graded anew, for limits changed" in capsys.readouterr().err


def test_whoever_stops_the_grader_again_and_again_is_left_out(one_notebook, capsys):
    arguments, runs, interrupted = one_notebook
    interrupted |= {1, 2, 3}
    for _ in range(3):
        assert command.main(arguments) == 130
    assert "goes on where it stopped" in capsys.readouterr().err
    assert command.main(arguments) == 0
    assert len(runs) == 3
    assert "never got to its end, 3 times" in Path(arguments[3]).read_text("utf-8")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["none"], "none is no folder"),
        (["empty"], "empty holds no file to grade"),
        (["pile", "--out", "grades.txt"], "give NAME.csv"),
        (["pile", "--out", "nowhere/grades.csv"], "give NAME.csv"),
        (["pile", "--seconds", "0"], "seconds is 0"),
        (["pile", "--total", "0"], "total 0"),
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
    (tmp_path / "empty").mkdir()
    (tmp_path / "pile" / "a.ipynb").write_text('{"cells": []}', encoding="utf-8")
    assert command.main(["grade", *more]) == 2
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "pile"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "grades.csv"
    file.write_text("old", encoding="utf-8")

    def full(path, contents):
        path.touch()
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        write(file, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["grades.csv"]
    assert file.read_text(encoding="utf-8") == "old"


# Judges that are killed


class Dying(runner.Judge):
    """A judge that tells what it is told to tell, and then is gone."""

    def __init__(self, *lives):
        self.lives = list(lives)
        self.jobs = []

    def events(self, job):
        self.jobs.append(json.loads(json.dumps(job)))
        yield from self.lives.pop(0)


def test_a_killed_judge_goes_on_behind_the_guilty_cell():
    outcome = {"event": "outcome", "label": "ex-a", "kind": "right", "slip": ""}
    outcome["said"] = "Well done."
    read = {"event": "read", "labels": ["ex-a", "ex-b"]}
    judge = Dying(
        [read, {"event": "step", "n": 1}, outcome, {"event": "step", "n": 2}],
        [read, {"event": "end", "note": ""}, {"event": "done"}],
    )
    record = runner.run(judge, {"guilty": {}}, Record("a", "a"))
    assert record.kinds == {"ex-a": "right", "ex-b": "not reached"}
    assert judge.jobs[1] == {"guilty": {"2": "ends the judge"}, "done": ["ex-a"]}


def test_a_judge_that_dies_again_and_again_is_given_up():
    step = [{"event": "step", "n": 1}]
    record = runner.run(Dying(*[step] * 4), {"guilty": {}}, Record("a", "a"))
    assert record.note == "stopped: it has ended the judge 4 times"
    record = runner.run(Dying([]), {"guilty": {}}, Record("a", "a"))
    assert record.note == "stopped: the judge does not start"


def test_a_judge_is_killed_when_it_hangs_and_closed_when_all_is_over(monkeypatch):
    real, waits = subprocess.Popen, "import threading; threading.Event().wait()"

    def hanging(_, **more):
        return real([sys.executable, "-c", waits], **more)

    monkeypatch.setattr(runner, "SLACK", 0)
    monkeypatch.setattr(runner.subprocess, "Popen", hanging)
    judge = runner.Judge("test")
    job = {"limits": {"total": 0}}
    assert list(judge.events(job)) == []
    assert judge.process is None
    judge.over = True
    assert list(judge.events(job)) == []


# Tables


def test_names_that_look_like_formulas_are_harmless():
    text = table([Record("=1.ipynb", "@a", kinds={"ex-a": "right"})], [TASK])
    assert text.splitlines()[1] == "'@a,,'=1.ipynb,2,2,2,,"
    assert [harmless(cell) for cell in ("+a", "-a", "\ta", "\ra", "a=", "", -1.5)] == [
        "'+a",
        "'-a",
        "'\ta",
        "'\ra",
        "a=",
        "",
        "-1.5",
    ]


def test_points_count_and_exercises_of_other_pages_stay_empty():
    records = [
        Record("a", "a", kinds={"ex-a": "right"}),
        Record("b", "b", kinds={"ex-b": "wrong"}),
        Record("c", "b", note="the same file as b"),
    ]
    assert table(records, [TASK, OTHER]).splitlines()[1:] == [
        "a,,a,2,2,2,,,",
        "b,,b,0,1,,0,2.1 wrong,",
        "b,,c,,,,,,the same file as b",
    ]


def test_each_exercise_counts_once_by_the_best_attempt():
    records = [
        Record("a/0", "a", kinds={"ex-a": "right"}),
        Record("a/1", "a", kinds={"ex-a": "right"}),
        Record("a/2", "A", kinds={"ex-a": "wrong", "ex-b": "right"}),
        Record("b/1", "a", "7", kinds={"ex-b": "wrong"}),
    ]
    assert table_of_learners(records, [TASK, OTHER]).splitlines() == [
        "learner,id,marks,of,1.1,2.1,files",
        "a,,3,3,2,1,3",
        "a,7,0,3,,0,1",
    ]
    counting = [best(records, task).name for task in (TASK, OTHER)]
    assert counting == ["a/1", "a/2"]
    broken = Record("a/3", "a", kinds={"ex-b": "not reached"})
    assert best([records[3], broken], OTHER) is records[3]
    assert (
        best([records[3], Record("z", "a", kinds={"ex-b": "wrong"})], OTHER).name == "z"
    )
    assert best([], TASK) is None
    assert report.totals(records, [TASK, OTHER]) == [3, 0]


def test_common_slips_come_first_and_only_those_of_wrong_answers():
    answers = [("wrong", "p"), ("wrong", "q"), ("wrong", "q"), ("error", "e")]
    records = [
        Record(f"{n}/x", str(n), kinds={"ex-a": kind}, slips={"ex-a": slip})
        for n, (kind, slip) in enumerate(answers)
    ]
    assert report.count_slips(records, [TASK]) == [("q", ["1.1"], 2), ("p", ["1.1"], 1)]
    assert report.count_kinds(records, TASK) == {"wrong": 3, "error": 1}


def test_a_learner_makes_a_slip_once_however_many_notebooks():
    wrong = [
        Record("1", "ada", kinds={"ex-a": "wrong"}, slips={"ex-a": "p"}),
        Record("2", "Ada", kinds={"ex-b": "wrong"}, slips={"ex-b": "p"}),
    ]
    assert report.count_slips(wrong, [TASK, OTHER]) == [("p", ["1.1", "2.1"], 1)]


def test_a_class_without_slips_or_exercises_has_a_summary_too():
    assert "Misconceptions" not in report.summary([Record("a", "a")], [])
    assert report.picture([Record("a", "a")], [])[:4] == b"\x89PNG"


# A page for each learner


def test_a_page_says_all_and_runs_nothing():
    record = Record(
        "<script>.ipynb",
        "<img src=x>",
        kinds={"ex-a": "wrong"},
        said={"ex-a": "✗ Exercise 1.1: A: not right yet\nDivide by N_j & <b>.</b>"},
        note="odd & <i>",
    )
    text = feedback.page([record], [TASK, OTHER])
    for tag in ("<script", "<img", "<b>", "<i>", "http://", "https://"):
        assert tag not in text
    assert "Divide by N_j &amp; &lt;b&gt;" in text
    assert "✗ 1.1 A: wrong, 0 of 2" in text
    assert "– 2.1 B: not handed in, 0 of 1" in text
    assert "0 of 3 points" in text
    assert "default-src 'none'" in text


def test_each_learner_has_a_file_of_their_own():
    records = [Record("1", "a/b"), Record("2", "a?b"), Record("3", "..", "7")]
    names = [name for name, _ in feedback.pages(records, [])]
    assert names == ["a_b.html", "a_b_2.html", "7.html"]


# Gradebooks, as their documentation has them

LEARNERS = """\
learner,id,marks,of,1.1,files
lovelaceada,678,7,8,1,1
Emmy Noether,,5.5,8,1,1
hopper,,3,8,1,1
nobody,,1,8,0,1
"""
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Week 4 (987),Week 5 (988),Final Score
"    Points Possible",,,,,8,10,(read only)
"Lovelace, Ada",678,S-1,ada7,Section 1,,9,90
"Noether, Emmy",679,S-2,emmy7,Section 1,,9,90
"Hopper, Grace",680,S-3,hopper,Section 1,,9,90
"Student, Test",999,,,Section 1,,,
"""
MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade,\
Grade can be changed,Last modified (grade),Feedback comments
Participant 678,Ada Lovelace,al@u.example,Submitted,,8.00,Yes,-,
Participant 679,Emmy Nöther,en@u.example,Submitted,,8.00,Yes,-,
Participant 680,Emmy Noether,nn@u.example,Submitted,,8.00,Yes,-,
Participant 681,Grace Hopper,hopper@u.example,Submitted,,8.00,Yes,-,
"""
MOODLE_BOOK = """\
First name,Last name,ID number,Institution,Department,Email address,\
Last downloaded from this course
Ada,Lovelace,678,,,al@u.example,1
Emmy,Noether,,,,en@u.example,1
Grace,Hopper,,,,hopper@u.example,1
"""
GRADESCOPE = """\
First Name,Last Name,SID,Email,Sections,Total Score,Max Points,Status,Submission ID
Ada,Lovelace,678,al@u.example,,,,Missing,
Emmy,Noether,,en@u.example,,,,Missing,
Grace,Hopper,,hopper@u.example,,,,Missing,
"""
SAMPLES = {
    "canvas": (CANVAS, "Week 4", "Student", "Week 4 (987)"),
    "moodle": (MOODLE, "", "Full name", "Grade"),
    "moodle_book": (MOODLE_BOOK, "", "Last name", export.NEW),
    "gradescope": (GRADESCOPE, "", "Last Name", "Total Score"),
}


@pytest.mark.parametrize("system", SAMPLES)
def test_the_totals_stand_where_the_system_expects_them(system):
    gradebook, column, key, target = SAMPLES[system]
    text, problems = export.fill(gradebook, LEARNERS, column)
    rows = {row[key]: row for row in csv.DictReader(io.StringIO(text))}
    given = [row[target] for row in rows.values() if row[target] not in ("", "8")]
    assert given == ["7", "5.5", "3"]
    assert problems == ["nobody: no row fits"]


def test_canvas_gets_its_people_one_column_and_the_points(tmp_path):
    lines = export.fill(CANVAS, LEARNERS, "Week 4")[0].splitlines()
    assert lines[0] == "Student,ID,SIS User ID,SIS Login ID,Section,Week 4 (987)"
    assert lines[1] == "    Points Possible,,,,,8"
    assert lines[2] == '"Lovelace, Ada",678,S-1,ada7,Section 1,7'
    assert lines[5] == '"Student, Test",999,,,Section 1,'
    new = export.fill(CANVAS, LEARNERS)[0].splitlines()
    assert new[0].endswith(f"Section,{export.NEW}")
    assert new[1].endswith(",8")


def test_moodle_gets_its_worksheet_back_whole():
    lines = export.fill(MOODLE, LEARNERS)[0].splitlines()
    assert lines[0] == MOODLE.splitlines()[0]
    assert (
        lines[1] == "Participant 678,Ada Lovelace,al@u.example,Submitted,7,8.00,Yes,-,"
    )


def test_gradescope_gets_scores_and_their_maximum():
    lines = export.fill(GRADESCOPE, LEARNERS)[0].splitlines()
    assert lines[0] == "First Name,Last Name,SID,Email,Total Score,Max Points"
    assert lines[1] == "Ada,Lovelace,678,al@u.example,7,8"


def test_what_does_not_fit_is_told():
    twice = MOODLE.replace("Emmy Nöther", "Emmy Noether").replace("8.00", "100")
    text, problems = export.fill(twice, LEARNERS)
    assert problems == [
        "Emmy Noether: 2 rows fit",
        "nobody: no row fits",
        "the maximum there is 100, here 8",
    ]
    assert "5.5" not in text
    for gradebook in ("", "Name;Punkte\na;1\n"):
        with pytest.raises(ValueError, match="the gradebook has the columns"):
            export.fill(gradebook, LEARNERS)


def test_a_gradebook_cannot_smuggle_formulas():
    text = export.fill(CANVAS.replace('"Student, Test"', "=cmd()"), LEARNERS)[0]
    assert "'=cmd(),999" in text


def test_the_command_fills_a_gradebook(tmp_path, capsys):
    (tmp_path / "l.csv").write_text(LEARNERS, encoding="utf-8")
    (tmp_path / "c.csv").write_text("\ufeff" + CANVAS, encoding="utf-8")
    files = [str(tmp_path / name) for name in ("l.csv", "c.csv", "out.csv")]
    assert command.main(["export", *files[:2], "--out", files[2]]) == 1
    assert "NOT IN IT: nobody" in capsys.readouterr().err
    assert "Points Possible" in (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert command.main(["export", *files[1:], "--out", files[0]]) == 2


# The sandbox


def test_why_there_is_no_sandbox_is_told(monkeypatch):
    sandbox.missing.cache_clear()
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    assert sandbox.missing() == "bubblewrap (the program bwrap) is not installed"
    sandbox.missing.cache_clear()
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: "bwrap")
    no = "import sys; sys.exit('No permissions to create new namespace')"
    monkeypatch.setattr(sandbox, "command", lambda: [sandbox.sys.executable, "-c", no])
    assert sandbox.missing().endswith("No permissions to create new namespace")
    sandbox.missing.cache_clear()


def test_the_sandbox_has_no_place_for_large_files():
    if sandbox.missing():
        pytest.skip(f"NO SANDBOX: {sandbox.missing()}")
    code = (
        "import os\n"
        "for folder, *_ in os.walk('/'):\n"
        "    if os.access(folder, os.W_OK) and not folder.startswith('/proc'):\n"
        "        s = os.statvfs(folder)\n"
        "        if not s.f_flag & os.ST_RDONLY:\n"
        "            print(folder, s.f_blocks * s.f_frsize)"
    )
    ran = subprocess.run(
        [*sandbox.command(), sys.executable, "-c", code],
        env=sandbox.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    rooms = dict(line.split() for line in ran.stdout.splitlines())
    assert {"/tmp", sandbox.WORK, "/dev/shm"} <= set(rooms)
    assert {folder[:4] for folder in rooms} == {"/tmp", "/dev"}
    assert max(map(int, rooms.values())) < sandbox.ROOM + 2**16  # whole pages


def test_limits_have_usual_values():
    assert (Limits.seconds, Limits.total, Limits.megabytes) == (30, 300, 4000)


# What cannot be graded ------------------------------------------------------------


def test_what_is_handed_in_instead_of_a_notebook_is_told(tmp_path):
    for name in ("pile.zip", "answer.py", "empty.ipynb"):
        (tmp_path / name).write_bytes(b"x" if name != "empty.ipynb" else b"")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "full.ipynb").mkdir()
    (tmp_path / "full.ipynb" / "file").write_bytes(b"x")
    with open(tmp_path / "huge.ipynb", "wb") as file:
        file.truncate(submissions.LARGEST + 1)
    said = {path.name: submissions._trouble(path) for path in tmp_path.iterdir()}
    assert said == {
        "pile.zip": "an archive; unpack it and grade again",
        "answer.py": "not a notebook (*.ipynb) but .py",
        "empty.ipynb": "an empty file",
        "nothing": "an empty folder",
        "full.ipynb": "a folder, not a notebook",
        "huge.ipynb": "larger than "
        f"{submissions.LARGEST // 10**6} MB; clear its outputs",
    }


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"worksheets": []}', "a notebook of format 3"),
        (b"\xff\xfe\x00\xd8", "not JSON"),
        (b"[1]", "JSON, but not a notebook of format 4"),
        (b"{", "not JSON"),
    ],
)
def test_what_is_no_notebook_inside_is_told(data, says):
    with pytest.raises(ValueError, match=says):
        course_module.code_cells(data)


def test_a_changed_recipe_is_another_checker():
    names = {path.name for path in grade._sources()}
    assert {"chapter_4.toml", "chapter_4.py", "book.json", "faithful.csv"} <= names
