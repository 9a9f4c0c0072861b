"""A closed room for a notebook, by bubblewrap, where the system has it.

Inside there is no network and no other process; of the files only Python, its packages
and what the notebook was handed in with, none of which can be changed; and a temporary
folder that is gone afterwards. The course's answers are not there.
"""

import os
import shutil
import site
import subprocess
import sys
from functools import cache
from pathlib import Path

import emgmm

PACKAGE = Path(emgmm.__file__).resolve().parent
CHILD = PACKAGE / "checks" / "child.py"
SYSTEM = (
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
)
WORK = "/tmp/work"
ROOM = 200_000_000  # bytes of files, in all
ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MPLCONFIGDIR": "/tmp/fonts",
    "PATH": "/usr/bin:/bin",
    "TMPDIR": "/tmp",
}


@cache
def missing() -> str:
    """Why there is no sandbox; empty when there is one."""
    if shutil.which("bwrap") is None:
        return "bubblewrap (the program bwrap) is not installed"
    trial = [*command(), sys.executable, "-c", "import numpy, emgmm"]
    environment = ENVIRONMENT | {"PYTHONPATH": str(PACKAGE.parent)}
    ran = subprocess.run(
        trial, env=environment, capture_output=True, text=True, check=False
    )
    last = (ran.stderr.strip().splitlines() or [""])[-1]
    return f"bubblewrap does not work here: {last[:200]}" if ran.returncode else ""


def command(given: Path | None = None) -> list[str]:
    """What to put in front of a command; files beside the notebook are in `given`."""
    return [
        "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        *("--cap-drop", "ALL"),
        *("--size", str(ROOM), "--tmpfs", "/tmp"),
        *("--proc", "/proc"),
        *("--dev", "/dev"),
        *("--size", str(ROOM), "--tmpfs", "/dev/shm"),
        *_seen([*SYSTEM, *_python()]),
        *_seen([str(PACKAGE)]),
        *("--tmpfs", str(PACKAGE / "checks")),  # hides what knows the answers
        *_seen([str(CHILD)]),
        *("--remount-ro", str(PACKAGE / "checks")),
        *("--dir", WORK),
        *_beside(given),
        *_fonts(),
        *("--remount-ro", "/dev"),  # else it is a disk without limits, as is /
        *("--remount-ro", "/"),
        *("--chdir", WORK),
    ]


def _seen(paths: list[str]) -> list[str]:
    """Arguments that let files and folders be read under their own names."""
    return [word for path in paths for word in ("--ro-bind-try", path, path)]


def _python() -> list[str]:
    """Where this Python and its packages are."""
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    found = [sys.base_prefix, sys.prefix, *site.getsitepackages(), *user]
    return [path for path in dict.fromkeys(found) if path not in ("/", "/usr")]


def _beside(given: Path | None) -> list[str]:
    entries = sorted(given.iterdir()) if given else []
    return [w for p in entries for w in ("--ro-bind", str(p), f"{WORK}/{p.name}")]


@cache
def _fonts() -> tuple[str, ...]:
    """Matplotlib's list of fonts: making it anew takes seconds."""
    import matplotlib as mpl
    import matplotlib.font_manager  # makes the list if there is none

    lists = sorted(Path(mpl.get_cachedir()).glob("fontlist-*.json"))
    seen = [w for p in lists for w in ("--ro-bind", str(p), f"/tmp/fonts/{p.name}")]
    return ("--dir", "/tmp/fonts", *seen)


def environment() -> dict[str, str]:
    """Without a sandbox: little of the instructor's own, no names of accounts."""
    kept = ("HOME", "LANG", "LC_ALL", "PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}
