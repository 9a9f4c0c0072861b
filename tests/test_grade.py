"""Grading a pile: the right marks whatever a submission does, no process left."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from emgmm.checks import kernel, sandbox
from emgmm.checks.grade import HANDED_OUT

PAGE = "01_two_groups"
HANDED = (HANDED_OUT / f"{PAGE}.ipynb").read_text(encoding="utf-8")
LABELS = ("ex-read-sigma", "ex-log-joint")  # one asks for numbers, one for code
OF = sum(
    cell["metadata"].get("nbgrader", {}).get("points", 0)
    for cell in json.loads(HANDED)["cells"]
)
# Not every warning: an old Matplotlib with a new pyparsing warns while it is imported.
LOUD = ("-W", "error::ResourceWarning", "-W", "error::RuntimeWarning")
SECONDS = "2"

LEAN = "import numpy as np\nfrom emgmm.checks import check, hint, solution"
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


def first(source, function=RIGHT, numbers=RIGHT_NUMBERS):
    """Put a cell behind the one that imports."""
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
    return filled(
        function, numbers, change=lambda cells: [*cells[:2], cell, *cells[2:]]
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


def of_format_3(text):
    made = json.loads(text)
    return json.dumps({"worksheets": [{"cells": made["cells"]}], "nbformat": 3})


LEAVES_GROUP = """\
import os, threading
for _ in range(5):
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
WAITS = "import threading\nlog_joint = lambda *a: threading.Event().wait()"
SHOWS = "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\ndisplay(1)"
ZEROS = "log_joint = lambda x, phi, mu, Sigma: np.zeros((len(x), len(phi)))"
BESIDE = """\
import helper
assert np.loadtxt("data/points.csv", delimiter=",").shape == (2, 2)
log_joint = helper.log_joint
"""
PATCHES = {
    "allclose": "np.allclose = np.array_equal = lambda *a, **k: True",
    "isfinite": "np.isfinite = np.isclose = lambda *a, **k: np.bool_(True)",
    "asarray": "np.asarray = lambda *a, **k: np.zeros(1)",
    "builtins": "import builtins\nbuiltins.all = builtins.any = lambda *a: True",
    "modules": "import sys\nsys.modules['emgmm.checks'].check = lambda *a: True",
    "solution": "exec(str(solution('log_joint')))\nhint('log_joint')",
    "compare": "import emgmm.checks.compare as c\nc.equal = lambda *a: True",
    "reference": "from emgmm.checks.registry import find\n"
    "log_joint = find('log_joint').reference",
    "gc": "import gc\nlog_joint = [f for f in gc.get_objects() if callable(f) and "
    "'log_joint' in getattr(f, '__qualname__', '')][0]",
    "stack": "import sys\nf = sys._getframe()\nwhile f:\n"
    "    f.f_globals.update(answer=lambda *a: {'answer': [['bool', 'True']]})\n"
    "    f = f.f_back",
    "pipes": "import os\nfor n in range(3, 30):\n    try:\n"
    '        os.write(n, b\'{"kind": "right", "error": ""}\\n\')\n'
    "    except OSError:\n        pass",
}
SPOILED = ("stack", "pipes")  # these harm their own right answers, too

