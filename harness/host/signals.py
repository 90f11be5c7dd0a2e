"""SIGTERM as an exception, so that what a stop by Ctrl-C leaves in order a stop by `kill` leaves in order too."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Terminated(KeyboardInterrupt):
    """The process was asked to end."""


@contextmanager
def heard() -> Iterator[None]:
    """Raise Terminated in the main thread on SIGTERM; the second one ends the process at once, as ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated("SIGTERM")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
