"""Arrays whose rows differ in length: a document's token vectors, or the entries of its sparse vector."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np


class Ragged(NamedTuple):
    """`values` (T, ...) of all rows one after the other, and how many belong to each: `lengths` (N,), their sum T."""

    values: np.ndarray
    lengths: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """Where each row begins, and where the last one ends: int64 (N + 1,)."""
        return np.concatenate(([0], np.cumsum(self.lengths, dtype=np.int64)))

    def part(self, which: slice) -> "Ragged":
        """The rows `which`, a slice without a step."""
        starts = self.starts
        begin, end, _ = which.indices(len(self.lengths))
        return Ragged(self.values[starts[begin] : starts[end]], self.lengths[begin:end])

    def padded(self, width: int = 0) -> np.ndarray:
        """Rows (N, max(width, longest row)), zeros behind; for values (T,)."""
        width = max(width, int(self.lengths.max(initial=0)))
        rows = np.zeros((len(self.lengths), width), self.values.dtype)
        rows[np.arange(width) < np.asarray(self.lengths)[:, None]] = self.values
        return rows


def ragged(rows: Sequence[np.ndarray]) -> Ragged:
    """Of one array a row. At least one row is there."""
    return Ragged(np.concatenate(rows), np.fromiter(map(len, rows), np.uint32, len(rows)))


def arrays(name: str, field: np.ndarray | Ragged) -> Iterator[tuple[str, np.ndarray]]:
    """What a field is on disk: name -> array."""
    if isinstance(field, Ragged):
        yield name, field.values
        yield f"{name}.lengths", np.asarray(field.lengths, np.uint32)
    else:
        yield name, field
