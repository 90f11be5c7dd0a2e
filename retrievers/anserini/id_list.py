"""The ids of a collection as a plain file, one a line: line n (from 0) is the document with internal number n."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

NEWLINE = 10


class IdList:
    """Maps internal numbers to ids. The file stays on disk (memory-mapped); 8 bytes a document are held."""

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.empty(0, np.uint8)
        ends = np.flatnonzero(self._bytes == NEWLINE)
        self._starts = np.concatenate([[0], ends + 1])  # (N + 1,) where each id starts, and the file's size

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), 4096):
            yield from self[np.arange(first, min(first + 4096, len(self)))]

    def __getitem__(self, numbers: np.ndarray) -> list[str]:
        """The ids of the documents `numbers` (n,), in that order."""
        starts = self._starts[numbers]
        lengths = self._starts[numbers + 1] - starts
        shifts = starts - (np.cumsum(lengths) - lengths)  # where each id lies, less where it goes
        return self._bytes[np.arange(lengths.sum()) + np.repeat(shifts, lengths)].tobytes().decode().split("\n")[:-1]
