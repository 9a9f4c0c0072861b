"""The learner's code: run on copies, its errors cut to its own lines."""

import contextlib
import copy
import io
import linecache
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

PACKAGE = Path(__file__).resolve().parents[1]


class NotTried(Exception):
    """The starter is still there."""


class Crash(Exception):
    """The learner's code raised; the message is what to show."""


def is_blank(answer: Any) -> bool:
    """None, ``...``, or a list of nothing else."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple)):
        return any(map(is_blank, answer))
    return answer is None or answer is ...


def call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What the function returns for copies of the arguments."""
    try:
        with _quiet():
            result = function(*copy.deepcopy(arguments))
    except NotImplementedError:
        raise NotTried from None
    except (Exception, SystemExit) as error:
        raise Crash(own_lines(error)) from None
    if is_blank(result):
        raise NotTried
    return result


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
