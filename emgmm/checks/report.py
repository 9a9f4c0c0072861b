"""What a class knows: how many answers are right, and which slips are common."""

import io
import statistics
from collections import Counter, defaultdict
from typing import Any

from emgmm.checks.course import Task
from emgmm.checks.record import Records, Tasks, by_learner, total

KINDS = ("right", "wrong", "error", "not tried", "not reached")
COLORS = ("#009E73", "#D55E00", "#CC79A7", "#c9c9c9", "#6b6b6b")
HATCHES = ("", "//", "xx", "", "..")
MOST = 15  # slips in the plot


def count_kinds(records: Records, task: Task) -> Counter[str]:
    """How many answers to an exercise are right, wrong, ..."""
    return Counter(r.kinds[task.label] for r in records if task.label in r.kinds)


def count_slips(records: Records, tasks: Tasks) -> list[tuple[str, list[str], int]]:
    """Each slip, the exercises where it was made, and by how many learners.

    The most common first; among equals the one of the earlier exercise.
    """
    where: dict[str, list[str]] = defaultdict(list)
    who: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for task in tasks:
        for record in records:
            slip = record.slips.get(task.label)
            if slip and record.kinds[task.label] == "wrong":
                where[slip] += [task.number] * (task.number not in where[slip])
                who[slip].add(record.who)
    common = sorted(who, key=lambda slip: -len(who[slip]))
    return [(slip, where[slip], len(who[slip])) for slip in common]


def totals(records: Records, tasks: Tasks) -> list[float]:
    """The marks of each learner, over all notebooks; each exercise counts once."""
    return [total(own, tasks) for own in by_learner(records)]


def summary(records: Records, tasks: Tasks) -> str:
    """The class in Markdown: totals, exercises, slips, files that need a look."""
    marks = totals(records, tasks)
    head = (
        f"# The class\n\n{len(marks)} learners handed in {len(records)} files. "
        f"Marks from {min(marks):g} to {max(marks):g} of "
        f"{sum(t.points for t in tasks):g}, median {statistics.median(marks):g}."
    )
    blocks = [head, *_exercises(records, tasks), *_slips(records, tasks)]
    if noted := [f"- `{r.name}`: {r.note}" for r in records if r.note]:
        blocks.append("## Look at these yourself\n\n" + "\n".join(noted))
    return "\n\n".join(blocks) + "\n"


def _exercises(records: Records, tasks: Tasks) -> list[str]:
    rows = []
    for task in tasks:
        kinds = count_kinds(records, task)
        cells = " | ".join(str(kinds[kind]) for kind in KINDS)
        rows.append(f"| {task.number} {task.title} | {cells} |")
    head = f"| exercise | {' | '.join(KINDS)} |\n|{' --- |' * (len(KINDS) + 1)}"
    return ["## Exercises", "\n".join([head, *rows])] if rows else []


def _slips(records: Records, tasks: Tasks) -> list[str]:
    rows = [
        f"| {n} | {slip} | {', '.join(numbers)} |"
        for slip, numbers, n in count_slips(records, tasks)
    ]
    head = "| learners | slip | exercises |\n| --- | --- | --- |"
    return ["## Misconceptions", "\n".join([head, *rows])] if rows else []


def picture(records: Records, tasks: Tasks) -> bytes:
    """The summary as a PNG: outcomes by exercise, and the most common slips."""
    import matplotlib.pyplot as plt

    from emgmm import plots

    common = count_slips(records, tasks)[:MOST]
    rows = [len(tasks) + 2, len(common) + 2]
    with plt.rc_context():
        plots.use_style()
        size = (8, 1.2 + 0.3 * sum(rows))
        fig, axes = plt.subplots(
            2, 1, figsize=size, height_ratios=rows, layout="constrained"
        )
        _draw_kinds(axes[0], records, tasks)
        _draw_slips(axes[1], common)
        fig.legend(
            *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5
        )
        file = io.BytesIO()
        # Matplotlib's version would make the bytes differ between machines.
        fig.savefig(file, format="png", metadata={"Software": None})
        plt.close(fig)
    return file.getvalue()


def _draw_kinds(ax: Any, records: Records, tasks: Tasks) -> None:
    counts = [count_kinds(records, task) for task in tasks]
    names, left = [f"{t.number} {t.title}" for t in tasks], [0] * len(tasks)
    for kind, color, hatch in zip(KINDS, COLORS, HATCHES):
        here = [c[kind] for c in counts]
        look = {"color": color, "hatch": hatch, "edgecolor": "white", "label": kind}
        ax.barh(names, here, left=left, **look)
        left = [a + b for a, b in zip(left, here)]
    _finish(ax, "answers")


def _draw_slips(ax: Any, common: list[tuple[str, list[str], int]]) -> None:
    names = [f"{slip} ({', '.join(numbers)})" for slip, numbers, _ in common]
    bars = ax.barh(names, [n for *_, n in common], color=COLORS[1])
    ax.bar_label(bars, padding=3)
    ax.set_title("The most common slips" if common else "No slip was recognized")
    _finish(ax, "learners")


def _finish(ax: Any, label: str) -> None:
    ax.margins(y=0.01)
    ax.invert_yaxis()
    ax.set_xlabel(label)
    ax.xaxis.get_major_locator().set_params(integer=True)
