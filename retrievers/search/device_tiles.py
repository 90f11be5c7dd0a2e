"""Work on an accelerator in tiles that fit into its memory, which others may be using too."""

from collections.abc import Callable, Iterator
from typing import TypeVar

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
    return tile


def loaded(docs: int, load: Callable[[slice], T]) -> Iterator[tuple[slice, T]]:
    """`load` for all documents of a shard, in parts that fit into memory: at once where it has room."""
    start, size = 0, max(1, docs)
    while start < docs:
        part = slice(start, min(docs, start + size))
        try:
            there = load(part)
        except Exception as error:
            size = _half(size, error)
            continue
        yield part, there
        start = part.stop


def _half(size: int, error: Exception) -> int:
    """Half of a size for which memory did not suffice; raises whatever else it was."""
    if not is_out_of_memory(error):
        raise error
    if size == 1:
        raise MemoryError("the accelerator's memory does not suffice; free some, or search with device=cpu") from error
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return max(1, size // 2)
