"""The two editions: nothing missing, no solution where none belongs, the same bytes."""

import base64
import html
import json
import re
import zipfile
import zlib
from functools import cache
from pathlib import Path

import nbformat
import pytest

from emgmm.checks import judge
from emgmm.checks.course import read_course
from emgmm.checks.grade import HANDED_OUT
from tools import book, classroom, folders, leaks, notebooks, reading

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = sorted(ROOT.glob("chapters/solutions/*.md"))
DRAWN = re.compile(r'"image/png": "[^"]*"')  # megabytes, and no words
edition = cache(classroom.edition)


@pytest.fixture(scope="module")
def pages():
    """The built pages of both editions. Building them takes half a minute each."""
    return {kind: book.pages(kind) for kind in classroom.TOP}


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


def everything(files, ends=("",)):
    """All text of an edition; that of notebooks as it is typed, too."""
    files = {n: d for n, d in files.items() if n.endswith(tuple(ends))}
    texts = [DRAWN.sub("", data.decode()) for data in files.values()]
    for path, data in files.items():
        if path.endswith(".ipynb"):
            cells = nbformat.reads(data.decode(), as_version=4).cells
            texts += [cell.source for cell in cells]
    return squeezed("\n".join(texts))


def test_each_pattern_of_an_edition_finds_files():
    for pattern in (*classroom.SHARED, *classroom.SECRET, classroom.RECIPES):
        assert list(ROOT.glob(pattern)), pattern


def test_the_students_edition_holds_no_solution(pages):
    texts = {n: d for n, d in edition("student").items() if not n.endswith(".z")}
    text, every = everything(texts), list(derivations())
    assert len(every) > 2 * len(SOLUTIONS)
    assert [secret for secret in every if squeezed(secret) in text] == []
    names = [*edition("student"), *pages["student"]]
    assert [n for n in names if re.search("solution|instructor|exam[._]", n)] == []


def test_the_students_pages_hold_no_line_of_an_answer(pages):
    """Line by line, as a reader sees them: another search than that of the build."""
    printed = "".join(
        html.unescape(re.sub("<[^>]+>", "", data.decode()))
        for name, data in pages["student"].items()
        if name.endswith(".html")
    )
    open_text = everything(edition("student"), (".py", ".ipynb", ".md"))
    for answer in (d for d in derivations() if "\n" in d and "=" in d):
        for line in answer.splitlines():
            if len(squeezed(line)) > 30 and squeezed(line) not in open_text:
                assert squeezed(line) not in squeezed(printed), line


def test_the_instructors_edition_holds_all_of_it():
    files, links = edition("instructor"), reading.links("../")
    text = everything(files)
    told = [reading.plain(secret, links) for secret in derivations()]
    assert [secret for secret in told if squeezed(secret) not in text] == []
    source = files["nbgrader/source/04_em/04_em.ipynb"].decode()
    assert "### END SOLUTION" in source


def test_the_books_have_what_they_should(pages):
    def names(kind):
        found = (re.fullmatch(r"book/chapters/(.*)\.html", n) for n in pages[kind])
        return {m[1] for m in found if m}

    teachers = {"instructor_guide", "misconceptions", "exam", "exam_answers"}
    solutions = {f"solutions/{page.stem}" for page in SOLUTIONS}
    assert names("student") >= {*reading.PAGES, "api", "equations", "pretest"}
    assert names("instructor") - names("student") == teachers | solutions
    answers = pages["instructor"]["book/chapters/exam_answers.html"].decode()
    assert "Half right" in answers
    assert "Half right" not in pages["instructor"]["book/chapters/exam.html"].decode()


def test_the_recipes_of_the_checks_are_packed_for_students():
    packed = {n: d for n, d in edition("student").items() if n.endswith(".toml.z")}
    assert packed
    for name, data in packed.items():
        plain = (ROOT / name.removesuffix(".z")).read_bytes()
        assert zlib.decompress(data) == plain
        words = set(re.findall(rb"[\w ]{12,}", plain))
        assert not [word for word in words if word in data]
        assert name.removesuffix(".z") in edition("instructor")


def test_nothing_advertises_solutions_that_are_not_there():
    for name, data in edition("student").items():
        if name.endswith(".ipynb"):
            cells = nbformat.reads(data.decode(), as_version=4).cells
            assert not [c for c in cells if "solution(" in c.source], name
    assert "`solution(" not in edition("student")["README.md"].decode()


def test_the_build_looks_for_every_solution():
    sought = squeezed("\n".join(leaks.secrets()))
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


# The search finds what is put where it should not be


