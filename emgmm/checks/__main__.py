"""The checker's commands: python -m emgmm.checks grade submissions/ --out grades.csv"""

import argparse
import sys
from pathlib import Path

from emgmm.checks.grade import HANDED_OUT, grade
from emgmm.checks.runner import Limits


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m emgmm.checks")
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("grade", help="grade a folder of notebooks")
    one.add_argument("submissions", type=Path, help="the folder of notebooks")
    one.add_argument("--out", type=Path, default=Path("grades.csv"), help="NAME.csv")
    one.add_argument("--seconds", type=float, default=Limits.seconds, help="for each")
    one.add_argument("--megabytes", type=int, default=Limits.megabytes, help="for each")
    one.add_argument("--workers", type=int, default=2, help="at the same time")
    one.add_argument(
        "--course", type=Path, default=HANDED_OUT, help="what was handed out"
    )
    return top


def main(arguments: list[str] | None = None) -> int:
    said = parser().parse_args(arguments)
    limits = Limits(said.seconds, said.megabytes)
    try:
        records = grade(
            said.submissions,
            said.out,
            course=said.course,
            limits=limits,
            workers=said.workers,
        )
    except ValueError as error:
        print(f"not graded: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("not graded: stopped; nothing is written", file=sys.stderr)
        return 130
    print(said.out.with_suffix(".md").read_text(encoding="utf-8"))
    print(f"{len(records)} graded: {said.out}, and .md and .png beside it")
    return 0


if __name__ == "__main__":  # pragma: no cover
    sys.exit(main())
