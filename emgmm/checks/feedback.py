"""A page for each learner: what every answer was worth, and what the checker says."""

import re
from collections import Counter
from collections.abc import Iterator
from html import escape

from emgmm.checks.course import Task
from emgmm.checks.outcome import COLORS, MARKS
from emgmm.checks.record import Record, Records, Tasks, best, by_learner, marks, total

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 sans-serif; color: #222; background: #fff;
  max-width: 48rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }}
section {{ border-left: 4px solid; padding-left: 1rem; margin: 1.5rem 0; }}
h2 {{ font-size: 1.1rem; margin: 0; }}
pre {{ white-space: pre-wrap; font-size: .9rem; margin: .5rem 0; }}
</style>
<h1>{title}</h1>
<p>{marks:g} of {of:g} points. If an exercise was handed in more than once, the best
attempt counts.</p>
{body}
</html>
"""


def pages(records: Records, tasks: Tasks) -> Iterator[tuple[str, str]]:
    """Name and contents of each learner's page."""
    names = Counter[str]()
    for own in by_learner(records):
        slug = re.sub(r"[^\w.-]+", "_", "_".join(filter(None, own[0].who))).strip("._")
        names[slug] += 1
        again = f"_{names[slug]}" if names[slug] > 1 else ""
        yield f"{slug or 'learner'}{again}.html", page(own, tasks)


def page(own: Records, tasks: Tasks) -> str:
    """One learner, all exercises of the class."""
    files = "".join(f"<li>{escape(r.name)}{_noted(r)}</li>" for r in own)
    sections = "\n".join(_section(best(own, task), task) for task in tasks)
    return PAGE.format(
        title=escape(own[0].learner),
        marks=total(own, tasks),
        of=sum(task.points for task in tasks),
        body=f"<ul>{files}</ul>\n{sections}",
    )


def _noted(record: Record) -> str:
    return f": {escape(record.note)}" if record.note else ""


def _section(record: Record | None, task: Task) -> str:
    kind = record.kinds[task.label] if record else "not handed in"
    said = record.said.get(task.label, "") if record else ""
    points = marks(record, task) if record else 0
    color, mark = COLORS.get(kind, "#6b6b6b"), MARKS.get(kind, "–")
    # The first line of the checker repeats the title.
    words = said.split("\n", 1)[1] if said.startswith(mark) and "\n" in said else said
    return (
        f'<section style="border-color: {color}">'
        f"<h2>{mark} {escape(task.number)} {escape(task.title)}: {escape(kind)}, "
        f"{points:g} of {task.points:g}</h2><pre>{escape(words)}</pre></section>"
    )
