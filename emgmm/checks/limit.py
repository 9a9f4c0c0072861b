"""A time limit that works in a notebook and without signals."""

import _thread
import contextlib
import threading
from collections.abc import Iterator

AGAIN = 1.0  # seconds; some code catches the first interruption


class TimeUp(Exception):
    """The code did not come to an end."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what runs here after so many seconds, as Ctrl-C does.

    Only the main thread can be interrupted; elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    begun, done, up = threading.Event(), threading.Event(), threading.Event()

    def watch() -> None:
        begun.wait()
        wait = seconds
        while not done.wait(wait):
            up.set()
            _thread.interrupt_main()
            wait = AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        try:
            begun.set()
            yield
        finally:
            done.set()
            watcher.join()  # what it has sent arrives here at the latest
    except KeyboardInterrupt:
        done.set()
        if not up.is_set():
            raise
        raise TimeUp from None
