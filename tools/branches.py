"""Fail unless enough branches are covered: python -m tools.branches FILE PERCENT.

`coverage report --fail-under` mixes lines and branches; this looks at both alone.
"""

import json
import sys
from pathlib import Path


def shares(report: dict[str, dict[str, int]]) -> dict[str, float]:
    """Percentage of branches and of lines covered, from coverage's JSON report."""
    totals = report["totals"]
    parts = {
        "branches": (totals["covered_branches"], totals["num_branches"]),
        "lines": (totals["covered_lines"], totals["num_statements"]),
    }
    # Nothing measured means that the measurement itself is broken.
    return {name: 100 * done / n if n else 0.0 for name, (done, n) in parts.items()}


def main(file: str, least: str) -> int:
    found = shares(json.loads(Path(file).read_text(encoding="utf-8")))
    for name, share in found.items():
        print(f"{name} covered: {share:.2f} % (at least {least} %)")
    return int(min(found.values()) < float(least))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
