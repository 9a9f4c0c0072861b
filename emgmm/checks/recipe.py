"""The right answer as named steps, and what comes out when one of them is changed.

    m_step(x, w) -> phi, mu, Sigma
    N = w.sum(axis=0)  # the sums of the weights, N_j -- eq-m-step-phi
    phi = N / len(x)  # the shares

A change replaces a step, `phi = N`, or what one step sees, `in mu: N = N - 1`; there
`_` is what stood there before: `Sigma = _ / 2`.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr, logsumexp, softmax, xlogy

import emgmm
from emgmm import data
from emgmm.checks import inputs

TOOLS: dict[str, Any] = {
    **{n: getattr(np.linalg, n) for n in np.linalg.__all__},
    **{n: getattr(np, n) for n in np.__all__ if not n.startswith("_")},
    "np": np,
    "emgmm": emgmm,
    "data": data,
    "inputs": inputs,
    "hard": inputs.hard,
    "entr": entr,
    "logsumexp": logsumexp,
    "softmax": softmax,
    "xlogy": xlogy,
}
HEAD = re.compile(r"(\w+)\((.*?)\) -> (.+)")
LINE = re.compile(r"(\s*)(.*?)(?:\s+# (.*?)(?: -- ([\w-]+))?)?")
CHANGE = re.compile(r"(?:in (\w+): )?(\w+) = (.+)")


class Change(NamedTuple):
    """A step, what is changed in it (itself, or one name that it uses), and to what."""

    step: str
    name: str
    code: str

    @property
    def is_whole(self) -> bool:
        return self.step == self.name


class Step(NamedTuple):
    """``names = code``, or, with a body, ``for names in code``."""

    names: tuple[str, ...]
    code: CodeType
    source: ast.expr
    body: tuple["Step", ...] = ()


@dataclass(frozen=True)
class Recipe:
    """How the right answer of an exercise is computed."""

    name: str
    arguments: tuple[str, ...]
    parts: tuple[str, ...]
    steps: tuple[Step, ...]
    words: Mapping[str, str]
    equations: Mapping[str, str]

    def named(self) -> Iterator[Step]:
        """The steps that have a name and words, in the order of the recipe."""
        for step in _flat(self.steps):
            if step.names[0] in self.words:
                yield step

    def run(self, case: Sequence[Any]) -> dict[str, Any]:
        """All that the recipe knows in the end; raises what NumPy raises."""
        known = {**TOOLS, **dict(zip(self.arguments, case))}
        with np.errstate(all="ignore"):  # exp may overflow on the way to a right answer
            _follow(self.steps, known, ())
        return known

    def rerun(
        self,
        case: Sequence[Any],
        right: Mapping[str, Any],
        changes: Sequence[Change],
        given: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The same with changes, which can use what is given.

        What stands before the first change is right, and not computed again. A change
        that breaks down leaves out what comes after it.
        """
        changed = {change.step for change in changes}
        first = self._first(changed)
        known = {**(right if first else TOOLS), **(given or {})}
        known.update(zip(self.arguments, case))
        for name in set().union(*self._names[first:]) - set(self.arguments):
            known.pop(name, None)
        try:
            for change in changes:
                if change.step in self._inputs:
                    known[change.name] = _new(change, known, known[change.name])
            _follow(self.steps[first:], known, changes)
        except Exception:  # whatever NumPy raises: what comes later is not known
            return known
        return known

    @cached_property
    def _names(self) -> list[set[str]]:
        """What each of the outer steps defines."""
        return [{n for s in _flat([step]) for n in s.names} for step in self.steps]

    @cached_property
    def _inputs(self) -> set[str]:
        """The arguments that stay as they are."""
        return set(self.arguments).difference(*self._names)

    @cached_property
    def _is_straight(self) -> bool:
        """Whether no name is used over again."""
        names = [*self.arguments, *(n for own in self._names for n in own)]
        return len(set(names)) == len(names)

    def _first(self, changed: set[str]) -> int:
        """The first step that is changed; 0 when all must be computed again."""
        if changed & set(self.arguments) or not self._is_straight:
            return 0
        places = (at for at, own in enumerate(self._names) if own & changed)
        return next(places, len(self.steps))

    def needs(self, part: str) -> frozenset[str]:
        """The quantities that a part is computed from, and itself."""
        needed = {part}
        for step in reversed([*_flat(self.steps)] * 2):  # twice, for loops
            if needed & set(step.names):
                names = [n.id for n in ast.walk(step.source) if isinstance(n, ast.Name)]
                needed.update(names)
        return frozenset(needed)


