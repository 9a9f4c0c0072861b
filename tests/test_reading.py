"""Notebooks without the book: nothing unresolved, the right numbers and links."""

import posixpath
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from emgmm.checks import book as checked
from emgmm.checks.registry import EXERCISES
from tools import classroom, exercises, numbers, reading, times

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\(([^)#\s]+\.ipynb)(?:#cell-id=([^)]*))?\)")
links = reading.links()


@cache
def opened():
    """Every notebook that somebody opens in Jupyter, {path: notebook}."""
    texts = {f"lab/{name}": text for name, text in reading.lab().items()}
    for kind in classroom.TOP:
        for name, data in classroom.edition(kind).items():
            texts[f"{kind}/{name}"] = data.decode(errors="replace")
    return {
        name: nbformat.reads(text, as_version=4)
        for name, text in texts.items()
        if name.endswith(".ipynb")
    }


def words(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def unresolved(notebook):
    return [m[0] for text in words(notebook) for m in reading.UNRESOLVED.finditer(text)]


def test_no_notebook_that_somebody_opens_has_an_unresolved_reference():
    assert len(opened()) > 30
    assert {
        name: found for name, n in opened().items() if (found := unresolved(n))
    } == {}


def test_the_pairs_have_many_of_them():
    for page in ("01_two_groups", "04_em"):
        pair = nbformat.read(ROOT / f"chapters/{page}.ipynb", as_version=4)
        assert len(unresolved(pair)) > 50


def test_every_link_leads_to_a_cell():
    followed = 0
    for name, notebook in opened().items():
        for file, cell in LINK.findall("\n".join(words(notebook))):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), file))
            # nbgrader's copies go to a course of their own.
            if "/nbgrader/" not in name:
                assert target in opened(), (name, file)
                ids = {c.id for c in opened()[target].cells}
                assert not cell or cell in ids, (name, file, cell)
                followed += 1
    assert followed > 500


def test_the_links_of_the_checker_lead_to_the_equations_of_its_slips():
    for slip in (slip for e in EXERCISES for slip in e.slips if slip.equation):
        file, cell = checked.cite(slip.equation).page.split("#cell-id=")
        target = posixpath.normpath(posixpath.join("lab/exercises", file))
        assert cell in {c.id for c in opened()[target].cells}, slip.name


def test_they_are_sound_notebooks():
    for notebook in opened().values():
        nbformat.validate(notebook)
        ids = [cell.id for cell in notebook.cells]
        assert len(ids) == len(set(ids))


def test_each_equation_figure_and_exercise_of_a_chapter_has_a_cell_with_its_number():
    targets = [(k, t) for k, t in numbers.targets().items() if t.page in reading.PAGES]
    shown = {"equation": "\\tag{{{}}}", "figure": "**{}.**", "exercise": "### {}:"}
    for label, target in targets:
        if target.kind in shown:
            text = "\n".join(words(opened()[f"lab/{target.page}.ipynb"]))
            assert shown[target.kind].format(target.text.strip("()")) in text, label


def test_code_and_outputs_are_those_of_the_pair():
    pair = nbformat.read(ROOT / "chapters/04_em.ipynb", as_version=4)
    made = opened()["student/chapters/04_em.ipynb"]

    def code(notebook):
        cells = [c for c in notebook.cells if c.cell_type == "code"]
        return [(c.source, c.outputs) for c in cells]

    assert code(made) == code(pair)


