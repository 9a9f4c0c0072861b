"""What holds for the sources of the chapters, without running them."""

import os
import re
import shutil
from pathlib import Path

import jupytext
import nbformat
import pytest

from tools import exercises, notebooks, prose

ROOT = Path(__file__).resolve().parents[1]
PAIRS = notebooks.pairs()
PAGES = sorted(page for folder in notebooks.FOLDERS for page in folder.glob("*.md"))
TAGS = {"hide-input", "hide-output", "remove-input", "solution", *exercises.labels()}
NOT_ALT = re.compile(r"\.(png|svg|jpe?g|gif)\b|^(figure|image|plot)\b", re.IGNORECASE)
EXAMPLE = """\
---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Example

```{code-cell}
print(6 * 7)
```

```{code-cell}
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
ax.plot([1, 2, 3])
plt.show()
```
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    md = tmp_path_factory.mktemp("pair") / "01_example.md"
    md.write_text(EXAMPLE, encoding="utf-8")
    notebooks.run(md)
    assert notebooks.check([md.parent]) == []
    return md


@pytest.fixture
def pair(original, tmp_path):
    """A copy of a small pair in step; tests change one half or the other."""
    shutil.copytree(original.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / original.name


def stored(md):
    return nbformat.read(md.with_suffix(".ipynb"), as_version=4)


def code_cells(md):
    return [c for c in notebooks.read_source(md).cells if c.cell_type == "code"]


# Pairs


def test_all_pairs_are_in_step():
    assert notebooks.check() == []


def test_the_numbered_pages_are_the_pairs_and_are_in_the_book():
    numbered = {
        notebooks.name(p)
        for folder in notebooks.FOLDERS
        for p in folder.glob("[0-9][0-9]_*.md")
    }
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert numbered == set(map(notebooks.name, PAIRS))
    assert numbered <= set(re.findall(r"chapters/([\w/]+)", toc))


def test_a_second_run_writes_the_same_bytes(pair):
    ipynb = pair.with_suffix(".ipynb")
    before = ipynb.read_bytes()
    assert b"image/png" in before
    notebooks.run(pair)
    assert ipynb.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("6 * 7", "6 * 8"),
        ("# Example", "# Another example"),
        ("```{code-cell}\nprint", "```{code-cell}\n:tags: [hide-input]\nprint"),
        ("```{code-cell}\nprint(6 * 7)", "```python\nprint(6 * 7)"),
    ],
)
def test_a_changed_source_is_found(pair, old, new):
    pair.write_text(pair.read_text().replace(old, new), encoding="utf-8")
    assert notebooks.check([pair.parent]) != []


def tamper_count(notebook):
    notebook.cells[1].execution_count = None


def tamper_order(notebook):
    notebook.cells[1].execution_count = 3


def tamper_stderr(notebook):
    notebook.cells[1].outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="a warning")
    ]


def tamper_error(notebook):
    notebook.cells[1].outputs = [nbformat.v4.new_output("error", ename="ValueError")]


@pytest.mark.parametrize(
    "tamper", [tamper_count, tamper_order, tamper_stderr, tamper_error]
)
def test_a_changed_notebook_is_found(pair, tamper):
    notebook = stored(pair)
    tamper(notebook)
    nbformat.write(notebook, pair.with_suffix(".ipynb"))
    assert len(notebooks.check([pair.parent])) == 1


def test_a_notebook_without_source_and_a_source_without_notebook_are_found(pair):
    pair.rename(pair.with_name("02_other.md"))
    assert len(notebooks.check([pair.parent])) == 2


@pytest.mark.parametrize("newer", [".md", ".ipynb"])
def test_jupyterlab_opens_a_pair_whichever_half_is_newer(newer, tmp_path):
    md = PAIRS[1]
    for name in (md, md.with_suffix(".ipynb"), md.with_name("jupytext.toml")):
        shutil.copy(name, tmp_path)
        os.utime(tmp_path / name.name, (1e9, 1e9))
    os.utime((tmp_path / md.name).with_suffix(newer), (2e9, 2e9))
    contents = jupytext.TextFileContentsManager(root_dir=str(tmp_path))
    opened = contents.get(f"{md.stem}.ipynb")["content"]
    sources = [cell.source for cell in notebooks.read_source(md).cells]
    assert [cell["source"] for cell in opened["cells"]] == sources


# Cells


def cell_problems(source, tags=()):
    lines = source.splitlines()
    if len(lines) > 12:
        yield f"{len(lines)} lines: at most 12 fit a reader's eye"
    for line in lines:
        if len(line) > 76:
            yield f"longer than 76 characters, would scroll: {line}"
        if re.match(r"\s*[%!?]|.*\?$", line):
            yield f"magic: {line}"
        if line.rstrip().endswith(";"):
            yield f"a trailing semicolon silences nothing: {line}"
        if "nbval" in line.lower():
            yield f"hides from the tests: {line}"
    if unknown := set(tags) - TAGS:
        yield f"tags that the book does not use: {unknown}"


@pytest.mark.parametrize("md", PAIRS, ids=notebooks.name)
def test_code_cells_are_small_and_plain(md):
    cells = code_cells(md)
    bad = [
        p for c in cells for p in cell_problems(c.source, c.metadata.get("tags", ()))
    ]
    assert bad == []


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("x = 1\n" * 13, ()),
        ("x" * 77, ()),
        ("%matplotlib inline", ()),
        ("!ls", ()),
        ("x = 1;", ()),
        ("# NBVAL_IGNORE_OUTPUT", ()),
        ("x", ["raises-exception"]),
        ("x", ["nbval-skip"]),
    ],
)
def test_a_bad_cell_is_found(source, tags):
    assert len(list(cell_problems(source, tags))) == 1


def alt_problems(notebook):
    """Figures whose text alternative is missing, a file name or no sentence."""
    for cell in notebook.cells:
        if any("image/png" in o.get("data", ()) for o in cell.get("outputs", ())):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            if len(alt) < 30 or NOT_ALT.search(alt):
                yield f"{cell.id}: {alt!r}"


@pytest.mark.parametrize("md", PAIRS, ids=notebooks.name)
def test_every_figure_says_in_words_what_it_shows(md):
    assert list(alt_problems(stored(md))) == []


@pytest.mark.parametrize(
    "alt", ["", "A plot.", "chapters/_images/fig-two-groups-01.png"]
)
def test_a_poor_text_alternative_is_found(pair, alt):
    notebook = stored(pair)
    notebook.cells[2].metadata["mystnb"] = {"image": {"alt": alt}}
    assert len(list(alt_problems(notebook))) == 1


# Numbers in the prose, statically; test_book_run.py computes them


@pytest.mark.parametrize("md", PAGES, ids=notebooks.name)
def test_every_decimal_number_is_checked_or_given(md):
    assert prose.untested(jupytext.read(md)) == []


def page(text):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])


@pytest.mark.parametrize(
    "text",
    [
        "No number, 3 groups, `code 1.5`, version 1.0.4, {cite}`a1.5`.",
        "The share is 0.46.\n% check: 0.46 == x",
        "The share is 0.46,\nthe mean (1.0, 2.5).\n% check: 0.46 == x\n"
        "% check: (1.0, 2.5) == y",
        "It took 23 steps.\n\n% check: 23 == n",
        "With $\\phi = 0.7$.\n\n% given: 0.7 (the recipe)",
        "```text\n1.5\n\n2.5\n```\n",
        ":::{exercise} Try\n:label: ex-1.5\nText.\n:::",
    ],
)
def test_prose_that_passes(text):
    assert prose.untested(page(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "The share is 0.46.",
        "The share is $0.46$.",
        "| share |\n| --- |\n| 0.46 |",
        "```{note}\nThe `share` is 0.46, not `x`.\n```",
        "The share is 0.46.\n\nAnother paragraph.\n% check: 0.46 == x",
        "The share is 0.461.\n% given: 0.461 (source)\n% check: 0.46 == x",
        "The share is high.\n% given: 0.46 (source)",
        "The share is 0.46.\n% Check: 0.46 == x\n% given: 0.46 (source)",
        "The share is 0.46.\n% check: 0.46 = x\n% given: 0.46 (source)",
    ],
)
def test_prose_that_fails(text):
    assert prose.untested(page(text)) != []
