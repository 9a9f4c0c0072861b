"""The judge's side of a learner's process: start it, ask it, end it.

What it answers is treated as hostile: plain numbers of bounded size come through, and
nothing that could run.
"""

import base64
import contextlib
import json
import linecache
import os
import pickle
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from emgmm.checks import sandbox
from emgmm.mixture import Mixture

STARTUP = 120  # seconds to import NumPy, also on a busy machine
PATIENCE = 4  # times the seconds of computing, by the clock
MARK = "EMGMM_GRADER"  # in the environment of all that a submission starts
LARGEST_REPLY = 16_000_000  # bytes
EXTRA_PROCESSES = 64
PIECE = 512  # bytes that a pipe takes at once when it takes any
GLANCE = 0.2  # seconds between two looks whether it still lives
KIND = re.compile(r"[<>|=][biufc]\d{1,2}")
NUMBER = re.compile(r"-?\d+(/\d+)?")  # more would let a short text cost a lot
PLAIN = {"int": int, "float": float, "str": str}
BLANK = {"none": None, "blank": ...}
UNREADABLE = (
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
)


@dataclass(frozen=True)
class Limits:
    """What one notebook may use.

    Attributes
    ----------
    seconds : float
        Of computing, for a cell or for a call of a function; by the clock it may take
        four times as long.
    total : float
        Seconds by the clock for the whole notebook.
    megabytes : int
        Of address space.
    """

    seconds: float = 30
    total: float = 300
    megabytes: int = 4000


class Ended(Exception):
    """The learner's process is no more; the message says how it ended."""


class Kernel:
    """A process that runs a learner's cells, in a folder of its own."""

    def __init__(self, given: Path, limits: Limits, until: float, closed: bool) -> None:
        self.limits, self.until, self.why = limits, until, ""
        self.mark = f"{os.environ.get(MARK, 'alone')}.{secrets.token_hex()}"
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115, lives as long as we
        self.process = subprocess.Popen(
            [*(sandbox.command(given) if closed else []), *_child(limits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            cwd=given,
            env=_environment(given, closed) | {MARK: self.mark},
            start_new_session=True,  # a group of its own, to be ended as one
        )
        self.buffer = b""

    def start(self) -> None:
        """Wait until it listens; Ended says why it does not."""
        try:
            self._reply(STARTUP)
        except Ended:
            self.errors.seek(0)
            last = self.errors.read().decode(errors="replace").strip().splitlines()
            self.why = f"does not start: {(last or ['no reason given'])[-1][:200]}"
            raise Ended(self.why) from None
        finally:
            self.errors.close()

    def ask(self, op: str, **more: Any) -> dict[str, Any]:
        """One question, one answer."""
        if self.why:
            raise Ended(self.why)
        try:
            self._send(json.dumps({"op": op, **more}).encode() + b"\n")
            return self._reply(PATIENCE * self.limits.seconds)
        except Ended:
            raise
        except BaseException:  # a limit of the check: the next answer would be stale
            self.end("does not end")
            raise

    def _send(self, line: bytes) -> None:
        """Piece by piece: who does not read must not keep us waiting for ever."""
        assert self.process.stdin
        pipe = self.process.stdin.fileno()
        deadline = min(time.monotonic() + self.limits.seconds, self.until)
        while line:
            if time.monotonic() > deadline:
                self._stop("does not listen")
            if select.select([], [pipe], [], GLANCE)[1]:
                try:
                    line = line[os.write(pipe, line[:PIECE]) :]
                except OSError:
                    self._stop(self._how())

    def _reply(self, seconds: float) -> dict[str, Any]:
        try:
            said = json.loads(self._line(min(time.monotonic() + seconds, self.until)))
        except (ValueError, RecursionError):
            self._stop("disturbs the grader")
        return said if isinstance(said, dict) else self._stop("disturbs the grader")

    def _line(self, deadline: float) -> bytes:
        assert self.process.stdout
        while b"\n" not in self.buffer:
            if len(self.buffer) > LARGEST_REPLY:  # pragma: no cover: the pile does it
                self._stop("gives more than a grader can read")
            ready = select.select([self.process.stdout], [], [], GLANCE)[0]
            piece = os.read(self.process.stdout.fileno(), 2**16) if ready else b""
            self.buffer += piece
            if not piece and (ready or self.process.poll() is not None):
                self._stop(self._how())
            if time.monotonic() > deadline:
                self._stop("does not end")
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def _how(self) -> str:
        """How it ended, in words. Bubblewrap adds 128 to the signal."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GLANCE)
        code = self.process.poll() or 0
        number = -code if code < 0 else code - 128
        if number == signal.SIGXCPU:
            return f"does not end: stopped after {self.limits.seconds:g} s of computing"
        if number > 0:
            return f"is killed ({signal.strsignal(number) or number})"
        return "ends the process"

    def _stop(self, why: str) -> Any:
        self.end(why)
        raise Ended(why)

    def end(self, why: str = "was ended") -> None:
        """End it, its group, and whoever has left the group."""
        if self.why:
            return
        self.why = why
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        sweep(self.mark)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


def _child(limits: Limits) -> list[str]:
    numbers = [limits.seconds, limits.total, limits.megabytes]
    numbers.append(own_tasks() + EXTRA_PROCESSES)
    return [sys.executable, "-P", str(sandbox.CHILD), *map(str, numbers)]


def _environment(given: Path, closed: bool) -> dict[str, str]:
    kept = sandbox.ENVIRONMENT
    if not closed:
        kept = sandbox.environment() | {"TMPDIR": str(given)}
    return kept | {
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(sandbox.PACKAGE.parent),
    }


def own_tasks() -> int:
    """Processes and threads of this user: the system counts them all together."""
    found = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.uids().real == os.getuid():
                found += process.num_threads()
    return found


def marked(mark: str) -> Iterator[psutil.Process]:
    """Living processes of a mark that starts so."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").startswith(mark):
                yield process


def sweep(mark: str) -> None:
    """End all processes of a mark, also those that are made meanwhile."""
    while found := list(marked(mark)):
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=1)


