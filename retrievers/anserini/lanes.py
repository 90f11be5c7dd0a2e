"""A few threads that each do their own jobs in the order given, and let go of Java when they end."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
AHEAD = (
    16  # jobs handed out to each lane before the oldest must be done: evens out slow jobs, bounds what waits in memory
)


class Lanes:
    """`count` threads; job i runs in lane i modulo `count`, so who does what never depends on timing.

    A context manager: leaving it by an exception drops the jobs not yet begun.
    """

    def __init__(self, count: int) -> None:
        self._lanes = [ThreadPoolExecutor(1) for _ in range(count)]

    def __enter__(self) -> "Lanes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for lane in self._lanes:
            lane.shutdown(wait=False, cancel_futures=True) if kind else lane.submit(_detach)
        for lane in self._lanes:
            lane.shutdown()

    def map(self, work: Callable[[int, Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
        """`work(lane, job)` for every job, in order; reads at most 16 jobs a lane ahead. Raises what a job raises."""
        waiting: deque[Future[Result]] = deque()
        for number, job in enumerate(jobs):
            lane = number % len(self._lanes)
            waiting.append(self._lanes[lane].submit(work, lane, job))
            if len(waiting) > AHEAD * len(self._lanes):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _detach() -> None:
    """Tell Java that this thread is about to end; else it keeps the thread's memory."""
    import jnius

    jnius.detach()
