"""Build the book and run the tests with each further Python: python -m tools.pythons

Every supported version that this machine has gets a clone of its own, of what is
committed, one after the other. Whatever takes too long hangs, and has failed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
HERE = "{}.{}".format(*sys.version_info)
LIMIT = 30 * 60
# Debian has Pythons that cannot make an environment.
QUESTION = "import ensurepip, sys, venv; print('{}.{}'.format(*sys.version_info))"


def candidates(version: str) -> Iterator[Path]:
    """Where a Python may be: on the PATH, or one of pyenv's."""
    for folder in os.get_exec_path():
        yield Path(folder, f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))


def runs(program: Path, version: str) -> bool:
    """Whether it is that version and works: a pyenv shim is there, and may fail."""
    command = [str(program), "-c", QUESTION]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == version


def find(version: str) -> Path | None:
    """The first candidate that runs."""
    return next((p for p in candidates(version) if runs(p, version)), None)


def without_make(environment: Mapping[str, str]) -> dict[str, str]:
    """What make has set for itself would reach the make that is run in a clone."""
    made = ("MAKE", "MFLAGS", "NO_VENV")
    return {k: v for k, v in environment.items() if not k.startswith(made)}


def limited(command: list[str], limit: float, folder: Path = ROOT) -> str:
    """What became of a command: "" when all is well. Nothing that it started stays."""
    process = subprocess.Popen(
        command, cwd=folder, env=without_make(os.environ), start_new_session=True
    )
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        return f"HANGS: stopped after {limit / 60:.0f} minutes"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return f"FAILED with exit code {code}" if code else ""


@contextmanager
def clone() -> Iterator[Path]:
    """A copy of what is committed, for as long as the block lasts."""
    with TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        yield Path(folder)


def trial(version: str) -> str:
    """What became of book and tests; empty when no such Python is here."""
    program = find(version)
    if program is None:
        return ""
    print(f"\n=== Python {version}: {program} ===", flush=True)
    start = time.monotonic()
    with clone() as folder:
        command = ["make", f"PYTHON={program}", "book", "test"]
        wrong = limited(command, LIMIT, folder)
    return wrong or f"passed in {time.monotonic() - start:.0f} seconds"


def main() -> int:
    further = [version for version in SUPPORTED if version != HERE]
    results = {version: trial(version) for version in further}
    print(f"\nPython {HERE}: the one in use, not tried again")
    for version, result in results.items():
        print(f"Python {version}: {result or 'NOT FOUND on this machine'}")
    return int(any(r and not r.startswith("passed") for r in results.values()))


if __name__ == "__main__":
    sys.exit(main())