# What it says, as values


def decode(kernel: Kernel, said: Any) -> Any:
    """A value from what the child has encoded; ValueError when it makes no sense."""
    watcher = sys.getprofile()
    sys.setprofile(None)  # the functions that we call here are not the learner's choice
    try:
        return _decode(kernel, *said)
    except UNREADABLE as error:
        raise ValueError(f"the answer cannot be read: {error}") from None
    finally:
        sys.setprofile(watcher)


def _decode(kernel: Kernel, tag: str, *rest: Any) -> Any:
    if tag in BLANK:
        return BLANK[tag]
    if tag in PLAIN:
        return PLAIN[tag](rest[0])
    if tag == "Fraction" and NUMBER.fullmatch(rest[0]):
        return Fraction(rest[0])
    if tag == "bool":
        return rest[0] == "True"
    if tag == "array":
        return _array(*rest)
    if tag == "function":
        return proxy(kernel, *rest)
    if tag == "other":
        return type(str(rest[0])[:40], (), {"__str__": lambda _: str(rest[1])})()
    return _decode_larger(kernel, tag, rest[0])


def _decode_larger(kernel: Kernel, tag: str, parts: Any) -> Any:
    if tag == "dict":
        return {str(key): _decode(kernel, *part) for key, part in parts}
    values = [_decode(kernel, *part) for part in parts]
    if tag == "Mixture":
        return Mixture(*values)
    return tuple(values) if tag == "tuple" else values


def _array(kind: str, shape: list[int], data: str) -> Any:
    if not KIND.fullmatch(kind):
        raise ValueError(f"no numbers of the kind {kind[:10]!r}")
    array = np.frombuffer(base64.b64decode(data), np.dtype(kind)).reshape(shape)
    return array.copy()[()]


def proxy(kernel: Kernel, n: int, source: str) -> Any:
    """A function that asks the learner's process for each value.

    It looks like theirs: the source is the one they wrote, their changes of the
    arguments are made here, too, and who watches calls sees which of emgmm they use.
    """

    def asked(*arguments: Any) -> Any:  # pragma: no cover: see `file`
        said = kernel.ask("call", function=n, arguments=packed(arguments))
        if "error" in said:
            raise _error(said)
        for at, new in said["changed"].items():
            np.copyto(arguments[int(at)], decode(kernel, new))
        for file, name in said["used"]:
            seem_to_call(str(file), str(name))
        return decode(kernel, said["value"])

    file = f"<answer {kernel.mark} {n}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    asked.__code__ = asked.__code__.replace(co_filename=file, co_firstlineno=1)
    return asked


def packed(arguments: tuple[Any, ...]) -> str:
    """Ours may be pickled: it is theirs that must not be."""
    return base64.b64encode(pickle.dumps(arguments)).decode()


def seem_to_call(file: str, name: str) -> None:
    """Enter and leave a frame of that name, in that file of the package."""
    path = str(sandbox.PACKAGE / re.sub(r"[^\w.]", "", file))
    code = compile("0", path, "exec")
    exec(code.replace(co_name=name, co_qualname=name), {})


def _error(said: dict[str, Any]) -> Exception:
    """An error like theirs: its name and words, their lines as a note."""
    name = re.sub(r"\W", "", str(said["error"]))[:40] or "Error"
    if name == "NotImplementedError":
        return NotImplementedError()
    error = type(name, (Exception,), {"__module__": "builtins"})(said.get("message"))
    for line in list(said.get("lines", []))[:6]:
        error.add_note(str(line)[:200])
    return error