def _flat(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield from _flat(step.body) if step.body else [step]


def _follow(
    steps: Sequence[Step], known: dict[str, Any], changes: Sequence[Change]
) -> None:
    for step in steps:
        if not step.body:
            _take(step, known, [c for c in changes if c.step in step.names])
            continue
        for value in eval(step.code, known):
            _store(step.names, value, known)
            _follow(step.body, known, changes)


def _take(step: Step, known: dict[str, Any], changes: Sequence[Change]) -> None:
    if not changes:
        _store(step.names, eval(step.code, known), known)
        return
    seen = {
        c.name: _new(c, known, known.get(c.name)) for c in changes if not c.is_whole
    }
    value = eval(step.code, {**known, **seen} if seen else known)
    for change in changes:
        if change.is_whole:
            value = _new(change, known, value)
    _store(step.names, value, known)


def _new(change: Change, known: dict[str, Any], old: Any) -> Any:
    known["_"] = old
    return eval(compiled(change.code), known)


def _store(names: tuple[str, ...], value: Any, known: dict[str, Any]) -> None:
    known.update(zip(names, value) if len(names) > 1 else [(n, value) for n in names])


@cache
def compiled(code: str) -> CodeType:
    return compile(code.strip(), "recipe", "eval")


def parse(text: str) -> Recipe:
    """A recipe from its lines; SyntaxError names the line that is none."""
    head, *lines = text.strip().splitlines()
    match = HEAD.fullmatch(head)
    if match is None:
        raise SyntaxError(
            f"a recipe begins with name(arguments) -> parts, not {head!r}"
        )
    split = [_line(line) for line in lines]
    steps = tuple(map(_step, ast.parse("\n".join(code for code, *_ in split)).body))
    words: dict[str, str] = {}
    equations: dict[str, str] = {}
    equation = ""
    for code, said, label in split:
        name = code.split("=")[0].strip()
        equation = label or equation
        if said:
            words.setdefault(name, said)
            equations.setdefault(name, equation)
    return Recipe(
        match[1], _listed(match[2]), _listed(match[3]), steps, words, equations
    )


def _line(line: str) -> tuple[str, str, str]:
    match = LINE.fullmatch(line)
    assert match  # every line matches
    return match[1] + match[2], match[3] or "", match[4] or ""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _step(node: ast.stmt) -> Step:
    match node:
        case ast.Assign(targets=[target], value=source):
            names = tuple(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
            return Step(names, _code(source), source)
        case ast.For(target=target, iter=source, body=body, orelse=[]):
            names = tuple(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
            return Step(names, _code(source), source, tuple(map(_step, body)))
    raise SyntaxError(
        f"a recipe holds assignments and loops, not {ast.unparse(node)!r}"
    )


def _code(source: ast.expr) -> CodeType:
    return compile(ast.Expression(source), "recipe", "eval")


def changes(text: str) -> tuple[Change, ...]:
    """The changes of a line: `phi = N`, `in mu: N = N - 1`, more of them after `;`."""
    found = []
    for part in text.split(";"):
        match = CHANGE.fullmatch(part.strip())
        if match is None:
            raise SyntaxError(f"{part.strip()!r} is no change: write name = expression")
        compiled(match[3])
        found.append(Change(match[1] or match[2], match[2], match[3]))
    return tuple(found)
