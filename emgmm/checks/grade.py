"""Grade a pile of notebooks: marks, slips, feedback, a summary of the class, a plot.

python -m emgmm.checks grade submissions/ --out grades.csv
"""

import csv
import hashlib
import io
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

from tqdm import tqdm

from emgmm.checks import feedback, report, sandbox
from emgmm.checks.course import Task, read_course, seeming
from emgmm.checks.journal import Journal
from emgmm.checks.kernel import Limits
from emgmm.checks.record import Record, Records, Tasks, best, by_learner, marks, total
from emgmm.checks.runner import blank, run_all
from emgmm.checks.submissions import Submission, find

HANDED_OUT = sandbox.PACKAGE.parent / "chapters" / "exercises"
USUAL = Limits()
Results: TypeAlias = Iterable[tuple[Submission, Record]]

FORMULA = re.compile(r"[=@\t\r\n]|[+-](?![\d.]*$)")  # numbers with a sign are none
ATTEMPTS = 3  # starts of a notebook that never came to an end


def grade(
    submissions: Path,
    out: Path,
    *,
    course: Path = HANDED_OUT,
    limits: Limits = USUAL,
    workers: int = 2,
) -> list[Record]:
    """Run every notebook below a folder and write what came of it.

    What is known is kept in a journal beside the results. Called again, it goes on
    where it stopped, and grades again only what has changed.

    Parameters
    ----------
    submissions : Path
        The folder; it may have one folder per learner.
    out : Path
        A name that ends in .csv. Beside it come the totals of the learners
        (_learners.csv), a page for each (_feedback), the class (.md, .png), and the
        journal (.journal.jsonl).
    course : Path
        The folder of the notebooks that were handed out.
    limits : Limits
        What each notebook may use.
    workers : int
        How many notebooks run at the same time.

    Returns
    -------
    list of Record
        One per file, in the order of their names.

    Raises
    ------
    ValueError
        When there is nothing to grade, nothing to grade it by, or no place for it.
    """
    tasks = _checked(submissions, out, course, limits, workers)
    found = find(submissions, list(dict.fromkeys(task.page for task in tasks)))
    if not found:
        raise ValueError(f"{submissions} holds no file to grade.")
    if sandbox.missing():  # pragma: no cover, see `_twin`
        print(f"WITHOUT A SANDBOX: {sandbox.missing()}.", file=sys.stderr)
    with closing(_journal(out, tasks, limits)) as journal:
        known = _given_up(found, journal)
        todo = [s for s in found if _runs(s, found) and s.key not in known]
        start = lambda s: journal.start(s.key)  # noqa: E731
        with closing(run_all(todo, found, tasks, limits, workers, start)) as results:
            for submission, record in _shown(_kept(results, journal), len(todo)):
                known[submission.key] = record
    records = [_record(s, found, known, tasks) for s in found]
    tasks = _asked_of_all(records, tasks)
    _write_all(out, records, tasks)
    return records


def _checked(
    submissions: Path, out: Path, course: Path, limits: Limits, workers: int
) -> list[Task]:
    if os.name != "posix":  # pragma: no cover
        raise ValueError(
            "grading needs the process limits of Linux or macOS. On Windows, run it in "
            "the Windows Subsystem for Linux (WSL)."
        )
    if not submissions.is_dir():
        raise ValueError(f"{submissions} is no folder of submissions.")
    if out.suffix != ".csv" or not out.parent.is_dir():
        raise ValueError(f"out is {out}; give NAME.csv in a folder that exists.")
    if min(limits.seconds, limits.total, limits.megabytes, workers) <= 0:
        raise ValueError(
            f"seconds is {limits.seconds:g}, total {limits.total:g}, megabytes "
            f"{limits.megabytes} and workers {workers}; each must be positive."
        )
    return read_course(course)


def _journal(out: Path, tasks: Sequence[Task], limits: Limits) -> Journal:
    """What is known from an earlier run on the same terms; says when they differ."""
    terms = {
        "course": _digest(repr(list(tasks)).encode()),
        "checks": _digest(*(p.read_bytes() for p in _sources())),
        "limits": asdict(limits),
        "sandbox": not sandbox.missing(),
    }
    journal = Journal(out.with_suffix(".journal.jsonl"), terms)
    if journal.differs:
        changed = " and ".join(journal.differs)
        print(f"All is graded anew, for {changed} changed.", file=sys.stderr)
    elif journal.done:
        print(f"{len(journal.done)} are known from before.", file=sys.stderr)
    return journal


def _sources() -> Iterable[Path]:
    """All that a verdict may depend on: code, data, recipes, packed or not."""
    kinds = (".py", ".json", ".csv", ".toml", ".z")
    return sorted(p for p in sandbox.PACKAGE.rglob("*") if p.suffix in kinds)


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def _given_up(found: Sequence[Submission], journal: Journal) -> dict[str, Record]:
    """What is known, with those that have stopped the grader again and again."""
    known = {key: Record(**record) for key, record in journal.done.items()}
    for s in found:
        if s.key not in known and journal.starts[s.key] >= ATTEMPTS:
            note = f"stopped: the grader never got to its end, {ATTEMPTS} times"
            known[s.key] = replace(blank(s), note=note)
    return known


