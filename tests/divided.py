"""A dense retriever without a model whose index has several shards even for the sample, and which can be made to fail.

Its arguments beside `dim` change no number: `pause` is in seconds a shard; `once` is the path of a file, and the first
process that indexes without finding it makes it and comes to the end that `how` says: by signal 9, exit or exception.
"""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np

from retrievers.dense import from_encoder


class Words:
    """Hashed words, compared by cosine."""

    runtime = frozenset({"pause", "once", "how"})

    def __init__(self, dim: int = 96, pause: float = 0.0, once: str = "", how: str = "kill") -> None:
        self.dim, self.pause, self.once, self.how = dim, pause, once, how

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), self.dim), np.float32)  # (n, dim)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, crc32(word.encode()) % self.dim] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    def encode_docs(self, texts: Sequence[str]) -> np.ndarray:
        time.sleep(self.pause)
        if self.once and self._first():
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "exit":
                os._exit(3)
            raise RuntimeError("this once")
        return self.encode_queries(texts)

    def _first(self) -> bool:
        try:
            Path(self.once).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


class Divided(from_encoder(Words)):  # type: ignore[misc]
    """The sample's 357 documents are nine shards."""

    shard_docs = 40
