"""On what, when and with which versions: what every stored result begins with."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

PACKAGES = ("emgmm", "numpy", "scipy", "scikit-learn")


def machine() -> dict[str, Any]:
    """Date, processor, cores, load, and versions of all that was timed."""
    cpu = cpu_facts()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "avx512": "avx512f" in cpu.get("flags", "").split(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "blas": blas(),
    }


def cpu_facts(file: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """What Linux says of the last core; nothing elsewhere."""
    if not file.exists():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    return {key.strip(): value.strip() for key, value in pairs}


def blas() -> str:
    """The BLAS of NumPy, with the kernels that it chose."""
    pools = [p for p in threadpool_info() if p["user_api"] == "blas"]
    names = [f"{p['internal_api']} {p['version']} ({p['architecture']})" for p in pools]
    return ", ".join(dict.fromkeys(names)) or "unknown"
