"""The pins of constraints.txt: one line for all that the project brings with it.

python -m tools.constraints check    fail unless the pins are what is installed
python -m tools.constraints write    pin what is installed now
"""

import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILE = Path(__file__).resolve().parents[1] / "constraints.txt"
EXTRAS = ("book", "test", "lab")
HEAD = """\
# Exact versions of everything that `pip install -e .[book,test,lab]` brings.
# Written by `make pins`; read by pip, conda and CI.
# A marker, added by hand, says where a package is needed when not everywhere.
"""


def closure() -> dict[str, str]:
    """Name and version of each installed package that the project needs, here."""
    found: dict[str, str] = {}
    todo = [Requirement(f"emgmm[{','.join(EXTRAS)}]")]
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


def written(text: str, installed: dict[str, str]) -> str:
    """The file for what is installed; pins for elsewhere, and markers, are kept."""
    kept = [str(r) for r in lines(text) if not applies(r)]
    markers = {r.name: f"; {r.marker}" for r in lines(text) if r.marker}
    pins = [f"{n}=={version}{markers.get(n, '')}" for n, version in installed.items()]
    return HEAD + "".join(f"{pin}\n" for pin in sorted(kept + pins))


def main(command: str) -> int:
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if command == "write":
        FILE.write_text(written(text, closure()), encoding="utf-8")
        return 0
    found = problems(text, closure())
    print("\n".join(found) or "constraints.txt pins what is installed")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
