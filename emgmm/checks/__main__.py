"""The checker's commands: python -m emgmm.checks grade submissions/ --out grades.csv"""

import argparse
import sys
from pathlib import Path

from emgmm.checks import export
from emgmm.checks.grade import HANDED_OUT, grade, write
from emgmm.checks.kernel import Limits


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m emgmm.checks")
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("grade", help="grade a folder of notebooks")
    one.add_argument("submissions", type=Path, help="the folder of notebooks")
    one.add_argument("--out", type=Path, default=Path("grades.csv"), help="NAME.csv")
    one.add_argument("--seconds", type=float, default=Limits.seconds, help="a cell")
    one.add_argument("--total", type=float, default=Limits.total, help="a notebook")
    one.add_argument("--megabytes", type=int, default=Limits.megabytes, help="for each")
    one.add_argument("--workers", type=int, default=2, help="at the same time")
    one.add_argument(
        "--course", type=Path, default=HANDED_OUT, help="what was handed out"
    )
    two = commands.add_parser("export", help="fill a gradebook with the totals")
    two.add_argument("learners", type=Path, help="the totals: grades_learners.csv")
    two.add_argument("gradebook", type=Path, help="exported by the learning system")
    two.add_argument("--column", default="", help="the assignment's, in Canvas")
    two.add_argument("--out", type=Path, required=True, help="what to import")
    return top


def main(arguments: list[str] | None = None) -> int:
    said = parser().parse_args(arguments)
    try:
        return _grade(said) if said.command == "grade" else _export(said)
    except (ValueError, OSError) as error:
        print(f"not done: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped: the same command goes on where it stopped", file=sys.stderr)
        return 130


def _grade(said: argparse.Namespace) -> int:
    limits = Limits(said.seconds, said.total, said.megabytes)
    records = grade(
        said.submissions,
        said.out,
        course=said.course,
        limits=limits,
        workers=said.workers,
    )
    print(said.out.with_suffix(".md").read_text(encoding="utf-8"))
    print(f"{len(records)} files: {said.out}, and the rest beside it")
    return 0


def _export(said: argparse.Namespace) -> int:
    filled, lost = export.fill(
        said.gradebook.read_text(encoding="utf-8-sig"),
        said.learners.read_text(encoding="utf-8"),
        said.column,
    )
    write(said.out, filled.encode())
    print(f"{said.out} is ready to be imported")
    for name in lost:
        print(f"NOT IN IT: {name}", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":  # pragma: no cover
    sys.exit(main())
