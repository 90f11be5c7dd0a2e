"""Classes in BEIR's two interfaces, as somebody might have them: small, and one of each kind of oddity."""

import re
import zlib

import numpy as np


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


class WordVectors:
    """An encoder: hashed words; titles count `title_weight` times. Takes none of BEIR's options but the batch size."""

    def __init__(self, dim: int = 64, title_weight: int = 1) -> None:
        self.dim, self.title_weight = dim, title_weight

    def encode_queries(self, queries: list[str], batch_size: int = 16) -> np.ndarray:
        return np.array([self._vector(query) for query in queries])

    def encode_corpus(self, corpus: list[dict[str, str]], batch_size: int = 8, **kwargs: object) -> np.ndarray:
        assert kwargs.keys() == {"show_progress_bar", "convert_to_tensor"}  # as BEIR's own search calls it
        return np.array([self._vector(f"{doc['title']} " * self.title_weight + doc["text"]) for doc in corpus])

    def _vector(self, text: str) -> np.ndarray:
        return np.bincount([zlib.crc32(word.encode()) % self.dim for word in _words(text)], minlength=self.dim)


class Tensors(WordVectors):
    """The same as tensors, which is what BEIR's own search works on."""

    def encode_queries(self, queries, batch_size=16, **kwargs):
        return self._tensor(super().encode_queries(queries, batch_size))

    def encode_corpus(self, corpus, batch_size=8, **kwargs):
        return self._tensor(super().encode_corpus(corpus, batch_size, **kwargs))

    def _tensor(self, vectors):
        import torch

        return torch.tensor(vectors, dtype=torch.float32)


class ListsOfTensors(Tensors):
    """The same as lists of tensors, which BEIR allows too."""

    def _tensor(self, vectors):
        return list(super()._tensor(vectors))


class Exact:
    """BEIR's exact search over an encoder: it drops documents with the query's id, and fails on a single query."""

    def __init__(self, dim: int = 64, batch_size: int = 8, corpus_chunk_size: int = 5) -> None:
        from beir.retrieval.search.dense import DenseRetrievalExactSearch

        self.inner = DenseRetrievalExactSearch(Tensors(dim), batch_size, corpus_chunk_size=corpus_chunk_size)

    def search(self, corpus, queries, top_k, score_function, **kwargs):
        return self.inner.search(corpus, queries, top_k, score_function, **kwargs)


class Overlap:
    """A searcher with the plainest signature; returns everything, whatever top_k says, and keeps old results."""

    def __init__(self) -> None:
        self.results: dict[str, dict[str, float]] = {}

    def search(self, corpus, queries, top_k, *args, **kwargs):
        for query_id, query in queries.items():
            words = set(_words(query))
            scored = {i: float(len(words & set(_words(f"{d['title']} {d['text']}")))) for i, d in corpus.items()}
            self.results[query_id] = scored
        return self.results


class Neither:
    """No interface at all: its search is somebody else's."""

    def search(self, text: str) -> list[str]:
        return [text]
