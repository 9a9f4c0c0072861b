"""What was handed out: the exercises of a folder of notebooks.

A notebook of the course asks in one cell and checks in another. Both carry the marks
of nbgrader: the grade_id of the first is the exercise's label, that of the second is
"check-" and the label.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emgmm.checks import book

PREFIX = "check-"


@dataclass(frozen=True)
class Task:
    """An exercise as it was handed out.

    Attributes
    ----------
    label, number, title : str
        ``ex-m-step``, ``4.3``, ``The M-step``.
    page : str
        Its notebook: ``04_em``.
    check : str
        The cell that checks it: ``check("m_step", m_step)``.
    points : float
        What a right answer is worth.
    """

    label: str
    number: str
    title: str
    page: str
    check: str
    points: float


def code_cells(text: str) -> list[dict[str, Any]]:
    """The code cells of a notebook, sources joined; ValueError says what is wrong."""
    try:
        cells = json.loads(text)["cells"]
        return [
            {"source": "".join(cell.get("source", "")), "id": grade_id(cell)}
            for cell in cells
            if cell["cell_type"] == "code"
        ]
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    except (KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("JSON, but not a notebook of format 4") from None


def grade_id(cell: dict[str, Any]) -> str:
    """nbgrader's name of a cell; empty when it has none."""
    return str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", ""))


def read_course(folder: Path) -> list[Task]:
    """Every exercise of the notebooks in a folder, in order."""
    tasks = [task for path in sorted(folder.glob("*.ipynb")) for task in _tasks(path)]
    if not tasks:
        raise ValueError(
            f"{folder} holds no exercises. It must be the folder of the notebooks that "
            "were handed out, such as chapters/exercises."
        )
    return tasks


def _tasks(path: Path) -> Iterator[Task]:
    known = book.labels().values()
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        label = grade_id(cell).removeprefix(PREFIX)
        if grade_id(cell).startswith(PREFIX) and label in known:
            facts, source = book.exercise(label), "".join(cell["source"])
            points = float(cell["metadata"]["nbgrader"]["points"])
            number, title = facts["number"], facts["title"]
            yield Task(label, number, title, path.stem, source, points)
