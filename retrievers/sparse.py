"""Learned sparse retrieval (SPLADE, arXiv 2107.05720): a weight for each piece of a vocabulary, and their dot product.

Every SparseEncoder of sentence-transformers runs by its own encode: SPLADE, CSR, and those whose queries need no model
(a Router). Search is exact: DupMAE's joint search without a dense part.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from harness.records import Doc, Query
from retrievers.dense import doc_text, escaped
from retrievers.encoders.own_model import OwnModel
from retrievers.search import joint_search, joint_store
from retrievers.search.joint_queries import JointQueries
from retrievers.search.ragged import Ragged
from retrievers.sharded import Family, Found, ShardedRetriever

PASS_NUMBERS = 1 << 26  # of queries over the vocabulary held at a time: 256 MB


class Sparse(ShardedRetriever):
    """A SparseEncoder of sentence-transformers with exact search.

    `model` is a folder or a name on the hub. `query_prompt` and `doc_prompt` are put before the texts, null takes the
    model's. `max_active_dims` keeps so many of a text's largest weights, null as many as the model says. `title` stands
    between title and text, null leaves titles out. Weights are stored in fp16. Code that comes with a model runs only
    with `trust_remote_code`.
    """

    runtime: ClassVar[frozenset[str]] = ShardedRetriever.runtime | {"batch_tokens"}
    search_only: ClassVar[frozenset[str]] = frozenset({"query_prompt"})
    content: ClassVar[frozenset[str]] = frozenset({"model"})

    def __init__(
        self,
        model: str = "naver/splade-cocondenser-ensembledistil",
        *,
        revision: str | None = None,
        precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32",
        max_active_dims: int | None = None,
        query_prompt: str | None = None,
        doc_prompt: str | None = None,
        title: str | None = " ",
        trust_remote_code: bool = False,
        device: str = "auto",
        batch_tokens: int = 0,
        threads: int = 0,
    ) -> None:
        super().__init__(threads)
        if max_active_dims is not None and max_active_dims < 1:
            raise ValueError(f"max_active_dims is {max_active_dims}; a text keeps at least 1 weight")
        self.own = OwnModel(
            "SparseEncoder", model, revision=revision, precision=precision, prompts=(query_prompt, doc_prompt),
            trust_remote_code=trust_remote_code, device=device, batch_tokens=batch_tokens,
        )  # fmt: skip
        if (similarity := str(self.own.model.similarity_fn_name)) != "dot":
            raise ValueError(f"the model in {self.own.folder} compares by {similarity}; this search is by dot product")
        self.title, self.device, self.most = title, device, max_active_dims
        self.size = int(self.own.model.encode_document(["x"]).shape[-1])  # what the model says of itself may be H
        self.shaping = {
            "title": title, "precision": self.own.precision, "max_active_dims": max_active_dims,
            "doc_prompt": self.own.prompts["document"],
        }  # fmt: skip

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """Disk for some 256 entries and weights of a document; memory for torch, a model and its logits."""
        return {"disk": docs * (256 * 4.0 + 32), "memory": 3e9}

    def fingerprint(self) -> dict[str, Any]:
        """What `model` points at."""
        return self.own.fingerprint()

    def sources(self) -> list[Path] | None:
        """The files of `model`."""
        return self.own.sources()

    def facts(self) -> dict[str, Any]:
        """For the manifest: among the rest the entries of a document and of a query, and FLOPS (arXiv 2004.05665).

        FLOPS is the expected number of products of a query and a document: the sum over the vocabulary of the shares of
        documents and of queries that have the piece.
        """
        notes = escaped({"title": self.title, **{f"{task}_prompt": one for task, one in self.own.prompts.items()}})
        return {
            **self.stored(), "dim": self.size, "max_active_dims": self.most, **self._sizes(), **self.own.facts(),
            "notes": [*self.own.notes, *notes],
        }  # fmt: skip

    def _sizes(self) -> dict[str, Any]:
        if self.store is None or not self.store.docs:
            return {}
        holders = np.zeros(self.size)
        for shard in self.store.shards:
            holders += np.bincount(shard.ragged("entries").values, minlength=self.size)
        sizes = {"entries_per_doc": round(float(holders.sum()) / self.store.docs, 1)}
        if self.queries_seen:
            flops = float(holders @ self.query_holders) / self.store.docs / self.queries_seen
            entries = float(self.query_holders.sum()) / self.queries_seen
            sizes |= {"entries_per_query": round(entries, 1), "flops": round(flops, 2)}
        return sizes

    def load(self, folder: Any) -> None:
        """Open the vectors in `folder`; see `JointStore` for what it refuses."""
        super().load(folder)
        self.queries_seen, self.query_holders = 0, np.zeros(self.size)

    def family(self) -> Family:
        """The non-zero entries of a text's vocabulary vector."""
        return Family(
            self._render, list, self._fields, self.encode_queries, self._top_k, joint_store.JointStore,
            max(1, min(joint_search.PASS_QUERIES, PASS_NUMBERS // self.size)),
        )  # fmt: skip

    def _render(self, doc: Doc) -> str:
        return doc_text(doc, self.title)

    def _fields(self, texts: list[str]) -> Any:
        rows = self._encode(texts, "document")
        lengths = np.array([len(entries) for entries, _ in rows], np.uint32)
        entries = np.concatenate([entries for entries, _ in rows])
        return joint_store.sparse_fields(Ragged(entries, lengths), np.concatenate([one for _, one in rows]), self.size)

    def encode_queries(self, texts: Sequence[str]) -> JointQueries:
        """Vocabulary vectors (n, V) of queries, with dense parts of no dimension."""
        vocabulary = np.zeros((len(texts), self.size), np.float32)
        for row, (entries, weights) in zip(vocabulary, self._encode(list(texts), "query"), strict=True):
            row[entries] = weights
        return JointQueries(np.empty((len(texts), 0), np.float32), vocabulary)

    def explain(self, query: str, doc: Doc) -> list[tuple[str, float]]:
        """What each entry that both have gave to the score, by its token where entries are tokens."""
        [(asked, weights)] = self._encode([query], "query")
        [(entries, values)] = self._encode([self._render(doc)], "document")
        shared, left, right = np.intersect1d(asked, entries, assume_unique=True, return_indices=True)
        tokenizer = self.own.model.tokenizer
        names = [f"entry {entry}" for entry in shared]
        if len(tokenizer) == self.size:
            names = tokenizer.convert_ids_to_tokens(shared.tolist())
        return list(zip(names, (weights[left] * values[right]).astype(float).tolist(), strict=True))

    def _encode(self, texts: list[str], task: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each text the entries that are not 0, ascending, and their weights fp32."""

        def forward(encode: Any, some: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
            found = encode(some, max_active_dims=self.most, convert_to_sparse_tensor=True).coalesce().cpu()
            (rows, entries), weights = found.indices().numpy(), found.values().float().numpy()
            edges = np.searchsorted(rows, np.arange(1, len(some)))
            kept = [
                part[one != 0] for part, one in zip(np.split(entries, edges), np.split(weights, edges), strict=True)
            ]
            return list(zip(kept, (one[one != 0] for one in np.split(weights, edges)), strict=True))

        return self.own.encode(texts, task, forward)

    def _top_k(
        self, _: Sequence[Query], queries: JointQueries, store: joint_store.JointStore, k: int
    ) -> Iterable[Found]:
        self.query_holders += (queries.vocabulary != 0).sum(axis=0)
        self.queries_seen += len(queries.vocabulary)
        return joint_search.top_k(queries, store, k, self.device, self.threads)
