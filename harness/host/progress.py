"""How far work is, on standard error: bars on a terminal, nested, and elsewhere a line a minute; in the log, too."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from tqdm import tqdm

from harness import work
from harness.host import log
from harness.records import ScoredDoc

LINE = 60.0  # seconds between two lines where there is no terminal
FIRST, EVERY = 5.0, 30.0  # seconds to the first `progress` of the log, and from one to the next
T = TypeVar("T")


class Bar:
    """Counts to `total`, None where nobody knows it; `level` 0 is the outermost and stays on screen.

    One that is `logged` makes events in the log that is open where it is made.
    """

    def __init__(self, what: str, unit: str, total: int | None, level: int = 1, logged: bool = False) -> None:
        self.what, self.unit, self.total, self.n = what, unit, total, 0.0
        self._begun = self._told = time.perf_counter()
        self._log, self._next = log.current() if logged else None, self._begun + FIRST
        self._shown = None
        if sys.stderr.isatty():
            self._shown = tqdm(
                desc=what, unit=f" {unit}", total=total, position=level, leave=level == 0, smoothing=0.05,
                dynamic_ncols=True, bar_format=None if total is None else FORMAT,
            )  # fmt: skip

    def update(self, count: float = 1) -> None:
        """So much more is done."""
        self.n += count
        if self._shown is not None:
            self._shown.total = self.total
            self._shown.update(count)
        now = time.perf_counter()
        if self._shown is None and now - self._told > LINE and not (self.total and self.n >= self.total):
            self._told = now
            say(self.line(now - self._begun))
        if self._log and now > self._next:
            self._next = now + EVERY
            facts = {"count": round(self.n), "total": self.total, "seconds": round(now - self._begun, 3)}
            self._log.write("progress", facts)

    def line(self, seconds: float) -> str:
        """`bm25 on nq: index: 120,000 of 2,681,468 docs after 3 min, about 64 min left`"""
        of = f" of {self.total:,}" if self.total else ""
        said = f"{self.what}: {round(self.n):,}{of} {self.unit} after {log.duration(seconds)}"
        if not self.total or not 0 < self.n <= self.total:
            return said
        return f"{said}, about {log.duration(seconds * (self.total - self.n) / self.n)} left"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._shown.close()


FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
bar = Bar


def over(items: Iterable[T], what: str, unit: str, total: int | None = None, level: int = 1) -> Iterator[T]:
    """`items` again; one is done when the next is asked for."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Bar(what, unit, total, level) as shown:
        for item in items:
            yield item
            shown.update()


def over_queries(hits: Iterable[ScoredDoc], what: str, total: int) -> Iterator[ScoredDoc]:
    """`hits` again; a query is done when the next one begins."""
    with Bar(what, "queries", total, logged=True) as shown:
        current = None
        for hit in hits:
            if hit[0] != current:
                shown.update(current is not None)
                current = hit[0]
            yield hit


@contextmanager
def working(what: str, total: int | None) -> Iterator[Callable[[Iterable[T]], Iterator[T]]]:
    """For the making of an index: yields what the stream of documents is to be wrapped in.

    What the retriever says to be done counts (`harness.work`); until it says anything, what it has read.
    """
    with Bar(what, "docs", total, logged=True) as shown:
        told = False

        def done(count: float) -> None:
            nonlocal told
            shown.update(count if told else count - shown.n)
            told = True

        def read(docs: Iterable[T]) -> Iterator[T]:
            for doc in docs:
                yield doc
                if not told:
                    shown.update()

        with work.watched(done):
            yield read


def say(line: str) -> None:
    """One line on standard error that does not tear the bars."""
    tqdm.write(line, file=sys.stderr)
