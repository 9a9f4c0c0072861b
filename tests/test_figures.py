"""The exported figures are those that the chapters store, each with its words."""

import base64
import re

import nbformat
import pytest

from tools import figures, notebooks

DOT = base64.b64encode(b"one picture").decode()
OTHER = base64.b64encode(b"another one").decode()


def cell(*pictures, **options):
    outputs = [
        nbformat.v4.new_output("display_data", {"image/png": p}) for p in pictures
    ]
    made = nbformat.v4.new_code_cell("plt.show()", outputs=outputs)
    made.metadata = nbformat.from_dict({"mystnb": options})
    return made


def chapter(folder, name, *cells):
    folder.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), folder / name)


NAMED = {
    "figure": {"name": "fig-two-groups", "caption": "Two\n  groups."},
    "image": {"alt": "Two clouds."},
}


def test_every_stored_picture_of_the_chapters_is_exported(tmp_path):
    found = figures.export(target=tmp_path / "figures")
    stored = sum(
        path.read_text(encoding="utf-8").count('"image/png": ')
        for path in notebooks.CHAPTERS.glob("*.ipynb")
    )
    files = {path.name for path in (tmp_path / "figures").iterdir()}
    assert len(found) == stored > 0
    assert files == {f"{f.name}.png" for f in found} | {"captions.md"}
    assert all(f.png.startswith(b"\x89PNG") and f.alt for f in found)


def test_names_captions_and_words_go_with_the_picture(tmp_path):
    text = nbformat.v4.new_output("stream", text="no picture")
    silent = cell()
    silent.outputs = [text]
    chapter(tmp_path / "c", "01_a.ipynb", silent, cell(DOT, OTHER, **NAMED))
    figures.export(tmp_path / "c", tmp_path / "out")
    out = tmp_path / "out"
    assert (out / "01_a-two-groups.png").read_bytes() == b"one picture"
    assert (out / "01_a-two-groups-2.png").read_bytes() == b"another one"
    page = (out / "captions.md").read_text(encoding="utf-8")
    assert re.findall("## (.*)", page) == [
        "01_a-two-groups.png",
        "01_a-two-groups-2.png",
    ]
    assert "Two groups.\n\nIn words: Two clouds." in page


def test_a_figure_without_a_name_gets_that_of_its_cell(tmp_path):
    unnamed = cell(DOT)
    unnamed["id"] = "cell-07"
    chapter(tmp_path / "c", "02_b.ipynb", unnamed)
    (found,) = figures.export(tmp_path / "c", tmp_path / "out")
    assert found.name == "02_b-cell-07"
    assert "No caption." in (tmp_path / "out" / "captions.md").read_text()


def test_old_figures_go_and_the_bytes_stay(tmp_path):
    chapter(tmp_path / "c", "01_a.ipynb", cell(DOT, **NAMED))
    figures.export(tmp_path / "c", tmp_path / "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "old.png").touch()
    figures.export(tmp_path / "c", tmp_path / "out")
    after = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    assert after == before


def test_two_figures_of_one_name_are_refused(tmp_path):
    chapter(tmp_path / "c", "01_a.ipynb", cell(DOT, **NAMED), cell(OTHER, **NAMED))
    with pytest.raises(ValueError, match="same name"):
        figures.export(tmp_path / "c", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_figure_whose_picture_was_not_stored_is_named(tmp_path):
    chapter(tmp_path / "c", "01_a.ipynb", cell(**NAMED))
    with pytest.raises(ValueError, match="01_a names two-groups and stores no picture"):
        figures.export(tmp_path / "c", tmp_path / "out")