# What each submission is, its marks, and what must be said of it.
PILE = {
    "right": (filled(RIGHT), 2, ""),
    "right_with_magics": (first("%matplotlib inline\n!ls\nnp.sum?"), 2, ""),
    "right_with_cell_magic": (first("%%bash\nls -l"), 2, ""),
    "right_shows_things": (first(SHOWS), 2, ""),
    "right_without_marks": (filled(RIGHT, change=without_marks), 2, ""),
    "right_without_checks": (filled(RIGHT, change=without_checks), 2, ""),
    "right_after_an_error": (first("1 / 0"), 2, ""),
    "right_and_asks": (first("input('name? ')"), 2, ""),
    "right_and_prints_300_MB": (first(PRINTS), 2, ""),
    "right_and_closes_stdout": (
        first("import os, sys\nsys.stdout.close()\nos.close(1)"),
        2,
        "",
    ),
    "right_and_leaves_a_thread": (first(NOT_ENDING_THREAD), 2, ""),
    "right_and_exits": (first("import sys\nsys.exit(1)"), 2, ""),
    "right_and_ends_the_process": (first("import os\nos._exit(0)"), 2, ""),
    "right_and_kills_itself": (
        first("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"),
        2,
        "",
    ),
    "right_with_a_mark_of_bytes": (b"\xef\xbb\xbf" + filled(RIGHT).encode(), 2, ""),
    "right_in_utf_16": (filled(RIGHT).encode("utf-16"), 2, ""),
    "right_by_a_file_beside": (filled(BESIDE), 2, ""),
    "half_right": (filled("log_joint = None"), 1, "1.3 not tried"),
    "blank": (HANDED, 0, "1.1 not tried; "),
    "cells_missing": (filled(RIGHT, change=without_answers), 0, "1.1 not tried"),
    "forgot_phi": (
        filled(RIGHT.replace("np.log(phi[j]) - ", "-")),
        1,
        "1.3 forgot log phi",
    ),
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
    "returns_too_much": (
        filled("log_joint = lambda *a: np.empty(2**22)"),
        1,
        "1.3 gives more than",
    ),
    "writes_a_large_file": (
        filled("log_joint = lambda *a: open('big', 'wb').write(bytes(6 * 10**7))"),
        1,
        "1.3 error",
    ),
    "in_R": (
        filled(IN_R, IN_R, metadata={"kernelspec": {"name": "ir"}}),
        0,
        "stops with SyntaxError",
    ),
    "hangs_at_first": (
        filled(RIGHT, "while True:\n    pass"),
        1,
        "1.1 the cell does not end",
    ),
    "hangs_when_called": (
        filled("def log_joint(*a):\n    while True:\n        pass"),
        1,
        "1.3 does not end",
    ),
    "waits": (filled(WAITS), 1, "1.3 does not end"),
    "lets_a_copy_answer": (filled(A_COPY_GOES_ON + RIGHT), 1, "ends the process"),
    "ends_in_every_cell": (
        filled(
            RIGHT,
            change=lambda cells: [
                *({"cell_type": "code", "source": "import os; os._exit(0)"},) * 9,
                *cells,
            ],
        ),
        0,
        "stopped: its code has ended the process 7 times",
    ),
    "not_json": (HANDED[:-40], 0, "cannot be read: not JSON"),
    "no_notebook": ("[1, 2]", 0, "cannot be read: JSON, but not a notebook"),
    "of_format_3": (of_format_3(HANDED), 0, "cannot be read: a notebook of format 3"),
    "empty": ("", 0, "an empty file"),
    "not_text": (b"\xff\xfe\x00", 0, "cannot be read: not JSON: not even text"),
    "too_large": (b"\0" * 20_000_001, 0, "larger than 20 MB"),
    "of_another_course": ('{"cells": []}', 0, "holds no exercise of this course"),
    **{
        f"patches_{name}": (first(source, ZEROS), name not in SPOILED, "1.3")
        for name, source in PATCHES.items()
        if name not in ("reference", "gc")
    },
    "patches_reference": (filled(PATCHES["reference"]), 1, "ModuleNotFoundError"),
    "patches_gc": (filled(PATCHES["gc"]), 1, "stops with IndexError"),
}

# Files under names of their own: learner, marks, note.
FILES = {
    "python/01_two_groups.py": (
        RIGHT,
        "python",
        "0",
        "not a notebook (*.ipynb) but .py",
    ),
    "zipped_01_two_groups.zip": ("PK", "zipped", "0", "an archive"),
    "twice/01_two_groups.ipynb": (filled(RIGHT), "twice", "2", ""),
    "twice/01_two_groups (1).ipynb": (
        filled(RIGHT),
        "twice",
        "",
        "the same file as twice/01_two_groups.ipynb",
    ),
    "better/01_two_groups.ipynb": (filled(RIGHT), "better", "2", ""),
    "better/01_two_groups-Copy1.ipynb": (filled("x = 1"), "better", "1", ""),
    "Ada Lovelace_12345_assignsubmission_file_/work.ipynb": (
        filled(RIGHT),
        "Ada Lovelace",
        "2",
        "",
    ),
    "hoppergrace_LATE_678_90123_01_two_groups-1.ipynb": (
        filled(RIGHT),
        "hoppergrace",
        "2",
        "",
    ),
    "emmy_01_two_groups.ipynb": (filled(RIGHT), "emmy", "2", ""),
    "Emmy_04_em.ipynb": ('{"cells": []}', "Emmy", "0", ""),
    "=1+1_01_two_groups.ipynb": (filled(RIGHT), "'=1+1", "2", ""),
    "<b>.ipynb": (filled(RIGHT), "<b>", "2", ""),
}


def write_pile(folder):
    for name, (contents, *_) in PILE.items():
        path = folder / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    for name, (contents, *_) in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(contents, encoding="utf-8")
    helper = folder / "right_by_a_file_beside"
    (helper / "helper.py").write_text(f"import numpy as np\n{RIGHT}", encoding="utf-8")
    (helper / "data").mkdir()
    (helper / "data" / "points.csv").write_text("1,2\n3,4\n", encoding="utf-8")
    (folder / "nothing").mkdir()
    (folder / "folder.ipynb").mkdir()
    (folder / "link.ipynb").symlink_to(folder / "right" / "right.ipynb")
    (folder / os.fsdecode(b"\xff\n.ipynb")).write_text(filled(RIGHT), encoding="utf-8")


