"""How many cores the matrix products may use."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

FEW = 48  # features; below, more cores only slow the products down

_lock = Lock()
_inside = 0
_limit = ExitStack()


@contextmanager
def one_thread(d: int) -> Iterator[None]:
    """BLAS on one core where there are few features.

    The limit is the process's, not the thread's: whoever comes first sets it, and
    whoever leaves last takes it away.
    """
    if d >= FEW:
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside
    with _lock:
        if _inside == 0:
            _limit.enter_context(_thread_pools().limit(limits=1, user_api="blas"))
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            _limit.close()


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()
