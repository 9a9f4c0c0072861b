"""Cut the learner's notebooks, and the checker's texts, out of chapters and solutions.

A chapter states an exercise in an {exercise} directive with a label ex-... The page
of the same name in chapters/solutions/ answers it in a section of its own: words, a
code cell with the tags `solution` and `ex-...`, and a cell that calls check. What
learners write stands between ### BEGIN SOLUTION and ### END SOLUTION.

    python -m tools.exercises write    rebuild all that is made from them
    python -m tools.exercises check    fail if a file is out of date
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

from emgmm.checks.registry import find
from tools import notebooks, numbers, reading, times
from tools.notebooks import CHAPTERS

ROOT = CHAPTERS.parent
TARGET = CHAPTERS / "exercises"
DATA = ROOT / "emgmm" / "checks"
ANSWER = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION[ \t]*\n?",
    re.MULTILINE | re.DOTALL,
)
CHECK = re.compile(r"^check\(\"(\w+)\"", re.MULTILINE)


@dataclass
class Exercise:
    """One exercise, as the chapter states it and its section answers it."""

    label: str
    number: str
    title: str
    page: str
    statement: str
    cells: list[NotebookNode] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The word in the notebook: the first argument of check."""
        match = CHECK.search(self.check.source)
        return match[1] if match else ""

    @property
    def check(self) -> NotebookNode:
        return next(c for c in self.cells if CHECK.search(c.source))

    @property
    def answer(self) -> NotebookNode:
        return next(c for c in self.cells if "solution" in c.metadata.get("tags", ()))


def chapters() -> list[Path]:
    """The numbered pages, in order."""
    return sorted(CHAPTERS.glob("[0-9][0-9]_*.md"))


def statements() -> list[Exercise]:
    """Every exercise of the chapters, in order, not yet answered."""
    found = []
    for page in chapters():
        text = page.read_text(encoding="utf-8")
        for n, (title, label, body) in enumerate(numbers.EXERCISE.findall(text), 1):
            number = f"{int(page.name[:2])}.{n}"
            found.append(Exercise(label, number, title, page.stem, body))
    return found


def number(label: str) -> str:
    """4.3 for ex-m-step."""
    return next(e.number for e in statements() if e.label == label)


def labels() -> list[str]:
    return [e.label for e in statements()]


def answered() -> list[Exercise]:
    """Every exercise that has a section among the solutions, with its cells."""
    every, sections = statements(), solved()
    for e in every:
        e.cells = sections.get(e.label, [])
    return [e for e in every if e.cells]


def solved() -> dict[str, list[NotebookNode]]:
    """The cells of each section of the solutions."""
    return dict(
        section
        for md in notebooks.pairs([CHAPTERS / "solutions"])
        for section in _sections(notebooks.read_source(md))
    )


def unmatched() -> set[str]:
    """Questions without an answer and answers without a question."""
    return solved().keys() ^ set(labels())


def _sections(notebook: NotebookNode) -> Iterator[tuple[str, list[NotebookNode]]]:
    """The cells below each heading, under the label that they name first."""
    cells: list[NotebookNode] = []
    for cell in [*_split(notebook), nbformat.v4.new_markdown_cell("## ")]:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            if label := re.search(
                r"\{ref\}`(ex-[\w-]+)`", cells[0].source if cells else ""
            ):
                yield label[1], cells
            cells = []
        cells.append(cell)


