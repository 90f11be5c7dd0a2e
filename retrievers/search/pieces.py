"""What is done of a shard in the making, kept on disk so that a kill costs seconds and not the shard.

    folder/00003.0000512.npz   rows 512 and on of shard 3, with a digest of their texts; gone when it is finished

A shard is encoded in pieces of a fixed number of documents, one call of the encoder each, whether it is interrupted or
not: so its vectors are the same to the last bit. How many pieces a file holds is a matter of time alone.
"""

import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from harness.files import atomic_path
from retrievers.search.ragged import Ragged, arrays

DOCS, DOCS_ON_GPU = 128, 1024  # of a piece; a GPU wants long batches, and is quick
SECONDS = 20.0  # of work that may be lost
DIGEST = "texts.sha256"  # and the names of the arrays

Fields = Mapping[str, np.ndarray | Ragged]


def save(folder: Path, number: int, first: int, digest: str, fields: Fields) -> None:
    """Keep rows `first` and on of shard `number`; `digest` is that of their ids and texts."""
    kept = dict(part for name, field in fields.items() for part in arrays(name, field))
    with atomic_path(_path(folder, number, first)) as temporary, open(temporary, "wb") as file:
        np.savez(file, **kept, **{DIGEST: np.array([digest, *sorted(kept)])})  # type: ignore[arg-type]


def load(folder: Path, number: int, ids: Sequence[str], texts: Sequence[str]) -> list[Fields]:
    """What is kept of the beginning of a shard of these documents, in order; what is damaged or of others is not."""
    from retrievers.search.vector_store import text_digest

    found: list[Fields] = []
    first = 0
    while (path := _path(folder, number, first)).is_file():
        fields, digest = _read(path)
        end = first + rows(fields)
        if end == first or end > len(ids) or digest != text_digest(ids[first:end], texts[first:end]):
            break
        found.append(fields)
        first = end
    return found


def _read(path: Path) -> tuple[Fields, str]:
    damaged = (OSError, ValueError, TypeError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile)
    with suppress(*damaged), np.load(path) as kept:
        held = {name: kept[name] for name in kept.files}
        digest, *names = held.pop(DIGEST).tolist()
        if names != sorted(held):  # a flipped length in zip's directory hides what follows
            return {}, ""
        lengths = {name.removesuffix(".lengths"): held.pop(name) for name in list(held) if name.endswith(".lengths")}
        return {name: Ragged(one, lengths[name]) if name in lengths else one for name, one in held.items()}, digest
    return {}, ""


def remove(folder: Path, number: int) -> None:
    """Forget what is kept of a shard."""
    for path in folder.glob(f"{number:05d}.[0-9]*.npz"):
        path.unlink(missing_ok=True)


def joined(parts: Sequence[Fields]) -> Fields:
    """Rows one after the other. At least one part is there."""
    return {name: _stacked([part[name] for part in parts]) for name in parts[0]}


def rows(fields: Fields) -> int:
    """How many rows there are; 0 where there is no field."""
    return next((len(one.lengths if isinstance(one, Ragged) else one) for one in fields.values()), 0)


def _stacked(parts: Sequence[np.ndarray | Ragged]) -> np.ndarray | Ragged:
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], Ragged):
        each = [part for part in parts if isinstance(part, Ragged)]
        return Ragged(np.concatenate([part.values for part in each]), np.concatenate([part.lengths for part in each]))
    return np.concatenate([np.asarray(part) for part in parts])


def _path(folder: Path, number: int, first: int) -> Path:
    return folder / f"{number:05d}.{first:07d}.npz"
