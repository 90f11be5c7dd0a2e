"""Stored vectors made smaller at load: fewer dimensions, eight bits or one bit a number, in memory.

A reduced store searches like the whole one, so what is found is what vectors so reduced would find, exactly.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from retrievers.search.vector_store import VectorStore, max_norm


class ReducedShard:
    """Documents first .. first + docs - 1; `field` gives their reduced vectors as numbers again."""

    def __init__(self, first: int, docs: int, number_of_bytes: int, field: Callable[[], np.ndarray]) -> None:
        self.first, self.docs, self.bytes, self._field = first, docs, number_of_bytes, field

    def field(self, _: str = "vectors") -> np.ndarray:
        """Vectors (docs, dim)."""
        return self._field()


class ReducedStore:
    """What `exact_search` needs of a store; document ids are those of the whole one."""

    def __init__(self, whole: VectorStore, dim: int | None, form: str, normalise: bool) -> None:
        """`normalise` scales vectors of fewer dimensions to length 1. Raises ValueError for more than there are."""
        if whole.dim is not None and dim is not None and not 1 <= dim <= whole.dim:
            raise ValueError(f"dim is {dim}; the stored vectors have {whole.dim} dimensions")
        self.folder: Path = whole.folder
        self.docs, self.shard_docs, self.doc_ids = whole.docs, whole.shard_docs, whole.doc_ids
        self.dim = dim or whole.dim
        self.shards = []
        self.norm = 0.0
        for shard in whole.shards:
            vectors = truncated(np.asarray(shard.field(), np.float32), dim, normalise)
            size, field = REDUCE[form](vectors)
            self.shards.append(ReducedShard(shard.first, shard.docs, size, field))
            self.norm = max(self.norm, max_norm(field()))

    @property
    def bytes(self) -> int:
        """Bytes in memory."""
        return sum(shard.bytes for shard in self.shards)


def truncated(vectors: np.ndarray, dim: int | None, normalise: bool) -> np.ndarray:
    """The first `dim` numbers of vectors fp32 (n, d), of length 1 again where `normalise`."""
    if dim is None or dim == vectors.shape[1]:
        return vectors
    cut = np.ascontiguousarray(vectors[:, :dim])
    return cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), np.float32(1e-12)) if normalise else cut


def _fp16(vectors: np.ndarray) -> tuple[int, Callable[[], np.ndarray]]:
    halves = vectors.astype(np.float16)
    return halves.nbytes, lambda: halves


def _int8(vectors: np.ndarray) -> tuple[int, Callable[[], np.ndarray]]:
    """Whole numbers of -127 .. 127, times a factor of each vector: a document's depend on no other's."""
    scales = np.maximum(np.abs(vectors).max(axis=1, keepdims=True, initial=0.0), np.float32(1e-30)) / np.float32(127)
    codes = np.rint(vectors / scales).astype(np.int8)
    return codes.nbytes + scales.nbytes, lambda: codes.astype(np.float32) * scales


def _binary(vectors: np.ndarray) -> tuple[int, Callable[[], np.ndarray]]:
    """Signs, as -1 and 1; the query keeps its numbers."""
    bits, width = np.packbits(vectors >= 0, axis=1), vectors.shape[1]
    return (
        bits.nbytes,
        lambda: np.unpackbits(bits, axis=1, count=width).astype(np.float16) * np.float16(2) - np.float16(1),
    )


REDUCE = {"fp16": _fp16, "int8": _int8, "binary": _binary}
