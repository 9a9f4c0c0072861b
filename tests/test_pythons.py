"""Which Pythons are tried, with which versions, and that nothing tried can hang."""

import sys
import tomllib
from pathlib import Path

import pytest

from tools import minima, pythons

ROOT = Path(__file__).resolve().parents[1]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="make needs POSIX")


@POSIX
@pytest.mark.parametrize("script", ["exit 127", "echo 3.10", "echo 3.12; exit 0"])
def test_a_python_counts_only_when_it_runs(script, tmp_path, monkeypatch):
    (tmp_path / "python3.12").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (tmp_path / "python3.12").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = pythons.find("3.12")
    assert found == (tmp_path / "python3.12" if "3.12" in script else None)


def test_this_python_is_supported_and_runs():
    assert pythons.HERE in pythons.SUPPORTED
    assert pythons.runs(sys.executable, pythons.HERE)


@POSIX
@pytest.mark.parametrize(
    ("code", "limit", "said"),
    [
        ("", 60, ""),
        ("raise SystemExit(3)", 60, "FAILED with exit code 3"),
        ("import threading; threading.Event().wait()", 0, "HANGS"),
    ],
)
def test_a_command_that_hangs_or_fails_is_told_apart(code, limit, said):
    told = pythons.limited([sys.executable, "-c", code], limit)
    assert told.startswith(said)
    assert bool(told) == bool(said)


def test_what_make_was_told_does_not_reach_the_clones():
    told = {"MAKEFLAGS": "NO_VENV=1", "MAKELEVEL": "1", "NO_VENV": "1", "HOME": "/"}
    assert pythons.without_make(told) == {"HOME": "/"}


@pytest.mark.parametrize(
    ("results", "exit_code"),
    [
        (["passed in 1 seconds", ""], 0),
        (["passed in 1 seconds", "HANGS: stopped after 20 minutes"], 1),
        (["FAILED with exit code 2", "passed in 1 seconds"], 1),
    ],
)
def test_what_was_found_and_what_became_of_it_is_said(
    results, exit_code, monkeypatch, capsys
):
    tried = dict(zip(["3.97", "3.98"], results, strict=True))
    monkeypatch.setattr(pythons, "SUPPORTED", [pythons.HERE, *tried])
    monkeypatch.setattr(pythons, "trial", tried.get)
    assert pythons.main() == exit_code
    said = capsys.readouterr().out
    for version, result in tried.items():
        assert f"Python {version}: {result or 'NOT FOUND'}" in said


def test_every_dependency_has_a_lowest_version_and_gets_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needs = project["project"]["dependencies"]
    low = minima.lowest(needs)
    assert len(low) == len(needs)
    pins = minima.constraints("numpy==9.9\npytest==8.0\nscikit-learn==1.9.1\n", low)
    # scikit-learn asks for a newer threadpoolctl: pip may choose an older one.
    assert pins == [f"{n}=={v}" for n, v in low.items()] + ["pytest==8.0"]


def test_the_tests_of_the_package_are_those_that_use_nothing_else():
    names = {Path(name).stem for name in minima.tests(ROOT)}
    assert {"test_em", "test_fit", "test_plots", "test_checks_messages"} < names
    assert not {"test_classroom", "test_benchmarks", "test_book_html"} & names
