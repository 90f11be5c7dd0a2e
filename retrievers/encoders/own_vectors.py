"""Whether packed batches give the vectors that a sentence-transformers model's own `encode` gives: by what it is made
of, and by a few probe texts. Where they would not, the model runs through its own modules.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrievers.encoders import encoding
from retrievers.encoders.packed_bert import another_kind, replaced

POOLS = {"cls": encoding.pool_cls, "mean": encoding.pool_mean}
OWN = ("query_length", "document_length", "processing_kwargs", "query_expansion")  # settings of a Transformer module
PROBES = (
    "", "x", "A sentence of a few words.", " \tSpace around,\n\nand line breaks: élan \n",
    "many words of one text, " * 400,  # cut by any length
)  # fmt: skip
ROUNDING = {"fp32": 1e-4, "fp16": 1e-2, "bf16": 6e-2}  # relative to a vector's norm; a wrong path is far beyond
Encode = Callable[[list[str]], np.ndarray]


def unpackable(model: Any, prompted: bool) -> str | None:
    """Why a model of this make runs through its own modules, None for a BERT with [CLS] or mean pooling."""
    kinds = [type(module).__name__ for module in model]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return f"its modules are {', '.join(kinds)}"
    if model[1].pooling_mode not in POOLS:
        return f"its pooling is {model[1].pooling_mode!r}"
    if prompted and not model[1].include_prompt:
        return "its pooling leaves prompts out"
    if getattr(model[0], "do_lower_case", False) or model.truncate_dim:
        return "it changes texts or cuts vectors"
    return another_kind(model[0].auto_model)


def altered(model: Any) -> str | None:
    """What makes a model compute something else than its make and its weights say: own code, own lengths, adapters."""
    if foreign := [type(module).__module__ for module in model if not _is_theirs(module)]:
        return f"a module's code is from {foreign[0]}"
    if own := [name for name in OWN if getattr(model[0], name, None)]:
        return f"it sets {own[0]}"
    return replaced(model[0].auto_model)


def differ(ours: Encode, own: Encode, precision: str) -> str | None:
    """Why the two do not give the same vectors of the probe texts, or None where they do, up to rounding."""
    try:
        packed = ours(list(PROBES))
    except Exception as error:  # whatever it is, the model's own modules may do without it
        return f"packed batches fail ({type(error).__name__}: {error})"
    return apart(packed, own(list(PROBES)), precision, PROBES)


def apart(packed: np.ndarray, expected: np.ndarray, precision: str, names: Sequence[str]) -> str | None:
    """How vectors (n, dim) of packed batches differ from the model's own beyond rounding, or None."""
    if packed.shape != expected.shape:
        return f"packed batches give vectors of shape {packed.shape[1:]}, its own encode {expected.shape[1:]}"
    gap = np.linalg.norm(packed - expected, axis=1) / np.maximum(np.linalg.norm(expected, axis=1), 1e-12)
    gap[~np.isfinite(packed).all(axis=1) & ~np.isfinite(expected).all(axis=1)] = 0.0  # both; the index names the text
    worst = int(np.argmax(np.nan_to_num(gap, nan=np.inf)))
    if not gap[worst] <= ROUNDING[precision]:
        return f"packed batches differ from its own encode by {gap[worst]:.2g} of the vector of {names[worst][:24]!r}"
    return None


def _is_theirs(module: Any) -> bool:
    return type(module).__module__.partition(".")[0] == "sentence_transformers"
