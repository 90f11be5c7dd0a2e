"""Vectors on disk, in shards that are whole or absent.

    folder/store.json        format, identity of what made the vectors, documents per shard; `docs`: null until complete
    folder/00000.json        one finished shard, written last: digests of its texts and files, the longest vector's norm
    folder/00000.ids         its document ids, one per line
    folder/00000.vectors.npy one row per document (N, dim); an encoder may give several fields, one file each
    folder/00000.vectors.lengths.npy  (N,) where rows differ in length (`Ragged`): 00000.vectors.npy holds all (T, dim)

Every shard but the last holds the same number of documents, so row r stands in shard r // shard_docs. A shard's vectors
depend on its own documents alone: indexing that was killed goes on at the first shard missing, with the same result.
This module knows arrays and ids, nothing of models or of search.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.files import atomic_path, sha256, write_bytes, write_json
from retrievers.search.ragged import Ragged, arrays

FORMAT = 1
SHARD_DOCS = 4096
LOSS = 2.0**-8  # of a row's norm; rounding to fp16 takes 2^-11 at most
DTYPES: dict[str, np.dtype[Any]] = {"fp16": np.dtype(np.float16), "fp32": np.dtype(np.float32)}


class Lossy(ValueError):
    """Row `row` of some vectors loses more than rounding in the form in which it would be stored."""

    def __init__(self, row: int, what: str) -> None:
        self.row = row
        super().__init__(what)


def narrowed(
    vectors: np.ndarray, dtype: np.dtype[Any], beside: float = 0.0, cure: str = "scale them, or set store_dtype=fp32"
) -> np.ndarray:
    """Vectors (n, dim) as they are stored; an overflow becomes infinite, which the index refuses by name.

    Raises Lossy where a row is so small that fp16, whose numbers end at 6e-8, keeps less than 8 bits of it, or of
    `beside`, a norm next to which smaller rows do not matter.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        stored = vectors.astype(dtype)
        wide = vectors.astype(np.float64)
        norms = np.maximum(np.square(wide).sum(axis=1), beside**2)
        lost = np.square(wide - stored).sum(axis=1) > LOSS**2 * norms
    if dtype != vectors.dtype and (bad := np.flatnonzero(lost & np.isfinite(stored).all(axis=1))).size:
        largest = float(np.abs(vectors[bad[0]]).max())
        raise Lossy(
            int(bad[0]),
            f"are too small for {dtype} (largest number {largest:.3g}): {cure}",
        )
    return stored


def text_digest(ids: Sequence[str], texts: Sequence[str]) -> str:
    """Hex sha256 of documents in their order: what decides whether a finished shard holds just these."""
    digest = hashlib.sha256()
    for part in (*ids, *texts):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def record(folder: Path, number: int) -> dict[str, Any]:
    """What is on record of a finished shard."""
    return json.loads((folder / f"{number:05d}.json").read_bytes())


def field(folder: Path, number: int, name: str) -> np.ndarray:
    """One field of a finished shard, memory-mapped; changes stay private."""
    return np.load(folder / f"{number:05d}.{name}.npy", mmap_mode="c")


def damage(folder: Path, number: int) -> str | None:
    """What is wrong with the files of a shard, or None where it is whole; "missing" where it was never finished."""
    try:
        files = record(folder, number)["files"]
    except FileNotFoundError:
        return "missing"
    except (ValueError, KeyError, TypeError):
        return f"{number:05d}.json cannot be read"
    for name, facts in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != facts["bytes"]:
            return f"{name} has {path.stat().st_size} bytes instead of {facts['bytes']}"
        if sha256(path) != facts["sha256"]:
            return f"{name} does not match its checksum"
    return None


def write_shard(
    folder: Path, number: int, ids: Sequence[str], digest: str, fields: Mapping[str, np.ndarray | Ragged]
) -> None:
    """Write one shard; `fields` have one row per id. Raises OSError where the disk has no room for it."""
    lines = "".join(f"{doc_id}\n" for doc_id in ids).encode("utf-8", "surrogatepass")
    if lines.count(b"\n") != len(ids):
        raise ValueError(f"a document id holds a line break: {next(i for i in ids if chr(10) in i)!r}")
    parts = dict(part for name, field in fields.items() for part in arrays(name, field))
    need = sum(array.nbytes for array in parts.values()) + len(lines) + (1 << 16)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise OSError(
            f"no room for the vectors in {folder}: shard {number} needs {need:,} bytes, {free:,} are free,"
            f" and each further {len(ids):,} documents need as much; the {number} shards before it are kept:"
            " free some space and start again"
        )
    paths = [folder / f"{number:05d}.ids"]
    write_bytes(paths[0], lines)
    for name, array in parts.items():
        paths.append(folder / f"{number:05d}.{name}.npy")
        with atomic_path(paths[-1]) as temporary, open(temporary, "wb") as file:
            np.save(file, np.ascontiguousarray(array))
    facts = {
        "docs": len(ids),
        "texts_sha256": digest,
        "norm": max_norm(parts["vectors"]) if "vectors" in parts else None,
        "files": {path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in paths},
    }
    write_json(folder / f"{number:05d}.json", facts)


