"""Any sentence-transformers model as an encoder, with the vectors that its own `encode` gives.

A model that is a BERT with [CLS] or mean pooling runs without padding (`packed_bert`), if that gives its own vectors of
some probe texts (`own_vectors`); any other runs through its own modules, in batches of similar length.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional as F

from retrievers.dense import escaped
from retrievers.encoders import checkpoint, encoding, own_vectors, sentence_modules, widths
from retrievers.encoders.own_model import CHARS_PER_TOKEN, DOC_PROMPTS, UNLIMITED, prompt
from retrievers.encoders.packed_bert import PackedBert
from retrievers.encoders.precision import advice, chosen_here, precision_here

SIMILARITIES = {"cosine": "cos", "cos": "cos", "dot": "dot", "dot_score": "dot"}


class SentenceTransformerEncoder:
    """A sentence-transformers model.

    `model` is a folder or a name on the hub (a bare name is one of sentence-transformers' own). `query_prompt` and
    `doc_prompt` are put before the texts; None takes the model's prompt named `query_prompt_name` or `doc_prompt_name`,
    or else what the model sets. `max_length` in tokens, `similarity` cos (vectors are normalised) or dot; None for both
    is the model's own. `precision` is that of the model's arithmetic, auto is bf16 where that is quicker, else fp32;
    pooling and vectors are fp32. Code that comes with a model runs only with `trust_remote_code`.
    """

    runtime = frozenset({"device", "batch_tokens"})
    search_only = frozenset({"query_prompt", "query_prompt_name"})
    content = frozenset({"model"})

    def __init__(
        self,
        model: str = "all-MiniLM-L6-v2",
        *,
        revision: str | None = None,
        precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32",
        max_length: int | None = None,
        similarity: Literal["cos", "dot"] | None = None,
        query_prompt: str | None = None,
        doc_prompt: str | None = None,
        query_prompt_name: str | None = None,
        doc_prompt_name: str | None = None,
        trust_remote_code: bool = False,
        device: str = "auto",
        batch_tokens: int = 0,
    ) -> None:
        self.device = encoding.pick_device(device)
        self.precision = precision_here(precision, self.device)
        self.chosen = chosen_here(precision, self.precision)
        dtype = encoding.dtype_of(self.precision)
        bare = "/" not in model and not Path(model).expanduser().is_dir()
        self.folder, self.revision = checkpoint.find(f"sentence-transformers/{model}" if bare else model, revision)
        self.rests_on = checkpoint.sources(self.folder, revision)
        self.model = _load(self.folder, trust_remote_code)
        self.notes: list[str] = []
        self.max_length = self._length(max_length)
        self.similarity = self._similarity(similarity)
        self.query_prompt = prompt(self.model, query_prompt, query_prompt_name, ("query",))
        self.doc_prompt = prompt(self.model, doc_prompt, doc_prompt_name, DOC_PROMPTS)
        self.batches = encoding.Batches(batch_tokens or encoding.default_budget(self.device))
        self.notes += sentence_modules.unsaid(self.folder, similarity)
        self.notes += escaped({"query_prompt": self.query_prompt, "doc_prompt": self.doc_prompt})
        self.normalises = "Normalize" in [type(module).__name__ for module in self.model]
        self.unpacked = own_vectors.unpackable(self.model, bool(self.query_prompt or self.doc_prompt))
        self.altered = None if self.unpacked else own_vectors.altered(self.model)
        self.unpacked = self.unpacked or self.altered
        if self.unpacked is None:
            bert = PackedBert(self.model[0].auto_model, dtype, self.device)
            pool = own_vectors.POOLS[self.model[1].pooling_mode]
            self.packed = encoding.PackedEncoder(bert, self.model.tokenizer, pool, batch_tokens)
            self.altered = own_vectors.differ(
                self.encode_queries, self._own("query"), self.precision
            ) or own_vectors.differ(self.encode_docs, self._own("document"), self.precision)
            self.unpacked = self.altered
        if self.unpacked is not None:
            self.model.to(self.device, dtype)

    @classmethod
    def known_width(cls, arguments: Mapping[str, Any]) -> int | None:
        """How many numbers the vectors have, as far as a folder's files say it."""
        return widths.of_modules(Path(arguments["model"]).expanduser()) if "model" in arguments else None

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, dim) of queries, the prompt put before them."""
        return self._encode(self._prepare(texts, self.query_prompt), "query")

    def encode_docs(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, dim) of documents, the prompt put before them."""
        return self.encode_tokens(self.tokenize_docs(texts))

    def tokenize_docs(self, texts: Sequence[str]) -> Any:
        """What `encode_tokens` takes; may run in another thread than the model."""
        return self._prepare(texts, self.doc_prompt)

    def encode_tokens(self, tokens: Any) -> np.ndarray:
        """Vectors (n, dim) of tokenised documents."""
        return self._encode(tokens, "document")

    def advice(self, docs: int) -> str | None:
        """What another precision would save on so many documents, where it is worth saying."""
        if self.unpacked is not None or self.max_length is None:
            return None
        inner = self.model[0].auto_model
        return advice(lambda dtype: PackedBert(inner, dtype, self.device), self.precision, docs, self.max_length)

    def fingerprint(self) -> dict[str, Any]:
        """What `model` points at, and of what else its vectors are where earlier versions passed that over.

        So their vectors of just these models are not taken for ours.
        """
        state: dict[str, Any] = {"checkpoint_sha256": checkpoint.digest(self.folder), "revision": self.revision}
        state |= self.chosen
        if self.altered:
            state["vectors"] = "of its own encode"
        elif self.normalise and self.similarity == "dot":
            state["vectors"] = "normalised"
        return state

    def sources(self) -> list[Path] | None:
        """The files of `model`."""
        return self.rests_on

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            **self.fingerprint(),
            "max_length": self.max_length,
            "similarity": self.similarity,
            "query_prompt": self.query_prompt,
            "doc_prompt": self.doc_prompt,
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "device": str(self.device),
            "packed": self.unpacked is None,
            **({"not_packed_as": self.unpacked} if self.unpacked else {}),
            "batch_tokens": self._running().budget,
            "notes": self.notes,
        }

    @property
    def normalise(self) -> bool:
        """Whether vectors are normalised here; the model's own modules do it by themselves."""
        return self.similarity == "cos" or (self.normalises and self.unpacked is None)

    def _running(self) -> encoding.Batches:
        return self.packed.batches if self.unpacked is None else self.batches

    def _prepare(self, texts: Sequence[str], prompt: str) -> Any:
        if self.unpacked is None:
            assert self.max_length is not None  # or it would not run packed
            return self.packed.tokenize([prompt + text for text in texts], self.max_length)
        return list(texts)

    def _encode(self, prepared: Any, task: str) -> np.ndarray:
        if self.unpacked is None:
            outputs = self.packed.encode(prepared)
        else:
            lengths = np.array([2 + len(text) // CHARS_PER_TOKEN for text in prepared], np.int64)
            lengths = lengths if self.max_length is None else np.minimum(lengths, self.max_length)
            outputs = self.batches.run(lengths, lambda batch: {"vectors": self._by_modules(prepared, batch, task)})
        if not outputs:
            dim = self.model.get_embedding_dimension() or self._encode(self._prepare(["x"], ""), task).shape[1]
            return np.empty((0, dim), np.float32)
        vectors = torch.from_numpy(outputs["vectors"])
        return (F.normalize(vectors, dim=1) if self.normalise else vectors).numpy()

    def _own(self, task: str) -> own_vectors.Encode:
        """The model's own vectors of texts of a task, normalised as ours are."""

        def encode(texts: list[str]) -> np.ndarray:
            alone = [self._by_modules(texts, np.array([at]), task) for at in range(len(texts))]  # nothing is padded
            vectors = torch.cat(alone).float()
            return (F.normalize(vectors, dim=1) if self.normalise else vectors).numpy()

        return encode

    def _by_modules(self, texts: list[str], batch: np.ndarray, task: str) -> torch.Tensor:
        encode = self.model.encode_query if task == "query" else self.model.encode_document
        return encode(
            [texts[at] for at in batch],
            prompt=self.query_prompt if task == "query" else self.doc_prompt,
            batch_size=len(batch),
            show_progress_bar=False,
            convert_to_tensor=True,
        )

    def _length(self, wanted: int | None) -> int | None:
        """Tokens of a text, None for a model that counts none (static embeddings, say)."""
        own, inner = self.model.max_seq_length, getattr(self.model[0], "auto_model", None)
        if inner is None:
            if wanted is not None:
                raise ValueError(
                    f"max_length is {wanted}; a {type(self.model[0]).__name__} has no length that can be set"
                )
            return int(own) if own and own < UNLIMITED else None
        if wanted is None and (own is None or own >= UNLIMITED):
            raise ValueError(f"the model in {self.folder} names no length; set max_length")
        length, longest = int(own if wanted is None else wanted), checkpoint.positions(inner)
        if wanted is None and longest is not None and length > longest:
            self.notes.append(f"the model says {length} tokens and has positions for {longest}, so texts end there")
            length = longest
        if length < 3 or (longest is not None and length > longest):
            raise ValueError(f"max_length is {length}; this model takes 3 to {longest or 'any number of'} tokens")
        self.model.max_seq_length = length
        return length

    def _similarity(self, wanted: str | None) -> str:
        own = str(self.model.similarity_fn_name)
        if wanted is None and own not in SIMILARITIES:
            raise ValueError(f"the model's similarity is {own!r}, which is no dot product; set similarity=cos or dot")
        if (chosen := wanted or own) not in SIMILARITIES:
            raise ValueError(f"similarity is {chosen!r}; it can be cos or dot")
        return SIMILARITIES[chosen]


def _load(folder: Path, trust_remote_code: bool) -> Any:
    from sentence_transformers import SentenceTransformer as Model

    for place in (places := sentence_modules.folders(folder, trust_remote_code)):
        sentence_modules.refuse_own_code(place, trust_remote_code)
        checkpoint.refuse_wrong_weights(place, trust_remote_code)
    with checkpoint.quiet():
        model = Model(str(folder), device="cpu", trust_remote_code=trust_remote_code, local_files_only=True).eval()
    for place in places:
        checkpoint.refuse_lost_adapter(place, model)
    words: Any = getattr(getattr(model[0], "auto_model", None), "get_input_embeddings", lambda: None)()
    tokenizer = getattr(model, "tokenizer", None)
    if hasattr(words, "num_embeddings") and hasattr(tokenizer, "get_vocab"):
        checkpoint.refuse_wrong_tokenizer(tokenizer, words.num_embeddings, framed=False, place=places[0])
    return model
