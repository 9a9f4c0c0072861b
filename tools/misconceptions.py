"""Write chapters/misconceptions.md: what learners get wrong, and what catches it.

python -m tools.misconceptions write    count again (a minute) and rewrite the page
python -m tools.misconceptions check    fail if the page is out of date
"""

import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

from emgmm.checks import check
from emgmm.checks.exercise import Exercise, Slip
from emgmm.checks.registry import EXERCISES
from tools import exercises, mutants, prose
from tools.notebooks import CHAPTERS

PAGE = CHAPTERS / "misconceptions.md"


@dataclass(frozen=True)
class Classic:
    """A misconception that every class has, and where the exercises meet it."""

    name: str
    shows: str
    caught: tuple[tuple[str, str], ...]  # short name of the exercise, name of the slip


CLASSICS = (
    Classic(
        "variance used as standard deviation",
        "intervals and ellipses far too large; nothing raises an error",
        (("read_sigma", "variance used as standard deviation"),),
    ),
    Classic(
        "covariance where the precision belongs",
        "right on round groups of size one; elsewhere the log-likelihood may fall",
        (
            ("log_joint", "covariance where the precision belongs"),
            ("log_likelihood", "covariance where the precision belongs"),
            ("e_step", "covariance where the precision belongs"),
        ),
    ),
    Classic(
        "k instead of d in the normalizing constant",
        "nowhere while there are as many groups as features",
        (
            ("log_joint", "k in place of d in the constant"),
            ("log_likelihood", "k in place of d in the constant"),
            ("round_m_step", "k in place of d"),
        ),
    ),
    Classic(
        "log phi forgotten",
        "rare groups get too much",
        (("log_joint", "forgot log phi"), ("e_step", "forgot log phi")),
    ),
    Classic(
        "divided by N_j - 1",
        "hundredths of a nat; the trace falls near the end only",
        (
            ("labeled_mle", "Sigma divides by N_j - 1"),
            ("m_step", "Sigma divides by N_j - 1"),
        ),
    ),
    Classic(
        "divided by m instead of N_j",
        "ellipses too small, means pulled to the origin",
        (
            ("labeled_mle", "Sigma divides by m, not N_j"),
            ("m_step", "mean divides by m, not N_j"),
        ),
    ),
    Classic(
        "old mean in the new Sigma",
        "never in the trace, which still climbs; only in a comparison of one step",
        (("my_em", "old mean in the new Sigma"),),
    ),
    Classic(
        "new w mixed with old",
        "never in the trace, if the mean comes first",
        (("my_em", "new w mixed with old"),),
    ),
    Classic(
        "softmax over the wrong axis",
        "columns sum to one instead of rows",
        (
            ("responsibilities", "softmax over the wrong axis"),
            ("e_step", "softmax over the wrong axis"),
        ),
    ),
    Classic(
        "responsibilities not normalized",
        "rows do not sum to one, shares shrink",
        (("responsibilities", "not normalized"), ("e_step", "not normalized")),
    ),
    Classic(
        "exp before subtracting the maximum",
        "nan or minus infinity as soon as one example is far out",
        (
            ("responsibilities", "exp before subtracting the maximum"),
            ("log_likelihood", "exp before subtracting the maximum"),
            ("e_step", "exp before subtracting the maximum"),
        ),
    ),
    Classic(
        "hard labels instead of w",
        "the log-likelihood may fall; groups too narrow and too far apart",
        (
            ("m_step", "hard labels instead of w"),
            ("my_em", "hard labels in the E-step"),
        ),
    ),
    Classic(
        "sum of logs for log of sum",
        "a log-likelihood far too low",
        (
            ("log_likelihood", "sum of logs for log of sum"),
            ("same_w", "sum of logs for log of sum"),
        ),
    ),
    Classic(
        "det in place of Cholesky",
        "infinite values with many features or small units",
        (("log_joint", "det in place of Cholesky"),),
    ),
    Classic(
        "sign of the log-likelihood",
        "a trace that goes down all the way",
        (
            ("log_likelihood", "sign of the log-likelihood"),
            ("my_em", "sign of the trace"),
        ),
    ),
    Classic(
        'positive log-density "must be a bug"',
        "values cut off at zero",
        (("log_joint", "positive log-density taken for a bug"),),
    ),
    Classic(
        "components compared without matching their order",
        "two equal fits look different",
        (("in_order", "not sorted"),),
    ),
    Classic(
        "means sorted but not the covariances",
        "a log-likelihood far lower than that of the fit",
        (("in_order", "means and shares sorted, not the covariances"),),
    ),
)


