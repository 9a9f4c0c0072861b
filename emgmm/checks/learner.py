"""The learner's code: run on copies, its errors cut to its own lines."""

import ast
import contextlib
import copy
import dis
import inspect
import io
import linecache
import sys
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from emgmm.checks.limit import TimeUp, within

PACKAGE = Path(__file__).resolve().parents[1]
HARMLESS = {PACKAGE / "data.py", *PACKAGE.joinpath("checks").glob("*.py")}
SECONDS = 10.0  # for one call


class NotTried(Exception):
    """The starter is still there."""


class Crash(Exception):
    """The learner's code gave no answer; the message is what to show."""


class Nothing(Crash):
    """It returned None."""


class Endless(Crash):
    """It did not come to an end."""


def is_blank(answer: Any) -> bool:
    """None, ``...``, or a list of nothing else."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple)):
        return any(map(is_blank, answer))
    return answer is None or answer is ...


@dataclass(frozen=True)
class Result:
    """What a call returned, and what it did on its way."""

    value: Any
    spoiled: tuple[int, ...]  # which arguments it changed
    used: frozenset[str]  # functions of emgmm that it called itself


def call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What the function returns for copies of the arguments."""
    return watched(function, arguments).value


def watched(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Result:
    """Call the function with copies of the arguments."""
    copies = copy.deepcopy(arguments)
    try:
        with _quiet(), _calls() as used:
            value = within(SECONDS, lambda: function(*copies))
    except NotImplementedError:
        raise NotTried from None
    except TimeUp:
        raise Endless(f"It was stopped after {SECONDS:.0f} seconds.") from None
    except (Exception, SystemExit) as error:
        raise Crash(own_lines(error)) from None
    if value is None and does_something(function):
        raise Nothing(why_nothing(function))
    if is_blank(value):
        raise NotTried
    pairs = enumerate(zip(arguments, copies))
    spoiled = tuple(n for n, (a, b) in pairs if not _unchanged(a, b))
    return Result(value, spoiled, frozenset(used))


def _unchanged(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray):
        return True
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=True)


@contextlib.contextmanager
def _calls() -> Iterator[set[str]]:
    """The functions of emgmm that are called from outside of it, by name."""
    names: set[str] = set()

    # Coverage does not look into what looks at calls.
    def look(frame: FrameType, event: str, _: Any) -> None:  # pragma: no cover
        if event == "call" and _of_package(frame) and not _of_package(frame.f_back):
            names.add(frame.f_code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield names
    finally:
        sys.setprofile(before)


def _of_package(frame: FrameType | None) -> bool:  # pragma: no cover, see `look`
    file = frame.f_code.co_filename if frame else ""
    return file.startswith(str(PACKAGE)) and Path(file) not in HARMLESS


# A function that returns None


def does_something(function: Callable[..., Any]) -> bool:
    """Whether it looks at its arguments or at any name: a starter does not."""
    code = getattr(function, "__code__", None)
    if code is None:
        return True
    loads = any(i.opname.startswith("LOAD_FAST") for i in dis.get_instructions(code))
    return bool(loads or code.co_names)


def why_nothing(function: Callable[..., Any]) -> str:
    """What the source shows, if there is one."""
    tree = _tree(function)
    returns = [n for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value]
    prints = [n for n in ast.walk(tree) if _is_print(n)]
    if not list(ast.iter_child_nodes(tree)):
        return "Does it end with return?"
    if prints and not returns:
        return (
            "It prints. Return what you print: nobody can compute with what is printed."
        )
    if not returns:
        return "There is no return in it: end it with return and the answer."
    return (
        "It has a return, but this time did not reach it: look at what stands before."
    )


def returns_in_loop(function: Callable[..., Any]) -> bool:
    """Whether a return stands in a loop, and no if before it."""
    loops = [n for n in ast.walk(_tree(function)) if isinstance(n, ast.For | ast.While)]
    return any(isinstance(line, ast.Return) for loop in loops for line in loop.body)


def _is_print(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="print")):
            return True
    return False


def _tree(function: Callable[..., Any]) -> ast.Module:
    """The source of a function; empty when there is none, or only a part of it."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


@contextlib.contextmanager
def _quiet() -> Any:
    """No printing from inside a function, no warnings from NumPy."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def own_lines(error: BaseException) -> str:
    """The traceback without what is not the learner's."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_own(f)]
    lines = [f"line {f.lineno} of {f.name}: {_source(f)}" for f in frames]
    what = "".join(traceback.format_exception_only(error)).strip()
    return "\n".join([*lines[-6:], what[:600]])


def _is_own(frame: traceback.FrameSummary) -> bool:
    file = Path(frame.filename)
    foreign = {"site-packages", "dist-packages"} & set(file.parts)
    return not foreign and PACKAGE not in file.parents


def _source(frame: traceback.FrameSummary) -> str:
    return linecache.getline(frame.filename, frame.lineno or 0).strip()
