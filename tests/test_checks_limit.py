"""Answers that do not end, that return nothing, and those that are interrupted."""

import contextlib
import threading

import pytest

from emgmm.checks import check, learner, limit
from emgmm.checks.limit import TimeUp, within
from tests.test_checks_messages import right_m_step


def endless(*_):
    while True:
        pass


def test_what_does_not_end_is_stopped():
    with pytest.raises(TimeUp):
        within(0, endless)


def test_code_that_catches_the_first_interruption_is_stopped_by_the_next(monkeypatch):
    monkeypatch.setattr(limit, "AGAIN", 0.001)
    caught = []

    def catches():
        try:
            endless()
        except KeyboardInterrupt:
            caught.append(True)
        endless()

    # Often, since an interruption may arrive at any place.
    for _ in range(200):
        with pytest.raises(TimeUp):
            within(0, catches)
    assert caught


def test_what_ends_just_then_leaves_the_limit_in_one_of_two_ways():
    def ends():
        return sum(range(1000))

    for _ in range(2000):
        with contextlib.suppress(TimeUp):
            assert within(2e-5, ends) == 499_500


def test_the_reader_may_interrupt_as_before():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        within(1e6, interrupted)


def test_what_ends_in_time_leaves_no_watcher_behind():
    before = set(threading.enumerate())
    assert within(1e6, lambda: 3) == 3
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()


def test_an_error_inside_is_that_error():
    with pytest.raises(ZeroDivisionError):
        within(1e6, lambda: 1 / 0)


def test_there_is_no_limit_beside_the_main_thread():
    done = []
    numbers = range(100_000)
    thread = threading.Thread(
        target=lambda: done.append(within(0, lambda: sum(numbers)))
    )
    thread.start()
    thread.join()
    assert done == [sum(numbers)]


def test_an_answer_that_does_not_end_is_told_so(monkeypatch):
    monkeypatch.setattr(learner, "SECONDS", 0)
    outcome = check("m_step", endless)
    assert (outcome.kind, outcome.slip) == ("error", "does not end")
    assert "does not come to an end" in repr(outcome)


def prints(x, w):
    print(right_m_step(x, w))


def forgets(x, w):
    parts = right_m_step(x, w)  # noqa: F841


def reaches_it_once(x, w):
    if x.shape[1] == 1:
        return right_m_step(x, w)


# Typed nowhere that Python could find again.
WITHOUT_SOURCE = eval(compile("lambda x, w: print(x)", "<typed>", "eval"))


def starter(x, w):
    pass


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (prints, "It prints. Return what you print"),
        (forgets, "There is no return in it"),
        (reaches_it_once, "did not reach it"),
        (WITHOUT_SOURCE, "Does it end with return?"),
    ],
)
def test_why_a_function_returned_none(answer, says):
    outcome = check("m_step", answer)
    assert (outcome.kind, outcome.slip) == ("error", "returned None")
    assert says in " ".join(repr(outcome).split())


def test_what_python_has_built_in_does_something():
    assert learner.does_something(len)


def test_a_function_without_a_line_is_not_tried():
    assert check("m_step", starter).kind == "not tried"
