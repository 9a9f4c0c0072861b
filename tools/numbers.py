"""Numbers and places of all that the pages refer to: as the book counts, without it.

Jupyter shows a page without the book around it, and the checker prints in a terminal.
Both need to know that eq-m-step-mu is number 4.7. The book counts equations, figures
and exercises by chapter; pages without a number of their own share one count, in the
order of _toc.yml.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pybtex.database import Entry, parse_file

ROOT = Path(__file__).resolve().parents[1]
EXERCISE = re.compile(
    r"^:::\{exercise\} *([^\n]*)\n:label: ([\w-]+)\n(.*?)^:::$",
    re.MULTILINE | re.DOTALL,
)
# What gets a name on a page: equation, exercise, figure, section.
NAMED = re.compile(
    r"^ *\$\$ \((?P<equation>[\w-]+)\)$"
    r"|^:::\{exercise\}[^\n]*\n:label: (?P<exercise>[\w-]+)$"
    r"|^: +name: (?P<figure>fig-[\w-]+)$"
    r"|^\((?P<section>[\w-]+)\)=\n+#+ (?P<heading>[^\n]+)$",
    re.MULTILINE,
)
REFERENCES = "references"
SHOWN = {"equation": "({})", "exercise": "Exercise {}", "figure": "Fig. {}"}


@dataclass(frozen=True)
class Target:
    """What a reference prints: "(4.7)", "Exercise 4.3"; and the page that it leads to.

    The kind is equation, exercise, figure, section, page or source; a source has no
    page but that of the references.
    """

    kind: str
    text: str
    page: str


def contents(root: Path = ROOT) -> Iterator[tuple[str, int | None]]:
    """Each page of the book, as 04_em or solutions/04_em, and the chapter's number."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    yield _name(toc["root"]), None
    number = 0
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            number += bool(part.get("numbered"))
            yield _name(chapter["file"]), number if part.get("numbered") else None


def _name(file: str) -> str:
    return file.removeprefix("chapters/")


@cache
def targets(root: Path = ROOT) -> dict[str, Target]:
    """Every label of every page, every page, and every source."""
    found: dict[str, Target] = {}
    counts: Counter[tuple[str, int | None]] = Counter()
    for page, number in contents(root):
        text = (root / "chapters" / f"{page}.md").read_text(encoding="utf-8")
        found[page] = Target("page", title(text), page)
        for kind, label, heading in named(text):
            counts[kind, number] += 1
            count = f"{number}." * bool(number) + str(counts[kind, number])
            shown = SHOWN[kind].format(count) if kind in SHOWN else heading
            found[label] = Target(kind, shown, page)
    return found | sources(root / "chapters" / "references.bib")


def title(text: str) -> str:
    """The first heading of a page."""
    return next(m[1] for m in re.finditer(r"(?m)^# (.+)$", text))


def named(text: str) -> Iterator[tuple[str, str, str]]:
    """Kind, label and heading, if it has one, of all that has a name on a page."""
    for match in NAMED.finditer(text):
        kind = next(k for k, label in match.groupdict().items() if label)
        yield kind, match[kind], match["heading"] or ""


def sources(bib: Path) -> dict[str, Target]:
    """Authors and year of each entry, as the book cites it: "Jensen, 1906"."""
    entries = parse_file(str(bib)).entries
    return {
        key: Target(
            "source", f"{authors(e)}, {e.fields.get('year', 'n.d.')}", REFERENCES
        )
        for key, e in entries.items()
    }


def authors(entry: Entry) -> str:
    """One or two names, or the first and "et al."."""
    people = entry.persons.get("author") or entry.persons["editor"]
    names = [" ".join([*p.prelast_names, *p.last_names]) for p in people]
    if len(names) > 2:
        return f"{names[0]} et al."
    return " and ".join(names)
