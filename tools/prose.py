"""Numbers in the prose of the chapters: computed, or said to be given.

A number that repeats a result is written plainly, and a comment below its paragraph
says how it is computed. MyST does not print comments.

    The share of the first group is 0.46.
    % check: 0.46 == f"{theta.phi[0]:.2f}"

The expression sees what the code cells above it have defined (`% check at end:` sees
the whole chapter), its text must equal the left side, and the left side must stand in
the paragraph. Decimal numbers that no cell computes are named once in the chapter:

    % given: 50.0 0.7 (the recipe of the simulated data)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

CHECK = re.compile(r"\s*% check( at end)?: (.+?) == (.+)")
GIVEN = re.compile(r"\s*% given: ([^(]+)\(.+\)")
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?!\.?\d)")
FENCE = r"^(`{3,})[^{`\n]*\n.*?^\1$"  # code, but not a directive
NOT_PROSE = re.compile(
    FENCE + r"|(?:\{[\w:]+\})?(?<!`)`(?:[^`\n]|\n(?!\n))+`(?!`)"  # roles, inline code
    r"|\]\([^)\n]*\)"  # targets of links
    r"|</?[a-zA-Z][^>\n]*>"  # HTML tags
    r"|^[ \t]*:[\w-]+:.*?$"  # options of directives
    r"|^[ \t]*%.*?$",  # comments
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Check:
    """One claim: this text is what that expression gives."""

    text: str
    expression: str
    at_end: bool

    def stands_in(self, paragraph: str) -> bool:
        return bool(re.search(rf"(?<![\d.]){re.escape(self.text)}(?!\.?\d)", paragraph))


@dataclass
class Paragraph:
    """Lines without a blank one between them, and the checks below them."""

    text: str = ""
    checks: list[Check] = field(default_factory=list)

    def unproved(self) -> Iterator[str]:
        """Decimal numbers that no check of this paragraph claims."""
        proved = {n for check in self.checks for n in NUMBER.findall(check.text)}
        numbers = NUMBER.findall(NOT_PROSE.sub(" ", self.text))
        yield from (n for n in numbers if n not in proved)


def paragraphs(source: str) -> list[Paragraph]:
    """The paragraphs of a Markdown cell. A fence with blank lines stays in one."""
    # A blank line inside fenced code does not end a paragraph.
    fence = re.compile(FENCE, re.MULTILINE | re.DOTALL)
    source = fence.sub(lambda m: re.sub(r"\n(?=\n)", "\n ", m[0]), source)
    found: list[Paragraph] = []
    for block in re.split(r"\n\n+", source):
        lines = block.splitlines()
        checks = [Check(m[2], m[3], bool(m[1])) for m in map(CHECK.match, lines) if m]
        text = "\n".join(s for s in lines if not s.lstrip().startswith("%"))
        # Comments that stand alone belong to the paragraph above them.
        if text.strip() or not found:
            found.append(Paragraph(text))
        found[-1].checks += checks
    return found


def given(source: str) -> list[str]:
    """Numbers that a chapter declares as not computed by it."""
    matches = map(GIVEN.fullmatch, source.splitlines())
    return [number for m in matches if m for number in m[1].split()]


def malformed(source: str) -> list[str]:
    """Comments that look like a check and would be ignored."""
    return [
        line
        for line in source.splitlines()
        if re.match(r"\s*%\s*(check|given)", line, re.IGNORECASE)
        and not (CHECK.fullmatch(line) or GIVEN.fullmatch(line))
    ]


def untested(notebook: NotebookNode) -> list[str]:
    """What the comments of a chapter leave open, without running it."""
    texts = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    parts = [p for text in texts for p in paragraphs(text)]
    declared = {number for text in texts for number in given(text)}
    open_numbers = [n for p in parts for n in p.unproved()]
    proved = {n for p in parts for c in p.checks for n in NUMBER.findall(c.text)}
    open_numbers += [n for n in caption_numbers(notebook) if n not in proved]
    bad = [
        f"{n} is neither checked nor given" for n in open_numbers if n not in declared
    ]
    bad += [f"{n} is given but not used" for n in declared - set(open_numbers)]
    bad += [f"not understood: {line}" for text in texts for line in malformed(text)]
    return bad + [
        f"{c.text} is checked but does not stand in the paragraph: {p.text[:60]!r}"
        for p in parts
        for c in p.checks
        if not c.stands_in(p.text)
    ]


def caption_numbers(notebook: NotebookNode) -> Iterator[str]:
    """Decimal numbers in the captions and text alternatives of figures."""
    for cell in notebook.cells:
        options = cell.metadata.get("mystnb", {})
        for text in (
            options.get("image", {}).get("alt", ""),
            options.get("figure", {}).get("caption", ""),
        ):
            yield from NUMBER.findall(NOT_PROSE.sub(" ", text))


def with_checks(notebook: NotebookNode) -> NotebookNode:
    """The notebook with a code cell for the checks of each Markdown cell."""
    cells, later = [], []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            checks = [c for p in paragraphs(cell.source) for c in p.checks]
            later += [c for c in checks if c.at_end]
            cells += check_cell([c for c in checks if not c.at_end])
    return nbformat.from_dict({**notebook, "cells": cells + check_cell(later)})


def check_cell(checks: list[Check]) -> list[NotebookNode]:
    """No cell when there is nothing to check."""
    source = "\n".join(f"print(({c.expression}))" for c in checks)
    texts = [c.text for c in checks]
    cell = nbformat.v4.new_code_cell(source, metadata={"expected": texts})
    return [cell] if checks else []


def false_numbers(executed: NotebookNode) -> list[str]:
    """The checks that did not come out, after `with_checks` was executed."""
    bad = []
    for cell in executed.cells:
        if "expected" in cell.metadata:
            text = "".join(output.get("text", "") for output in cell.outputs)
            said, computed = cell.metadata["expected"], text.splitlines()
            pairs = zip(said, computed, strict=True)
            bad += [f"the page says {a}, the code says {b}" for a, b in pairs if a != b]
    return bad
