r"""The symbols of a formula, and the comments that give a letter a local meaning.

A symbol is a letter with its accent and its indices: `\bar\ell_c`, `w_{ij}`. Powers and
arguments are no part of it. Indices that count the same are one: `\mu_l` is `\mu_j`.

A letter that means something in one section or exercise only is declared there:

    % local: \alpha (the angle of the polar coordinates)
"""

import re
from collections.abc import Iterator

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[A-Za-z]'*|\d|\S")
WORDS = re.compile(r"\\(?:text|begin|end)\{[^{}]*\}")
GREEK = re.compile(
    r"\\(alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|(?:var)?theta|iota|kappa|lambda"
    r"|mu|nu|xi|pi|(?:var)?rho|sigma|tau|upsilon|(?:var)?phi|chi|psi|omega|ell"
    r"|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega)"
)
MARKS = re.compile(r"\\((wide)?(hat|tilde)|bar|dot|vec|boldsymbol|math(cal|bf|rm|bb))")
ANY_ESTIMATE_OR_AVERAGE = re.compile(r"\\(hat|bar) ")
SAME = {"l": "j", "b": "a"}  # pairs of letters that count the same things
INDICES = set("ijlab0123456789")
# The meaning is read as plain words: formulas are set in the text only.
LOCAL = re.compile(r"(?m)^[ \t]*local: (.+?) \(([^$\n]+)\)$")
LIKE_LOCAL = re.compile(r"(?mi)^[ \t]*local\b.*$")


def symbols(latex: str) -> list[str]:
    """The symbols of a formula, in order; a number as an index is a dot."""
    text = WORDS.sub(" ", latex).replace(r"\operatorname", r"\mathrm")
    return list(_symbols(TOKEN.findall(text)))


def _symbols(tokens: list[str]) -> Iterator[str]:
    at = 0
    while at < len(tokens):
        letter, at = _letter(tokens, at)
        inside: list[str] = []
        while at < len(tokens) and tokens[at] in ("_", "^"):
            group, after = _group(tokens, at + 1)
            if letter and tokens[at] == "_":
                letter += "_" + _index(group)
            # One token in an index is a counter or a part of the name.
            if not letter or tokens[at] == "^" or not _plain(group):
                inside += group
            at = after
        if letter:
            yield letter
        yield from _symbols(inside)


def _letter(tokens: list[str], at: int) -> tuple[str, int]:
    """The letter that stands here with its accent, or nothing, and what comes next."""
    token = tokens[at]
    if MARKS.fullmatch(token):
        group, at = _group(tokens, at + 1)
        return f"{token} {''.join(group)}", at
    is_letter = GREEK.fullmatch(token) or re.fullmatch("[A-Za-z]'*", token)
    return token if is_letter else "", at + 1


def _group(tokens: list[str], at: int) -> tuple[list[str], int]:
    """The token here, or all between these braces."""
    if tokens[at : at + 1] != ["{"]:
        return tokens[at : at + 1], at + 1
    depth, end = 1, at + 1
    while depth and end < len(tokens):
        depth += {"{": 1, "}": -1}.get(tokens[end], 0)
        end += 1
    return tokens[at + 1 : end - 1], end


def _plain(group: list[str]) -> bool:
    return len(group) == 1 or set(group) <= INDICES


def _index(group: list[str]) -> str:
    """Counters under one name each; a number, or what is computed, may be any."""
    if not _plain(group):
        return "."
    return "".join("." if t.isdigit() else SAME.get(t, t) for t in group)


def fits(symbol: str, known: set[str]) -> bool:
    """Is this symbol among those, or an estimate or an average of one of them?"""
    bare = ANY_ESTIMATE_OR_AVERAGE.sub("", symbol)
    patterns = [re.escape(s).replace(r"\.", ".") for s in (symbol, bare)]
    return any(re.fullmatch(p, k) for p in patterns for k in known)


def declared(comment: str) -> list[tuple[str, str]]:
    """What a comment of a page declares: letters as written, and their meaning."""
    return LOCAL.findall(comment)


def malformed(comment: str) -> list[str]:
    """Lines that look like a declaration and would be ignored."""
    return [s for s in LIKE_LOCAL.findall(comment) if not LOCAL.fullmatch(s)]
