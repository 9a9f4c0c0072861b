"""The two editions for a class, each as a folder and a zip file in _build/classroom/.

    python -m tools.classroom student       no solution in it
    python -m tools.classroom instructor    all of it, and the exercises for nbgrader

The same sources give the same bytes.
"""

import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat

from tools import exercises, folders, nbgrading, notebooks

ROOT = notebooks.CHAPTERS.parent
TARGET = ROOT / "_build" / "classroom"
TOP = {"student": "em-course", "instructor": "em-course-instructor"}
SHARED = (
    "CITATION.cff",
    "LICENSE",
    "constraints.txt",
    "pyproject.toml",
    "chapters/[0-9][0-9]_*.ipynb",
    "chapters/notation.md",
    "chapters/exercises/[0-9][0-9]_*.ipynb",
    "emgmm/py.typed",
    "emgmm/**/*.py",
    "emgmm/**/*.csv",
    "emgmm/checks/book.json",
)
SECRET = (
    "chapters/instructor_guide.md",
    "chapters/misconceptions.md",
    "chapters/solutions/[0-9][0-9]_*.ipynb",
    "emgmm/checks/solutions.json",
)
BODY = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


def edition(kind: str, root: Path = ROOT) -> dict[str, bytes]:
    """The files of an edition, {path: contents}."""
    patterns = SHARED + (SECRET if kind == "instructor" else ())
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for pattern in patterns
        for path in sorted(root.glob(pattern))
    }
    files["README.md"] = (root / "tools" / "editions" / f"{kind}.md").read_bytes()
    if kind == "instructor":
        files |= for_nbgrader()
    return files


def for_nbgrader() -> dict[str, bytes]:
    """The exercises with their solutions marked, the source of nbgrader's copies."""
    answered = {e.label: solved(e) for e in exercises.answered()}
    made = {}
    for path in sorted(exercises.TARGET.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = answered.get(name, cell.source)
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.source = nbgrading.graded(cell.source)
        text = nbformat.writes(notebook) + "\n"
        made[f"nbgrader/source/{path.stem}/{path.name}"] = text.encode()
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


# No solution in the students' edition


def secrets() -> Iterator[str]:
    """Every answer and every paragraph of a derivation, as the page and the checker
    print them."""
    known = exercises.names()
    for e in exercises.answered():
        for cell in e.cells:
            if cell is e.answer:
                yield from BODY.findall(cell.source)
            elif cell.cell_type == "code":
                yield from _longer(cell.source)
            else:
                yield from _paragraphs(cell.source)
                yield from _paragraphs(exercises.plain(cell.source, known))


def _longer(source: str) -> Iterator[str]:
    """What helps an answer, unless it is a line or two that anybody would write."""
    if len(source.splitlines()) > 2 and not source.startswith("check("):
        yield source


def _paragraphs(text: str) -> Iterator[str]:
    """Those that are long enough to be a sentence of their own."""
    text = re.sub(r"(?m)^(% |## |The question: ).*\n?", "", text)
    yield from (p for p in re.split(r"\n\s*\n", text) if len(bare(p)) > 30)


def bare(text: str) -> str:
    """Without white space and marks of comments: a changed layout hides nothing."""
    return re.sub(r"[\s#>]+", "", text)


def leaks(files: Mapping[str, bytes]) -> list[str]:
    """Where a solution stands in an edition that should have none."""
    texts = {path: bare(_text(path, data)) for path, data in files.items()}
    return [
        f"{path} has a solution: {secret.strip()[:60]!r}"
        for secret in secrets()
        for path, text in texts.items()
        if bare(secret) in text
    ]


def _text(path: str, data: bytes) -> str:
    text = data.decode("utf-8")
    if not path.endswith((".ipynb", ".json")):
        return text
    return "\n".join(_strings(json.loads(text)))


def _strings(value: object) -> Iterator[str]:
    """All strings inside of JSON; Jupyter keeps a text as the list of its lines."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        yield "".join(s for inner in value for s in _strings(inner))


def build(kind: str, target: Path = TARGET) -> Path:
    """Write folder and zip file of an edition; the folder's path."""
    files = edition(kind)
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
