"""Dense retrieval: an encoder gives one vector per text, a document's score is the dot product with the query's.

An encoder is any class with two methods (`Encoder`); `from_encoder` makes a retriever of it. Cosine similarity is the
dot product of vectors that the encoder has normalised.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from harness.records import Doc, Query, ScoredDoc
from retrievers.search import vector_store
from retrievers.search.indexing import index_docs, named

QUERIES_AT_A_TIME = 8192  # one pass over the vectors serves this many


@runtime_checkable
class Encoder(Protocol):
    """What a dense model has to offer; its constructor's keywords become arguments of the retriever.

    It may offer more: `tokenize_docs(texts)` and `encode_tokens(tokens)`, which together do what `encode_docs` does and
    let the next texts be tokenised while the model is at work; `facts()`, a dict of JSON values for the manifest;
    `fingerprint()`, the same for what the arguments point at (a checkpoint's sha256); and `runtime`, `search_only` and
    `content`, the names of its arguments that change speed alone, of those that change queries alone, and of those
    whose content `fingerprint` has, wherever it lies.
    """

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, dim) of queries."""

    def encode_docs(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, dim) of documents whose title and text are joined already."""


def doc_text(doc: Doc, title: str | None) -> str:
    """Title, the string `title`, text; the text alone where the document has no title or `title` is None."""
    return (f"{doc.title}{title}{doc.text}" if doc.title and title is not None else doc.text).strip()


class DenseRetriever:
    """Encodes documents into sharded vectors on disk, and finds the exact top k among them.

    `title` stands between title and text, None leaves titles out; `store_dtype` is fp16 or fp32, the vectors' form on
    disk (scores accumulate in higher precision either way); `device` is where candidates are found, auto | cpu | cuda;
    `threads` is the CPU's in both, 0 for as many as torch takes by itself.
    """

    runtime: ClassVar[frozenset[str]] = frozenset({"device", "threads"})
    shard_docs: ClassVar[int] = vector_store.SHARD_DOCS

    def __init__(
        self,
        encoder: Encoder,
        *,
        title: str | None = " ",
        store_dtype: str = "fp16",
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        if store_dtype not in vector_store.DTYPES:
            raise ValueError(f"store_dtype is {store_dtype!r}; it can be {', '.join(vector_store.DTYPES)}")
        self.encoder = encoder
        self.title, self.store_dtype = title, store_dtype
        self.device, self.threads = device, threads
        self.store: vector_store.VectorStore | None = None
        self.shaping: dict[str, Any] = {"title": title, "store_dtype": store_dtype}  # arguments that decide the vectors

    def fingerprint(self) -> dict[str, Any]:
        """What the encoder's arguments point at, as far as it says."""
        return self.encoder.fingerprint() if hasattr(self.encoder, "fingerprint") else {}

    def facts(self) -> dict[str, Any]:
        """For the manifest: dimension, documents, bytes on disk, speed of encoding, and what the encoder reports."""
        stored = {}
        if self.store:
            stored = {
                "dim": self.store.dim,
                "docs": self.store.docs,
                "bytes": self.store.bytes,
                **(self.store.speed or {}),
            }
        offered = self.encoder.facts() if hasattr(self.encoder, "facts") else {}
        notes = [*offered.get("notes", ()), *escaped({"title": self.title})]
        return {**stored, **offered, **({"notes": notes} if notes else {})}

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """Disk for the vectors and ids; memory for torch, a model of the usual size and a shard."""
        item = vector_store.DTYPES[arguments.get("store_dtype", "fp16")].itemsize
        return {"disk": docs * (vector_store.width(arguments) * item + 16.0), "memory": 2.5e9}

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        """Encode the stream into `folder`; finished shards of an interrupted call are kept."""
        self._encode(docs, folder)

    def index_part(self, docs: Iterable[Doc], folder: Path, part: int, parts: int) -> None:
        """Encode every `parts`-th shard from shard `part` on; `index` finds them."""
        self._encode(docs, folder, (part, parts))

    def _encode(self, docs: Iterable[Doc], folder: Path, part: tuple[int, int] | None = None) -> None:
        from retrievers.encoders.encoding import torch_threads

        ahead = hasattr(self.encoder, "tokenize_docs")
        with torch_threads(self.threads):
            index_docs(
                docs,
                folder,
                text=lambda doc: doc_text(doc, self.title),
                tokenize=self.encoder.tokenize_docs if ahead else lambda texts: texts,  # type: ignore[attr-defined]
                encode=lambda tokens: {"vectors": self._stored(tokens, ahead)},
                identity={**self.shaping, **self.fingerprint()},
                shard_docs=self.shard_docs,
                part=part,
            )

    def _stored(self, tokens: Any, ahead: bool) -> np.ndarray:
        encode = self.encoder.encode_tokens if ahead else self.encoder.encode_docs  # type: ignore[attr-defined]
        vectors = as_vectors(encode(tokens), "encode_docs")
        return vector_store.narrowed(vectors, vector_store.DTYPES[self.store_dtype])  # (n, dim)

    def load(self, folder: Path) -> None:
        """Open the vectors in `folder`; see `VectorStore` for what it refuses."""
        self.store = vector_store.VectorStore(folder)

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]:
        """The exact top k by dot product, in the order of score and then doc_id, both descending."""
        from retrievers.search.exact_search import top_k

        if self.store is None:
            raise ValueError("load an index before searching")
        stream = iter(queries)
        while batch := list(islice(stream, QUERIES_AT_A_TIME)):
            vectors = self._query_vectors(batch)
            found = top_k(vectors, self.store, k, self.device, self.threads)
            for query, (rows, scores) in zip(batch, found, strict=True):
                ids = self.store.doc_ids(rows)
                yield from map(ScoredDoc, repeat(query.query_id), ids, scores.tolist())

    def _query_vectors(self, batch: list[Query]) -> np.ndarray:
        """Vectors (n, dim) of queries; ValueError names a query that has none."""
        from retrievers.encoders.encoding import torch_threads

        texts = [query.text for query in batch]
        with named("query", [query.query_id for query in batch], texts), torch_threads(self.threads):
            vectors = as_vectors(self.encoder.encode_queries(texts), "encode_queries")
        if len(vectors) != len(batch):
            raise ValueError(f"encode_queries gave {len(vectors)} vectors for {len(batch)} queries")
        if not (finite := np.isfinite(vectors).all(axis=1)).all():
            raise ValueError(
                f"the vector of query {batch[int(np.argmin(finite))].query_id!r} holds NaN or infinite values"
            )
        return vectors


