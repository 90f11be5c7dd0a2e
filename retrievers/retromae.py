"""RetroMAE (Xiao et al., EMNLP 2022, arXiv 2205.12035): the last hidden state of [CLS], compared by dot product.

The vectors are never normalised, and title and text are one string in one segment, as the model was trained.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from retrievers.dense import DenseRetriever
from retrievers.encoders import checkpoint as files
from retrievers.encoders import encoding, widths
from retrievers.encoders.backbones import longest
from retrievers.encoders.mae_model import Opened, Padded, checked_length, open_checkpoint, runner
from retrievers.encoders.packed_bert import PackedBert
from retrievers.encoders.precision import advice, chosen_here, precision_here
from retrievers.encoders.published import AUTO, chosen, chosen_title


class ClsEncoder:
    """[CLS] vectors of an opened checkpoint; `lengths` in tokens, of documents and of queries."""

    def __init__(
        self, opened: Opened, lengths: tuple[int, int], precision: str, device: str, batch_tokens: int
    ) -> None:
        place = encoding.pick_device(device)
        self.opened, self.precision = opened, precision_here(precision, place)
        self.chosen = chosen_here(precision, self.precision)
        bert = runner(opened.model, encoding.dtype_of(self.precision), place)
        self.length = checked_length(lengths[0], bert.longest, "max_length")
        self.query_length = checked_length(lengths[1], bert.longest, "query_max_length")
        self.packed = encoding.PackedEncoder(bert, opened.tokenizer, encoding.pool_cls, batch_tokens)
        self.dim: int = opened.model.config.hidden_size

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, H)."""
        return self.encode_tokens(self.packed.tokenize(texts, self.query_length))

    def encode_docs(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, H) of documents whose title and text are joined already."""
        return self.encode_tokens(self.tokenize_docs(texts))

    def tokenize_docs(self, texts: Sequence[str]) -> encoding.Tokens:
        """What `encode_tokens` takes; may run in another thread than the model."""
        return self.packed.tokenize(texts, self.length)

    def advice(self, docs: int) -> str | None:
        """What another precision would save on so many documents, where it is worth saying."""
        if not isinstance(self.packed.bert, PackedBert):
            return None
        device = self.packed.bert.device
        return advice(lambda dtype: runner(self.opened.model, dtype, device), self.precision, docs, self.length)

    def encode_tokens(self, tokens: encoding.Tokens) -> np.ndarray:
        """Vectors (n, H) of tokenised texts."""
        return self.packed.encode(tokens).get("vectors", np.empty((0, self.dim), np.float32))


class RetroMAE(DenseRetriever):
    """RetroMAE, or any BERT, MiniLM, RoBERTa or DistilBERT whose [CLS] vectors are compared by dot product.

    `checkpoint` is a folder or a name on the hub. `title` stands between title and text, null leaves titles out;
    "auto" for it, and null for `max_length` and `query_max_length` (tokens), is what the checkpoint's retromae.json or
    the table of published checkpoints says, else a space and 512. `precision` is that of the model's arithmetic, auto
    is bf16 where that is quicker, else fp32; `store_dtype` (fp16, fp32) is that of the vectors on disk. A checkpoint
    that was only pre-trained is refused unless `allow_pretrained`.
    """

    runtime = DenseRetriever.runtime | {"batch_tokens"}
    search_only = DenseRetriever.search_only | {"query_max_length"}
    content = frozenset({"checkpoint"})

    def __init__(
        self,
        checkpoint: str = "Shitao/RetroMAE_BEIR",
        *,
        revision: str | None = None,
        title: str | None = AUTO,
        max_length: int | None = None,
        query_max_length: int | None = None,
        precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32",
        store_dtype: Literal["fp16", "fp32"] = "fp16",
        dim: int | None = None,
        store: Literal["fp16", "int8", "binary"] | None = None,
        rescore: int | None = None,
        ann: Literal["hnsw"] | None = None,
        allow_pretrained: bool = False,
        device: str = "auto",
        batch_tokens: int = 0,
        threads: int = 0,
    ) -> None:
        self.refuse(type(self), {"checkpoint": checkpoint, "dim": dim, "store": store, "rescore": rescore, "ann": ann})
        self.opened = open_checkpoint(checkpoint, revision, "retromae", False, allow_pretrained)
        settings = self.opened.settings
        most = min(512, longest(self.opened.model.config))
        lengths = (
            chosen(max_length, "max_length", settings, most),
            chosen(query_max_length, "query_max_length", settings, most),
        )
        encoder = ClsEncoder(self.opened, lengths, precision, device, batch_tokens)
        title = chosen_title(title, settings)
        super().__init__(
            encoder, title=title, store_dtype=store_dtype, dim=dim, store=store, rescore=rescore, ann=ann,
            device=device, threads=threads,
        )  # fmt: skip
        self.shaping |= {"max_length": lengths[0], "precision": encoder.precision}

    @classmethod
    def known_width(cls, arguments: Mapping[str, Any]) -> int | None:
        """How many numbers the vectors have, as far as a folder's files say it."""
        return widths.of_config(Path(arguments.get("checkpoint", "")).expanduser())

    def fingerprint(self) -> dict[str, Any]:
        """What `checkpoint` points at."""
        encoder: ClsEncoder = self.encoder  # type: ignore[assignment]
        return pointed_at(self.opened, encoder.packed) | encoder.chosen

    def sources(self) -> list[Path] | None:
        """The files of `checkpoint`."""
        return self.opened.sources

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        encoder: ClsEncoder = self.encoder  # type: ignore[assignment]
        return {
            **super().facts(),
            "title": self.title,
            "max_length": encoder.length,
            "query_max_length": encoder.query_length,
            "precision": encoder.precision,
            "similarity": "dot",
            **described(self.opened, encoder.packed),
        }


def pointed_at(opened: Opened, packed: encoding.PackedEncoder) -> dict[str, Any]:
    """What a checkpoint is, and that its own layers made the vectors where earlier versions passed these over."""
    state = {"checkpoint_sha256": files.digest(opened.folder), "revision": opened.revision}
    return state | ({"vectors": "of its own layers"} if _altered(packed) else {})


def described(opened: Opened, packed: encoding.PackedEncoder) -> dict[str, Any]:
    """For the manifest: what the checkpoint is and how it runs."""
    return {
        "checkpoint_revision": opened.revision,
        "as_published": opened.as_published,
        "trained": opened.settings.get("trained", opened.settings.get("what")),
        "parameters": sum(parameter.numel() for parameter in opened.model.parameters()),
        "device": str(packed.bert.device),
        "packed": isinstance(packed.bert, PackedBert),
        **({"not_packed_as": altered} if (altered := _altered(packed)) else {}),
        "batch_tokens": packed.batches.budget,
    }


def _altered(packed: encoding.PackedEncoder) -> str | None:
    return packed.bert.altered if isinstance(packed.bert, Padded) else None
