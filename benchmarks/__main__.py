"""python -m benchmarks bench|accuracy [--quick] [--seeds N]; python -m benchmarks pages

Each writes its results as JSON beside this file, then its page of the book.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks import iteration, memory, pages, stationary
from benchmarks.accuracy import accuracy
from benchmarks.machine import machine

HERE = Path(__file__).parent
CHAPTERS = HERE.parent / "chapters"


def bench(quick: bool) -> dict[str, Any]:
    """All parts of the page of benchmarks; every row is shown when it is done."""
    shapes = iteration.QUICK if quick else iteration.SHAPES
    repeats, seconds = (3, 3.0) if quick else (5, 30.0)
    problems = stationary.problems(quick)
    return {
        "iteration": [shown(iteration.one_iteration(shape)) for shape in shapes],
        "memory": shown(memory.memory(1_000_000 if quick else 10_000_000)),
        "stationary": [
            shown(stationary.to_the_top(problem, repeats, seconds))
            for problem in problems
        ],
    }


def shown(row: Any) -> Any:
    print(json.dumps(row), flush=True)
    return row


def write(name: str, quick: bool, found: dict[str, Any]) -> None:
    """The results, then the page."""
    text = json.dumps({"quick": quick, "machine": machine(), **found}, indent=1)
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    write_page(name)


def write_page(name: str) -> None:
    results = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    page = CHAPTERS / pages.FILES[name]
    page.write_text(pages.RENDER[name](results), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("what", choices=["bench", "accuracy", "pages"])
    parser.add_argument("--quick", action="store_true", help="a small part of it")
    parser.add_argument("--seeds", type=int, default=100, help="for accuracy")
    options = parser.parse_args()
    if options.what == "bench":
        write("bench", options.quick, bench(options.quick))
    elif options.what == "accuracy":
        seeds, seconds = (5, 3.0) if options.quick else (options.seeds, 180.0)
        write("accuracy", options.quick, accuracy(seeds, seconds))
    else:
        for name in pages.FILES:
            write_page(name)


if __name__ == "__main__":
    main()
