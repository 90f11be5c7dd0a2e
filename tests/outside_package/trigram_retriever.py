"""Character trigrams with inverse document frequencies and cosine, in numpy: typing errors do little harm."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from zlib import crc32

import numpy as np

from harness.records import Doc, Query, ScoredDoc


class Trigram:
    """A document is the sum of its trigrams' buckets, each weighted by ln((N + 1) / (documents with it + .5))."""

    runtime: frozenset[str] = frozenset()

    def __init__(self, buckets: int = 4096):
        if buckets < 1:
            raise ValueError(f"buckets={buckets}: at least 1")
        self.buckets = buckets

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        """Write doc_ids.json and counts.npy, (N, buckets) float32."""
        doc_ids, rows = [], []
        for doc in docs:
            doc_ids.append(doc.doc_id)
            rows.append(self._counts(doc.default_text()))
        np.save(folder / "counts.npy", np.array(rows, np.float32).reshape(-1, self.buckets))
        (folder / "doc_ids.json").write_text(json.dumps(doc_ids), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read both files; weigh and normalise."""
        self._doc_ids = json.loads((folder / "doc_ids.json").read_text(encoding="utf-8"))
        counts = np.load(folder / "counts.npy")
        self._idf = np.log((len(counts) + 1) / ((counts > 0).sum(axis=0) + 0.5))  # (buckets,)
        self._docs = _unit(counts * self._idf)  # (N, buckets)

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]:
        """The k documents of the highest cosine above 0."""
        for query in queries:
            scores = self._docs @ _unit(self._counts(query.text) * self._idf)  # (N,)
            for number in np.argsort(-scores, kind="stable")[:k]:
                if scores[number] > 0:
                    yield ScoredDoc(query.query_id, self._doc_ids[number], float(scores[number]))

    def _counts(self, text: str) -> np.ndarray:
        """How many trigrams of `text` fall into each bucket, (buckets,) float32."""
        padded = f"  {text.lower()} "
        hashes = [crc32(padded[i : i + 3].encode()) % self.buckets for i in range(len(padded) - 2)]
        return np.bincount(hashes, minlength=self.buckets).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
