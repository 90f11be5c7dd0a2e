"""The vectors that a sentence-transformers model gives to the training queries and documents, made once and kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.files import atomic_path, sha256_json
from retrievers.encoders.checkpoint import digest
from retrievers.encoders.precision import quicker_precision
from retrievers.training.examples.pairs import Examples

PIECE = 2048  # texts encoded between two looks at the progress


class Vectors(NamedTuple):
    """Unit vectors as fp16."""

    queries: np.ndarray  # (Q, d)
    docs: np.ndarray  # (D, d)


def vectors_key(examples: Examples, title: str | None, model: str, max_length: int) -> str:
    """The name of the vectors: a function of the texts and the teacher."""
    weights = digest(Path(model)) if Path(model).is_dir() else None
    texts = [examples.facts, examples.query_ids, examples.doc_ids]
    return sha256_json([texts, title, model, weights, max_length])[:24]


def teacher_vectors(
    examples: Examples, title: str | None, model: str, max_length: int, cache: Path, device: str
) -> Vectors:
    """The vectors of all texts, from `cache` where it has them; the teacher reads `max_length` tokens of a text."""
    path = cache / f"vectors-{vectors_key(examples, title, model, max_length)}.npy"
    if not path.exists():
        import torch

        from retrievers.sentence_transformer import SentenceTransformerEncoder

        precision = quicker_precision(torch.device(device))
        encoder = SentenceTransformerEncoder(model, precision=precision, max_length=max_length, device=device)  # type: ignore[arg-type]
        found = np.concatenate([_encoded(encoder.encode_queries, examples.queries, "queries"),
                                _encoded(encoder.encode_docs, examples.docs, "documents")])  # fmt: skip
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, found.astype(np.float16))
    stored = np.load(path)
    return Vectors(stored[: len(examples.queries)], stored[len(examples.queries) :])


def _encoded(encode: object, texts: Sequence[str], what: str) -> np.ndarray:
    from tqdm import tqdm

    parts = []
    with tqdm(total=len(texts), unit="text", desc=f"teacher, {what}", mininterval=1.0) as bar:
        for start in range(0, len(texts), PIECE):
            part = list(texts[start : start + PIECE])
            parts.append(encode(part))  # type: ignore[operator]
            bar.update(len(part))
    return np.concatenate(parts).astype(np.float32)
