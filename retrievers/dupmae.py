"""DupMAE (Xiao et al., ACL 2023 long.148, arXiv 2305.02564): [CLS] and vocabulary vector in one score, Eq. 12.

    score(q, d) = h_q W . h_d W + sum over the k largest entries i of mu_d of mu_q[i] mu_d[i]

A checkpoint folder is a masked LM for transformers, and beside it

    projection.safetensors   `weight` (d', H) of W, without bias
    dupmae.json              {"schema": 1, "d": d', "k", "activation", "include_sep", "max_length", "query_max_length",
                              "title", "similarity": "dot", "trained": {...}}: the retriever's defaults
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harness.records import Doc, Query
from retrievers.dense import doc_text, escaped
from retrievers.encoders import backbones, encoding, widths
from retrievers.encoders.mae_model import Opened, checked_length, open_checkpoint, runner
from retrievers.encoders.precision import chosen_here, precision_here
from retrievers.encoders.published import AUTO, chosen, chosen_title
from retrievers.encoders.vocabulary_vectors import VocabularyHead, activation_of, largest
from retrievers.joint_parts import parts
from retrievers.retromae import described, pointed_at
from retrievers.search import exact_search, joint_search, joint_store
from retrievers.search.joint_queries import JointQueries
from retrievers.sharded import Family, Found, ShardedRetriever

NO_CHECKPOINT = (
    "no DupMAE retriever was ever published: set checkpoint to a folder of your own, which `beir-harness finetune`"
    " makes (a masked LM with projection.safetensors and dupmae.json), or to dupmae-mini, the small one shipped here"
)


class DupMAE(ShardedRetriever):
    """DupMAE's aggregated representation with exact search by the joint score.

    `checkpoint` is a folder (or a hub name) as the module describes. `score` is joint, or one part alone: cls or ot.
    `k` entries of a document are kept; `activation` is raw (the paper's), relu or log1p_relu; `include_sep` counts the
    closing [SEP]; null is what dupmae.json says, else 384, log1p_relu, true. `projection` none takes [CLS] as it is,
    without the checkpoint's W. `title`, `max_length`, `query_max_length`, `precision` and `allow_pretrained` are as
    for RetroMAE; `precision` auto is bf16 where that is quicker, else fp32. One index serves all three scores.
    """

    runtime: ClassVar[frozenset[str]] = ShardedRetriever.runtime | {"batch_tokens"}
    search_only: ClassVar[frozenset[str]] = frozenset({"score", "query_max_length"})
    content: ClassVar[frozenset[str]] = frozenset({"checkpoint"})

    def __init__(
        self,
        checkpoint: str = "",
        *,
        revision: str | None = None,
        score: Literal["joint", "cls", "ot"] = "joint",
        k: int | None = None,
        activation: Literal["raw", "relu", "log1p_relu"] | None = None,
        include_sep: bool | None = None,
        projection: Literal["checkpoint", "none"] = "checkpoint",
        title: str | None = AUTO,
        max_length: int | None = None,
        query_max_length: int | None = None,
        precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32",
        allow_pretrained: bool = False,
        device: str = "auto",
        batch_tokens: int = 0,
        threads: int = 0,
    ) -> None:
        if not checkpoint:
            raise ValueError(NO_CHECKPOINT)
        if score not in ("joint", "cls", "ot"):
            raise ValueError(f"score is {score!r}; it can be joint, cls or ot")
        super().__init__(threads)
        self.score, self.device = score, device
        self.opened = open_checkpoint(checkpoint, revision, "dupmae", True, allow_pretrained)
        lm, settings = self.opened.model, self.opened.settings
        self.k = checked_k(chosen(k, "k", settings, 384))
        name = chosen(activation, "activation", settings, "log1p_relu")
        self.activation = activation_of(name)
        place = encoding.pick_device(device)
        here = precision_here(precision, place)
        self.chosen = chosen_here(precision, here)
        dtype = encoding.dtype_of(here)
        self.weight = None if projection == "none" else read_projection(self.opened).to(place)  # (d', H)
        self.dim: int = lm.config.hidden_size if self.weight is None else self.weight.shape[0]
        most = min(512, backbones.longest(lm.config))
        self.title = chosen_title(title, settings)
        bert = runner(backbones.encoder(lm), dtype, place)
        self.length = checked_length(chosen(max_length, "max_length", settings, most), bert.longest, "max_length")
        self.query_length = checked_length(
            chosen(query_max_length, "query_max_length", settings, most), bert.longest, "query_max_length"
        )
        include_sep = chosen(include_sep, "include_sep", settings, True)
        self.head = VocabularyHead(lm, dtype, place, include_sep)
        self.docs = encoding.PackedEncoder(bert, self.opened.tokenizer, self._pool_docs, batch_tokens)
        self.queries = encoding.PackedEncoder(bert, self.opened.tokenizer, self._pool_queries, batch_tokens)
        self.shaping = {
            "title": self.title, "max_length": self.length, "k": self.k, "activation": name,
            "include_sep": include_sep, "projection": projection, "precision": here,
        }  # fmt: skip

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """Disk for vectors, entries and weights; memory for torch, a model of the usual size and a shard."""
        entries = (arguments.get("k") or 384) * 4
        return {"disk": docs * (widths.guess(arguments) * 2.0 + entries + 24), "memory": 2.5e9}

    def fingerprint(self) -> dict[str, Any]:
        """What `checkpoint` points at."""
        return pointed_at(self.opened, self.docs) | self.chosen

    def sources(self) -> list[Path] | None:
        """The files of `checkpoint`."""
        return self.opened.sources

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            **self.stored(), **self.shaping, "dim": self.dim, "vocabulary": self.head.size, "score": self.score,
            "query_max_length": self.query_length, "similarity": "dot",
            "notes": escaped({"title": self.title}), **described(self.opened, self.docs),
        }  # fmt: skip

    def family(self) -> Family:
        """A dense vector and the largest vocabulary entries of a text."""
        return Family(
            lambda doc: doc_text(doc, self.title),
            lambda texts: self.docs.tokenize(texts, self.length),
            self._fields,
            self.encode_queries,
            self._top_k,
            joint_store.JointStore,
            joint_search.PASS_QUERIES,
        )

    def _fields(self, tokens: encoding.Tokens) -> dict[str, np.ndarray]:
        found = self.docs.encode(tokens)
        return joint_store.fields(found["vectors"], found["entries"], found["weights"], self.head.size)

    def _top_k(
        self, _: Sequence[Query], queries: JointQueries, store: joint_store.JointStore, k: int
    ) -> Iterable[Found]:
        if self.score == "cls":
            return exact_search.top_k(queries.dense, store, k, self.device, self.threads)
        if self.score == "ot":
            queries = queries._replace(dense=queries.dense[:, :0])
        return joint_search.top_k(queries, store, k, self.device, self.threads)

    def encode_queries(self, texts: Sequence[str]) -> JointQueries:
        """Dense parts (n, d') and vocabulary vectors (n, V) of queries."""
        found = self.queries.encode(self.queries.tokenize(texts, self.query_length))
        return JointQueries(found["vectors"], found["vocabulary"])

    def explain(self, query: str, doc: Doc) -> list[tuple[str, float]]:
        """What [CLS] and each piece gave to the score."""
        found = parts(self, query, doc)
        dense = [] if self.score == "ot" else [("[CLS]", found.dense)]
        return dense + ([] if self.score == "cls" else [(term.piece, term.value) for term in found.terms])

    def _pool_queries(self, hidden: Tensor, lengths: Sequence[int]) -> dict[str, Tensor]:
        return {"vectors": self._dense(hidden, lengths), "vocabulary": self.activation(self.head(hidden, lengths))}

    def _pool_docs(self, hidden: Tensor, lengths: Sequence[int]) -> dict[str, Tensor]:
        entries, values = largest(self.head(hidden, lengths), self.k)
        return {"vectors": self._dense(hidden, lengths), "entries": entries, "weights": self.activation(values)}

    def _dense(self, hidden: Tensor, lengths: Sequence[int]) -> Tensor:
        first = encoding.pool_cls(hidden, lengths).float()  # (B, H)
        return first if self.weight is None else F.linear(first, self.weight)  # (B, d')


def checked_k(k: int) -> int:
    """`k` where it can be meant."""
    if k < 1:
        raise ValueError(f"k is {k}; a document keeps at least 1 vocabulary entry")
    return k


def read_projection(opened: Opened) -> Tensor:
    """W of a checkpoint, fp32 (d', H). Raises ValueError where it is missing or does not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = opened.folder / "projection.safetensors"
    if not path.is_file():
        raise ValueError(
            f"the checkpoint {opened.folder} has no projection.safetensors, so no W for the dense part of the joint"
            " score: fine-tune it as DupMAE, or set projection=none to take [CLS] as it is"
        )
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    hidden, named = opened.model.config.hidden_size, opened.settings.get("d")
    weight = tensors.get("weight", torch.empty(0))
    if list(tensors) != ["weight"] or weight.ndim != 2 or weight.shape[1] != hidden:
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        raise ValueError(f"{path} holds {found} instead of `weight` (d', {hidden}) alone")
    if named is not None and named != weight.shape[0]:
        raise ValueError(f"{path} projects to {weight.shape[0]} dimensions, dupmae.json says {named}")
    return weight.float()
