"""What a retriever has done of its index, told to whoever watches: a bar, a line a minute, the log.

Without a word from the retriever the documents that it has read count. One that reads ahead says what is done:

    from harness import work

    work.begin()                          # from now on what is done counts, not what is read
    with work.portion(len(documents)):    # these are done in the end, and in between
        work.fraction(0.25)               # a quarter of them

This module imports nothing of the project, and where nobody watches nothing happens.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_watcher: ContextVar[Callable[[float], None] | None] = ContextVar("watcher", default=None)
_portion: ContextVar[list[float] | None] = ContextVar("portion", default=None)  # documents, and the share that is told


@contextmanager
def watched(watcher: Callable[[float], None]) -> Iterator[None]:
    """Have `watcher` called, in this thread, with how many documents more are done."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def begin() -> None:
    """Say that what is done will be told."""
    done(0)


def done(count: float) -> None:
    """Say that so many documents more are done."""
    if watcher := _watcher.get():
        watcher(count)


@contextmanager
def portion(count: int) -> Iterator[None]:
    """Say that so many documents are in work: done at the end, and before that as far as `fraction` says."""
    mine = [float(count), 0.0]
    token = _portion.set(mine)
    try:
        yield
        fraction(1.0)
    finally:
        _portion.reset(token)


def fraction(share: float) -> None:
    """Say how much of the portion in work is done by now, from 0 to 1; outside of one nothing is said."""
    if mine := _portion.get():
        count, before = mine
        if share > before:
            mine[1] = share
            done(count * (share - before))
