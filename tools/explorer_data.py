"""The explorer's data, written from emgmm.data as a script that a page can load.

A page opened from a file may not fetch another file, but it may load a script.

    python -m tools.explorer_data    write assets/explorer/data.js
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from emgmm import Mixture
from emgmm.data import Dataset, anemia, faithful

FILE = Path(__file__).resolve().parents[1] / "assets" / "explorer" / "data.js"
HEAD = "// Written by python -m tools.explorer_data; do not edit.\n"

#: Two groups that overlap and one apart: EM has poor places to rest here.
THREE = Mixture(
    phi=[0.35, 0.35, 0.3],
    mu=[[2.0, 2.0], [4.6, 3.4], [11.0, 9.0]],
    Sigma=[
        [[0.9, 0.5], [0.5, 0.6]],
        [[0.5, -0.3], [-0.3, 0.7]],
        [[0.8, 0.2], [0.2, 0.8]],
    ],
    names=("a", "b", "c"),
)


def three_groups() -> Dataset:
    """240 simulated examples of three groups, from one fixed seed."""
    x, z = THREE.sample(240, rng=2026)
    return Dataset(
        x.round(2),
        np.array(THREE.names)[z],
        ("first feature", "second feature"),
        ("no unit", "no unit"),
        "Simulated data, three groups",
        "simulated",
        "CC BY 4.0",
        simulated=True,
    )


def sets() -> dict[str, tuple[str, str, Dataset]]:
    """Key, menu entry and note of every data set that the explorer offers."""
    patients = "Simulated data, no point is a patient."
    return {
        "anemia": ("Anemia, simulated", patients, anemia()),
        "anemia-log": (
            "Anemia, simulated, log axes",
            patients,
            anemia(log_axes=True),
        ),
        "faithful": (
            "Old Faithful",
            "272 eruptions of a geyser, measured in October 1980.",
            faithful(),
        ),
        "three": ("Three groups, simulated", "Simulated data.", three_groups()),
    }


def entry(menu: str, note: str, data: Dataset) -> dict[str, Any]:
    """What the page needs of one data set; labels as positions in names."""
    names = [] if data.z is None else np.unique(data.z).tolist()
    z = None if data.z is None else [names.index(a) for a in data.z.tolist()]
    return {
        "menu": menu,
        "note": note,
        "axes": data.axis_labels,
        # Logarithms and made-up numbers have no unit to write behind them.
        "units": [u if len(u.split()) == 1 else "" for u in data.units],
        "names": names,
        "x": data.x.tolist(),
        "z": z,
    }


def script() -> str:
    """The file's text: the same bytes for the same data."""
    entries = {key: entry(*facts) for key, facts in sets().items()}
    return f"{HEAD}var EM_DATA = {json.dumps(entries, separators=(',', ':'))};\n"


if __name__ == "__main__":
    FILE.write_text(script(), encoding="utf-8")
