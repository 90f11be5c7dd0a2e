"""Progress bars on standard error, nested: suite, then the stage of one dataset. Off where nobody is watching."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

from harness.records import ScoredDoc

T = TypeVar("T")


def over(items: Iterable[T], what: str, unit: str, total: int | None = None, level: int = 1) -> Iterator[T]:
    """`items` again, with a bar that shows rate and estimated end; `level` 0 is the outermost and stays on screen."""
    return iter(
        tqdm(
            items, desc=what, unit=f" {unit}", total=total, position=level, leave=level == 0,
            disable=not sys.stderr.isatty(), smoothing=0.05, dynamic_ncols=True,
        )
    )  # fmt: skip


def over_queries(hits: Iterable[ScoredDoc], what: str, total: int) -> Iterator[ScoredDoc]:
    """`hits` again, with a bar that moves when the next query begins."""
    with tqdm(
        total=total, desc=what, unit=" queries", position=1, leave=False, disable=not sys.stderr.isatty(),
        dynamic_ncols=True,
    ) as bar:  # fmt: skip
        current = None
        for hit in hits:
            if hit[0] != current:
                bar.update(current is not None)
                current = hit[0]
            yield hit


def bar(what: str, unit: str, total: int | None = None, level: int = 1) -> tqdm:
    """A bar that the caller moves; a context manager."""
    return tqdm(
        desc=what, unit=f" {unit}", total=total, position=level, leave=level == 0, disable=not sys.stderr.isatty(),
        dynamic_ncols=True,
    )  # fmt: skip


def say(line: str) -> None:
    """One line on standard error that does not tear the bars."""
    tqdm.write(line, file=sys.stderr)
