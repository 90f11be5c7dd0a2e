"""Late interaction (ColBERT, arXiv 2004.12832): a vector for each token, compared by MaxSim.

Every MultiVectorEncoder of sentence-transformers runs by its own encode, ColBERTs of PyLate and of Stanford among them.
Search is exact, over all documents or over those that another system found.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from harness.records import Doc, Query
from harness.runs import Run
from retrievers.dense import doc_text, escaped
from retrievers.encoders.own_model import OwnModel
from retrievers.inputs import checked_tag, not_in_collection, run_in
from retrievers.search import maxsim
from retrievers.search.ragged import ragged
from retrievers.search.vector_store import DTYPES, Lossy, VectorStore, narrowed
from retrievers.sharded import Family, Found, ShardedRetriever

TOKENS, DIM = 180, 128  # of a document and of a token's vector, before a model is loaded: ColBERT's


class MultiVector(ShardedRetriever):
    """A MultiVectorEncoder of sentence-transformers with exact search by MaxSim.

    `model` is a folder or a name on the hub. `over` names a system whose documents alone are encoded and scored, "" is
    none: all of the collection. `query_prompt` and `doc_prompt` are put before the texts, null takes the model's.
    `title` stands between title and text, null leaves titles out; `store_dtype` is fp16 or fp32. Code that comes with a
    model runs only with `trust_remote_code`.
    """

    runtime: ClassVar[frozenset[str]] = ShardedRetriever.runtime | {"batch_tokens"}
    search_only: ClassVar[frozenset[str]] = frozenset({"query_prompt"})
    content: ClassVar[frozenset[str]] = frozenset({"model"})

    def __init__(
        self,
        model: str = "lightonai/GTE-ModernColBERT-v1",
        *,
        over: str = "",
        revision: str | None = None,
        precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32",
        query_prompt: str | None = None,
        doc_prompt: str | None = None,
        title: str | None = " ",
        store_dtype: Literal["fp16", "fp32"] = "fp16",
        trust_remote_code: bool = False,
        device: str = "auto",
        batch_tokens: int = 0,
        threads: int = 0,
    ) -> None:
        super().__init__(threads)
        if over:
            checked_tag(over)
        if store_dtype not in DTYPES:
            raise ValueError(f"store_dtype is {store_dtype!r}; it can be {', '.join(DTYPES)}")
        self.own = OwnModel(
            "MultiVectorEncoder", model, revision=revision, precision=precision, prompts=(query_prompt, doc_prompt),
            trust_remote_code=trust_remote_code, device=device, batch_tokens=batch_tokens,
        )  # fmt: skip
        self.over, self.title, self.store_dtype = over, title, store_dtype
        self.mean = str(self.own.model.similarity_fn_name) == "meanmaxsim"
        self.dim = int(self.own.model.encode_document(["x"], show_progress_bar=False)[0].shape[1])
        self.run: Run | None = None
        self.shaping = {
            "title": title, "precision": self.own.precision, "store_dtype": store_dtype,
            "doc_prompt": self.own.prompts["document"],
        }  # fmt: skip

    @classmethod
    def inputs(cls, arguments: Mapping[str, Any]) -> list[str]:
        """The system whose documents are scored."""
        return [arguments["over"]] if arguments.get("over") else []

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """Disk for as many token vectors of a document as ColBERT has at most; memory for torch, a model, a shard."""
        item = DTYPES[arguments.get("store_dtype", "fp16")].itemsize
        doc = TOKENS * DIM * item + 32.0
        return {"disk": docs * doc, "memory": 2.5e9 + cls.shard_docs * TOKENS * DIM * 4 * 2}

    def fingerprint(self) -> dict[str, Any]:
        """What `model` points at."""
        return self.own.fingerprint()

    def sources(self) -> list[Path] | None:
        """The files of `model`."""
        return self.own.sources()

    def facts(self) -> dict[str, Any]:
        """For the manifest: among the rest the tokens of a document and of all of them."""
        notes = escaped({"title": self.title, **{f"{task}_prompt": one for task, one in self.own.prompts.items()}})
        tokens = {}
        if self.store is not None and self.store.docs:
            count = sum(int(shard.ragged().lengths.sum()) for shard in self.store.shards)
            tokens = {"tokens": count, "tokens_per_doc": round(count / self.store.docs, 1)}
        return {
            **self.stored(), **tokens, "dim": self.dim, "similarity": "meanmaxsim" if self.mean else "maxsim",
            **({"over": self.over} if self.over else {}), **self.own.facts(),
            "notes": [*self.own.notes, *notes],
        }  # fmt: skip

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        """Encode the stream, or what the run holds of it, into `folder`; finished shards are kept."""
        super().index(self._wanted(docs, folder), folder)

    def index_part(self, docs: Iterable[Doc], folder: Path, part: int, parts: int) -> None:
        """Encode every `parts`-th shard from shard `part` on; `index` finds them."""
        super().index_part(self._wanted(docs, folder), folder, part, parts)

    def _wanted(self, docs: Iterable[Doc], folder: Path) -> Iterator[Doc]:
        if not self.over:
            return iter(docs)
        held = set(run_in(folder, self.over).doc_ids.to_pylist())
        return (doc for doc in docs if doc.doc_id in held)

    def load(self, folder: Path) -> None:
        """Open the vectors in `folder` and the run that they are of; see `VectorStore` for what it refuses."""
        super().load(folder)
        if self.over:
            self.run = run_in(folder, self.over)
            ids = self.store.doc_ids(np.arange(self.store.docs))
            self.rows = {doc_id: row for row, doc_id in enumerate(ids)}

    def family(self) -> Family:
        """The vectors of a text's tokens."""
        return Family(
            self._render, list, self._fields, self.encode_queries, self._top_k, VectorStore, maxsim.PASS_QUERIES
        )  # fmt: skip

    def _render(self, doc: Doc) -> str:
        return doc_text(doc, self.title)

    def _fields(self, texts: list[str]) -> Any:
        rows = ragged(self._encode(texts, "document"))
        try:
            return {"vectors": rows._replace(values=narrowed(rows.values, DTYPES[self.store_dtype]))}
        except Lossy as lossy:
            row = int(np.searchsorted(rows.starts, lossy.row, side="right")) - 1
            raise Lossy(row, str(lossy)) from None

    def encode_queries(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Token vectors fp32 (m, n) of each query; a mean over tokens is a sum of vectors that are shorter."""
        found = self._encode(list(texts), "query")
        return [rows / np.float32(max(1, len(rows))) for rows in found] if self.mean else found

    def _encode(self, texts: list[str], task: str) -> list[np.ndarray]:
        def forward(encode: Any, some: list[str]) -> list[np.ndarray]:
            return [one.float().cpu().numpy().reshape(-1, self.dim) for one in encode(some)]

        return self.own.encode(texts, task, forward)

    def _top_k(self, asked: Sequence[Query], queries: list[np.ndarray], store: VectorStore, k: int) -> Iterable[Found]:
        over = [self._found(query) for query in asked] if self.run is not None else None
        return maxsim.top_k(queries, store, k, self.threads, over)

    def _found(self, query: Query) -> np.ndarray:
        assert self.run is not None
        found = self.run[query.query_id][0]
        if missing := [doc_id for doc_id in found if doc_id not in self.rows]:
            raise not_in_collection(self.over, query.query_id, missing[0])
        return np.sort(np.array([self.rows[doc_id] for doc_id in found], np.int64))
