"""The pins of constraints.txt: one line for all that the project brings with it.

python -m tools.constraints check    fail unless the pins are what is installed
python -m tools.constraints write    pin what is installed now

constraints-suite.txt pins what the optional extra adds. It is checked, and written,
where that is installed.
"""

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILE = Path(__file__).resolve().parents[1] / "constraints.txt"
SUITE = FILE.with_name("constraints-suite.txt")
EXTRAS = ("book", "test", "lab")
OPTIONAL = "suite"
HEAD = """\
# Exact versions of everything that `pip install -e .[book,test,lab]` brings.
# Written by `make pins`; read by pip, conda and CI.
# A marker, added by hand, says where a package is needed when not everywhere.
"""
SUITE_HEAD = """\
# Exact versions of what the extra `suite` brings beyond constraints.txt: `make suite`.
# Written by `make pins` where it is installed.
"""


def closure(*extras: str) -> dict[str, str]:
    """Name and version of each installed package that the project needs, here."""
    found: dict[str, str] = {}
    todo = [Requirement(f"emgmm[{','.join(extras or EXTRAS)}]")]
    seen: set[tuple[str, str]] = set()
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        package = distribution(name)
        found[name] = package.version
        for extra in {"", *wanted.extras} - {e for n, e in seen if n == name}:
            seen.add((name, extra))
            needs = map(Requirement, package.requires or ())
            todo += [r for r in needs if applies(r, extra)]
    del found["emgmm"]
    return found


def added() -> dict[str, str] | None:
    """What the optional extra adds to the others; None where it is not installed."""
    try:
        every, others = closure(*EXTRAS, OPTIONAL), closure()
    except PackageNotFoundError:
        return None
    return {n: v for n, v in every.items() if n not in others}


def applies(requirement: Requirement, extra: str = "") -> bool:
    """Whether this Python on this system needs it, for the extra ("" for none)."""
    marker = requirement.marker
    return marker is None or marker.evaluate({"extra": extra})


def lines(text: str) -> list[Requirement]:
    """The pins of a constraints file."""
    return [Requirement(s) for s in text.splitlines() if s and not s.startswith("#")]


def problems(text: str, installed: dict[str, str]) -> list[str]:
    """What is installed and not pinned so, or pinned and not needed."""
    here = [r for r in lines(text) if applies(r)]
    pins: dict[str, str] = {canonicalize_name(r.name): str(r.specifier) for r in here}
    wanted = {name: f"=={version}" for name, version in installed.items()}
    return [
        f"{name}: pinned {pins.get(name)}, installed {wanted.get(name)}"
        for name in sorted(pins.keys() | wanted.keys())
        if pins.get(name) != wanted.get(name)
    ]


def written(text: str, installed: dict[str, str], head: str = HEAD) -> str:
    """The file for what is installed; pins for elsewhere, and markers, are kept."""
    kept = [str(r) for r in lines(text) if not applies(r)]
    markers = {r.name: f"; {r.marker}" for r in lines(text) if r.marker}
    pins = [f"{n}=={version}{markers.get(n, '')}" for n, version in installed.items()]
    return head + "".join(f"{pin}\n" for pin in sorted(kept + pins))


def main(command: str) -> int:
    wrong = 0
    for file, head, installed in (FILE, HEAD, closure()), (SUITE, SUITE_HEAD, added()):
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if installed is None:
            print(f"{file.name} is left alone: `make suite` installs what it pins")
        elif command == "write":
            file.write_text(written(text, installed, head), encoding="utf-8")
        else:
            found = problems(text, installed)
            print("\n".join(found) or f"{file.name} pins what is installed")
            wrong += len(found)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