@dataclass(frozen=True)
class Counts:
    """What the tests of the checks have tried."""

    wrong: int
    named: int
    killed: int
    equivalent: int


def counted() -> Counts:
    """Try all wrong answers and all mutants."""
    from tests.wrong_answers import everything

    answers = everything().wrong
    named = sum(check(name, answer).slip == slip for name, slip, answer in answers)
    tally = mutants.tally()
    return Counts(len(answers), named, tally.killed, len(tally.passed))


def page(counts: Counts) -> str:
    """The whole page."""
    slips = sum(len(e.slips) for e in EXERCISES)
    parts = [
        "# Misconceptions, and what catches them",
        "For teachers. Each exercise has a checker that compares an answer "
        "with the right one and then with wrong versions, called slips here. The first "
        "that agrees is named, with the equation that it violates.",
        "This page is made by `make exercises`; the counts are those of the tests.",
        *counts_table(counts, slips),
        "## The classic ones",
        *classic_table(),
        *(part for e in EXERCISES for part in exercise_table(e)),
    ]
    text = "\n\n".join(parts)
    numbers = sorted(set(prose.NUMBER.findall(prose.NOT_PROSE.sub(" ", text))))
    return text + f"\n\n% given: {' '.join(numbers)} (numbers of the exercises)\n"


def counts_table(counts: Counts, slips: int) -> list[str]:
    rows = [
        ("exercises", len(EXERCISES)),
        ("slips that the checker knows", slips),
        ("wrong answers that the tests try", counts.wrong),
        ("of these, wrong *and* named correctly", counts.named),
        ("mutants of the solutions that the checks reject", counts.killed),
        ("mutants that pass because they are as right", counts.equivalent),
    ]
    return [table(("what", "how many"), rows)]


def classic_table() -> list[str]:
    label = {e.name: e.label for e in EXERCISES}
    rows = [
        (c.name, c.shows, ", ".join(f"{{ref}}`{label[name]}`" for name, _ in c.caught))
        for c in CLASSICS
    ]
    return [table(("misconception", "how it shows", "caught by"), rows)]


def exercise_table(e: Exercise) -> list[str]:
    stated = next(s for s in exercises.statements() if s.label == e.label)
    rows = Counter((slip.name, said(slip)) for slip in e.slips)
    return [
        f"## Exercise {stated.number}: {stated.title}",
        f"The question: {{ref}}`{e.label}`.",
        table(("slip", "what the checker says"), list(rows)),
    ]


def said(slip: Slip) -> str:
    where = f" {{eq}}`{slip.equation}`" if slip.equation else ""
    return slip.says + where


def table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def cell(value: object) -> str:
    """Bars would end the cell, stars and underscores would be read as emphasis."""
    return str(value).replace("|", "\\|").replace(" ** ", " \\*\\* ")


def current() -> Counts:
    """The counts that the page states."""
    text = PAGE.read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    cells = [row[1].strip(" |") for row in rows[:8]]
    numbers = [int(number) for number in cells if number.isdigit()]
    return Counts(*numbers[2:6])


def main(arguments: list[str]) -> int:
    if arguments == ["write"]:
        PAGE.write_text(page(counted()), encoding="utf-8")
        return 0
    if arguments == ["check"]:
        fresh = page(current()) == PAGE.read_text(encoding="utf-8")
        print("in step" if fresh else "out of date: make exercises")
        return not fresh
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
