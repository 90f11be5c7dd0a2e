"""Any sentence-transformers model as an encoder, with the vectors that its own `encode` gives.

A model that is a BERT with [CLS] or mean pooling runs without padding (`packed_bert`); any other runs through its own
modules, in batches of similar length.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional as F

from retrievers.encoders import checkpoint, encoding, sentence_modules
from retrievers.encoders.packed_bert import PackedBert, why_not

DOC_PROMPTS = ("document", "passage", "corpus")  # the order in which sentence-transformers looks for them
POOLS = {"cls": encoding.pool_cls, "mean": encoding.pool_mean}
SIMILARITIES = {"cosine": "cos", "cos": "cos", "dot": "dot", "dot_score": "dot"}
CHARS_PER_TOKEN = 4  # of English text; only sizes batches where the model tokenises by itself


class SentenceTransformerEncoder:
    """A sentence-transformers model.

    `model` is a folder or a name on the hub (a bare name is one of sentence-transformers' own). `query_prompt` and
    `doc_prompt` are put before the texts; None takes the model's prompt named `query_prompt_name` or `doc_prompt_name`,
    or else what the model sets. `max_length` in tokens, `similarity` cos (vectors are normalised) or dot; None for both
    is the model's own. `precision` is that of the model's arithmetic; pooling and vectors are fp32. Code that comes
    with a model runs only with `trust_remote_code`.
    """

    runtime = frozenset({"device", "batch_tokens"})
    search_only = frozenset({"query_prompt", "query_prompt_name"})

    def __init__(
        self,
        model: str = "all-MiniLM-L6-v2",
        *,
        revision: str | None = None,
        precision: Literal["fp32", "bf16", "fp16"] = "fp32",
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
        dtype, self.device = encoding.dtype_of(precision), encoding.pick_device(device)
        bare = "/" not in model and not Path(model).expanduser().is_dir()
        self.folder, self.revision = checkpoint.find(f"sentence-transformers/{model}" if bare else model, revision)
        self.model = _load(self.folder, trust_remote_code)
        self.max_length = self._length(max_length)
        self.normalise = self._similarity(similarity) == "cos"
        self.query_prompt = self._prompt(query_prompt, query_prompt_name, ("query",))
        self.doc_prompt = self._prompt(doc_prompt, doc_prompt_name, DOC_PROMPTS)
        self.batches = encoding.Batches(batch_tokens or encoding.default_budget(self.device))
        self.unpacked = _unpacked(self.model, bool(self.query_prompt or self.doc_prompt))
        if self.unpacked is None:
            bert = PackedBert(self.model[0].auto_model, dtype, self.device)
            self.packed = encoding.PackedEncoder(
                bert, self.model.tokenizer, POOLS[self.model[1].pooling_mode], batch_tokens
            )
        else:
            self.model.to(self.device, dtype)

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

    def fingerprint(self) -> dict[str, Any]:
        """What `model` points at."""
        return {"checkpoint_sha256": checkpoint.digest(self.folder), "revision": self.revision}

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            **self.fingerprint(),
            "max_length": self.max_length,
            "similarity": "cos" if self.normalise else "dot",
            "query_prompt": self.query_prompt,
            "doc_prompt": self.doc_prompt,
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "device": str(self.device),
            "packed": self.unpacked is None,
            "batch_tokens": self._running().budget,
        }

    def _running(self) -> encoding.Batches:
        return self.packed.batches if self.unpacked is None else self.batches

    def _prepare(self, texts: Sequence[str], prompt: str) -> Any:
        if self.unpacked is None:
            return self.packed.tokenize([prompt + text for text in texts], self.max_length)
        return list(texts)

    def _encode(self, prepared: Any, task: str) -> np.ndarray:
        if self.unpacked is None:
            outputs = self.packed.encode(prepared)
        else:
            lengths = np.array([min(self.max_length, 2 + len(text) // CHARS_PER_TOKEN) for text in prepared])
            outputs = self.batches.run(lengths, lambda batch: {"vectors": self._by_modules(prepared, batch, task)})
        if not outputs:
            return np.empty((0, self.model.get_embedding_dimension()), np.float32)
        vectors = torch.from_numpy(outputs["vectors"])
        return (F.normalize(vectors, dim=1) if self.normalise else vectors).numpy()

    def _by_modules(self, texts: list[str], batch: np.ndarray, task: str) -> torch.Tensor:
        encode = self.model.encode_query if task == "query" else self.model.encode_document
        return encode(
            [texts[at] for at in batch],
            prompt=self.query_prompt if task == "query" else self.doc_prompt,
            batch_size=len(batch),
            show_progress_bar=False,
            convert_to_tensor=True,
        )

    def _length(self, wanted: int | None) -> int:
        own = self.model.max_seq_length
        length = wanted if wanted is not None else own
        if length is None:
            raise ValueError(f"the model in {self.folder} names no length; set max_length")
        longest = getattr(self.model[0].auto_model.config, "max_position_embeddings", length)
        if not 3 <= length <= longest:
            raise ValueError(f"max_length is {length}; this model takes 3 to {longest} tokens")
        self.model.max_seq_length = length
        return int(length)

    def _similarity(self, wanted: str | None) -> str:
        own = str(self.model.similarity_fn_name)
        if wanted is None and own not in SIMILARITIES:
            raise ValueError(f"the model's similarity is {own!r}, which is no dot product; set similarity=cos or dot")
        if (chosen := wanted or own) not in SIMILARITIES:
            raise ValueError(f"similarity is {chosen!r}; it can be cos or dot")
        return SIMILARITIES[chosen]

    def _prompt(self, prompt: str | None, name: str | None, usual: Sequence[str]) -> str:
        prompts = self.model.prompts
        if prompt is not None and name is not None:
            raise ValueError(f"give a prompt or the name of one, not both ({prompt!r} and {name!r})")
        if name is not None and name not in prompts:
            raise ValueError(f"the model has no prompt {name!r}; it has {', '.join(sorted(prompts)) or 'none'}")
        if prompt is None:
            found = [each for each in ((name,) if name else usual) if each in prompts]
            prompt = prompts.get(found[0] if found else self.model.default_prompt_name)
        return prompt or ""


def _load(folder: Path, trust_remote_code: bool) -> Any:
    from sentence_transformers import SentenceTransformer as Model

    first = sentence_modules.first_folder(folder, trust_remote_code)
    checkpoint.refuse_wrong_weights(first, trust_remote_code)
    with checkpoint.quiet():
        return Model(str(folder), device="cpu", trust_remote_code=trust_remote_code, local_files_only=True).eval()


def _unpacked(model: Any, prompted: bool) -> str | None:
    """Why the model has to run through its own modules, or None where packed batches give the same vectors."""
    kinds = [type(module).__name__ for module in model]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return f"its modules are {', '.join(kinds)}"
    if model[1].pooling_mode not in POOLS:
        return f"its pooling is {model[1].pooling_mode!r}"
    if prompted and not model[1].include_prompt:
        return "its pooling leaves prompts out"
    if getattr(model[0], "do_lower_case", False) or model.truncate_dim:
        return "it changes texts or cuts vectors"
    return why_not(model[0].auto_model)