def planted(secret, kind):
    """A file that gives a secret away."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(secret)])
    stored = nbformat.writes(notebook).encode()
    spans = "".join(f"<span>{html.escape(w)}</span> " for w in secret.split(" "))
    offered = base64.b64encode(stored).decode()
    link = f'<a href="data:application/x-ipynb+json;base64,{offered}">'
    return {
        "text": {"README.md": f"Psst:\n{secret}".encode()},
        "comment": {"emgmm/em.py": secret.replace("\n", "\n    # ").encode()},
        "json": {"emgmm/checks/book.json": json.dumps({"a": [{"b": secret}]}).encode()},
        "notebook": {"chapters/exercises/a.ipynb": stored},
        "page": {"book/chapters/a.html": f"<pre>{spans}</pre>".encode()},
        "hidden in a page": {"book/a.html": f"<p>A</p><!-- {secret} -->".encode()},
        "download": {"book/chapters/a.html": link.encode()},
    }[kind]


PLACES = ["text", "comment", "json", "notebook", "page", "hidden in a page", "download"]
CODE = "log_det = 2 * np.log(np.diagonal(L)).sum()"


@pytest.mark.parametrize("kind", PLACES)
def test_a_planted_solution_is_found(kind):
    secrets = leaks.secrets()
    assert leaks.leaks({"README.md": b"No solution."}) == []
    body = next(s for s in secrets if CODE in s)
    exam = next(s for s in secrets if "It hears a mean" in s)
    for secret in (secrets[0], body, exam):
        assert leaks.leaks(planted(secret, kind)) != []


@pytest.mark.parametrize(
    "path",
    [
        "chapters/solutions/04_em.ipynb",
        "book/chapters/solutions/04_em.html",
        "book/chapters/instructor_guide.html",
        "book/chapters/misconceptions.html",
        "book/chapters/exam.html",
        "exam.md",
        "emgmm/checks/solutions.json",
        "emgmm/checks/chapter_4.toml",
        "nbgrader/source/04_em/04_em.ipynb",
        "tests/wrong_answers/chapter_4.py",
        "tools/editions/exam.md",
    ],
)
def test_a_file_that_gives_answers_away_is_found_by_its_name(path):
    assert leaks.leaks({path: b"{}"}) == [f"{path} has no place here"]


def test_an_index_that_knows_a_solution_is_found(pages):
    name = "book/searchindex.js"
    mine = {n: d for n, d in pages["student"].items() if n.endswith((".html", ".js"))}
    assert leaks.leaks(mine) == []
    index = json.loads(mine[name].decode()[len("Search.setIndex(") : -1])
    theirs = pages["instructor"][name]
    assert any("solutions" in found for found in leaks.leaks({**mine, name: theirs}))
    index["terms"]["lagrangian"] = [0]
    index["terms"]["flatnonzero"] = [0]
    told = f"Search.setIndex({json.dumps(index)})".encode()
    assert leaks.leaks({**mine, name: told}) == [f"{name} knows of 'flatnonzero'"]


def test_a_leak_stops_the_build(tmp_path, monkeypatch):
    secret = leaks.secrets()[0]
    monkeypatch.setattr(classroom, "edition", lambda kind: planted(secret, "text"))
    monkeypatch.setattr(book, "pages", lambda kind: {})
    with pytest.raises(SystemExit, match=r"README\.md has a solution"):
        classroom.build("student", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_with_a_mistake_stops_the_build(monkeypatch):
    few = {
        "chapters/a.md": b"# A\n\n{eq}`eq-none`\n",
        "_config.yml": book.config().encode(),
    }
    few["_toc.yml"] = b"format: jb-book\nroot: chapters/a\n"
    few["chapters/references.bib"] = (ROOT / "chapters/references.bib").read_bytes()
    monkeypatch.setattr(book, "sources", lambda kind: few)
    with pytest.raises(SystemExit, match="eq-none"):
        book.pages("student")


# Folders and zip files


@pytest.fixture(scope="module")
def built(pages, tmp_path_factory):
    target = tmp_path_factory.mktemp("classroom")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book, "pages", pages.get)
        for kind in classroom.TOP:
            classroom.build(kind, target)
        yield target


def test_folder_and_zip_file_hold_the_same(built, pages):
    for kind, top in classroom.TOP.items():
        with zipfile.ZipFile(built / f"{top}.zip") as archive:
            packed = {name: archive.read(name) for name in archive.namelist()}
        folder = {
            p.relative_to(built).as_posix(): p.read_bytes()
            for p in (built / top).rglob("*")
            if p.is_file()
        }
        assert packed == folder
        assert packed.keys() == {
            f"{top}/{name}" for name in {**edition(kind), **pages[kind]}
        }


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
    text = edition(kind)["README.md"].decode()
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
