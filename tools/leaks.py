"""No solution in the students' edition: what must not stand there, and the search.

A secret is an answer in code, a paragraph of a derivation, an answer to a test or an
exam, a line of the rubric. It is searched in every text of the edition: as it is typed,
as Jupyter stores it, as the built pages print it, in what they offer to download, and
in the index of their search.
"""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain

from sphinx.search.en import SearchEnglish

from tools import book, exercises

BODY = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
# No file of the students has such a name.
FORBIDDEN = re.compile(
    r"solution|instructor_guide|misconceptions|exam(_|\.)|nbgrader/|^(tests|tools)/|chapter_\d+\.toml$"
)
BINARY = re.compile(r"\.(png|ico|gif|jpg|woff2?|ttf|otf|eot|mo|toml\.z)$")
DOWNLOAD = re.compile(r"data:application/[\w.+-]+;base64,([\w+/=]+)")
# What a page prints otherwise than it was typed.
OTHERWISE = re.compile(
    r"\$[^$]*\$|\{[\w:]+\}`[^`]*`|`[^`]*`|\*+|\]\([^)]*\)|[][\\<>&\"'“”‘’–—-]"
)


# What is secret


@cache
def secrets() -> tuple[str, ...]:
    """Each as the sources have it, and as a page or the checker prints it."""
    return tuple(dict.fromkeys([*solutions(), *answers()]))


def solutions() -> Iterator[str]:
    """Answers and derivations of the exercises."""
    for e in exercises.answered():
        for cell in e.cells:
            if cell is e.answer:
                yield from BODY.findall(cell.source)
            elif cell.cell_type == "code":
                yield from _longer(cell.source)
            else:
                yield from paragraphs(cell.source)
                yield from paragraphs(exercises.plain(cell.source))


def answers() -> Iterator[str]:
    """What only teachers should read."""
    for name in ("exam", "pretest"):
        for answer in book.ANSWER.findall(book.page(name, answers=True)):
            yield from paragraphs(answer)
    yield from paragraphs(book.page("exam", answers=False))
    guide = book.ROOT.joinpath("chapters/instructor_guide.md").read_text(
        encoding="utf-8"
    )
    yield from paragraphs(guide)


def _longer(source: str) -> Iterator[str]:
    """What helps an answer, unless it is a line or two that anybody would write."""
    if len(source.splitlines()) > 2 and not source.startswith("check("):
        yield source


def paragraphs(text: str) -> Iterator[str]:
    """Those that are long enough to be a sentence of their own, and their parts."""
    text = re.sub(r"(?m)^(% |## |The question: ).*\n?", "", text)
    for paragraph in re.split(r"\n\s*\n", text):
        if len(bare(paragraph)) > 30:
            yield paragraph
            # As a built page prints it: formulas are drawings there.
            yield from (s for s in OTHERWISE.split(paragraph) if len(bare(s)) > 40)


def bare(text: str) -> str:
    """Without white space and marks of comments: a changed layout hides nothing."""
    return re.sub(r"[\s#>]+", "", text)


# The search


def leaks(files: Mapping[str, bytes]) -> list[str]:
    """Where a solution stands in an edition that should have none."""
    found = [f"{path} has no place here" for path in files if FORBIDDEN.search(path)]
    texts = {path: bare(text(path, data)) for path, data in files.items()}
    sought = sorted({bare(secret) for secret in secrets()})
    found += [
        f"{path} has a solution: {secret[:60]!r}"
        for path, own in texts.items()
        for secret in sought
        if secret in own
    ]
    return [*found, *known_to_the_search(files)]


def text(path: str, data: bytes) -> str:
    """All that a reader can find in a file."""
    if BINARY.search(path):
        return ""
    source = data.decode("utf-8")
    if path.endswith((".ipynb", ".json")):
        return "\n".join(_strings(json.loads(source)))
    if path.endswith(".html"):
        return printed(source)
    return source


def printed(source: str) -> str:
    """The words of a built page, and the notebooks that it offers to download."""
    offered = (base64.b64decode(m).decode("utf-8") for m in DOWNLOAD.findall(source))
    told = chain.from_iterable(_strings(json.loads(s)) for s in offered)
    # The second time with what stands in tags and comments.
    typed = DOWNLOAD.sub("", source)
    return "\n".join([html.unescape(re.sub(r"<[^>]*>", "", typed)), typed, *told])


def _strings(value: object) -> Iterator[str]:
    """All strings inside of JSON; Jupyter keeps a text as the list of its lines."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "image/png":
                yield from _strings(inner)
    elif isinstance(value, list):
        yield "".join(s for inner in value for s in _strings(inner))


def known_to_the_search(files: Mapping[str, bytes]) -> Iterator[str]:
    """Words of solutions that the index of the search has from nowhere else."""
    # The search does not know the pages of source.
    html = {
        p: d for p, d in files.items() if p.endswith(".html") and "_modules" not in p
    }
    pages = [text(path, data) for path, data in html.items()]
    # Of a formula it knows the commands, which a page draws: they tell nothing.
    told = re.sub(r"\\[a-zA-Z]+", " ", "\n".join(secrets()))
    hidden = stems(told) - stems("\n".join(pages))
    for path, data in files.items():
        if path.endswith("searchindex.js"):
            index = json.loads(data.decode("utf-8").partition("(")[2].rstrip(")\n; "))
            known = {*index["terms"], *index["titleterms"]} & hidden
            named = [n for n in index["docnames"] if FORBIDDEN.search(n)]
            yield from (
                f"{path} knows of {word!r}" for word in [*named, *sorted(known)]
            )


def stems(words: str) -> set[str]:
    """The words as the index keeps them."""
    stem = SearchEnglish({}).stem
    return {stem(word) for word in set(re.findall(r"[a-z]+", words.lower()))}
