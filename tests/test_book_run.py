"""The chapters, run again: outputs, figures and numbers are what the code gives now.

nbval (see the Makefile) compares texts too, but never figures, and it knows nothing of
the prose. The last tests here prove that nbval itself can fail.
"""

import base64
import io
import re
import subprocess
import sys
from functools import cache

import nbformat
import numpy as np
import pytest
from matplotlib.image import imread

from tools import notebooks, prose

each_chapter = pytest.mark.parametrize("md", notebooks.pairs(), ids=notebooks.name)
HEAD = "---\nkernelspec:\n  name: python3\n  display_name: Python 3\n---\n\n"


@cache
def executed(md):
    """The chapter with its checks, run from top to bottom in a new kernel."""
    with_checks = prose.with_checks(notebooks.read_source(md))
    return notebooks.execute(with_checks, md.parent)


def fresh_cells(md):
    return [c for c in executed(md).cells if "expected" not in c.metadata]


def stored_cells(md):
    return nbformat.read(md.with_suffix(".ipynb"), as_version=4).cells


def texts(cell):
    """What a cell prints and shows, without the pixels."""
    shown = [{**o, "execution_count": None} for o in cell.get("outputs", ())]
    for output in shown:
        output["data"] = {
            kind: value
            for kind, value in output.get("data", {}).items()
            if kind != "image/png"
        }
    return shown


def figures(cell):
    data = [o.get("data", {}) for o in cell.get("outputs", ())]
    return [base64.b64decode(d["image/png"]) for d in data if "image/png" in d]


def same_picture(a, b):
    """Equal but for the last bits: another CPU may round an edge differently."""
    p, q = (imread(io.BytesIO(png)) for png in (a, b))
    return p.shape == q.shape and np.mean(np.abs(p - q).max(axis=-1) > 0.05) < 1e-4


@each_chapter
def test_printed_outputs_are_current(md):
    for stored, fresh in zip(stored_cells(md), fresh_cells(md), strict=True):
        assert texts(stored) == texts(fresh), stored.source


@each_chapter
def test_figures_are_current(md):
    for stored, fresh in zip(stored_cells(md), fresh_cells(md), strict=True):
        pairs = zip(figures(stored), figures(fresh), strict=True)
        assert all(same_picture(a, b) for a, b in pairs), stored.source


@each_chapter
def test_numbers_in_the_prose_are_computed(md):
    assert prose.false_numbers(executed(md)) == []


# Each of these checks can fail


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    md = tmp_path_factory.mktemp("run") / "01_example.md"
    md.write_text(
        HEAD + "# Example\n\n"
        "```{code-cell}\nx = 0.456\nprint(6 * 7)\n```\n\n"
        "The share is 0.46, the sum at last 1.5.\n"
        '% check: 0.46 == f"{x:.2f}"\n% check at end: 1.5 == total\n\n'
        "The share is 0.45.\n\n"
        '% check: 0.45 == f"{x:.2f}"\n\n'
        "```{code-cell}\nimport matplotlib.pyplot as plt\n\ntotal = 1.5\n"
        "fig, ax = plt.subplots()\nax.plot([0, 1, 2], [0, 1, 0], 'o')\n"
        "plt.show()\n```\n",
        encoding="utf-8",
    )
    notebooks.run(md)
    return md


def test_a_false_number_is_found(pair):
    found = prose.false_numbers(executed(pair))
    assert found == ["the page says 0.45, the code says 0.46"]


def test_a_changed_figure_is_found(pair, tmp_path):
    (drawn,) = figures(stored_cells(pair)[-1])
    assert same_picture(drawn, drawn)
    moved = tmp_path / "01_moved.md"
    moved.write_text(pair.read_text().replace("[0, 1, 0]", "[0, 0.97, 0]"))
    (other,) = figures(fresh_cells(moved)[-1])
    assert not same_picture(drawn, other)


def test_a_changed_output_is_found(pair):
    stored = stored_cells(pair)
    assert [texts(c) for c in stored] == [texts(c) for c in fresh_cells(pair)]
    stored[1].outputs[0].text = "43\n"
    assert [texts(c) for c in stored] != [texts(c) for c in fresh_cells(pair)]


TAMPERED = {
    "as_it_was": ("", ""),
    "output": ('"42\\n"', '"43\\n"'),
    "source": ("print(6 * 7)", "print(6 * 8)"),
    "error": ("print(6 * 7)", "print(6 * seven)"),
}


@pytest.fixture(scope="module")
def nbval_failures(pair, tmp_path_factory):
    """The files that nbval fails, run as the Makefile runs it."""
    folder = tmp_path_factory.mktemp("nbval")
    notebook = nbformat.read(pair.with_suffix(".ipynb"), as_version=4)
    notebook.cells = notebook.cells[:2]  # without the figure it is faster
    text = nbformat.writes(notebook)
    for name, (old, new) in TAMPERED.items():
        assert old in text
        copy = text.replace(old, new)
        (folder / f"{name}.ipynb").write_text(copy, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-rA"]
    result = subprocess.run(
        [*command, "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    passed = set(re.findall(r"PASSED (\w+)\.ipynb::", result.stdout))
    failed = set(re.findall(r"FAILED (\w+)\.ipynb::", result.stdout))
    assert passed | failed == TAMPERED.keys(), result.stdout
    return failed


@pytest.mark.parametrize("name", TAMPERED)
def test_nbval_fails_what_was_tampered_with(nbval_failures, name):
    assert (name in nbval_failures) == (name != "as_it_was")
