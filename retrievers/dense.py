"""Dense retrieval: an encoder gives one vector per text, a document's score is the dot product with the query's.

An encoder is any class with two methods (`Encoder`); `from_encoder` makes a retriever of it. Cosine similarity is the
dot product of vectors that the encoder has normalised.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from harness.records import Doc, Query
from retrievers.encoders import widths
from retrievers.made_for import made_for, named_parameters
from retrievers.search import vector_store
from retrievers.search.indexing import Item
from retrievers.search.wanted import Wanted
from retrievers.sharded import Family, Found, ShardedRetriever


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


class DenseRetriever(ShardedRetriever):
    """Encodes documents into sharded vectors on disk, and finds the exact top k among them.

    `title` stands between title and text, None leaves titles out; `store_dtype` is fp16 or fp32, the vectors' form on
    disk (scores accumulate in higher precision either way); `device` is where candidates are found, auto | cpu | cuda;
    `threads` is the CPU's in both, 0 for as many as torch takes by itself. `dim`, `store`, `rescore` and `ann` make the
    search of the same vectors approximate (see `search.approximate`); null for all of them is exact.
    """

    search_only: ClassVar[frozenset[str]] = frozenset(Wanted._fields)

    def __init__(
        self,
        encoder: Encoder,
        *,
        title: str | None = " ",
        store_dtype: str = "fp16",
        dim: int | None = None,
        store: Literal["fp16", "int8", "binary"] | None = None,
        rescore: int | None = None,
        ann: Literal["hnsw"] | None = None,
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        super().__init__(threads)
        self.wanted = wanted_of({"dim": dim, "store": store, "rescore": rescore, "ann": ann})
        if store_dtype not in vector_store.DTYPES:
            raise ValueError(f"store_dtype is {store_dtype!r}; it can be {', '.join(vector_store.DTYPES)}")
        self.encoder, self.title, self.store_dtype, self.device = encoder, title, store_dtype, device
        self.shaping = {"title": title, "store_dtype": store_dtype}
        self.approximate: Any = None

    @staticmethod
    def refuse(encoder: type, arguments: Mapping[str, Any]) -> Wanted:
        """Raise ValueError for what cannot be meant, before a model is loaded; an encoder may offer `known_width`.

        Returns what is wanted of the search.
        """
        wanted = wanted_of(arguments)
        widths.refuse_wider(wanted.dim, encoder.known_width(arguments) if hasattr(encoder, "known_width") else None)
        return wanted

    def fingerprint(self) -> dict[str, Any]:
        """What the encoder's arguments point at, as far as it says."""
        return self.encoder.fingerprint() if hasattr(self.encoder, "fingerprint") else {}

    def sources(self) -> list[Path] | None:
        """The files that the encoder's arguments name; None where it has a fingerprint and does not say."""
        return sources_of(self.encoder)

    def facts(self) -> dict[str, Any]:
        """For the manifest: dimension, documents, bytes on disk, speed of encoding, and what the encoder reports."""
        offered = self.encoder.facts() if hasattr(self.encoder, "facts") else {}
        notes = [*offered.get("notes", ()), *escaped({"title": self.title})]
        traded = self.approximate.facts() if self.approximate else {}
        return {**self.stored(), **traded, **offered, **({"notes": notes} if notes else {})}

    def advice(self, docs: int) -> str | None:
        """What the encoder advises before so many documents are encoded."""
        return self.encoder.advice(docs) if hasattr(self.encoder, "advice") else None

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """Disk for the vectors and ids; memory for torch, a model of the usual size and a shard."""
        item = vector_store.DTYPES[arguments.get("store_dtype", "fp16")].itemsize
        return {"disk": docs * (widths.guess(arguments) * item + 16.0), "memory": 2.5e9}

    def load(self, folder: Path) -> None:
        """Open the vectors in `folder` (see `VectorStore` for what it refuses) and build what was asked for of them."""
        super().load(folder)
        if not self.wanted.exact:
            from retrievers.search.approximate import Approximate

            cos = getattr(self.encoder, "similarity", "dot") == "cos"
            self.approximate = Approximate(self.store, self.wanted, cos, self.device, self.threads)

    def family(self) -> Family:
        """One vector a text."""
        ahead = hasattr(self.encoder, "tokenize_docs")
        return Family(
            self.render,
            self.encoder.tokenize_docs if ahead else list,  # type: ignore[attr-defined]
            partial(self._stored, self.encoder.encode_tokens if ahead else self.encoder.encode_docs),  # type: ignore[attr-defined]
            lambda texts: as_vectors(self.encoder.encode_queries(texts), "encode_queries"),
            self._top_k,
        )

    def render(self, doc: Doc) -> Item:
        """What the encoder gets of a document."""
        return doc_text(doc, self.title)

    def _stored(self, encode: Callable[[Any], Any], tokens: Any) -> dict[str, np.ndarray]:
        vectors = as_vectors(encode(tokens), "encode_docs")  # (n, dim)
        widths.refuse_wider(self.wanted.dim, vectors.shape[1])  # the index would serve others, but not this search
        return {"vectors": vector_store.narrowed(vectors, vector_store.DTYPES[self.store_dtype])}

    def _top_k(
        self, _: Sequence[Query], vectors: np.ndarray, store: vector_store.VectorStore, k: int
    ) -> Iterable[Found]:
        from retrievers.search.exact_search import top_k

        if self.approximate:
            return self.approximate.top_k(vectors, k)
        return top_k(vectors, store, k, self.device, self.threads)


def wanted_of(arguments: Mapping[str, Any]) -> Wanted:
    """What is wanted of the search. Raises ValueError for what cannot be meant."""
    wanted = Wanted(*(arguments.get(name) for name in Wanted._fields))
    wanted.check()
    return wanted


def sources_of(part: Any) -> list[Path] | None:
    """What an encoder or a scorer rests on, as far as it says."""
    if hasattr(part, "sources"):
        return part.sources()  # type: ignore[no-any-return]
    return None if hasattr(part, "fingerprint") else []


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
    return made_for(encoder_class, DenseRetriever, encoder_class, named_parameters(encoder_class))


def adapt(cls: type) -> type[DenseRetriever] | None:
    """The adapter for `beir_harness.adapters`: a retriever class where `cls` is an encoder, else None."""
    methods = ("encode_queries", "encode_docs")
    return from_encoder(cls) if all(callable(getattr(cls, method, None)) for method in methods) else None
