"""The judge and the learner's process: what passes between them, and what cannot."""

import inspect
import json
import sys
import time
from fractions import Fraction

import numpy as np
import pytest

from emgmm import Mixture
from emgmm.checks import child, judge, kernel, sandbox
from emgmm.checks.checker import examine
from emgmm.checks.course import code_cells, read_course
from emgmm.checks.grade import HANDED_OUT
from emgmm.checks.kernel import Ended, Kernel, Limits, decode
from emgmm.checks.registry import find
from tests.wrong_answers import everything

ANSWERS = [*everything().right, *everything().wrong]
PUBLIC = ("em.py", "mixture.py", "moments.py")
COURSE = read_course(HANDED_OUT)


class Direct:
    """A kernel without a process: the child's functions, and JSON in between."""

    why, mark = "", "test"

    def __init__(self):
        self.functions = []

    def ask(self, op, function, arguments):
        said = child.call(self.functions[function], arguments)
        return json.loads(json.dumps(said))

    def sent(self, value):
        said = json.loads(json.dumps(child.encode(value, self.functions)))
        return decode(self, said)


@pytest.mark.parametrize("name", sorted({name for name, *_ in ANSWERS}))
def test_answers_are_judged_as_in_the_notebook(name):
    exercise = find(name)
    own = [answer for other, *_, answer in ANSWERS if other == name]
    for answer in own[::3]:
        here, there = (examine(exercise, a) for a in (answer, Direct().sent(answer)))
        assert (there.kind, there.slip) == (here.kind, here.slip), answer


# Values


class Named:
    def __str__(self):
        return "a thing"


@pytest.mark.parametrize(
    "value",
    [
        None,
        ...,
        True,
        7,
        10**50,
        0.1,
        float("inf"),
        Fraction(1, 7),
        "words",
        [1, [2.5, None]],
        (1, 2),
        {"mu": [1, 2], "phi": None},
    ],
    ids=str,
)
def test_a_value_comes_through_as_it_is(value):
    found = Direct().sent(value)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6).reshape(2, 3),
        np.zeros((0, 3)),
        np.float32([1.5, np.nan]),
        np.array([True, False]),
        np.array([1 + 2j]),
        np.arange(12.0).reshape(3, 4).T,
        np.int8(3),
    ],
    ids=str,
)
def test_an_array_comes_through_as_it_is(value):
    found = Direct().sent(value)
    assert (found.dtype, found.shape) == (value.dtype, value.shape)
    np.testing.assert_array_equal(found, value)


def test_what_is_no_number_comes_through_as_a_name():
    found = Direct().sent(Named())
    assert (type(found).__name__, str(found)) == ("Named", "a thing")
    assert Direct().sent(np.array([1, None])) == [1, None]
    deep = []
    for _ in range(99):
        deep = [deep]
    json.dumps(child.encode(deep, []))


def test_mixtures_and_records_come_through():
    theta = Mixture([1], [[0, 1]], [np.eye(2)])
    found = Direct().sent(theta)
    assert isinstance(found, Mixture)
    np.testing.assert_array_equal(found.mu, theta.mu)
    assert Direct().sent(Limits(1, 2, 3)) == {"seconds": 1, "total": 2, "megabytes": 3}


def test_a_function_is_asked_elsewhere_and_looks_like_theirs():
    def doubled(x, n=2):
        x[0] = 9
        return n * x

    function, x = Direct().sent(doubled), np.array([1.0, 2.0])
    assert function(x).tolist() == [18, 4]
    assert x.tolist() == [9, 2]  # as theirs has left it
    assert "return n * x" in inspect.getsource(function)


def test_their_error_comes_through_with_their_lines():
    space = {}
    child.run("def f(x):\n    return 1 / 0", "<cell 3>", space)
    with pytest.raises(Exception, match="division by zero") as caught:
        Direct().sent(space["f"])(1)
    assert type(caught.value).__name__ == "ZeroDivisionError"
    assert caught.value.__notes__ == ["line 2 of f: return 1 / 0"]


