"""Run the package's tests with the oldest dependencies: python -m tools.minima

They are the lowest versions that pyproject.toml allows, in an environment of the oldest
supported Python that this machine has. Tests of other things than the package are left
out: book, tools and benchmarks have one set of versions, that of constraints.txt.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.constraints import FILE, applies, lines
from tools.pythons import ROOT, SUPPORTED, clone, find, limited

LIMIT = 15 * 60
OTHERS = re.compile("^(from|import) (tools|_ext|benchmarks)", re.MULTILINE)


def lowest(dependencies: Iterable[str]) -> dict[str, str]:
    """The version after the >= of each."""
    needs = map(Requirement, dependencies)
    return {n.name: s.version for n in needs for s in n.specifier if s.operator == ">="}


def asks_for_more(package: str, low: dict[str, str]) -> bool:
    """Whether the installed version of a package needs a newer one of these."""
    needs = map(Requirement, distribution(package).requires or ())
    mine = [r for r in needs if applies(r) and canonicalize_name(r.name) in low]
    return any(not r.specifier.contains(low[canonicalize_name(r.name)]) for r in mine)


def constraints(pins: str, low: dict[str, str]) -> list[str]:
    """The lowest versions, and the pins of all others that can do with them."""
    others = [r for r in lines(pins) if applies(r) and r.name not in low]
    kept = [str(r) for r in others if not asks_for_more(r.name, low)]
    return [f"{name}=={version}" for name, version in low.items()] + kept


def tests(folder: Path) -> list[str]:
    """The files of tests that use the package alone, and the examples."""
    files = sorted(folder.glob("tests/test_*.py"))
    texts = {str(file): file.read_text(encoding="utf-8") for file in files}
    return [name for name, text in texts.items() if not OTHERS.search(text)] + [
        str(folder / "emgmm"),
        str(folder / "README.md"),
    ]


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    low = lowest(project["project"]["dependencies"])
    python = next(filter(None, map(find, SUPPORTED)))
    print(f"\n=== {python}, with {low} ===", flush=True)
    with clone() as folder:
        pins = folder / "minima.txt"
        wanted = constraints(FILE.read_text(encoding="utf-8"), low)
        pins.write_text("\n".join(wanted), encoding="utf-8")
        program = str(folder / ".venv" / "bin" / "python")
        install = [program, "-m", "pip", "install", "--quiet", "-c", str(pins)]
        test = [program, "-m", "pytest", "-q", "-n", "2", "--dist", "loadscope"]
        wrong = (
            limited([str(python), "-m", "venv", ".venv"], LIMIT, folder)
            or limited([*install, f"{folder}[test]"], LIMIT, folder)
            or limited([*test, *tests(folder)], LIMIT, folder)
        )
    print(f"The oldest dependencies: {wrong or 'all tests of the package pass'}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
