"""The two editions for a class, each as a folder and a zip file in _build/classroom/.

    python -m tools.classroom student       no solution in it
    python -m tools.classroom instructor    all of it, and the exercises for nbgrader

Each has the course as notebooks and, in book/, as pages. The same sources give the
same bytes.
"""

import re
import sys
import textwrap
import zlib
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import book, exercises, folders, nbgrading, reading, times
from tools.leaks import leaks

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "_build" / "classroom"
TOP = {"student": "em-course", "instructor": "em-course-instructor"}
SHARED = (
    "CITATION.cff",
    "LICENSE",
    "constraints.txt",
    "pyproject.toml",
    "emgmm/py.typed",
    "emgmm/**/*.py",
    "emgmm/**/*.csv",
    "emgmm/checks/book.json",
)
SECRET = ("emgmm/checks/solutions.json",)
RECIPES = "emgmm/checks/chapter_*.toml"  # the checker needs them; they hold solutions


def edition(kind: str) -> dict[str, bytes]:
    """The files of an edition but for its book, {path: contents}."""
    notebooks, files = for_reading(), stored(SHARED)
    if kind == "instructor":
        notebooks |= for_teaching()
        files |= stored((*SECRET, RECIPES)) | for_nbgrader() | {"exam.md": exam()}
    else:
        files |= {f"{name}.z": packed(data) for name, data in stored([RECIPES]).items()}
    files |= {path: written(notebook) for path, notebook in notebooks.items()}
    return files | {"README.md": readme(kind)}


def stored(patterns: Iterable[str]) -> dict[str, bytes]:
    """The files of the repository that have such names."""
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}


def packed(text: bytes) -> bytes:
    """As emgmm.checks.written reads it; nobody else does in passing."""
    return zlib.compress(text, 9)


def written(notebook: NotebookNode) -> bytes:
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def exam() -> bytes:
    """With answers, as text that a teacher can change."""
    return reading.plain(book.page("exam", answers=True), reading.text_alone).encode()


def readme(kind: str) -> bytes:
    """What stands at the top of an edition, with the table of its exercises."""
    text = book.EDITIONS.joinpath(f"{kind}.md").read_text(encoding="utf-8")
    table = "\n".join(times.table(exercises.number))
    return text.replace("<!-- exercises -->", table).encode()


def for_reading() -> dict[str, NotebookNode]:
    """What students open: the pages, a test before the start, the exercises."""
    made = {f"{p}.ipynb": reading.notebook(p, reading.links()) for p in reading.PAGES}
    test = reading.plain(book.page("pretest", answers=False), reading.links())
    cell = {**reading.words(test), "id": "pretest"}  # the other id would be random
    made["pretest.ipynb"] = reading.finished([nbformat.from_dict(cell)])
    for page, notebook in exercises.learners(with_solutions=False).items():
        made[f"exercises/{page}.ipynb"] = notebook
    return {f"chapters/{name}": notebook for name, notebook in made.items()}


def for_teaching() -> dict[str, NotebookNode]:
    """The solutions."""
    names = sorted(path.stem for path in ROOT.glob("chapters/solutions/*.ipynb"))
    link = reading.links("../")
    return {
        f"chapters/solutions/{name}.ipynb": reading.notebook(f"solutions/{name}", link)
        for name in names
    }


def for_nbgrader() -> dict[str, bytes]:
    """The exercises with their solutions marked, the source of nbgrader's copies."""
    answered, made = {e.label: solved(e) for e in exercises.answered()}, {}
    for page, notebook in exercises.learners(with_solutions=False).items():
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = answered.get(name, cell.source)
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.source = nbgrading.graded(cell.source)
        made[f"nbgrader/source/{page}/{page}.ipynb"] = written(notebook)
    return made


def solved(e: exercises.Exercise) -> str:
    """The cell of the answer, with what its page defines for it before.

    nbgrader cuts what stands between the marks, so all of it goes there. Inside of a
    function that is other functions; a variable of the page would hide an argument.
    """
    cells = e.cells[: e.cells.index(e.answer)]
    before = [cell.source for cell in cells if cell.cell_type == "code"]

    def mark(match: re.Match[str]) -> str:
        helpers = [s for s in before if not match[1] or s.startswith("def ")]
        return "\n".join([match[0], *(textwrap.indent(s, match[1]) for s in helpers)])

    return re.sub(r"(?m)^([ \t]*)### BEGIN SOLUTION$", mark, e.answer.source)


def build(kind: str, target: Path = TARGET) -> Path:
    """Write folder and zip file of an edition; the folder's path."""
    files = edition(kind) | book.pages(kind)
    if kind == "student" and (found := leaks(files)):
        raise SystemExit("\n".join(found))
    folders.renew(target / TOP[kind], files)
    folders.pack(files, TOP[kind], target / f"{TOP[kind]}.zip")
    return target / TOP[kind]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in TOP:
        print(__doc__)
        return 2
    folder = build(arguments[0])
    print(f"The {arguments[0]}'s edition is {folder}, and {folder.name}.zip beside it.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
