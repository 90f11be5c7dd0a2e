"""Queries and documents as token ids, in memory; equal texts have equal numbers."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

AT_ONCE = 4096  # texts tokenised in one call


class Texts(NamedTuple):
    """Tokenised texts, cut to their length, special tokens included."""

    ids: np.ndarray  # (tokens,) int32, one text after the other
    ends: np.ndarray  # (texts,) int64
    same: np.ndarray  # (texts,) int64, equal where the ids are equal

    def row(self, number: int) -> np.ndarray:
        """The ids of one text."""
        return self.ids[self.ends[number - 1] if number else 0 : self.ends[number]]

    def lengths(self, numbers: np.ndarray) -> np.ndarray:
        """Tokens of the texts with these numbers, in the array's shape."""
        return self.ends[numbers] - np.where(numbers > 0, self.ends[numbers - 1], 0)


def tokenised(texts: Sequence[str], tokenizer: Any, max_length: int) -> Texts:
    """The texts as the retrievers tokenise them."""
    from retrievers.encoders.encoding import tokenize

    parts = [tokenize(tokenizer, texts[at : at + AT_ONCE], max_length) for at in range(0, len(texts), AT_ONCE)]
    ends = np.concatenate([part.lengths for part in parts]).cumsum()
    found = Texts(np.concatenate([part.ids for part in parts]), ends, ends)
    digests = [hashlib.blake2b(found.row(at).tobytes(), digest_size=8).digest() for at in range(len(texts))]
    same = np.unique(np.frombuffer(b"".join(digests), np.int64), return_inverse=True)[1]
    return found._replace(same=same)