def test_the_starters_error_is_the_starters():
    def starter(x):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        Direct().sent(starter)(1)


def test_who_watches_calls_sees_which_of_the_package_they_use():
    from emgmm import m_step

    def borrowed(x, w):
        return m_step(x, w)

    seen = set()

    def look(frame, event, _):
        file = frame.f_code.co_filename
        if event == "call" and file in (str(sandbox.PACKAGE / n) for n in PUBLIC):
            seen.add(frame.f_code.co_qualname)

    class Elsewhere(Direct):
        """What runs in another process is not seen in this one."""

        def ask(self, op, **more):
            sys.setprofile(None)
            said = super().ask(op, **more)
            sys.setprofile(look)
            return said

    function, before = Elsewhere().sent(borrowed), sys.getprofile()
    sys.setprofile(look)
    theta = function(np.arange(12.0).reshape(6, 2) ** 1.5, np.full((6, 1), 1.0))
    sys.setprofile(before)
    assert seen == {"m_step"}
    assert isinstance(theta, Mixture)


@pytest.mark.parametrize(
    "said",
    [
        [],
        ["nonsense"],
        ["nonsense", 1],
        ["int", "x"],
        ["Fraction", "1e99999999"],
        ["Fraction", "1/0"],
        ["array", "O", [1], "AAAA"],
        ["array", "<f8", [10**12], "AAAA"],
        ["array", "<f99", [1], "AAAA"],
        ["array", "|V3", [1], "AAAA"],
        ["array", "<U1", [1], "AAAAAA=="],
        ["array", "<f8", "x", "AAAA"],
        ["dict", [[1]]],
        ["Mixture", [["int", "1"]] * 3],
        ["list", 7],
        7,
        None,
        json.loads('["list", [' * 400 + "1" + "]]" * 400),
    ],
    ids=lambda said: str(said)[:30],
)
def test_nonsense_is_refused(said):
    with pytest.raises(ValueError, match="cannot be read"):
        decode(Direct(), said)


# Processes


@pytest.fixture
def kernels(tmp_path):
    """Makes processes with limits; ends them all."""
    made = []

    def make(seconds=20.0, total=100.0):
        until = time.monotonic() + total
        limits = Limits(seconds, total)
        made.append(Kernel(tmp_path, limits, until, not sandbox.missing()))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("while True: pass", "does not end"),
        ("import os; os._exit(3)", "ends the process"),
        ("import os; os.kill(os.getpid(), 9)", "is killed"),
    ],
)
def test_how_a_process_ended_is_told(source, why, kernels):
    one = kernels(seconds=1)
    with pytest.raises(Ended, match=why):
        one.ask("run", source=source, name="<cell 1>")
    with pytest.raises(Ended, match=why):
        one.ask("run", source="1", name="<cell 2>")
    assert list(kernel.marked(one.mark)) == []


def test_a_process_that_does_not_start_says_why(kernels, monkeypatch):
    def broken(limits):
        return [sys.executable, "-c", "raise SystemExit('no such luck')"]

    monkeypatch.setattr(kernel, "_child", broken)
    with pytest.raises(Ended, match="does not start: no such luck"):
        kernels()


def test_the_time_for_a_whole_notebook_is_bounded(kernels):
    one = kernels(total=3)
    with pytest.raises(Ended, match="does not end"):
        one.ask("run", source="import threading; threading.Event().wait()", name="")


