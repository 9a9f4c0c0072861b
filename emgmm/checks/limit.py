"""A time limit that works in a notebook and without signals."""

import _thread
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

AGAIN = 1.0  # seconds; some code catches the first interruption

T = TypeVar("T")


class TimeUp(Exception):
    """The code did not come to an end."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """What ``call`` returns; after so many seconds it is interrupted, as by Ctrl-C.

    Only the main thread can be interrupted; elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    # Bare locks: an interruption inside Event.set would leave its lock shut for ever.
    begun, stop, ended = (_thread.allocate_lock() for _ in range(3))
    for lock in (begun, stop, ended):
        lock.acquire()
    sent: list[bool] = []
    watch = (seconds, begun, stop, ended, sent)
    threading.Thread(target=_watch, args=watch, daemon=True).start()
    try:
        try:
            begun.release()
            return call()
        finally:
            stop.release()
            ended.acquire()  # what was sent arrives here at the latest
    except KeyboardInterrupt:
        with suppress(RuntimeError):  # released before, unless it came just then
            stop.release()
        if not sent:
            raise
        raise TimeUp from None


def _watch(
    seconds: float,
    begun: _thread.LockType,
    stop: _thread.LockType,
    ended: _thread.LockType,
    sent: list[bool],
) -> None:
    """Interrupt the main thread when the time is up, and again until it stops this."""
    begun.acquire()
    wait = seconds
    while not stop.acquire(timeout=wait):
        sent.append(True)
        _thread.interrupt_main()
        wait = AGAIN
    ended.release()