class Grader:
    """The command in a process of its own, as an instructor runs it."""

    def __init__(self, pile, out, *more, **environment):
        self.process = subprocess.Popen(
            [
                *(sys.executable, *LOUD, "-m", "emgmm.checks", "grade"),
                *(str(pile), "--out", str(out), "--seconds", SECONDS, *more),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
            # A shell that runs the tests in the background has it ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def finish(self):
        said = self.process.communicate()[1]
        mine = f"{self.process.pid}."
        assert list(kernel.marked(mine)) == []
        return said, self.process.returncode


def rows_of(file, key="submission"):
    with open(file, encoding="utf-8", newline="") as lines:
        return {row[key]: row for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The pile graded, stopped once by Ctrl-C: folders, rows, and what was said."""
    pile, out = tmp_path_factory.mktemp("pile"), tmp_path_factory.mktemp("out")
    write_pile(pile)
    grader = Grader(pile, out / "grades.csv")
    before = []
    for line in grader.process.stderr:
        before.append(line)
        if line.startswith("20/"):
            grader.process.send_signal(signal.SIGINT)
            break
    rest, code = grader.finish()
    assert (code, "goes on where it stopped" in rest) == (130, True), rest
    assert [path.name for path in out.iterdir()] == ["grades.journal.jsonl"]
    again, code = Grader(pile, out / "grades.csv").finish()
    assert code == 0, again
    rows = rows_of(out / "grades.csv")
    before = "".join(before) + rest
    return SimpleNamespace(pile=pile, out=out, rows=rows, before=before, again=again)


def test_the_pile_is_large_and_each_file_has_its_row(graded):
    expected = {f"{name}/{name}.ipynb" for name in PILE}
    expected |= {"'" + name if name.startswith("=") else name for name in FILES}
    beside = {
        "right_by_a_file_beside/helper.py",
        "right_by_a_file_beside/data/points.csv",
    }
    odd = {"nothing", "folder.ipynb", "link.ipynb", "\ufffd\ufffd.ipynb"}
    assert graded.rows.keys() == expected | beside | odd
    assert len(expected) >= 60


@pytest.mark.parametrize("name", PILE)
def test_each_submission_gets_its_marks_and_its_reason(graded, name):
    row, (_, marks, said) = graded.rows[f"{name}/{name}.ipynb"], PILE[name]
    assert float(row["marks"]) == marks, row
    assert said in f"{row['slips']} {row['note']}", row
    assert float(row["of"]) >= OF, row


@pytest.mark.parametrize("name", FILES)
def test_each_file_gets_its_learner_and_its_note(graded, name):
    row, (_, *expected) = graded.rows["'" * name.startswith("=") + name], FILES[name]
    assert [row["learner"], row["marks"]] == expected[:2], row
    assert row["note"].startswith(expected[2]), row


def test_what_is_no_notebook_has_a_reason(graded):
    rows = graded.rows
    notes = {name: rows[name]["note"] for name in ("nothing", "folder.ipynb")}
    assert notes == {"nothing": "an empty folder", "folder.ipynb": "an empty folder"}
    assert rows["link.ipynb"]["note"] == "a link; links are not followed"
    assert rows["\ufffd\ufffd.ipynb"]["marks"] == "2"
    for name in ("python/01_two_groups.py", "zipped_01_two_groups.zip"):
        assert float(rows[name]["of"]) == OF


def test_after_ctrl_c_the_rest_is_graded_and_no_more(graded):
    done, n = re.findall(r"(?m)^(\d+)/(\d+) ", graded.before)[-1]
    known = re.search(r"(\d+) are known from before", graded.again)[1]
    rest = re.findall(r"(?m)^(\d+)/(\d+) ", graded.again)[-1]
    assert int(known) >= int(done) >= 20
    assert rest == (str(int(n) - int(known)),) * 2


def test_once_more_gives_the_same_and_runs_nothing(graded):
    files = [path for path in graded.out.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files if path.suffix != ".jsonl"}
    said, code = Grader(graded.pile, graded.out / "grades.csv").finish()
    assert (code, re.findall(r"(?m)^\d+/\d+ ", said)) == (0, [])
    assert {path: path.read_bytes() for path in before} == before


def test_each_learner_has_one_total(graded):
    totals = rows_of(graded.out / "grades_learners.csv", "learner")
    marks = {name: row["marks"] for name, row in totals.items()}
    assert [marks[n] for n in ("twice", "better", "Emmy", "python")] == list("2220")
    assert totals["Emmy"]["files"] == "2"
    assert totals["Ada Lovelace"]["id"] == "12345"
    assert totals["hoppergrace"]["id"] == "678"
    assert len({row["of"] for row in totals.values()}) == 1


def test_each_learner_has_a_page_with_the_checkers_words(graded):
    folder = graded.out / "grades_feedback"
    assert len(list(folder.iterdir())) == len(
        rows_of(graded.out / "grades_learners.csv", "learner")
    )
    text = (folder / "forgot_phi.html").read_text(encoding="utf-8")
    assert "1.3 The log-density" in text
    assert "phi" in text.split("1.3 The log-density")[1]
    assert "<h1>&lt;b&gt;</h1>" in (folder / "b.html").read_text(encoding="utf-8")


def test_the_summary_counts_the_class(graded):
    text = (graded.out / "grades.md").read_text(encoding="utf-8")
    assert f"handed in {len(graded.rows)} files. Marks from 0 to 2 of" in text
    assert "| 1 | forgot log phi | 1.3 |" in text
    for name in ("not_json", "of_another_course"):
        file = f"{name}/{name}.ipynb"
        assert f"`{file}`: {graded.rows[file]['note']}" in text


def test_the_plot_shows_something(graded):
    picture = imread(graded.out / "grades.png")
    assert picture.shape[1] == 1920  # 8 inches
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 20


# Notebooks that mean harm. Whoever succeeds gives no answer to the exercise, so that
# the marks tell: first in the sandbox, then without.

HARM = """\
try:
    {deed}
except Exception:
{right}
"""


def harm(deed):
    return filled(HARM.format(deed=deed, right=textwrap.indent(RIGHT, "    ")))


def hostile(folder, port):
    """Each notebook, the marks it gets with a sandbox, and those without."""
    package = sandbox.PACKAGE
    secret, elsewhere = folder / "home" / "secret", folder / "elsewhere"
    other = folder / "pile" / "reads_others.ipynb"
    connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
    fill = "[open(str(n), 'wb').write(bytes(4 * 10**7)) for n in range(6)]"
    notebooks = {
        "reads_home": (harm(f"open({str(secret)!r}).read()"), 2, 1),
        "lists_home": (harm(f"__import__('os').listdir({str(secret.parent)!r})"), 2, 1),
        "reads_others": (harm(f"open({str(other)!r}).read()"), 2, 1),
        "reads_solutions": (
            harm(f"open({str(package / 'checks' / 'solutions.json')!r}).read()"),
            2,
            1,
        ),
        "writes_elsewhere": (harm(f"open({str(elsewhere)!r}, 'w').write('x')"), 2, 1),
        "uses_the_network": (harm(connect), 2, 1),
        "fills_the_disk": (harm(fill), 2, 1),
        "interrupts_its_parent": (
            first("import os, signal\nos.kill(os.getppid(), signal.SIGINT)"),
            2,
            2,
        ),
        "kills_its_parent": (
            first("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"),
            2,
            2,
        ),
        "leaves_processes": (first(LEAVES_GROUP), 2, 2),
    }
    if not (package / "checks" / "solutions.json").exists():
        del notebooks["reads_solutions"]  # an edition without them
    return notebooks


@pytest.fixture(scope="module", params=["sandbox", "open"])
def harmed(request, tmp_path_factory):
    """The hostile notebooks graded: folder, rows, what was said and is expected."""
    closed = request.param == "sandbox"
    if closed and sandbox.missing():
        pytest.skip(f"NO SANDBOX: {sandbox.missing()}")
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("home", "pile", "out"):
        (folder / name).mkdir()
    (folder / "home" / "secret").write_text("x", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        notebooks = hostile(folder, server.getsockname()[1])
        for name, (contents, *_) in notebooks.items():
            path = folder / "pile" / f"{name}.ipynb"
            path.write_text(contents, encoding="utf-8")
        environment = {"HOME": str(folder / "home")}
        if not closed:
            environment["PATH"] = ""  # no bwrap there
        grader = Grader(folder / "pile", folder / "out" / "g.csv", **environment)
        said, code = grader.finish()
    assert code == 0, said
    rows = rows_of(folder / "out" / "g.csv")
    expected = {name: marks[not closed] for name, (_, *marks) in notebooks.items()}
    return SimpleNamespace(
        folder=folder, rows=rows, said=said, expected=expected, closed=closed
    )


def test_what_the_sandbox_stops_and_what_only_it_can_stop(harmed):
    given = {name[:-6]: float(row["marks"]) for name, row in harmed.rows.items()}
    assert given == harmed.expected
    assert (harmed.folder / "elsewhere").exists() is not harmed.closed


def test_without_a_sandbox_it_is_said_aloud(harmed):
    assert ("WITHOUT A SANDBOX" in harmed.said) is not harmed.closed


def test_a_killed_judge_is_replaced_and_the_cell_passed_over(harmed):
    for name in ("kills_its_parent", "interrupts_its_parent"):
        row = harmed.rows[f"{name}.ipynb"]
        assert (row["1.1"], row["1.3"], row["note"]) == ("1", "1", "")
