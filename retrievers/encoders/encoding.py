"""From texts to vectors through a model: batches of similar length by a budget, half of it when memory ends.

The batches of a call depend on its texts and the budget alone, so the same call gives the same vectors to the last bit.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from harness import work
from retrievers.encoders.memory import keep_freed_memory
from retrievers.encoders.misfit import Misfit
from retrievers.encoders.packed_bert import groups

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
NO_MEMORY = (  # how a CPU's allocator, CUDA, its libraries and other accelerators say it
    "allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED",
    "CUSPARSE_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_NOT_INITIALIZED", "hipErrorOutOfMemory", "OUT_OF_RESOURCES",
)  # fmt: skip
if (said := os.environ.get("OMP_NUM_THREADS", "")).isdigit() and 0 < int(said) < torch.get_num_threads():
    torch.set_num_threads(int(said))  # numba, where it was before torch, has made it all of the machine's
KEPT = 128 << 20  # bytes of freed memory that stay for the next batch: a few times the activations of a layer
Outputs = dict[str, np.ndarray]
Part = TypeVar("Part")


class Tokens(NamedTuple):
    """Tokenised texts: their ids one after the other, int32 (T,), and their lengths, int64 (N,), which sum to T."""

    ids: np.ndarray
    lengths: np.ndarray


def tokenize(tokenizer: Any, texts: Sequence[str], max_length: int) -> Tokens:
    """Texts as the Hugging Face `tokenizer` frames them, cut to `max_length` tokens, special tokens included."""
    if not texts:
        return Tokens(np.empty(0, np.int32), np.empty(0, np.int64))
    rows = tokenizer(
        list(texts),
        truncation=True,
        max_length=max_length,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )["input_ids"]
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    return Tokens(np.fromiter(chain.from_iterable(rows), np.int32, int(lengths.sum())), lengths)


def dtype_of(precision: str) -> torch.dtype:
    """The torch dtype of fp32, bf16 or fp16."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; it can be {', '.join(PRECISIONS)}")
    return PRECISIONS[precision]


def pick_device(device: str) -> torch.device:
    """`auto` is the first GPU where there is one, else the CPU; anything else is torch's own name of a device."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        picked = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device is {device!r}; it can be auto, cpu, cuda or cuda:0") from error
    if picked.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device is {device!r}, but torch {torch.__version__} sees no GPU here; use device=cpu")
    return picked


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run torch on `count` threads, 0 for as many as it takes by itself."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def default_budget(device: torch.device) -> int:
    """Tokens per batch: on a CPU the activations of a layer should stay in its caches, a GPU wants long rows."""
    return 2048 if device.type == "cpu" else 65536


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` is an accelerator's or the machine's way to say that a batch was too large."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)


class Batches:
    """Runs a model over texts, longest first, in batches whose padded size stays within `budget` tokens.

    A batch that does not fit into memory halves the budget for good and is tried again.
    """

    def __init__(self, budget: int) -> None:
        if budget < 1:
            raise ValueError(f"batch_tokens is {budget}; it must be at least 1")
        self.budget = budget

    def run(self, lengths: np.ndarray, forward: Callable[[np.ndarray], dict[str, Tensor]]) -> Outputs:
        """`forward` takes text numbers (B,), neighbours of similar length, and gives tensors of B rows.

        Returns fp32 arrays (integers as they are) in the order of the texts, one row each; no texts give no arrays.
        Raises MemoryError where a single text does not fit.
        """
        return _gather(self.parts(lengths, forward), len(lengths))

    def parts(self, lengths: np.ndarray, forward: Callable[[np.ndarray], Part]) -> list[tuple[np.ndarray, Part]]:
        """What `forward` gave, batch by batch, longest texts first, each behind the numbers (B,) of its texts."""
        keep_freed_memory(KEPT)
        order = np.argsort(-lengths, kind="stable")
        parts: list[tuple[np.ndarray, Part]] = []
        done, spent, total = 0, 0, int(lengths.sum())
        while done < len(order):
            longest = max(1, int(lengths[order[done]]))
            batch = order[done : done + max(1, self.budget // longest)]
            try:
                parts.append((batch, forward(batch)))
                done += len(batch)
                spent += int(lengths[batch].sum())
                work.fraction(spent / max(1, total))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if len(batch) == 1:
                    raise MemoryError(
                        f"one text of {longest} tokens does not fit into memory: lower max_length"
                    ) from error
                self.budget = max(1, longest * len(batch) // 2)
            else:
                continue
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return parts


def _gather(parts: list[tuple[np.ndarray, dict[str, Tensor]]], texts: int) -> Outputs:
    outputs: Outputs = {}
    for batch, tensors in parts:
        for name, tensor in tensors.items():
            rows = (tensor.float() if tensor.is_floating_point() else tensor).cpu().numpy()
            if name not in outputs:
                outputs[name] = np.empty((texts, *rows.shape[1:]), rows.dtype)
            outputs[name][batch] = rows
    return outputs


def pool_cls(hidden: Tensor, lengths: Sequence[int]) -> Tensor:
    """The hidden state of each text's first token: (T, H) -> (B, H)."""
    starts = np.cumsum([0, *lengths[:-1]])
    return hidden[torch.from_numpy(starts).to(hidden.device)]


