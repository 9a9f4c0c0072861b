"""Fill the totals into a gradebook that a learning system has exported.

Each system knows its people by numbers of its own, so its own file is where to begin:

- Canvas: Grades, Export; import the result there. Columns Student, ID, SIS User ID,
  SIS Login ID, Section and one for each assignment; a row "Points Possible".
- Moodle: the assignment's offline grading worksheet, with Identifier, Full name, Grade,
  Maximum Grade; or the export of the gradebook, with First name, Last name, ID number,
  Email address.
- Gradescope: the roster or the scores that it exports, with SID, Email and Name or
  First Name, Last Name. Its own totals are in Total Score and Max Points.
"""

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from emgmm.checks.grade import as_csv

NEW = "EM exercises"

Row = dict[str, str]


@dataclass(frozen=True)
class System:
    """The columns of a learning system.

    Attributes
    ----------
    known_by : set of str
        Columns that tell its files from others.
    kept : tuple of str
        Columns that go back; all of them when empty.
    ids, names : tuple of str
        Columns that hold a person's numbers and addresses; those of the name.
    marks, of : str
        Where the marks and their maximum go; a column of its own when empty.
    """

    known_by: set[str]
    kept: tuple[str, ...]
    ids: tuple[str, ...]
    names: tuple[str, ...]
    marks: str = ""
    of: str = ""


CANVAS_IDS = ("ID", "SIS User ID", "SIS Login ID")
SYSTEMS = {
    "Canvas": System(
        {"Student", "ID", "Section"},
        ("Student", *CANVAS_IDS, "Section"),
        CANVAS_IDS,
        ("Student",),
    ),
    "Moodle, grading worksheet": System(
        {"Identifier", "Grade", "Last modified (grade)"},
        (),
        ("Identifier", "ID number", "Email address"),
        ("Full name",),
        "Grade",
    ),
    "Moodle, gradebook": System(
        {"First name", "Last name", "Email address"},
        ("First name", "Last name", "ID number", "Email address"),
        ("ID number", "Email address"),
        ("First name", "Last name"),
    ),
    "Gradescope": System(
        {"SID", "Email"},
        ("First Name", "Last Name", "Name", "SID", "Email"),
        ("SID", "Email"),
        ("First Name", "Last Name", "Name"),
        "Total Score",
        "Max Points",
    ),
}


def fill(gradebook: str, learners: str, column: str = "") -> tuple[str, list[str]]:
    """The gradebook with the totals filled in.

    Parameters
    ----------
    gradebook, learners : str
        Texts of the CSV file of the learning system, and of grades_learners.csv.
    column : str
        The assignment's column, or how it begins; a new one when there is none.

    Returns
    -------
    str
        What to import.
    list of str
        Whom and what to see to by hand: learners without exactly one row, a maximum
        that is another one.

    Raises
    ------
    ValueError
        When the columns are not those of a system that is known here.
    """
    lines = list(csv.DictReader(gradebook.splitlines()))
    header = list(lines[0]) if lines else []
    system = _system(header)
    totals = list(csv.DictReader(learners.splitlines()))
    if totals and not {"learner", "id", "marks", "of"} <= set(totals[0]):
        raise ValueError("the totals are not those of NAME_learners.csv.")
    target = system.marks or _column(header, column)
    rows = [{name: row.get(name) or "" for name in header} for row in lines]
    problems = _fill(rows, totals, system, target)
    kept = [n for n in header if not system.kept or n in (*system.kept, target)]
    columns = [*kept, *({target, system.of} - {"", *kept})]
    columns.sort(key=lambda n: n == system.of)
    return as_csv([columns, *([r.get(n, "") for n in columns] for r in rows)]), problems


def _system(header: Sequence[str]) -> System:
    for system in SYSTEMS.values():
        if system.known_by <= set(header):
            return system
    known = "; ".join(
        f"{name}: {', '.join(sorted(system.known_by))}"
        for name, system in SYSTEMS.items()
    )
    raise ValueError(
        f"the gradebook has the columns {', '.join(header) or '(none)'}. "
        f"Give a file, in English, that has those of {known}."
    )


def _column(header: Sequence[str], column: str) -> str:
    found = [name for name in header if column and name.startswith(column)]
    return found[0] if found else column or NEW


def _fill(
    rows: Sequence[Row], totals: Sequence[Row], system: System, target: str
) -> list[str]:
    """Put marks into the rows; tell what could not be done."""
    problems = []
    for row in rows:
        if row.get("Student", "").strip() == "Points Possible" and totals:
            row[target] = row.get(target) or totals[0]["of"]
    for learner in totals:
        mine = [row for row in rows if _same(learner, row, system)]
        if len(mine) == 1:
            mine[0][target] = learner["marks"]
            mine[0][system.of or "of"] = learner["of"]
        else:
            why = f"{len(mine)} rows fit" if mine else "no row fits"
            problems.append(
                f"{learner['learner']} {learner['id']}".strip() + f": {why}"
            )
    for most in {row.get("Maximum Grade", "") for row in rows} - {""}:
        if totals and float(most) != float(totals[0]["of"]):
            problems.append(f"the maximum there is {most}, here {totals[0]['of']}")
    return problems


def _same(learner: Row, row: Row, system: System) -> bool:
    """By the system's own number, where the file's name had one; else by name."""
    ids = [row.get(name, "") for name in system.ids]
    if learner["id"]:
        return learner["id"] in (re.sub(r"^\D+", "", ids[0]), *ids)
    wanted = _words(learner["learner"])
    name = " ".join(row.get(n, "") for n in system.names)
    accounts = [_words(text.split("@")[0]) for text in ids if text]
    return bool(wanted) and wanted in (_words(name), *accounts)


def _words(name: str) -> set[str]:
    """A name as its words, in any order, without accents."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return set(re.split(r"[\W_]+", letters)) - {""}
