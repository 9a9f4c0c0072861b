"""The learner's process: it runs their cells and calls their functions, no more.

A script, started by `emgmm.checks.kernel`. It gets questions and sends back what the
learner's code gives, as plain numbers, one JSON text per line. It knows no right answer
and imports nothing that does: whatever a notebook changes or reads here, it can only
change its own answers.
"""

import ast
import base64
import contextlib
import inspect
import json
import linecache
import os
import pickle
import re
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

LARGEST_FILE = 50_000_000  # bytes
DEEPEST = 8  # lists in lists
LINES = 6  # of a traceback
LONGEST_SOURCE = 20_000  # characters
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

Space = dict[str, Any]


def run(source: str, name: str, space: Space) -> str:
    """Execute one cell; the name of the error, or nothing."""
    lines = source.splitlines(keepends=True)
    linecache.cache[name] = (len(source), None, lines, name)
    try:
        exec(compile(without_magics(source), name, "exec"), space)
    except BaseException as error:  # SystemExit too
        return type(error).__name__
    return ""


def without_magics(source: str) -> str:
    """The cell as plain Python: lines that only Jupyter knows do nothing."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        if re.match(r"\s*%%(?!time|capture)", source):
            return ""
        return re.sub(r"(?m)^([ \t]*)([%!].*|.*\?)$", r"\1pass", source)


def answer(  # pragma: no cover, see `main`
    source: str, space: Space, functions: list[Any]
) -> dict[str, Any]:
    """Run a check with a `check` that only takes down what it was given."""
    given: list[tuple[Any, ...]] = []

    def check(_: Any, *values: Any) -> None:
        given.append(values)

    try:
        exec(compile(source, "<check>", "exec"), {**space, "check": check})
    except NameError:
        return {"missing": True}
    return {"answer": [encode(value, functions) for value in given[-1]]}


def call(function: Callable[..., Any], pickled: str) -> dict[str, Any]:
    """What a function of theirs gives, and which of its arguments it has changed."""
    arguments, before = (pickle.loads(base64.b64decode(pickled)) for _ in range(2))
    try:
        with quiet(), calls() as used:
            value = function(*arguments)
        said = {"value": encode(value, [])}
    except BaseException as error:
        return broken(error)
    return said | {"changed": changed(before, arguments), "used": sorted(used)}


@contextlib.contextmanager
def quiet() -> Any:
    """No warnings, as in the notebook's own check."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def calls() -> Iterator[set[tuple[str, str]]]:
    """The functions of emgmm that are called from outside of it: file and name."""
    names: set[tuple[str, str]] = set()

    # Coverage does not look into what looks at calls.
    def look(  # pragma: no cover
        frame: types.FrameType, event: str, _: Any
    ) -> None:
        if event == "call" and inside(frame) and not inside(frame.f_back):
            code = frame.f_code
            names.add((os.path.basename(code.co_filename), code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield names
    finally:
        sys.setprofile(before)


def inside(frame: types.FrameType | None) -> bool:  # pragma: no cover, see `look`
    file = frame.f_code.co_filename if frame else ""
    return os.path.dirname(file) == PACKAGE


def source_of(function: Any) -> str:
    """What a function's author wrote; empty when it is not theirs."""
    try:
        return inspect.getsource(function)[:LONGEST_SOURCE]
    except (OSError, TypeError):
        return ""


def broken(error: BaseException) -> dict[str, Any]:
    """An error in words, with the learner's own lines."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename.startswith("<cell ")]
    lines = [f"line {f.lineno} of {f.name}: {f.line}" for f in own[-LINES:]]
    name = type(error).__name__
    return {"error": name, "message": str(error)[:600], "lines": lines}


def changed(before: tuple[Any, ...], after: tuple[Any, ...]) -> dict[int, Any]:
    """The arrays among the arguments that are no longer what they were."""
    return {
        n: encode(new, [])
        for n, (old, new) in enumerate(zip(before, after))
        if isinstance(new, np.ndarray) and old.tobytes() != new.tobytes()
    }


def encode(value: Any, functions: list[Any], depth: int = 0) -> list[Any]:
    """A value as JSON can hold it; a function as its place in the list."""
    if depth > DEEPEST:
        return ["other", "nested too deeply", ""]
    if value is None or value is ...:
        return ["none" if value is None else "blank"]
    for kind in (bool, int, float):  # NumPy's float64 is a float, True is an int
        if isinstance(value, kind):
            return [kind.__name__, repr(kind(value))[:400]]
    if isinstance(value, Fraction):
        return ["Fraction", str(value)[:400]]
    if isinstance(value, str):
        return ["str", value[:400]]
    return _encode_larger(value, functions, depth)


def _encode_larger(value: Any, functions: list[Any], depth: int) -> list[Any]:
    def inner(parts: Any) -> list[Any]:
        return [encode(part, functions, depth + 1) for part in parts]

    if isinstance(value, (list, tuple)):
        return ["tuple" if isinstance(value, tuple) else "list", inner(value)]
    if isinstance(value, Mapping):
        return ["dict", [[str(k), *inner([v])] for k, v in value.items()]]
    if type(value).__name__ == "Mixture":
        return ["Mixture", inner([value.phi, value.mu, value.Sigma])]
    if type(value).__name__ == "Fit":
        return encode(value.theta, functions, depth)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return ["dict", [[name, *inner([getattr(value, name)])] for name in names]]
    if callable(value):
        functions.append(value)
        return ["function", len(functions) - 1, source_of(value)]
    return _encode_array(value, inner)


def _encode_array(value: Any, inner: Callable[[Any], list[Any]]) -> list[Any]:
    array = np.asarray(value)
    if array.dtype.kind in "biufc":
        data = base64.b64encode(array.tobytes()).decode()
        return ["array", array.dtype.str, list(array.shape), data]
    if array.ndim:
        return ["list", inner(array.tolist())]
    return ["other", type(value).__name__, str(value)[:400]]


def namespace() -> Space:  # pragma: no cover, see `main`
    """A module __main__ as a notebook has it, and a checker that says nothing."""
    module = types.ModuleType("__main__")
    module.__dict__["display"] = print
    sys.modules["__main__"] = module
    checks = types.ModuleType("emgmm.checks")
    for name in ("check", "hint", "solution", "invariants"):
        setattr(checks, name, lambda *_, **__: None)
    sys.modules["emgmm.checks"] = checks
    return module.__dict__


# From here on all runs in the child only, where coverage does not look: the pile of
# tests/test_grade.py proves it.


def limit(megabytes: int, total: float, tasks: int) -> None:  # pragma: no cover
    """Bounds that the system keeps, whatever the learner's code does."""
    import resource

    size = megabytes * 2**20
    for what, most in [
        (resource.RLIMIT_AS, size),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CPU, ceil(total) + 1),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, tasks),
    ]:
        with contextlib.suppress(ValueError, OSError):  # not every system has each
            resource.setrlimit(what, (most, most))


