"""Grade a pile of notebooks: marks and slips as CSV, a summary of the class, a plot.

python -m emgmm.checks grade submissions/ --out grades.csv
"""

import csv
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from emgmm.checks import report
from emgmm.checks.course import Task, read_course
from emgmm.checks.runner import Limits, Record, run

HANDED_OUT = Path(__file__).resolve().parents[2] / "chapters" / "exercises"
USUAL = Limits()


def grade(
    submissions: Path,
    out: Path,
    *,
    course: Path = HANDED_OUT,
    limits: Limits = USUAL,
    workers: int = 2,
) -> list[Record]:
    """Run every notebook below a folder and write what came of it.

    Parameters
    ----------
    submissions : Path
        The folder; it may have one folder per learner.
    out : Path
        A name that ends in .csv. Its neighbors get the summary (.md) and plot (.png).
    course : Path
        The folder of the notebooks that were handed out.
    limits : Limits
        What each notebook may use.
    workers : int
        How many notebooks run at the same time.

    Returns
    -------
    list of Record
        One per notebook, in the order of their names.

    Raises
    ------
    ValueError
        When there is nothing to grade, nothing to grade it by, or no place for it.
    """
    tasks = _checked(submissions, out, course, limits, workers)
    paths = notebooks(submissions)
    with ThreadPoolExecutor(workers) as pool:
        names = [path.relative_to(submissions).as_posix() for path in paths]
        records = list(pool.map(lambda p, n: run(p, n, tasks, limits), paths, names))
    seen = {label for record in records for label in record.kinds}
    tasks = [task for task in tasks if task.label in seen]
    _write(out, table(records, tasks).encode())
    _write(out.with_suffix(".md"), report.summary(records, tasks).encode())
    _write(out.with_suffix(".png"), report.picture(records, tasks))
    return records


def notebooks(folder: Path) -> list[Path]:
    """The notebooks below a folder, without Jupyter's own copies."""
    found = sorted(folder.rglob("*.ipynb"))
    return [p for p in found if ".ipynb_checkpoints" not in p.parts and p.is_file()]


def _checked(
    submissions: Path, out: Path, course: Path, limits: Limits, workers: int
) -> list[Task]:
    if os.name != "posix":  # pragma: no cover
        raise ValueError("grading needs the process limits of Linux or macOS.")
    if not notebooks(submissions):
        raise ValueError(f"{submissions} holds no notebook (*.ipynb) to grade.")
    if out.suffix != ".csv" or not out.parent.is_dir():
        raise ValueError(f"out is {out}; give NAME.csv in a folder that exists.")
    if limits.seconds <= 0 or limits.megabytes <= 0 or workers < 1:
        raise ValueError(
            f"seconds is {limits.seconds:g}, megabytes {limits.megabytes} and workers "
            f"{workers}; each must be positive."
        )
    return read_course(course)


def table(records: Sequence[Record], tasks: Sequence[Task]) -> str:
    """The CSV text: a row per submission, a column per exercise."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        [
            "learner",
            "submission",
            "marks",
            "of",
            *(t.number for t in tasks),
            "slips",
            "note",
        ]
    )
    for record in records:
        own = [t for t in tasks if t.label in record.kinds]
        rows.writerow(
            [
                _harmless(record.learner),
                _harmless(record.name),
                f"{sum(marks(record, t) for t in own):g}",
                f"{sum(t.points for t in own):g}",
                *(f"{marks(record, t):g}" if t in own else "" for t in tasks),
                "; ".join(slips(record, own)),
                record.note,
            ]
        )
    return text.getvalue()


def marks(record: Record, task: Task) -> float:
    """All points of an exercise or none."""
    return task.points if record.kinds[task.label] == "right" else 0.0


def slips(record: Record, tasks: Sequence[Task]) -> list[str]:
    """What is to be said of the answers that are not right."""
    kinds = {t: record.kinds[t.label] for t in tasks}
    return [
        f"{task.number} {record.slips.get(task.label) or kind}"
        for task, kind in kinds.items()
        if kind != "right"
    ]


def _harmless(name: str) -> str:
    """Spreadsheets would compute a name that looks like a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t")) else name


def _write(path: Path, contents: bytes) -> None:
    """All of a file or nothing."""
    new = path.with_name(f".{path.name}.part")
    try:
        new.write_bytes(contents)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