def _split(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The cells, Markdown cut before each heading."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for text in re.split(r"(?m)^(?=## )", cell.source):
                yield nbformat.v4.new_markdown_cell(text.strip())
        else:
            yield cell


# The learner's notebook


def notebook(
    page: str, exercises: list[Exercise], *, with_solutions: bool = True
) -> NotebookNode:
    """The notebook of one chapter: statements, starters, checks, no answers."""
    first = nbformat.v4.new_markdown_cell(_welcome(page, with_solutions))
    cells = [first, nbformat.v4.new_code_cell(_imports(page))]
    for e in exercises:
        cells += learner_cells(e, with_solutions)
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i:02d}"
    return reading.finished(cells)


def _welcome(page: str, with_solutions: bool) -> str:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    address = config["repository"]["url"]
    source = f"git+{address}" if address else "PATH_OR_ADDRESS_OF_THE_COURSE"
    told = "; `solution(...)` shows an answer with its derivation" * with_solutions
    return (
        f"# Exercises of chapter {int(page[:2])}\n\n"
        f"Read [the chapter](../{page}.ipynb) first. Fill in the cells, run them, and "
        "run the check below each: it says what is wrong and where to look. "
        f"`hint(...)` helps{told}.\n\n"
        f"On Colab, run this line first: `%pip install {source}`"
    )


def _imports(page: str) -> str:
    solutions = notebooks.read_source(CHAPTERS / "solutions" / f"{page}.md")
    return next(c.source for c in solutions.cells if c.cell_type == "code")


def learner_cells(e: Exercise, with_solutions: bool) -> list[NotebookNode]:
    """Statement, starter, check and a place to ask for hints."""
    statement = reading.plain(e.statement, reading.links("../"))
    head = f"## Exercise {e.number}: {e.title}\n\n*{times.facts(e.label)}*"
    ask = f'# hint("{e.name}")      # take away the first # and run'
    ask += f'\n# solution("{e.name}")' * with_solutions
    return [
        nbformat.v4.new_markdown_cell(f"{head}\n\n{statement}"),
        _code(starter(e.answer.source), e.label, solution=True),
        _code(e.check.source, f"check-{e.label}", points=find(e.label).points),
        nbformat.v4.new_code_cell(ask),
    ]


def starter(source: str) -> str:
    """The cell without its answer: inside a function it says so when called."""
    cut, n = ANSWER.subn(_placeholder, source)
    if n != 1:
        raise SystemExit(f"one answer must be marked, not {n}:\n{source}")
    return cut.rstrip("\n")


def _placeholder(match: re.Match[str]) -> str:
    indent = match[1]
    stop = f"{indent}raise NotImplementedError\n" if indent else ""
    return f"{indent}# Your code here\n{stop}"


def _code(
    source: str, name: str, *, solution: bool = False, points: int = 0
) -> NotebookNode:
    """A code cell with the metadata that nbgrader (schema 3) reads."""
    marks: dict[str, object] = {
        "grade": points > 0,
        "grade_id": name,
        "locked": points > 0,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points:
        marks["points"] = points
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": marks})


# All files


def learners(*, with_solutions: bool = True) -> dict[str, NotebookNode]:
    """The learner's notebook of each chapter."""
    every = answered()
    return {
        page: notebook(
            page, [e for e in every if e.page == page], with_solutions=with_solutions
        )
        for page in sorted({e.page for e in every})
    }


def files() -> dict[Path, str]:
    """What each generated file should hold."""
    every = answered()
    made = {
        TARGET / f"{page}.ipynb": nbformat.writes(cells)
        for page, cells in learners().items()
    }
    book = {
        "equations": _equations(),
        "exercises": {e.label: _facts(e) for e in every},
    }
    made[DATA / "book.json"] = _json(book)
    made[DATA / "solutions.json"] = _json({e.label: _told(e) for e in every})
    return {path: text.rstrip("\n") + "\n" for path, text in made.items()}


def _equations() -> dict[str, dict[str, str]]:
    """Number, page and cell of each equation of the chapters."""
    pages, cells = {page.stem for page in chapters()}, reading.places()
    return {
        label: {"number": target.text, "page": target.page, "cell": cells[label]}
        for label, target in numbers.targets().items()
        if target.kind == "equation" and target.page in pages
    }


def _facts(e: Exercise) -> dict[str, str]:
    return {
        "number": e.number,
        "title": e.title,
        "page": e.page,
        "statement": plain(e.statement),
    }


def _told(e: Exercise) -> str:
    """The section as Markdown, answers included."""
    parts = []
    for cell in e.cells:
        if cell.cell_type == "markdown":
            parts.append(plain(cell.source))
        elif not CHECK.search(cell.source):
            source = re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n?", "", cell.source)
            parts.append(f"```python\n{source.rstrip()}\n```")
    return "\n\n".join(parts)


def plain(text: str) -> str:
    """Markdown for the checker: no links, it may be printed in a terminal."""
    return reading.plain(text, reading.text_alone)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)


def stale() -> list[str]:
    """Generated files that are missing, old, or of an exercise that is gone."""
    wanted = files()
    there = {p: p.read_text(encoding="utf-8") for p in wanted if p.exists()}
    old = [p for p, text in wanted.items() if there.get(p) != text]
    return [
        p.name for p in [*old, *sorted(set(TARGET.glob("*.ipynb")) - wanted.keys())]
    ]


def main(arguments: list[str]) -> int:
    match arguments:
        case ["write"]:
            for path, text in files().items():
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return 0
        case ["check"]:
            found = stale()
            print("\n".join(found) or "all exercises are up to date")
            return bool(found)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
