"""How the package is built: rooms, the direction of imports, what an import costs."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import emgmm
from emgmm import Mixture, em
from tools import equations, notebooks

PACKAGE = Path(emgmm.__file__).parent
GROUND = {"emgmm._input", "emgmm.mixture", "emgmm.moments"}


def imported(path):
    """The modules of the package that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    return {name for name in froms if name.startswith("emgmm")}


ENGINE = sorted((PACKAGE / "_engine").glob("*.py"))


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.stem)
def test_the_engine_room_stands_on_the_ground_only(path):
    above = {n for n in imported(path) if not n.startswith("emgmm._engine")}
    assert above <= GROUND


@pytest.mark.parametrize("name", ["_input", "mixture", "moments"])
def test_the_ground_needs_nothing_above(name):
    assert imported(PACKAGE / f"{name}.py") <= GROUND


def test_the_import_loads_no_scipy_and_no_matplotlib():
    code = (
        "import sys, emgmm; print({'scipy', 'matplotlib', 'tqdm'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


# What is for readers


ROOMS = sorted(path.stem for path in PACKAGE.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", ROOMS)
def test_a_file_is_for_readers_or_says_that_it_is_not(name):
    module = f"emgmm.{name}"
    front = imported(PACKAGE / "__init__.py")
    doc = importlib.import_module(module).__doc__
    assert module in {*equations.MODULES, *front} or "\n\nInternal: " in doc


TEXTS = [*notebooks.CHAPTERS.rglob("*.md"), PACKAGE.parent / "README.md"]


def test_the_pages_import_what_is_for_readers():
    text = "\n".join(path.read_text(encoding="utf-8") for path in TEXTS)
    found = set(re.findall(r"(?:from|import) (emgmm[\w.]*)", text))
    for names in re.findall(r"from emgmm import (.+)", text):
        found |= {f"emgmm.{n}" for n in names.split(", ") if n not in emgmm.__all__}
    assert {"emgmm", "emgmm.plots", "emgmm.checks"} <= found
    assert found <= set(equations.MODULES)


@pytest.mark.parametrize("max_iter", [0, 1, 100])
def test_names_of_groups_survive(max_iter):
    x = np.array([0.0, 1.0, 2.0, 10.0, 11.0, 12.5])
    start = Mixture([0.5, 0.5], [[1], [10]], [[[1]], [[2]]], names=("low", "high"))
    seen = []
    fit = em(x, start, max_iter=max_iter, callback=lambda n, t, v: seen.append(t.names))
    assert fit.theta.names == ("low", "high")
    assert set(seen) == {("low", "high")}
