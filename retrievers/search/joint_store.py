"""A vector store whose documents have a sparse part too: their k largest vocabulary entries.

    00000.vectors.npy       fp16 (N, d): the dense part
    00000.entries.npy       uint16 (N, k), uint32 where V >= 65536: vocabulary ids, ascending in each row
    00000.weights.npy       fp16 (N, k): the values at these entries
    00000.sizes.npy         fp32 (N, 2): upper bounds of the norms and of the largest numbers of the rows of `weights`

With d = k = 384 a document takes 2,304 bytes: 1.5 times a dense vector of 768 numbers. Of learned sparse vectors,
whose documents differ in the number of their entries, `entries` and `weights` are ragged and d is 0.
"""

from pathlib import Path

import numpy as np

from retrievers.search.indexing import Fields
from retrievers.search.ragged import Ragged
from retrievers.search.vector_store import Shard, VectorStore, narrowed

HALF = np.dtype(np.float16)
FIELDS = ("vectors", "entries", "weights", "sizes")


def fields(vectors: np.ndarray, entries: np.ndarray, weights: np.ndarray, vocabulary: int) -> dict[str, np.ndarray]:
    """The arrays of a shard from dense vectors (N, d), entries (N, k) ascending and weights (N, k), all fp32 or wider.

    A value beyond fp16 becomes infinite, which the index refuses by the document's name.
    """
    if (np.diff(entries.astype(np.int64), axis=1) <= 0).any():
        raise ValueError("a document's entries are not ascending")
    heaviest = float(np.linalg.norm(weights.astype(np.float64), axis=1).max(initial=0.0))  # one small text is no loss
    dense = narrowed(vectors, HALF, cure="scale the checkpoint's projection")
    halves = narrowed(weights, HALF, heaviest, cure="scale the checkpoint's masked-LM head")
    norms = np.sqrt(np.square(halves, dtype=np.float64).sum(axis=1))
    largest = np.abs(halves).max(axis=1, initial=0).astype(np.float64)
    return {
        "vectors": dense,
        "entries": entries.astype(np.uint16 if vocabulary < 1 << 16 else np.uint32),
        "weights": halves,
        "sizes": (np.stack([norms, largest], 1) * (1 + 2.0**-20)).astype(np.float32),  # rounding must not lower them
    }


def sparse_fields(entries: Ragged, weights: np.ndarray, vocabulary: int) -> Fields:
    """The arrays of a shard without a dense part from its documents' entries and their weights (T,), fp32."""
    heaviest = float(np.abs(weights).max(initial=0.0))
    halves = narrowed(weights[:, None], HALF, heaviest, cure="the model's weights cannot be stored")[:, 0]
    kept = Ragged(halves, entries.lengths)
    rows = kept.padded().astype(np.float64)
    sizes = np.stack([np.sqrt(np.square(rows).sum(axis=1)), np.abs(rows).max(axis=1, initial=0.0)], 1)
    return {
        "vectors": np.empty((len(rows), 0), HALF),
        "entries": Ragged(entries.values.astype(np.uint16 if vocabulary < 1 << 16 else np.uint32), entries.lengths),
        "weights": kept,
        "sizes": (sizes * (1 + 2.0**-20)).astype(np.float32),
    }


class JointStore(VectorStore):
    """A finished store of joint vectors; see `VectorStore` for what it refuses, and a store without a sparse part.

    `k` is the most entries of a document; `sparse_norm` and `largest` bound the norms of all documents' weights, and
    the weights.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.k, self.sparse_norm, self.largest = 0, 0.0, 0.0
        for shard in self.shards:
            if missing := [name for name in FIELDS if not (folder / f"{shard.number:05d}.{name}.npy").is_file()]:
                raise ValueError(f"{folder}: shard {shard.number} has no {missing[0]}: it is no store of joint vectors")
            self.k = max(self.k, widest(shard))
            norm, largest = np.asarray(shard.field("sizes")).max(axis=0).tolist()
            self.sparse_norm, self.largest = max(self.sparse_norm, norm), max(self.largest, largest)


def widest(shard: Shard) -> int:
    """The most entries of a document of a shard."""
    if shard.has("entries.lengths"):
        return int(shard.ragged("entries").lengths.max(initial=0))
    return shard.field("entries").shape[1]


def sparse_rows(shard: Shard, part: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """Entries (N, n) and their weights fp16 (N, n) of some documents; behind a document's last stand weights of 0."""
    if shard.has("entries.lengths"):
        return shard.ragged("entries").part(part).padded(), shard.ragged("weights").part(part).padded()
    return np.asarray(shard.field("entries"))[part], np.asarray(shard.field("weights"))[part]
