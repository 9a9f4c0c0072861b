"""The two editions: nothing missing, no solution where none belongs, the same bytes."""

import json
import re
import zipfile
from pathlib import Path

import nbformat
import pytest

from emgmm.checks import judge
from emgmm.checks.course import read_course
from emgmm.checks.grade import HANDED_OUT
from tools import classroom, folders, notebooks

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = sorted(ROOT.glob("chapters/solutions/*.md"))
EDITIONS = {kind: classroom.edition(kind) for kind in classroom.TOP}


def squeezed(text):
    """Letters, digits and signs alone, escapes of JSON undone."""
    return re.sub(r"\\n|[\s#>\\]", "", text)


def derivations():
    """The answers and the paragraphs of the solution pages, from their sources."""
    for page in SOLUTIONS:
        text = page.read_text(encoding="utf-8").split("\n## ", 1)[1]
        yield from re.findall(
            r"### BEGIN SOLUTION\n(.*?) *### END SOLUTION", text, re.DOTALL
        )
        cells = re.findall(r"```{code-cell}\n(?::.*\n)*(.*?)```", text, re.DOTALL)
        helpers = [c for c in cells if not re.search("SOLUTION|^check", c)]
        yield from (c for c in helpers if c.count("\n") > 2)
        prose = re.sub(
            r"```.*?```|^(% |#).*?$", "", text, flags=re.DOTALL | re.MULTILINE
        )
        yield from (p for p in prose.split("\n\n") if len(squeezed(p)) > 60)


def everything(files):
    """All text of an edition; that of notebooks as it is typed, too."""
    texts = [data.decode() for data in files.values()]
    for path, data in files.items():
        if path.endswith(".ipynb"):
            cells = nbformat.reads(data.decode(), as_version=4).cells
            texts += [cell.source for cell in cells]
    return squeezed("\n".join(texts))


def test_each_pattern_of_an_edition_finds_files():
    for pattern in classroom.SHARED:
        assert list(ROOT.glob(pattern)), pattern


def test_the_students_edition_holds_no_solution():
    text, every = everything(EDITIONS["student"]), list(derivations())
    assert len(every) > 2 * len(SOLUTIONS)
    assert [secret for secret in every if squeezed(secret) in text] == []
    assert not any("solution" in path for path in EDITIONS["student"])


def test_the_instructors_edition_holds_all_of_it():
    text = everything(EDITIONS["instructor"])
    assert [secret for secret in derivations() if squeezed(secret) not in text] == []
    assert EDITIONS["student"].keys() < EDITIONS["instructor"].keys()


def test_the_build_looks_for_every_solution():
    sought = squeezed("\n".join(classroom.secrets()))
    missed = [text for text in derivations() if squeezed(text) not in sought]
    # What the pages name in front of the derivations.
    assert [
        text for text in missed if not text.strip().startswith("The question")
    ] == []


@pytest.mark.parametrize("name", sorted(classroom.for_nbgrader()))
def test_every_solution_is_right_for_the_grader(name):
    data = classroom.for_nbgrader()[name]
    found = judge.verdicts(data, name, read_course(HANDED_OUT))
    assert len(found) > 1
    assert {label: v for label, v in found.items() if v.kind != "right"} == {}


def planted(secret, kind):
    if kind == "text":
        return {"README.md": f"Psst:\n{secret}".encode()}
    if kind == "comment":
        lines = "\n".join(f"    # {line}" for line in secret.splitlines())
        return {"emgmm/em.py": lines.encode()}
    if kind == "json":
        return {"emgmm/checks/book.json": json.dumps({"a": [{"b": secret}]}).encode()}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(secret)])
    return {"chapters/exercises/a.ipynb": nbformat.writes(notebook).encode()}


@pytest.mark.parametrize("kind", ["text", "comment", "json", "notebook"])
def test_a_planted_solution_is_found(kind):
    secrets = list(classroom.secrets())
    assert classroom.leaks({"README.md": b"No solution."}) == []
    for secret in (secrets[0], secrets[-1]):
        assert classroom.leaks(planted(secret, kind)) != []


def test_a_leak_stops_the_build(tmp_path, monkeypatch):
    secret = next(classroom.secrets())
    monkeypatch.setattr(classroom, "edition", lambda kind: planted(secret, "text"))
    with pytest.raises(SystemExit, match=r"README\.md has a solution"):
        classroom.build("student", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    target = tmp_path_factory.mktemp("classroom")
    for kind in classroom.TOP:
        classroom.build(kind, target)
    return target


def test_folder_and_zip_file_hold_the_same(built):
    for kind, top in classroom.TOP.items():
        with zipfile.ZipFile(built / f"{top}.zip") as archive:
            packed = {name: archive.read(name) for name in archive.namelist()}
        folder = {
            p.relative_to(built).as_posix(): p.read_bytes()
            for p in (built / top).rglob("*")
            if p.is_file()
        }
        assert packed == folder
        assert len(packed) == len(EDITIONS[kind])


def test_a_second_build_writes_the_same_bytes_and_clears_what_was_there(built):
    archive, stray = built / "em-course.zip", built / "em-course" / "stray.txt"
    before = archive.read_bytes()
    stray.touch()
    classroom.build("student", built)
    assert archive.read_bytes() == before
    assert not stray.exists()
    assert {path.name for path in built.iterdir()} == {
        name for top in classroom.TOP.values() for name in (top, f"{top}.zip")
    }


def test_the_unpacked_edition_works_and_says_not_tried(built, tmp_path, monkeypatch):
    with zipfile.ZipFile(built / "em-course.zip") as archive:
        archive.extractall(tmp_path)
    course = tmp_path / "em-course"
    path = sorted((course / "chapters" / "exercises").glob("*.ipynb"))[0]
    notebook = nbformat.read(path, as_version=4)
    more = 'print(emgmm.__file__)\nprint(solution("log_joint"), hint("log_joint"))'
    notebook.cells.append(nbformat.v4.new_code_cell(more))
    monkeypatch.setenv("PYTHONPATH", str(course))
    notebooks.execute(notebook, path.parent)
    checked = [c for c in notebook.cells if "check(" in c.source]
    shown = [cell.outputs[0]["data"]["text/plain"] for cell in checked if cell.outputs]
    assert shown
    assert all(": not tried yet" in text for text in shown)
    said = notebook.cells[-1].outputs[0].text
    assert said.startswith(str(course))
    assert "without solutions" in said
    assert "Hint 1" in said


@pytest.mark.parametrize("kind", classroom.TOP)
def test_its_readme_names_what_is_there(kind, built):
    text = EDITIONS[kind]["README.md"].decode()
    named = re.findall(r"`((?:[\w.]+/)+[\w.]*)`", text)
    assert len(named) > 1
    folder = built / classroom.TOP[kind]
    ignored = {".venv/bin/"}
    assert [n for n in named if n not in ignored and not (folder / n).exists()] == []


def test_an_unknown_edition_is_refused(capsys):
    assert classroom.main(["teacher"]) == 2
    assert "python -m tools.classroom student" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_stays_as_it_was(tmp_path):
    folders.renew(tmp_path / "a", {"b/c.txt": b"old"})
    with pytest.raises(TypeError):
        folders.renew(tmp_path / "a", {"b/c.txt": b"new", "b/d.txt": None})
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
