"""python -m benchmarks bench|accuracy|suite [--quick] [--seeds N]; ... pages

Each writes its results as JSON beside this file, then its page of the book. `suite`
measures the real data alone again, and leaves the rest of `accuracy` as it was.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks import iteration, memory, pages, sound, stationary
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


def real(quick: bool, seeds: int) -> dict[str, Any]:
    """The real data, with five seeds at most."""
    every, seeds = (12, 1) if quick else (1, min(seeds, 5))
    return {"quick": quick, **sound.measured(sound.problems(every), seeds)}


def shown(row: Any) -> Any:
    print(json.dumps(row), flush=True)
    return row


def write(name: str, quick: bool, found: dict[str, Any]) -> None:
    """The results, then the page."""
    store(name, {"quick": quick, "machine": machine(), **found})


def store(name: str, results: dict[str, Any]) -> None:
    text = json.dumps(results, indent=1)
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    write_page(name)


def stored(name: str) -> dict[str, Any]:
    text = (HERE / f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def write_page(name: str) -> None:
    results = stored(name)
    page = CHAPTERS / pages.FILES[name]
    page.write_text(pages.RENDER[name](results), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("what", choices=["bench", "accuracy", "suite", "pages"])
    parser.add_argument("--quick", action="store_true", help="a small part of it")
    parser.add_argument("--seeds", type=int, default=100, help="for accuracy")
    options = parser.parse_args()
    if options.what == "bench":
        write("bench", options.quick, bench(options.quick))
    elif options.what == "accuracy":
        seeds, seconds = (5, 3.0) if options.quick else (options.seeds, 180.0)
        table = real(options.quick, seeds)  # first: it may miss packages
        write("accuracy", options.quick, {**accuracy(seeds, seconds), "suite": table})
    elif options.what == "suite":
        table = real(options.quick, options.seeds)
        store("accuracy", {**stored("accuracy"), "suite": table})
    else:
        for name in pages.FILES:
            write_page(name)


if __name__ == "__main__":
    main()
