"""Seconds, measured so that other work on the machine falls on all alike."""

from collections.abc import Callable
from time import perf_counter

from threadpoolctl import threadpool_limits

Run = Callable[[int], object]


def seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def per_iteration(run: Run, n: int, threads: int) -> float:
    """Seconds of one iteration: a run of n + 1 less one of 1; set-up cancels."""
    with threadpool_limits(threads):
        once = seconds(lambda: run(1))
        return (seconds(lambda: run(n + 1)) - once) / n


def whole(call: Callable[[], object], threads: int) -> float:
    """Seconds of the whole call."""
    with threadpool_limits(threads):
        return seconds(call)


def interleaved(
    calls: dict[str, Callable[[], float]], repeats: int
) -> dict[str, list[float]]:
    """Measure each in turn, and that so many times."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(call())
    return times


def least(call: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of some calls, on one core: what the hardware can do."""
    with threadpool_limits(1):
        return min(seconds(call) for _ in range(repeats))
