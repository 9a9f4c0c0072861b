"""Memory beyond the data, measured in a process of its own for each case.

python -m benchmarks.memory CASE ROWS [FILE]    print megabytes, as JSON
"""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import emgmm
from benchmarks import scikit_learn
from emgmm import Mixture
from emgmm._input import Floats

START = Mixture([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], [np.eye(2), np.eye(2)])
STATUS = Path("/proc/self/status")  # Linux only
CASES: dict[str, Callable[[Floats], object]] = {
    "emgmm": lambda x: emgmm.em(x, START, tol=0, max_iter=2),
    "emgmm, accelerated": lambda x: emgmm.em(x, START, max_iter=20, accelerate=True),
    "scikit-learn": lambda x: scikit_learn.run(x, START, 2),
}


def memory(m: int) -> list[dict[str, Any]]:
    """Megabytes beyond m rows of two features, for each case."""
    rows = [_in_child(case, m) for case in CASES]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "x.npy"
        fill(np.lib.format.open_memmap(file, "w+", np.float64, (m, 2)))
        return [*rows, _in_child("emgmm", m, str(file))]


def _in_child(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.memory", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def fill(x: Floats) -> Floats:
    """Two groups two sd apart, drawn block by block into x."""
    rng = np.random.default_rng(0)
    for first in range(0, len(x), 10_000):
        part = x[first : first + 10_000]
        part[:] = rng.standard_normal(part.shape)
        part[::2, 0] += 2
    return x


def measured(case: str, m: int, file: str | None = None) -> dict[str, Any]:
    """Peak growth of the resident set (Linux), and NumPy's own count, in MB.

    A small run comes first: loading code and BLAS's buffers are no cost of the data.
    A memory map's pages count as resident although the system can drop them at any
    time, so there only NumPy's count says something.
    """
    CASES[case](fill(np.empty((20_000, 2))))
    x = fill(np.empty((m, 2))) if file is None else np.load(file, mmap_mode="r")
    forget_peak()
    before = resident("VmRSS")
    CASES[case](x)
    growth = resident("VmHWM") - before
    tracemalloc.start()
    CASES[case](x)
    allocated = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "case": case,
        "rows": m,
        "mapped": file is not None,
        "data": x.nbytes / 1e6,
        "resident": growth if file is None and STATUS.exists() else None,
        "allocated": allocated / 1e6,
    }


def forget_peak() -> None:
    """Let the peak of the resident set begin anew."""
    if STATUS.exists():
        STATUS.with_name("clear_refs").write_text("5", encoding="utf-8")


def resident(name: str) -> float:
    """The resident set now (VmRSS) or at its peak (VmHWM), in MB."""
    if not STATUS.exists():
        return 0.0
    lines = STATUS.read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(name)]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])))