def _runs(one: Submission, found: Sequence[Submission]) -> bool:
    return not one.trouble and _twin(one, found) is None


# What is marked runs in a process of its own, see `runner.run_all`.


def _twin(  # pragma: no cover
    one: Submission, found: Sequence[Submission]
) -> Submission | None:
    """The same learner's earlier file with the same contents."""
    for other in found:
        if other.path == one.path:
            return None
        if other.who == one.who and other.digest == one.digest and not other.trouble:
            return other
    return None


def _record(  # pragma: no cover
    one: Submission,
    found: Sequence[Submission],
    known: dict[str, Record],
    tasks: Sequence[Task],
) -> Record:
    """The result of a file, or why it has none."""
    record = blank(one)
    if not one.trouble and (twin := _twin(one, found)):
        record.note = f"the same file as {twin.name}"
        return record
    if one.trouble:
        record.note = one.trouble
    else:
        record = known[one.key]
    if not record.kinds and not record.note.startswith("holds"):
        data = one.path.read_bytes() if one.digest else b""
        seems = seeming(one.file, data, list(tasks))
        record.kinds = dict.fromkeys([task.label for task in seems], "not reached")
    return record


def _asked_of_all(records: Records, tasks: Sequence[Task]) -> list[Task]:
    """The exercises of this class; who has handed in none of them owes them all."""
    seen = {label for record in records for label in record.kinds}
    tasks = [task for task in tasks if task.label in seen]
    for own in by_learner(records):
        if not any(record.kinds for record in own):  # pragma: no cover, see `_twin`
            own[0].kinds = dict.fromkeys([t.label for t in tasks], "not reached")
    return tasks


def _kept(results: Results, journal: Journal) -> Results:
    """The results, each of them on the disk before it is shown."""
    for submission, record in results:
        journal.finish(submission.key, asdict(record))
        yield submission, record


def _shown(results: Results, n: int) -> Results:
    """The results, and how far we are: a bar for people, lines for a log."""
    if sys.stderr.isatty():  # pragma: no cover
        yield from tqdm(results, total=n, unit="notebook")
        return
    for at, (submission, record) in enumerate(results, 1):
        right = sum(kind == "right" for kind in record.kinds.values())
        said = f"{right} of {len(record.kinds)} right. {record.note}".strip()
        print(f"{at}/{n} {submission.name}: {said}", file=sys.stderr, flush=True)
        yield submission, record


# The results, as files


def _write_all(out: Path, records: Records, tasks: Tasks) -> None:
    write(out, table(records, tasks).encode())
    learners = out.with_name(f"{out.stem}_learners.csv")
    write(learners, table_of_learners(records, tasks).encode())
    folder = out.with_name(f"{out.stem}_feedback")
    folder.mkdir(exist_ok=True)
    for name, page in feedback.pages(records, tasks):
        write(folder / name, page.encode())
    write(out.with_suffix(".md"), report.summary(records, tasks).encode())
    write(out.with_suffix(".png"), report.picture(records, tasks))


def table(records: Records, tasks: Tasks) -> str:
    """The CSV text: a row per file, a column per exercise."""
    head = ["learner", "id", "submission", "marks", "of", *(t.number for t in tasks)]
    rows: list[list[Any]] = [[*head, "slips", "note"]]
    for record in records:
        own = [t for t in tasks if t.label in record.kinds]
        given = [marks(record, t) if t in own else "" for t in tasks]
        sums: list[Any] = [
            sum(marks(record, t) for t in own),
            sum(t.points for t in own),
        ]
        if not own:  # another file stands for it
            sums = ["", ""]
        name = [record.learner, record.id, record.name]
        rows.append([*name, *sums, *given, "; ".join(slips(record, own)), record.note])
    return as_csv(rows)


def table_of_learners(records: Records, tasks: Tasks) -> str:
    """The CSV text: a row per learner, all of their notebooks together.

    Each exercise counts once, by the best attempt.
    """
    head = ["learner", "id", "marks", "of", *(t.number for t in tasks), "files"]
    rows: list[list[Any]] = [head]
    for own in by_learner(records):
        attempts = [best(own, task) for task in tasks]
        given = [marks(r, t) if r else "" for r, t in zip(attempts, tasks)]
        sums = [total(own, tasks), sum(t.points for t in tasks)]
        rows.append([own[0].learner, own[0].id, *sums, *given, len(own)])
    return as_csv(rows)


def slips(record: Record, tasks: Tasks) -> list[str]:
    """What is to be said of the answers that are not right."""
    kinds = {t: record.kinds[t.label] for t in tasks}
    return [
        f"{task.number} {record.slips.get(task.label) or kind}"
        for task, kind in kinds.items()
        if kind != "right"
    ]


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(cell: Any) -> str:
    """Spreadsheets would compute a text that looks like a formula."""
    if isinstance(cell, (int, float)):
        return f"{cell:g}"
    return f"'{cell}" if FORMULA.match(cell) else cell


def write(path: Path, contents: bytes) -> None:
    """All of a file or nothing."""
    new = path.with_name(f".{path.name}.part")
    try:
        new.write_bytes(contents)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
