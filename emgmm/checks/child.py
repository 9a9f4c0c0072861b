"""One submission, in a process of its own: run its cells, judge its answers.

Started by `emgmm.checks.runner`, never by hand. What it finds goes line by line into
a file that the parent named, so that what was judged before a crash counts.
"""

import ast
import contextlib
import json
import os
import re
import resource
import signal
import sys
import time
import types
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

from emgmm.checks.checker import examine
from emgmm.checks.course import PREFIX, Task, code_cells
from emgmm.checks.registry import find

Tell = Callable[..., None]
LARGEST_FILE = 50_000_000  # bytes
EXTRA_PROCESSES = 64


def judge(name: str, text: str, course: list[Task], tell: Tell) -> None:
    """Run a notebook and tell the outcome of each of its exercises."""
    try:
        cells = code_cells(text)
    except ValueError as error:
        return tell(event="unreadable", why=str(error)[:200])
    tasks = asked(name, cells, course)
    tell(event="read", labels=[task.label for task in tasks])
    space, failed = _namespace(), dict[int, str]()
    waiting = {task.label: task for task in tasks}
    for n, cell in enumerate(cells):
        task = checked(cell, waiting)
        if task is not None:
            del waiting[task.label]
            _judge(task, cells[:n], space, failed, tell)
        elif why := run_cell(cell["source"], space):
            failed[n] = why
    for task in waiting.values():  # their check is gone
        _judge(task, cells, space, failed, tell)
    tell(event="end")


def asked(name: str, cells: list[dict[str, Any]], course: list[Task]) -> list[Task]:
    """The exercises of all notebooks of the course that this one has a part of."""
    ids = {cell["id"].removeprefix(PREFIX) for cell in cells}
    sources = {cell["source"].strip() for cell in cells}
    pages = {t.page for t in course if t.label in ids or t.check.strip() in sources}
    pages = pages or {t.page for t in course if t.page in name}
    return [task for task in course if task.page in pages]


def checked(cell: dict[str, Any], tasks: dict[str, Task]) -> Task | None:
    """The exercise that a cell checks. What else the cell says does not matter."""
    for task in tasks.values():
        if cell["id"] == PREFIX + task.label:
            return task
        if cell["source"].strip() == task.check.strip():
            return task
    return None


def run_cell(source: str, space: dict[str, Any]) -> str:
    """Execute one cell; the name of the error, or nothing."""
    try:
        exec(compile(without_magics(source), "<cell>", "exec"), space)
    except BaseException as error:  # SystemExit too
        return type(error).__name__
    return ""


def without_magics(source: str) -> str:
    """The cell as plain Python: lines that only Jupyter knows do nothing."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        cell_magic = re.match(r"\s*%%(?!time|capture)", source)
        return (
            "" if cell_magic else re.sub(r"(?m)^(\s*)([%!].*|.*\?)$", r"\1pass", source)
        )


def _judge(
    task: Task,
    before: list[dict[str, Any]],
    space: dict[str, Any],
    failed: dict[int, str],
    tell: Tell,
) -> None:
    try:
        kind, slip = _outcome(task, space)
    except BaseException:  # what a learner's object may raise when it is looked at
        kind, slip = "error", ""
    own = [n for n, cell in enumerate(before) if n in failed and answers(cell, task)]
    if kind == "not tried" and own:
        kind, slip = "error", f"the cell stops with {failed[own[-1]]}"
    tell(event="outcome", label=task.label, kind=kind, slip=slip)


def _outcome(task: Task, space: dict[str, Any]) -> tuple[str, str]:
    """Run the check cell as it was handed out, with a check of our own."""
    found = []

    def check(name: str, *answer: Any) -> None:
        found.append(examine(find(name), answer[0] if len(answer) == 1 else answer))

    try:
        exec(compile(task.check, "<check>", "exec"), {**space, "check": check})
    except NameError:
        return "not tried", ""
    return found[-1].kind, found[-1].slip


def answers(cell: dict[str, Any], task: Task) -> bool:
    """Whether a cell is where the exercise is answered: by its mark or by a name."""
    names = {n.id for n in ast.walk(ast.parse(task.check)) if isinstance(n, ast.Name)}
    words = "|".join(map(re.escape, names - {"check"}))
    written = re.search(rf"(?m)^\s*(def\s+)?({words})\b.*[=:]", cell["source"])
    return cell["id"] == task.label or bool(written)


def _namespace() -> dict[str, Any]:
    """A module __main__ as a notebook has it, with Jupyter's display."""
    module = types.ModuleType("__main__")
    module.__dict__["display"] = print
    sys.modules["__main__"] = module
    return module.__dict__


# From here on all runs in the child only, where coverage does not look: the pile of
# tests/test_grade.py proves it.


def limit(seconds: float, clock: float, megabytes: int) -> None:  # pragma: no cover
    """Bounds that the system keeps, whatever the learner's code does."""
    cpu, size = ceil(time.process_time() + seconds), megabytes * 2**20
    tasks = _own_tasks() + EXTRA_PROCESSES
    for what, soft, hard in [
        (resource.RLIMIT_AS, size, size),
        (resource.RLIMIT_FSIZE, LARGEST_FILE, LARGEST_FILE),
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NPROC, tasks, tasks),
    ]:
        with contextlib.suppress(ValueError, OSError):  # not every system has each
            resource.setrlimit(what, (soft, hard))
    # Its signal ends the process: time by the clock, for those that wait.
    signal.setitimer(signal.ITIMER_REAL, clock)


def _own_tasks() -> int:  # pragma: no cover
    """Processes and threads of this user: the system counts them all together."""
    found = 0
    for tasks in Path("/proc").glob("[0-9]*/task"):
        try:
            found += len(os.listdir(tasks)) if tasks.stat().st_uid == os.getuid() else 0
        except OSError:
            continue  # it has ended meanwhile
    return found or 4096


def silence() -> None:  # pragma: no cover
    """Output goes nowhere, however much there is."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def main() -> None:  # pragma: no cover
    job = json.load(sys.stdin)
    course = [Task(**task) for task in job["course"]]
    own = os.getpid()

    def tell(**said: Any) -> None:
        if os.getpid() != own:  # a copy that the learner's code has forked
            os._exit(0)
        with open(job["result"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"token": job["token"], **said}) + "\n")

    path = Path(job["notebook"])
    limit(job["seconds"], job["clock"], job["megabytes"])
    silence()
    try:
        judge(path.name, path.read_text(encoding="utf-8"), course, tell)
    except (OSError, UnicodeDecodeError) as error:
        tell(event="unreadable", why=str(error)[:200])
    finally:
        os._exit(0)  # threads and exit handlers of the learner do not matter


if __name__ == "__main__":  # pragma: no cover
    main()