def pool_mean(hidden: Tensor, lengths: Sequence[int]) -> Tensor:
    """The mean of each text's hidden states, summed in fp32: (T, H) -> (B, H)."""
    runs = groups(lengths)
    parts = hidden.split([length * count for length, count in runs])
    means = [
        part.view(count, length, -1).mean(1, dtype=torch.float32)
        for (length, count), part in zip(runs, parts, strict=True)
    ]
    return torch.cat(means)


class PackedEncoder:
    """A BERT encoder over packed batches: what RetroMAE, DupMAE and most sentence-transformers models are.

    `pool` turns hidden states (T, H) and lengths into the vectors (B, dim), or into several named tensors of B rows.
    """

    def __init__(
        self,
        bert: Any,
        tokenizer: Any,
        pool: Callable[[Tensor, Sequence[int]], Tensor | dict[str, Tensor]],
        batch_tokens: int = 0,
    ) -> None:
        self.bert, self.tokenizer, self.pool = bert, tokenizer, pool
        self.batches = Batches(batch_tokens or default_budget(bert.device))

    def tokenize(self, texts: Sequence[str], max_length: int) -> Tokens:
        """See `tokenize`; a `max_length` beyond the model's positions is an error, and Misfit says which text holds a
        token that the model has no embedding of.
        """
        if not 2 < max_length <= self.bert.longest:
            raise ValueError(f"max_length is {max_length}; this model takes 3 to {self.bert.longest} tokens")
        tokens = tokenize(self.tokenizer, texts, max_length)
        if (beyond := np.flatnonzero(tokens.ids >= self.bert.vocabulary)).size:
            token = int(tokens.ids[beyond[0]])
            raise Misfit(
                int(np.searchsorted(np.cumsum(tokens.lengths), beyond[0], side="right")),
                f"holds {self.tokenizer.convert_ids_to_tokens(token)!r}, token {token} of the tokenizer, and the model"
                f" has embeddings for {self.bert.vocabulary}: take it out of the text",
            )
        return tokens

    def encode(self, tokens: Tokens) -> Outputs:
        """Arrays of one row per text; a single tensor from `pool` is named `vectors`."""
        starts = np.concatenate(([0], np.cumsum(tokens.lengths)))

        def forward(batch: np.ndarray) -> dict[str, Tensor]:
            rows = [tokens.ids[starts[text] : starts[text + 1]] for text in batch]
            ids = torch.from_numpy(np.concatenate(rows)).to(self.bert.device)
            lengths = tokens.lengths[batch].tolist()
            pooled = self.pool(self.bert(ids, lengths), lengths)
            return pooled if isinstance(pooled, dict) else {"vectors": pooled}

        with torch.inference_mode():
            return self.batches.run(tokens.lengths, forward)
