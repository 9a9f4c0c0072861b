"""What a class knows: how many answers are right, and which slips are common."""

import io
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from emgmm.checks.course import Task
from emgmm.checks.runner import Record

KINDS = ("right", "wrong", "error", "not tried", "not reached")
COLORS = ("#009E73", "#D55E00", "#CC79A7", "#c9c9c9", "#6b6b6b")
HATCHES = ("", "//", "xx", "", "..")
MOST = 15  # slips in the plot


def count_kinds(records: Sequence[Record], task: Task) -> Counter[str]:
    """How many answers to an exercise are right, wrong, ..."""
    return Counter(r.kinds[task.label] for r in records if task.label in r.kinds)


def count_slips(
    records: Sequence[Record], tasks: Sequence[Task]
) -> list[tuple[str, str, int]]:
    """Number of the exercise, slip and how many made it; the most common first."""
    found = Counter(
        (task.number, record.slips[task.label])
        for task in tasks
        for record in records
        if record.slips.get(task.label) and record.kinds[task.label] == "wrong"
    )
    return [(number, slip, n) for (number, slip), n in found.most_common()]


def summary(records: Sequence[Record], tasks: Sequence[Task]) -> str:
    """The class in Markdown: totals, exercises, slips, files that need a look."""
    totals = [
        sum(t.points for t in tasks if r.kinds.get(t.label) == "right") for r in records
    ]
    middle = statistics.median(totals)
    head = (
        f"# {len(records)} submissions\n\nMarks from {min(totals):g} to "
        f"{max(totals):g}, median {middle:g}."
    )
    blocks = [head, *_exercises(records, tasks), *_slips(records, tasks)]
    if noted := [f"- `{r.name}`: {r.note}" for r in records if r.note]:
        blocks.append("## Look at these yourself\n\n" + "\n".join(noted))
    return "\n\n".join(blocks) + "\n"


def _exercises(records: Sequence[Record], tasks: Sequence[Task]) -> list[str]:
    rows = []
    for task in tasks:
        kinds = count_kinds(records, task)
        cells = " | ".join(str(kinds[kind]) for kind in KINDS)
        rows.append(f"| {task.number} {task.title} | {cells} |")
    head = f"| exercise | {' | '.join(KINDS)} |\n|{' --- |' * (len(KINDS) + 1)}"
    return ["## Exercises", "\n".join([head, *rows])] if rows else []


def _slips(records: Sequence[Record], tasks: Sequence[Task]) -> list[str]:
    rows = [
        f"| {n} | {number} | {slip} |"
        for number, slip, n in count_slips(records, tasks)
    ]
    if not rows:
        return []
    return [
        "## Misconceptions, the most common first",
        "\n".join(["| learners | exercise | slip |\n| --- | --- | --- |", *rows]),
    ]


def picture(records: Sequence[Record], tasks: Sequence[Task]) -> bytes:
    """The summary as a PNG: outcomes by exercise, and the most common slips."""
    import matplotlib.pyplot as plt

    from emgmm import plots

    common = count_slips(records, tasks)[:MOST]
    rows = len(tasks), len(common)
    with plt.rc_context():
        plots.use_style()
        fig, axes = plt.subplots(
            2,
            1,
            figsize=(8, 2.2 + 0.3 * sum(rows)),
            height_ratios=[n + 1.5 for n in rows],
            layout="constrained",
        )
        _draw_kinds(axes[0], records, tasks)
        _draw_slips(axes[1], common)
        file = io.BytesIO()
        # Matplotlib's version would make the bytes differ between machines.
        fig.savefig(file, format="png", metadata={"Software": None})
        plt.close(fig)
    return file.getvalue()


def _draw_kinds(ax: Any, records: Sequence[Record], tasks: Sequence[Task]) -> None:
    counts = [count_kinds(records, task) for task in tasks]
    left = [0] * len(tasks)
    for kind, color, hatch in zip(KINDS, COLORS, HATCHES):
        here = [c[kind] for c in counts]
        names = [f"{t.number} {t.title}" for t in tasks]
        bars = {"color": color, "hatch": hatch, "edgecolor": "white", "label": kind}
        ax.barh(names, here, left=left, **bars)
        left = [a + b for a, b in zip(left, here)]
    ax.invert_yaxis()
    ax.legend(ncols=len(KINDS), loc="lower left", bbox_to_anchor=(0, 1))
    ax.set_xlabel("answers")


def _draw_slips(ax: Any, common: list[tuple[str, str, int]]) -> None:
    names = [f"{number} {slip}" for number, slip, _ in common]
    bars = ax.barh(names, [n for _, _, n in common], color=COLORS[1])
    ax.bar_label(bars, padding=3)
    ax.invert_yaxis()
    ax.set(xlabel="learners", title="The most common slips" if common else "No slip")
    ax.xaxis.get_major_locator().set_params(integer=True)