def test_whoever_interrupts_a_question_ends_the_process(kernels, monkeypatch):
    one = kernels()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(kernel.select, "select", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.ask("run", source="1", name="")
    with pytest.raises(Ended, match="does not end"):
        one.ask("run", source="1", name="")


def test_who_does_not_listen_is_ended(kernels):
    one = kernels(seconds=1)
    source = (
        "import os, threading\nfor n in range(3, 9):\n    try: os.write(n, b'{}\\n')\n"
    )
    source += "    except OSError: pass\nthreading.Event().wait()"
    assert one.ask("run", source=source, name="") == {}
    with pytest.raises(Ended, match="does not listen"):
        one.ask("run", source="#" * 10**6, name="")


def test_what_is_no_message_disturbs(kernels):
    one = kernels()
    source = "import os\nfor n in range(3, 9):\n    try: os.write(n, b'{\\n[]\\n')\n"
    source += "    except OSError: pass"
    with pytest.raises(Ended, match="disturbs the grader"):
        one.ask("run", source=source, name="")


def test_a_submission_sees_little_of_the_instructors_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    for closed in (True, False):
        environment = kernel._environment(tmp_path, closed)
        assert "API_KEY" not in environment
        assert environment["PYTHONPATH"] == str(sandbox.PACKAGE.parent)


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


def test_a_notebook_of_blank_lines_takes_no_time():
    text = "\n" * 10**6 + "def ("
    assert child.without_magics(text) == text
    assert not judge.answers({"source": text, "id": ""}, COURSE[0])


# A whole notebook


def notebook(*cells):
    made = [
        {"cell_type": "code", "source": s, "metadata": {"nbgrader": {"grade_id": n}}}
        for n, s in cells
    ]
    return json.dumps({"cells": made}).encode()


def test_the_name_of_the_file_tells_the_page_when_no_cell_does():
    found = judge.verdicts(b'{"cells": []}', "ada 01_two_groups.ipynb", COURSE)
    wanted = [t.label for t in COURSE if t.page == "01_two_groups"]
    assert list(found) == wanted
    assert {v.kind for v in found.values()} == {"not tried"}
    assert judge.verdicts(b'{"cells": []}', "x.ipynb", COURSE) == {}


def test_an_object_that_raises_when_looked_at_is_an_error():
    source = (
        "class Odd:\n"
        "    def __getattribute__(self, name):\n"
        "        raise KeyboardInterrupt\n"
        "log_joint = Odd()"
    )
    found = judge.verdicts(notebook(("ex-log-joint", source)), "01_two_groups", COURSE)
    assert found["ex-log-joint"].kind == "error"
    assert "KeyboardInterrupt" in found["ex-log-joint"].slip


def test_when_its_time_is_over_the_rest_is_not_reached(tmp_path):
    told, until = [], time.monotonic() + 4
    data = notebook(
        ("a", "import threading"),
        ("ex-read-sigma", "sd_volume = threading.Event().wait()"),
        ("check-ex-log-joint", ""),
    )

    def start():
        return Kernel(tmp_path, Limits(), until, not sandbox.missing())

    judge.judge(data, "", COURSE, start, lambda **said: told.append(said))
    assert [said["event"] for said in told] == ["read", "step", "step", "end"]
    assert told[-1]["note"] == "stopped: its time is over"


def test_an_answer_that_cannot_be_looked_at_is_an_error(monkeypatch):
    def broken(*_):
        raise MemoryError("too large")

    monkeypatch.setattr(judge, "examine", broken)
    found = judge.verdicts(
        notebook(("ex-log-joint", "log_joint = 1")), "01_two_groups", COURSE
    )
    assert found["ex-log-joint"][:2] == ("error", "MemoryError: too large")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_notebook_may_come_in_any_encoding(encoding):
    data = notebook(("a", "name = 'Zoë'")).decode().encode(encoding)
    assert code_cells(data) == [{"source": "name = 'Zoë'", "id": "a"}]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"cells": [1]}', b'{"cells": [{}]}', b"[" * 99999],
    ids=str,
)
def test_what_is_no_notebook_is_unreadable_and_keeps_its_page(data):
    told = []
    judge.judge(data, "01_two_groups", COURSE, None, lambda **said: told.append(said))
    (said,) = told
    assert said["event"] == "unreadable"
    assert said["labels"] == [t.label for t in COURSE if t.page == "01_two_groups"]
