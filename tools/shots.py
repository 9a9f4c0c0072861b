"""Pictures of every page, for a person to leaf through, and what the pages weigh.

    python -m tools.shots    into _build/shots, from _build/html; make book comes first

Each page is taken in light and dark, on a wide screen and on a phone. The table of
weights and times goes into chapters/about.md, between its two marks.
"""

import datetime
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from tools.browser import PROGRAM, chromium, served

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
SHOTS = ROOT / "_build" / "shots"
ABOUT = ROOT / "chapters" / "about.md"
START, END = "<!-- weights -->\n", "<!-- end of weights -->"
HEIGHT = 4000  # of one picture; a long page gives several
MEASURED = """() => {
  const all = performance.getEntriesByType("resource");
  const page = performance.getEntriesByType("navigation")[0];
  const bytes = [page, ...all].reduce((sum, e) => sum + e.transferSize, 0);
  return [bytes / 1e6, page.domContentLoadedEventEnd / 1e3];
}"""


def pages() -> list[str]:
    found = [
        *HTML.glob("chapters/**/*.html"),
        HTML / "search.html",
        HTML / "genindex.html",
    ]
    return [str(page.relative_to(HTML)) for page in sorted(found)]


def shoot(browser: Any, server: str) -> Iterator[str]:
    """Names of the pictures, page by page."""
    for scheme in ("light", "dark"):
        for width in (1280, 360):
            view = {"width": width, "height": 900}
            context = browser.new_context(
                viewport=view, color_scheme=scheme, reduced_motion="reduce"
            )
            for name in pages():
                yield from pictures(context, server, name, f"{scheme}-{width}")
            context.close()


def pictures(context: Any, server: str, name: str, view: str) -> Iterator[str]:
    page, stem = context.new_page(), name.removesuffix(".html").replace("/", "-")
    page.goto(f"{server}/{name}")
    width, height = page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
    for top in range(0, height, HEIGHT):
        size = {"width": width, "height": min(HEIGHT, height - top)}
        file = f"{stem}-{view}-{top // HEIGHT}.png"
        clip = {"x": 0, "y": top, **size}
        page.screenshot(path=SHOTS / file, full_page=True, clip=clip)
        yield file
    page.close()


def sheet(files: Iterable[str]) -> str:
    figures = "".join(
        f'<figure><figcaption>{f}</figcaption><img loading="lazy" src="{f}" alt="{f}">'
        "</figure>"
        for f in sorted(files)
    )
    style = "body {display: flex; flex-wrap: wrap; gap: 1em} img {max-width: 40em}"
    return f"<!doctype html><title>Pages</title><style>{style}</style>{figures}"


def weigh(browser: Any, server: str) -> Iterator[tuple[str, float, float]]:
    """Title, megabytes of a first visit, and seconds to open: the median of five."""
    for name in pages():
        runs = [visit(browser, f"{server}/{name}") for _ in range(5)]
        title, megabytes, _ = runs[0]
        yield title, megabytes, median(seconds for *_, seconds in runs)


def visit(browser: Any, address: str) -> tuple[str, float, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(address)
    megabytes, seconds = page.evaluate(MEASURED)
    title = re.split(" [-—] ", page.title())[0]
    context.close()
    return title, megabytes, seconds


def table(rows: Iterable[tuple[str, float, float]]) -> str:
    """As MyST, with the numbers declared for the tests of the prose."""
    lines = [f"| {title} | {mb:.1f} | {s:.1f} |\n" for title, mb, s in rows]
    numbers = " ".join(sorted(set(re.findall(r"\d+\.\d", "".join(lines)))))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    day = datetime.datetime.now(datetime.UTC).date()
    return (
        f"Measured on {day} in headless Chromium ({machine}), from a local server,\n"
        "with an empty cache.\n\n| Page | Megabytes | Seconds |\n| --- | --- | --- |\n"
        f"{''.join(lines)}\n% given: {numbers} (measured by tools/shots.py)\n"
    )


def write(text: str) -> None:
    page = ABOUT.read_text(encoding="utf-8")
    head, rest = page.split(START)
    tail = rest.split(END)[1]
    ABOUT.write_text(f"{head}{START}{text}{END}{tail}", encoding="utf-8")


def main() -> int:
    if PROGRAM is None or not HTML.exists():
        print("make browser and make book come first")
        return 1
    SHOTS.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, served(HTML) as server:
        write(table(weigh(browser, server)))
        text = sheet(shoot(browser, server))
        (SHOTS / "index.html").write_text(text, encoding="utf-8")
    print(f"Open {SHOTS / 'index.html'}. The weights are in {ABOUT.name}: commit them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
