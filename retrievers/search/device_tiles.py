"""Work on an accelerator in tiles that fit into its memory, which others may be using too."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch

from retrievers.encoders.encoding import is_out_of_memory

T = TypeVar("T")


def in_tiles(length: int, tile: int, work: Callable[[slice], None]) -> int:
    """Call `work` for the whole range in slices of at most `tile`; one that does not fit into memory is halved.

    `work` has to change nothing before it can no longer run out of memory. Returns the size that fitted. Raises
    MemoryError where a single one does not.
    """
    start = 0
    while start < length:
        try:
            work(slice(start, min(length, start + tile)))
        except Exception as error:
            tile = _half(tile, error)
        else:
            start += tile
            continue
        _release()
    return tile


def gathered(
    queries: int, wanted: int, search: Callable[[slice], tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows int32 and values fp32, both (queries, wanted), of a search for all queries, at once if memory has room."""
    rows, values = np.empty((queries, wanted), np.int32), np.empty((queries, wanted), np.float32)

    def work(part: slice) -> None:
        rows[part], values[part] = search(part)

    in_tiles(queries, max(1, queries), work)
    return rows, values


def loaded(docs: int, load: Callable[[slice], T]) -> Iterator[tuple[slice, T]]:
    """`load` for all documents of a shard, in parts that fit into memory: at once where it has room."""
    start, size = 0, max(1, docs)
    while start < docs:
        part = slice(start, min(docs, start + size))
        try:
            there = load(part)
        except Exception as error:
            size = _half(size, error)
        else:
            yield part, there
            start = part.stop
            continue
        _release()


def _half(size: int, error: Exception) -> int:
    """Half of a size for which memory did not suffice; raises whatever else it was."""
    if not is_out_of_memory(error):
        raise error
    if size == 1:
        raise MemoryError("the accelerator's memory does not suffice; free some, or search with device=cpu") from error
    return max(1, size // 2)


def _release() -> None:
    """Give back what a failed piece had, once nothing of it is in use."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
