"""Seconds, measured so that other work on the machine falls on all alike."""

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
Run = Callable[[int], object]


def seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def short_and_long(run: Run, n: int, threads: int) -> tuple[float, float]:
    """Seconds of a run of one iteration, and of one of n + 1."""
    with threadpool_limits(threads):
        return seconds(lambda: run(1)), seconds(lambda: run(n + 1))


def per_iteration(pairs: list[tuple[float, float]], n: int) -> list[float]:
    """Seconds of one iteration, from each long run; set-up is in the shortest one."""
    setup = min(short for short, _ in pairs)
    return [(long - setup) / n for _, long in pairs]


def whole(call: Callable[[], object], threads: int) -> float:
    """Seconds of the whole call."""
    with threadpool_limits(threads):
        return seconds(call)


def interleaved(calls: dict[str, Callable[[], T]], repeats: int) -> dict[str, list[T]]:
    """Measure each in turn, and that so many times."""
    times: dict[str, list[T]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(call())
    return times


def least(call: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of some calls, on one core: what the hardware can do."""
    with threadpool_limits(1):
        return min(seconds(call) for _ in range(repeats))
