"""Text tokenised once: all ids in one flat file that is read through the page cache, and where each passage ends.

    ids.bin    uint16 where the vocabulary allows, else uint32: the pieces of all passages, no special tokens
    ends.bin   uint64, the running total of pieces after each passage
    facts.json written last

Word boundaries need no file: whether a piece continues a word is a property of the piece (`vocabulary.continuations`).
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harness.files import sha256_json, write_json

VERSION = 1
AT_ONCE = 1000  # passages tokenised in one call


class Store(NamedTuple):
    """Tokenised text on disk."""

    ids: np.ndarray  # (pieces,) uint16 or uint32, memory-mapped
    ends: np.ndarray  # (passages,) int64
    facts: dict[str, Any]


def store_key(text_key: str, tokenizer: Any) -> str:
    """The name of the tokenised text: a function of the text and the tokenizer alone."""
    return sha256_json([VERSION, text_key, json.loads(tokenizer.backend_tokenizer.to_str())])[:24]


def build(passages: Iterable[str], tokenizer: Any, folder: Path, facts: dict[str, Any]) -> None:
    """Tokenise `passages` into `folder`; nothing is left behind if it fails. ValueError if there is no token at all.

    Two processes may build the same folder at once; the first to finish wins.
    """
    if (folder / "facts.json").exists():
        return
    work = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    work.mkdir(parents=True, exist_ok=True)
    kind = np.dtype(np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32)
    total, count = 0, 0
    try:
        with open(work / "ids.bin", "wb") as ids_file, open(work / "ends.bin", "wb") as ends_file:
            for ids in _tokenise(passages, tokenizer):
                lengths = np.array([len(one) for one in ids], dtype=np.uint64)
                np.fromiter((piece for one in ids for piece in one), kind, int(lengths.sum())).tofile(ids_file)
                (lengths.cumsum() + np.uint64(total)).tofile(ends_file)
                total, count = total + int(lengths.sum()), count + len(ids)
        if not total:
            raise ValueError("the text is empty: not one token to train on")
        write_json(work / "facts.json", {**facts, "passages": count, "pieces": total, "dtype": kind.name})
        try:
            work.rename(folder)
        except OSError:
            if not (folder / "facts.json").exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _tokenise(passages: Iterable[str], tokenizer: Any) -> Iterator[list[list[int]]]:
    from tokenizers import Tokenizer

    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_truncation()  # a published tokenizer may carry both
    backend.no_padding()
    stream = iter(passages)
    while batch := list(islice(stream, AT_ONCE)):
        coded = backend.encode_batch_fast(batch, add_special_tokens=False)
        yield [ids for one in coded if (ids := one.ids)]


def open_store(folder: Path) -> Store:
    """The tokenised text in `folder`."""
    facts = json.loads((folder / "facts.json").read_text())
    ids = np.memmap(folder / "ids.bin", dtype=facts["dtype"], mode="r")
    return Store(ids, np.fromfile(folder / "ends.bin", dtype=np.uint64).astype(np.int64), facts)
