"""The judge: it has a notebook run by another process, and says what it is worth.

Started by `emgmm.checks.runner`, with a job on each line of its input; it tells what it
finds line by line, so that what was judged before a crash counts. No line of a
notebook runs here.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from emgmm.checks import sandbox
from emgmm.checks.checker import examine
from emgmm.checks.course import Task, answers, asked, checked, code_cells, seeming
from emgmm.checks.kernel import Ended, Kernel, Limits, decode
from emgmm.checks.registry import find

RESTARTS = 6
LONGEST = 4000  # characters of what is said of an answer

Tell = Callable[..., None]


class Verdict(NamedTuple):
    """Kind of the outcome, name of the slip, and what to tell the learner."""

    kind: str
    slip: str = ""
    said: str = ""


class Step(NamedTuple):
    """A cell to run, or the place of a check."""

    n: int
    cell: dict[str, Any]
    task: Task | None


@dataclass
class Sitting:
    """One notebook while it is judged.

    Attributes
    ----------
    steps : list of Step
        What to do, in order.
    start : callable
        Starts a new process for the learner's code.
    guilty, failed : dict
        Steps that ended the process, and how; cells that raised, and what.
    kernel : Kernel, optional
        The process, once there is one.
    """

    steps: list[Step]
    start: Callable[[], Kernel]
    guilty: dict[int, str]
    failed: dict[int, str] = field(default_factory=dict)
    kernel: Kernel | None = None
    starts: int = 0


def judge(
    data: bytes,
    name: str,
    course: list[Task],
    start: Callable[[], Kernel],
    tell: Tell,
    guilty: dict[int, str] | None = None,
    done: tuple[str, ...] = (),
) -> None:
    """Have a notebook run and tell the outcome of each of its exercises.

    Steps that are known to be guilty are not taken, exercises that are done not judged.
    """
    try:
        cells = code_cells(data)
    except ValueError as error:
        labels = [task.label for task in seeming(name, data, course)]
        return tell(event="unreadable", why=str(error)[:200], labels=labels)
    tasks = asked(name, cells, course)
    tell(event="read", labels=[task.label for task in tasks])
    sitting = Sitting(list(steps(cells, tasks)), start, guilty or {})
    try:
        for step in sitting.steps:
            if step.task is None or step.task.label not in done:
                take(sitting, step, tell)
        tell(event="end", note="")
    except Ended as end:
        tell(event="end", note=f"stopped: {end}")
    finally:
        if sitting.kernel:
            sitting.kernel.end()


def steps(cells: list[dict[str, Any]], tasks: list[Task]) -> Iterator[Step]:
    """Every cell in order; exercises whose check is gone come last."""
    waiting = {task.label: task for task in tasks}
    for n, cell in enumerate(cells):
        task = checked(cell, waiting)
        yield Step(n, cell, waiting.pop(task.label) if task else None)
    for n, task in enumerate(waiting.values(), len(cells)):
        yield Step(n, {"source": "", "id": ""}, task)


def take(sitting: Sitting, step: Step, tell: Tell) -> None:
    """Run a cell, or judge an answer and tell its outcome."""
    if step.n not in sitting.guilty:
        kernel = ready(sitting, step)
        tell(event="step", n=step.n)
        try:
            if step.task is None:
                return run(sitting, kernel, step)
            verdict = explained(sitting, step, outcome(kernel, step.task))
        except Ended as end:
            sitting.guilty[step.n] = str(end)
    if step.task:
        if step.n in sitting.guilty:  # pragma: no cover, as in `sit`
            why = sitting.guilty[step.n]
            verdict = Verdict("error", why, f"Your code {why}.")
        tell(event="outcome", label=step.task.label, **verdict._asdict())


def ready(sitting: Sitting, step: Step) -> Kernel:  # pragma: no cover, see `sit`
    """A living process in which all innocent cells before this step have run."""
    while sitting.kernel is None or sitting.kernel.why:
        if sitting.kernel and time.monotonic() > sitting.kernel.until:
            raise Ended("its time is over")
        sitting.starts += 1
        if sitting.starts > RESTARTS + 1:
            raise Ended(f"its code has ended the process {RESTARTS + 1} times")
        sitting.kernel = sitting.start()
        sitting.kernel.start()
        before = [s for s in sitting.steps[: step.n] if not s.task]
        try:
            for s in before:
                if s.n not in sitting.guilty:
                    at = s.n
                    run(sitting, sitting.kernel, s)
        except Ended as end:
            sitting.guilty[at] = str(end)
    return sitting.kernel


def run(sitting: Sitting, kernel: Kernel, step: Step) -> None:
    said = kernel.ask("run", source=step.cell["source"], name=f"<cell {step.n + 1}>")
    if error := str(said.get("error", ""))[:60]:  # pragma: no cover, as in `sit`
        sitting.failed[step.n] = f"stops with {error}"


def outcome(kernel: Kernel, task: Task) -> Verdict:
    """Examine what the check cell, as it was handed out, would look at."""
    said = kernel.ask("answer", source=task.check)
    if said.get("missing"):
        return Verdict("not tried")
    if "error" in said:
        problem = f"to look at it raises {said['error']}"[:100]
        return Verdict("error", problem, f"Your answer cannot be read: {problem}.")
    try:
        values = [decode(kernel, value) for value in said["answer"]]
        found = examine(find(task.label), values[0] if len(values) == 1 else (*values,))
    except Exception as error:  # whatever a hostile answer brings about
        problem = f"{type(error).__name__}: {error}"[:100]
        verdict = Verdict("error", problem, "The check cannot look at this answer.")
    else:
        verdict = Verdict(found.kind, found.slip, repr(found)[:LONGEST])
    if kernel.why:  # pragma: no cover, as in `sit`
        raise Ended(kernel.why)
    return verdict


def explained(sitting: Sitting, step: Step, verdict: Verdict) -> Verdict:
    """An answer that is missing because its own cell broke down is an error."""
    assert step.task
    troubles = sitting.failed | sitting.guilty
    own = [
        troubles[s.n]
        for s in sitting.steps[: step.n]
        if s.n in troubles and answers(s.cell, step.task)
    ]
    if verdict.kind != "not tried" or not own:
        return verdict
    return Verdict("error", f"the cell {own[-1]}", f"Your cell {own[-1]}.")


# From here on all runs in the judge only, where coverage does not look: the pile of
# tests/test_grade.py proves it.


def sit(job: dict[str, Any], tell: Tell) -> None:  # pragma: no cover
    """One job: a notebook in a folder of its own, with the files beside it."""
    limits = Limits(**job["limits"])
    until = time.monotonic() + limits.total
    course = [Task(**task) for task in job["course"]]
    guilty = {int(n): why for n, why in job["guilty"].items()}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            data = Path(job["path"]).read_bytes()
            for path, name in job["beside"]:
                _copy(path, Path(folder) / name)
        except OSError as error:
            why = f"{error.strerror}"
            return tell(event="unreadable", why=why, labels=[])
        judge(
            data,
            job["name"],
            course,
            lambda: Kernel(Path(folder), limits, until, job["closed"]),
            tell,
            guilty,
            tuple(job["done"]),
        )


def _copy(path: str, target: Path) -> None:  # pragma: no cover
    """A file beside the notebook, as a copy that is not for writing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target, follow_symlinks=False)
    target.chmod(0o444)


def verdicts(data: bytes, name: str, course: list[Task]) -> dict[str, Verdict]:
    """The outcome of each exercise of a notebook, here and now."""
    told: dict[str, Verdict] = {}

    def tell(event: str, label: str = "", **said: Any) -> None:
        if event == "outcome":
            told[label] = Verdict(**said)

    with tempfile.TemporaryDirectory() as folder:
        limits = Limits()
        until = time.monotonic() + limits.total
        closed = not sandbox.missing()
        start = lambda: Kernel(Path(folder), limits, until, closed)  # noqa: E731
        judge(data, name, course, start, tell)
    return told


def main() -> None:  # pragma: no cover
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a notebook may send it
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)

        def tell(**said: Any) -> None:
            out.write(json.dumps(said) + "\n")
            out.flush()

        for line in sys.stdin:
            sit(json.loads(line), tell)
            tell(event="done")


if __name__ == "__main__":  # pragma: no cover
    main()
