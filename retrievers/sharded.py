"""What is encoded once and searched exactly: documents into sharded arrays on disk, queries against all of them.

A family of models says how a document is rendered, what arrays a text becomes and how the best of the store are found;
indexing in pieces, resuming, naming what cannot be encoded and answering in order are the same for every family.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from harness.records import Doc, Query, ScoredDoc
from retrievers.search import pieces, vector_store
from retrievers.search.indexing import Fields, Item, index_docs, named

Found = tuple[np.ndarray, np.ndarray]  # rows of the store, fp32 scores; both (at most k,), in order


class Family(NamedTuple):
    """What a family of models gives.

    `render` makes of a document what is encoded: a text, or several; `tokenize` prepares such items beside the model,
    in another thread; `encode` makes a shard's arrays of that. `encode_queries` gives n rows of n texts, or a tuple of
    such, `top_k(queries, rows, store, k)` the best documents for each of them.
    """

    render: Callable[[Doc], Item]
    tokenize: Callable[[list[Any]], Any]
    encode: Callable[[Any], Fields]
    encode_queries: Callable[[Sequence[str]], Any]
    top_k: Callable[[Sequence[Query], Any, Any, int], Iterable[Found]]
    open: Callable[[Path], vector_store.VectorStore] = vector_store.VectorStore
    at_a_time: int = 8192  # queries that one pass over the store serves


class ShardedRetriever:
    """A retriever of a family, which `family()` gives; `shaping` holds the arguments that decide the arrays on disk.

    `threads` is the CPU's in encoding and in search, 0 for as many as torch takes by itself.
    """

    runtime: ClassVar[frozenset[str]] = frozenset({"device", "threads"})
    shard_docs: ClassVar[int] = vector_store.SHARD_DOCS
    piece_docs: int = 0  # documents of one call of the encoder; 0: as the device likes them
    shaping: dict[str, Any]
    store: Any = None

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def family(self) -> Family:
        """How this retriever encodes and searches."""
        raise NotImplementedError

    def fingerprint(self) -> dict[str, Any]:
        """What the arguments point at."""
        return {}

    def stored(self) -> dict[str, Any]:
        """Facts of the loaded store: dimensions, documents, bytes on disk, speed of encoding; none before `load`."""
        if self.store is None:
            return {}
        size = {"dim": self.store.dim, "docs": self.store.docs, "bytes": self.store.bytes}
        return size | (self.store.speed or {})

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        """Encode the stream into `folder`; finished shards of an interrupted call are kept."""
        self._index(docs, folder)

    def index_part(self, docs: Iterable[Doc], folder: Path, part: int, parts: int) -> None:
        """Encode every `parts`-th shard from shard `part` on; `index` finds them."""
        self._index(docs, folder, (part, parts))

    def _index(self, docs: Iterable[Doc], folder: Path, part: tuple[int, int] | None = None) -> None:
        from retrievers.encoders.encoding import pick_device, torch_threads

        family = self.family()
        on_gpu = pick_device(getattr(self, "device", "cpu")).type != "cpu"
        piece_docs = self.piece_docs or (pieces.DOCS_ON_GPU if on_gpu else pieces.DOCS)
        with torch_threads(self.threads):
            index_docs(
                docs,
                folder,
                render=family.render,
                tokenize=family.tokenize,
                encode=family.encode,
                identity={**self.shaping, **self.fingerprint()},
                shard_docs=self.shard_docs,
                piece_docs=piece_docs,
                part=part,
            )

    def load(self, folder: Path) -> None:
        """Open the arrays in `folder`; see `VectorStore` for what it refuses."""
        self.store = self.family().open(folder)

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]:
        """The exact top k, in the order of score and then doc_id, both descending."""
        from retrievers.encoders.encoding import torch_threads

        if self.store is None:
            raise ValueError("load an index before searching")
        family, stream = self.family(), iter(queries)
        while batch := list(islice(stream, family.at_a_time)):
            texts = [query.text for query in batch]
            with named("query", [query.query_id for query in batch], texts), torch_threads(self.threads):
                encoded = family.encode_queries(texts)
            for rows in encoded if isinstance(encoded, tuple) else (encoded,):
                refuse_unusable(batch, rows)
            for query, (rows, scores) in zip(batch, family.top_k(batch, encoded, self.store, k), strict=True):
                ids = self.store.doc_ids(rows)
                yield from map(ScoredDoc, repeat(query.query_id), ids, scores.tolist())


def refuse_unusable(queries: Sequence[Query], rows: Sequence[np.ndarray]) -> None:
    """Raise ValueError where there is not one row a query, or where one holds what is no number."""
    if len(rows) != len(queries):
        raise ValueError(f"encode_queries gave {len(rows)} vectors for {len(queries)} queries")
    for query, row in zip(queries, rows, strict=True):
        if not np.isfinite(row).all():
            raise ValueError(f"the vector of query {query.query_id!r} holds NaN or infinite values")