# One thing at a time


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{eq}`eq-e-step`", "[(4.1)](04_em.ipynb#cell-id=eq-e-step)"),
        ("{ref}`ex-m-step`", "[Exercise 4.3](04_em.ipynb#cell-id=ex-m-step)"),
        ("{numref}`fig-em-grid`", "[Fig. 4.3](04_em.ipynb#cell-id=fig-em-grid)"),
        ("{doc}`EM <04_em>`", "[EM](04_em.ipynb)"),
        (
            "{doc}`chapter 2 </chapters/02_labels_known>`",
            "[chapter 2](02_labels_known.ipynb)",
        ),
        ("{doc}`equations`", "Equations"),
        ("{func}`emgmm.fit`", "`emgmm.fit`"),
        (
            "{cite}`jensen1906,bishop2006`",
            "([Jensen, 1906](references.ipynb#cell-id=jensen1906), "
            "[Bishop, 2006](references.ipynb#cell-id=bishop2006))",
        ),
        (
            "{cite:t}`jensen1906`",
            "[Jensen (1906)](references.ipynb#cell-id=jensen1906)",
        ),
        ("See.\n% given: 1.5 (why)\nEnd.", "See.\nEnd."),
        ("(here)=\n## Head", "## Head"),
        (
            ":::{admonition} What\n:class: tip\nA\n\nB\n:::",
            "> **What**\n>\n> A\n>\n> B",
        ),
        ("::::{grid} 1\n:::{grid-item-card} Run\nIt.\n:::\n::::", "**Run.** It."),
    ],
)
def test_it_becomes_plain_markdown(source, shown):
    assert reading.plain(source, links) == shown


def test_an_equation_in_a_list_keeps_its_indentation():
    source = "* Here:\n\n  $$\n  a\n  $$ (eq-e-step)\n"
    assert reading.plain(source, links) == "* Here:\n\n  $$\n  a\n  \\tag{4.1}\n  $$"


def test_a_reference_to_nothing_is_an_error():
    with pytest.raises(KeyError, match="eq-none"):
        reading.plain("{eq}`eq-none`", links)


def test_letters_of_one_place_are_listed():
    pages = [
        ("04_em", "Here.\n% local: V, V_{ab} (a direction)\n% local: c (a factor)")
    ]
    assert list(reading.local_letters(pages, links)) == [
        "* $V, V_{ab}$: a direction; [EM on the anemia data](04_em.ipynb)",
        "* $c$: a factor; [EM on the anemia data](04_em.ipynb)",
    ]
    list_of_all = reading.plain("```{local-symbols}\n```", links)
    assert not reading.UNRESOLVED.search(list_of_all)


def test_a_directive_that_is_not_known_is_an_error():
    with pytest.raises(ValueError, match=r"\{video\} has no form in plain Markdown"):
        reading.plain(":::{video} A\nB\n:::", links)


def test_an_exercise_says_what_it_takes():
    text = "\n".join(words(opened()["lab/04_em.ipynb"]))
    assert (
        "### Exercise 4.3: The M-step in code\n\n*core · 30 minutes · 2 points*" in text
    )
    for e in EXERCISES:
        page = exercises.number(e.label)[0]
        assert 0 < e.minutes < 120
        assert times.facts(e.label) in "\n".join(
            "\n".join(words(n))
            for name, n in opened().items()
            if f"exercises/0{page}" in name
        )


def test_the_sums_of_the_table_are_right():
    rows = [row.split("|")[1:-1] for row in times.table(lambda label: label)][2:]
    minutes, points = (
        [cell.strip() for cell in column] for column in list(zip(*rows))[2:]
    )

    def single(column):
        return [int(cell) for cell in column if cell.isdigit()]

    for column in (minutes, points):
        sums = [int(cell.strip("*")) for cell in column if not cell.isdigit()]
        assert len(single(column)) == len(EXERCISES)
        assert sums[-1] == sum(sums[:-1]) == sum(single(column))
    assert int(minutes[6 - 1].strip("*")) == sum(single(minutes)[:5])  # chapter 1


# The folder of make lab


def test_what_was_changed_in_lab_is_kept(tmp_path, monkeypatch, capsys):
    assert reading.write(tmp_path) == []
    mine = tmp_path / "exercises" / "04_em.ipynb"
    mine.write_text("my work", encoding="utf-8")
    monkeypatch.setattr(reading, "LAB", tmp_path)
    assert reading.main() == 0
    assert mine.read_text(encoding="utf-8") == "my work"
    assert "exercises/04_em.ipynb was changed" in capsys.readouterr().out


def test_lab_opens_where_it_is_written():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nlab:")[1]
    assert f"jupyterlab {reading.LAB.name}/00_welcome.ipynb" in recipe
    assert "00_welcome.ipynb" in reading.lab()
    assert f"{reading.LAB.name}/" in (ROOT / ".gitignore").read_text(encoding="utf-8")
