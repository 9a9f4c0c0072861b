"""What was handed out: the exercises of a folder of notebooks.

A notebook of the course asks in one cell and checks in another. Both carry the marks
of nbgrader: the grade_id of the first is the exercise's label, that of the second is
"check-" and the label.
"""

import ast
import json
import re
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


def code_cells(data: bytes) -> list[dict[str, Any]]:
    """The code cells of a notebook, sources joined; ValueError says what is wrong."""
    try:
        notebook = json.loads(data)  # UTF-8 with or without a mark, or UTF-16
        if "worksheets" in notebook:
            raise ValueError("a notebook of format 3: open and save it in JupyterLab")
        return [
            {"source": "".join(cell.get("source", "")), "id": grade_id(cell)}
            for cell in notebook["cells"]
            if cell["cell_type"] == "code"
        ]
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    except UnicodeDecodeError:
        raise ValueError("not JSON: not even text") from None
    except (KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("JSON, but not a notebook of format 4") from None


def grade_id(cell: dict[str, Any]) -> str:
    """nbgrader's name of a cell; empty when it has none."""
    return str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", ""))


def asked(name: str, cells: list[dict[str, Any]], course: list[Task]) -> list[Task]:
    """The exercises of all notebooks of the course that this one has a part of."""
    ids = {cell["id"].removeprefix(PREFIX) for cell in cells}
    sources = {cell["source"].strip() for cell in cells}
    pages = {t.page for t in course if t.label in ids or t.check.strip() in sources}
    return [t for t in course if t.page in pages] or seeming(name, b"", course)


def seeming(name: str, data: bytes, course: list[Task]) -> list[Task]:
    """What a file that is no notebook was to answer, by its name or by its words."""
    inside = {t.page for t in course if f'"{PREFIX}{t.label}"'.encode() in data}
    pages = inside or {t.page for t in course if t.page in name}
    return [task for task in course if task.page in pages]


def checked(cell: dict[str, Any], tasks: dict[str, Task]) -> Task | None:
    """The exercise that a cell checks. What else the cell says does not matter."""
    for task in tasks.values():
        if cell["id"] == PREFIX + task.label:
            return task
        if cell["source"].strip() == task.check.strip():
            return task
    return None


def answers(cell: dict[str, Any], task: Task) -> bool:
    """Whether a cell is where the exercise is answered: by its mark or by a name."""
    names = {n.id for n in ast.walk(ast.parse(task.check)) if isinstance(n, ast.Name)}
    words = "|".join(map(re.escape, names - {"check"}))
    written = re.search(rf"(?m)^[ \t]*(def +)?({words})\b.*[=:]", cell["source"])
    return cell["id"] == task.label or bool(written)


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
