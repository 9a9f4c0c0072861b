"""Judges at work: processes that get notebooks one by one, replaced when killed."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from queue import SimpleQueue
from threading import Timer
from typing import Any

from emgmm.checks import sandbox
from emgmm.checks.course import Task
from emgmm.checks.kernel import MARK, Limits, sweep
from emgmm.checks.record import Record
from emgmm.checks.submissions import Submission, beside

DEATHS = 4  # of judges by one notebook
SLACK = 120  # seconds to start and to compare, on top of a notebook's own

Start = Callable[[Submission], None]


class Judge:
    """A process that judges one notebook after another."""

    def __init__(self, mark: str) -> None:
        self.mark = f"{mark}.{secrets.token_hex(4)}"
        self.process: subprocess.Popen[str] | None = None
        self.over = False

    def events(  # pragma: no cover
        self, job: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Have a notebook judged; ends without "done" when the judge is killed."""
        if self.over:
            return
        process = self.process = self.process or self._started()
        patience = Timer(job["limits"]["total"] + SLACK, process.kill)
        patience.start()
        try:
            process.stdin.write(json.dumps(job) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            for line in process.stdout:  # type: ignore[union-attr]
                event = json.loads(line)
                yield event
                if event["event"] == "done":
                    return
            self.end()
        except (OSError, ValueError):
            self.end()
        finally:
            patience.cancel()

    def _started(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "emgmm.checks.judge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ
            | {MARK: self.mark, "PYTHONPATH": str(sandbox.PACKAGE.parent)},
            start_new_session=True,  # Ctrl-C is for us alone
            text=True,
            encoding="utf-8",
        )

    def end(self) -> None:
        """End it and all that it has started."""
        process, self.process = self.process, None
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()  # reads nothing more, closes the pipes
            sweep(self.mark)


def run(judge: Judge, job: dict[str, Any], record: Record) -> Record:
    """Judge one notebook; whatever it does, the record gets filled."""
    for _ in range(DEATHS):
        at = -1
        for event in judge.events(job | {"done": list(record.slips)}):
            if event["event"] == "step":
                at = event["n"]
            if _take_down(record, event):
                return record
        if at < 0:
            record.note = "stopped: the judge does not start"
            return record
        job["guilty"][at] = "ends the judge"
    record.note = f"stopped: it has ended the judge {DEATHS} times"
    return record


def _take_down(  # pragma: no cover
    record: Record, event: dict[str, Any]
) -> bool:
    """Put down what the judge tells; True when that was all."""
    match event["event"]:
        case "unreadable":
            record.kinds = dict.fromkeys(event["labels"], "not reached")
            record.note = f"cannot be read: {event['why']}"
        case "read":
            fresh = dict.fromkeys(event["labels"], "not reached")
            record.kinds = fresh | record.kinds
            if not fresh:
                record.note = "holds no exercise of this course"
        case "outcome":
            record.kinds[event["label"]] = event["kind"]
            record.slips[event["label"]] = event["slip"]
            record.said[event["label"]] = event["said"]
        case "end":
            record.note = record.note or event["note"]
        case "done":
            return True
    return False


# The grader of tests/test_grade.py is a process of its own, so that it can be stopped
# by Ctrl-C. Coverage does not look there: the pile proves what is marked here.


def run_all(  # pragma: no cover
    todo: Sequence[Submission],
    found: Sequence[Submission],
    course: Sequence[Task],
    limits: Limits,
    workers: int,
    start: Start,
) -> Generator[tuple[Submission, Record], None, None]:
    """Judge notebooks side by side; yields each when it is known."""
    mark = f"{os.getpid()}.{secrets.token_hex(4)}"
    judges = [Judge(mark) for _ in range(workers)]
    free: SimpleQueue[Judge] = SimpleQueue()
    for judge in judges:
        free.put(judge)
    terms = _terms(course, limits)

    def one(submission: Submission) -> tuple[Submission, Record]:
        judge = free.get()
        try:
            start(submission)
            job = terms | _job(submission, found)
            return submission, run(judge, job, blank(submission))
        finally:
            free.put(judge)

    pool = ThreadPoolExecutor(workers)
    try:
        for future in as_completed([pool.submit(one, each) for each in todo]):
            yield future.result()
    finally:
        _close(pool, judges)
        sweep(mark)


def blank(submission: Submission) -> Record:
    return Record(submission.name, submission.learner, submission.id)


def _close(  # pragma: no cover
    pool: ThreadPoolExecutor, judges: Sequence[Judge]
) -> None:
    """End the judges: whoever waits for one goes on, and finds that all is over."""
    pool.shutdown(wait=False, cancel_futures=True)
    for judge in judges:
        judge.over = True
        judge.end()
    pool.shutdown()


def _terms(  # pragma: no cover
    course: Sequence[Task], limits: Limits
) -> dict[str, Any]:
    """What is the same for all jobs."""
    return {
        "limits": asdict(limits),
        "course": [asdict(task) for task in course],
        "closed": not sandbox.missing(),
    }


def _job(  # pragma: no cover
    submission: Submission, found: Sequence[Submission]
) -> dict[str, Any]:
    files = [(str(path), str(name)) for path, name in beside(submission, found)]
    return {
        "path": str(submission.path.resolve()),
        "name": submission.file,
        "beside": files,
        "guilty": {},
    }