def allow(seconds: float) -> None:  # pragma: no cover
    """So much computing until the next question; then the system ends the process."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        most = resource.getrlimit(resource.RLIMIT_CPU)[1]
        until = ceil(time.process_time() + seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (min(until, most), most))


def silence() -> None:  # pragma: no cover
    """Output goes nowhere, however much there is."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def respond(
    said: dict[str, Any], space: Space, functions: list[Any]
) -> dict[str, Any]:  # pragma: no cover
    match said["op"]:
        case "run":
            return {"error": run(said["source"], said["name"], space)}
        case "answer":
            return answer(said["source"], space, functions)
    return call(functions[said["function"]], said["arguments"])


def main() -> None:  # pragma: no cover
    seconds, total, megabytes, tasks = map(float, sys.argv[1:])
    own, functions = os.getpid(), list[Any]()
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    limit(int(megabytes), total, int(tasks))
    silence()
    sys.path.insert(0, os.getcwd())  # as Jupyter has it; all of ours is imported
    space = namespace()
    said: dict[str, Any] = {"ready": True}
    while True:
        if os.getpid() != own:  # a copy that the learner's code has forked
            os._exit(0)
        answers.write(json.dumps(said) + "\n")
        answers.flush()
        question = questions.readline()
        if not question:
            os._exit(0)  # threads and exit handlers of the learner do not matter
        allow(seconds)
        try:
            said = respond(json.loads(question), space, functions)
            json.dumps(said)
        except BaseException as error:  # what their objects raise when looked at
            said = {"error": type(error).__name__, "message": "", "lines": []}


if __name__ == "__main__":  # pragma: no cover
    main()
