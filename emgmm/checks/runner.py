"""Run a submission in a process of its own, with limits, and leave nothing behind."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import emgmm
from emgmm.checks.course import Task

STARTUP = 120  # seconds to import the package, also on a busy machine
PATIENCE = 4  # times the seconds of computing, by the clock
MARK = "EMGMM_GRADER"  # in the environment of all that a submission starts
KEPT = ("HOME", "LANG", "LC_ALL", "PATH")


@dataclass(frozen=True)
class Limits:
    """What one notebook may use.

    Attributes
    ----------
    seconds : float
        Of computing; by the clock it may take four times as long.
    megabytes : int
        Of address space.
    """

    seconds: float = 60
    megabytes: int = 4000


@dataclass
class Record:
    """What came of one submission.

    Attributes
    ----------
    name : str
        The file, below the folder of submissions.
    kinds, slips : dict
        For each exercise that it should answer: right, wrong, ..., and the slip.
    note : str
        What went wrong with the file itself, if anything.
    """

    name: str
    kinds: dict[str, str] = field(default_factory=dict)
    slips: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def learner(self) -> str:
        """The folder that the file was handed in with, or the name of the file."""
        return self.name.split("/")[0].removesuffix(".ipynb")


def run(path: Path, name: str, course: list[Task], limits: Limits) -> Record:
    """Grade one notebook; whatever it does, a record comes back."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        result, work = Path(folder) / "result", Path(folder) / "work"
        work.mkdir()
        token = secrets.token_hex()
        job = asdict(limits) | {
            "clock": PATIENCE * limits.seconds,
            "course": [asdict(task) for task in course],
            "notebook": str(path.resolve()),
            "result": str(result),
            "token": token,
        }
        end = _process(json.dumps(job), work, limits)
        return _record(name, list(_lines(result, token)), end)


def _process(job: str, work: Path, limits: Limits) -> str:
    """Run the child to its end, or to ours; how it ended, in words."""
    mark = f"{os.getpid()}-{secrets.token_hex()}"
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "emgmm.checks.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=work,
        env=_environment(work, mark),
        start_new_session=True,  # a group of its own, to be ended as one
        text=True,
    ) as process:
        try:
            said = process.communicate(
                job, timeout=PATIENCE * limits.seconds + STARTUP
            )[1]
        except subprocess.TimeoutExpired:
            said = ""
        finally:
            _end(process, mark)
    return _in_words(process.returncode, limits, said)


def _environment(work: Path, mark: str) -> dict[str, str]:
    """Little of the instructor's own: no names of accounts, no keys."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(emgmm.__file__).parents[1]),
        "TMPDIR": str(work),
        MARK: mark,
    }


def _end(process: "subprocess.Popen[str]", mark: str) -> None:
    """End the child, its group, and whoever has left the group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while found := list(marked(mark)):
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def marked(mark: str) -> Iterator[int]:
    """Living processes of a mark that starts so, where the system lists them."""
    wanted = f"{MARK}={mark}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            entries = environ.read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended, or is somebody else's
        if any(entry.startswith(wanted) for entry in entries):
            yield int(environ.parent.name)


def _in_words(code: int, limits: Limits, said: str) -> str:
    if code == 0:
        return "ended early: its code ends the process"
    if -code == signal.SIGXCPU:
        return f"stopped after {limits.seconds:g} s of computing"
    if -code in (signal.SIGALRM, signal.SIGKILL):
        return "stopped: it does not end, or the system had no memory left"
    last = (said.strip().splitlines() or [""])[-1]
    return f"crashed (exit code {code}) {last[:100]}".strip()


def _lines(result: Path, token: str) -> Iterator[dict[str, Any]]:
    """What the child told. Lines without the token come from somebody else."""
    text = result.read_bytes().decode(errors="replace") if result.exists() else ""
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict) and said.get("token") == token:
                yield said


def _record(name: str, lines: list[dict[str, Any]], end: str) -> Record:
    record, events = Record(name), {line["event"]: line for line in lines}
    if "unreadable" in events:
        record.note = f"cannot be read: {events['unreadable']['why']}"
        return record
    labels = events.get("read", {}).get("labels", [])
    record.kinds = dict.fromkeys(labels, "not reached")
    for line in lines:
        if line["event"] == "outcome":
            record.kinds[line["label"]] = line["kind"]
            record.slips[line["label"]] = line["slip"]
    if "end" not in events:
        record.note = end
    elif not labels:
        record.note = "holds no exercise of this course"
    return record
