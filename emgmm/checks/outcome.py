"""What the checker answers: one of four kinds, in sentences."""

import textwrap
from dataclasses import dataclass
from html import escape
from typing import Literal

Kind = Literal["not tried", "wrong", "error", "right"]

MARKS = {"not tried": "…", "wrong": "✗", "error": "!", "right": "✓"}
WORDS = {
    "not tried": "not tried yet",
    "wrong": "not right yet",
    "error": "error in your code",
    "right": "right",
}
COLORS = {
    "not tried": "#888888",
    "wrong": "#d55e00",
    "error": "#cc79a7",
    "right": "#009e73",
}


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 80, break_long_words=False, break_on_hyphens=False)


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str

    def plain(self) -> str:
        return _wrapped(self.text)

    def html(self) -> str:
        return f"<p>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Code:
    """Lines to be shown as they are."""

    text: str

    def plain(self) -> str:
        return textwrap.indent(self.text, "    ")

    def html(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"


@dataclass(frozen=True)
class Link:
    """Where to look: words, and the page in another folder."""

    text: str
    page: str

    def plain(self) -> str:
        return _wrapped(self.text)

    def html(self) -> str:
        return f'<p><a href="{escape(self.page)}">{escape(self.text)}</a></p>'


@dataclass(frozen=True)
class Outcome:
    """The answer to an answer; true only when it is right.

    Attributes
    ----------
    kind : {"not tried", "wrong", "error", "right"}
        Which of the four.
    label, title : str
        The exercise: ``ex-m-step``, "Exercise 4.3: The M-step".
    parts : tuple
        What to say, in order: `Text`, `Code` and `Link`.
    slip : str
        Name of the slip that was recognized, if any.
    """

    kind: Kind
    label: str
    title: str
    parts: tuple[Text | Code | Link, ...]
    slip: str = ""

    def __bool__(self) -> bool:
        return self.kind == "right"

    def __repr__(self) -> str:
        head = f"{MARKS[self.kind]} {self.title}: {WORDS[self.kind]}"
        return "\n".join([head, *(part.plain() for part in self.parts)])

    def _repr_html_(self) -> str:
        border = f"border-left: 4px solid {COLORS[self.kind]}; padding-left: 1em"
        head = f"{MARKS[self.kind]} {escape(self.title)}: {WORDS[self.kind]}"
        body = "".join(part.html() for part in self.parts)
        return f'<div style="{border}"><p><strong>{head}</strong></p>{body}</div>'