def escaped(texts: Mapping[str, str | None]) -> list[str]:
    """A note for each argument with a backslash and a letter where a line break or a tab may be meant."""
    return [
        f"{name} {text!r} holds a backslash and a letter, as it was given, no line break or tab; if that is meant,"
        f" write --set $'{name}=…\\n…' in the shell"
        for name, text in texts.items()
        if text and ("\\n" in text or "\\t" in text)
    ]


def as_vectors(given: Any, method: str) -> np.ndarray:
    """What an encoder returned (array, tensor or list) as fp32 (n, dim)."""
    if hasattr(given, "detach"):
        given = given.detach().float().cpu().numpy()
    vectors = np.ascontiguousarray(given, dtype=np.float32)
    if vectors.ndim != 2:
        raise ValueError(f"{method} gave an array of shape {vectors.shape}; it should be (number of texts, dim)")
    return vectors


def from_encoder(encoder_class: type) -> type[DenseRetriever]:
    """The retriever class of an encoder class: its arguments are the encoder's and DenseRetriever's.

    An argument that both name (`device`, say) goes to both, with the encoder's default.
    """
    ours = {name: p for name, p in inspect.signature(DenseRetriever).parameters.items() if name != "encoder"}
    theirs = dict(inspect.signature(encoder_class, eval_str=True).parameters)
    if positional := [name for name, p in theirs.items() if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]:
        raise TypeError(
            f"{encoder_class.__name__} takes *{positional[0]}: name its arguments, so that they can be recorded"
        )
    merged = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in {**ours, **theirs}.values()]
    signature = inspect.Signature(sorted(merged, key=lambda p: p.default is not p.empty))

    class FromEncoder(DenseRetriever):
        runtime = DenseRetriever.runtime | frozenset(getattr(encoder_class, "runtime", ()))
        search_only = frozenset(getattr(encoder_class, "search_only", ()))
        content = frozenset(getattr(encoder_class, "content", ()))

        def __init__(self, **arguments: Any) -> None:
            given = signature.bind(**arguments)
            given.apply_defaults()
            encoder = encoder_class(**{name: value for name, value in given.arguments.items() if name in theirs})
            super().__init__(encoder, **{name: value for name, value in given.arguments.items() if name in ours})
            left_out = self.runtime | self.search_only | self.content
            self.shaping = {name: value for name, value in given.arguments.items() if name not in left_out}

    FromEncoder.__signature__ = signature  # type: ignore[attr-defined]
    FromEncoder.__name__ = FromEncoder.__qualname__ = encoder_class.__name__
    FromEncoder.__module__, FromEncoder.__doc__ = encoder_class.__module__, encoder_class.__doc__
    return FromEncoder


def adapt(cls: type) -> type[DenseRetriever] | None:
    """The adapter for `beir_harness.adapters`: a retriever class where `cls` is an encoder, else None."""
    methods = ("encode_queries", "encode_docs")
    return from_encoder(cls) if all(callable(getattr(cls, method, None)) for method in methods) else None