def max_norm(vectors: np.ndarray) -> float:
    """The largest Euclidean norm of the rows, computed in float64."""
    return float(np.sqrt(max((np.dot(row, row) for row in vectors.astype(np.float64)), default=0.0)))


def begin(folder: Path, identity: dict[str, Any], shard_docs: int, reopen: bool = True) -> None:
    """Open `folder` for writing vectors of `identity`; an interrupted store of the same identity is gone on with.

    A store that is complete is open again, unless `reopen` is false: then what others may be reading stays complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    head = {"format": FORMAT, "identity": identity, "shard_docs": shard_docs, "docs": None}
    path = folder / "store.json"
    if path.is_file():
        found = json.loads(path.read_bytes())
        for key, value in head.items():
            if key != "docs" and found.get(key) != value:
                raise ValueError(
                    f"{folder} holds vectors of another kind: {key} is {found.get(key)!r} there and {value!r} here;"
                    " use another folder, or remove this one"
                )
        if not reopen:
            return
    write_json(path, head)


def finish(folder: Path, docs: int, speed: dict[str, Any] | None = None) -> None:
    """Mark the store complete with `docs` documents, and drop what lies beyond them; `speed` is kept for the record."""
    head = json.loads((folder / "store.json").read_bytes())
    shards = -(-docs // head["shard_docs"])
    for path in folder.iterdir():
        if path.name.split(".")[0].isdecimal() and int(path.name.split(".")[0]) >= shards:
            path.unlink()
    write_json(folder / "store.json", {**head, "docs": docs, "speed": speed})


@dataclass(frozen=True)
class Shard:
    """One finished shard: documents first .. first + docs - 1 of the store."""

    folder: Path
    number: int
    first: int
    docs: int
    norm: float | None
    id_lines: bytes
    id_starts: np.ndarray  # uint32 (docs + 1,): where in `id_lines` an id begins, and where the last one ends

    def field(self, name: str = "vectors") -> np.ndarray:
        """The array `name`, memory-mapped (changes stay private): rows (docs, ...)."""
        return field(self.folder, self.number, name)

    def has(self, name: str) -> bool:
        """Whether the shard has an array `name`."""
        return (self.folder / f"{self.number:05d}.{name}.npy").is_file()

    def ragged(self, name: str = "vectors") -> Ragged:
        """The rows `name` that differ in length."""
        return Ragged(self.field(name), np.asarray(self.field(f"{name}.lengths")))


class VectorStore:
    """A finished store, opened for reading. Every file is checked against its checksum.

    Raises FileNotFoundError where there is none, ValueError where it is unfinished, damaged or disagrees with itself.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "store.json"
        if not path.is_file():
            raise FileNotFoundError(f"{folder} holds no vectors (no store.json): index first")
        head = json.loads(path.read_bytes())
        if head.get("format") != FORMAT:
            raise ValueError(f"{path}: format {head.get('format')!r}, this version reads {FORMAT}: index again")
        if head["docs"] is None:
            raise ValueError(f"{folder}: indexing was interrupted: index again, finished shards are kept")
        self.folder, self.identity, self.speed = folder, head["identity"], head.get("speed")
        self.docs: int = head["docs"]
        self.shard_docs: int = head["shard_docs"]
        numbers = range(-(-self.docs // self.shard_docs))
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            for number, wrong in zip(numbers, pool.map(lambda n: damage(folder, n), numbers), strict=True):
                if wrong:
                    raise ValueError(f"{folder}: shard {number} is damaged ({wrong}): index again, the others are kept")
        self.shards = [self._open(number) for number in numbers]
        self._starts = np.concatenate([np.empty(0, np.uint32), *(shard.id_starts for shard in self.shards)])
        shapes = {(shard.field().shape[1], str(shard.field().dtype)) for shard in self.shards if shard.norm is not None}
        if len(shapes) > 1:
            raise ValueError(
                f"{folder}: shards of different shape: {sorted(shapes)}; remove the folder and index again"
            )
        self.dim: int | None = next(iter(shapes))[0] if shapes else None
        self.norm: float = max((shard.norm or 0.0 for shard in self.shards), default=0.0)

    def _open(self, number: int) -> Shard:
        docs = record(self.folder, number)["docs"]
        lines = (self.folder / f"{number:05d}.ids").read_bytes()
        starts = np.concatenate(([0], np.flatnonzero(np.frombuffer(lines, np.uint8) == 10) + 1)).astype(np.uint32)
        first = number * self.shard_docs
        if docs != len(starts) - 1 or docs != min(self.shard_docs, self.docs - first):
            raise ValueError(f"{self.folder}: shard {number} holds {docs} documents: index again")
        return Shard(self.folder, number, first, docs, record(self.folder, number)["norm"], lines, starts)

    def doc_ids(self, rows: np.ndarray) -> list[str]:
        """The ids of the documents `rows` (n,) of the store."""
        numbers = rows // self.shard_docs
        begins = self._starts[rows + numbers]  # a shard has one start more than documents
        ends = self._starts[rows + numbers + 1] - 1
        lines = [shard.id_lines for shard in self.shards]
        return [
            lines[number][begin:end].decode("utf-8", "surrogatepass")
            for number, begin, end in zip(numbers.tolist(), begins.tolist(), ends.tolist(), strict=True)
        ]

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.folder.iterdir())
