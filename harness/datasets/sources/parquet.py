"""A folder of parquet files with a corpus, queries and judgments, as MTEB and BEIR publish them.

Which file is which is told by its columns: judgments have query-id, corpus-id and score; documents and queries have an
id and a text, and the path of the queries says "quer". The split is in the judgments' name, `test-00000-of-00001`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import BadInput, HarnessError
from harness.files import sha256_json
from harness.records import Doc, Qrel, Query

IDS = ("_id", "id", "doc_id", "docid", "query_id", "qid")
TEXTS = ("text", "content", "query")
QUERY_IDS, DOC_IDS = ("query-id", "query_id", "qid"), ("corpus-id", "corpus_id", "doc_id", "docid")
GRADES = ("score", "relevance", "label", "grade")
ROWS = 4096  # read at a time
SHARD = re.compile(r"-\d+-of-\d+$")


class Parquet:
    """The parquet files below `folder`; `split` "" is `test`, or the only one that there is."""

    def __init__(self, folder: Path, split: str = "", stamp: str = "") -> None:
        self.folder, self.asked, self._stamp = folder, split, stamp

    @cached_property
    def split(self) -> str:
        """The split whose judgments are read."""
        there = sorted(self._parts["qrels"])
        chosen = self.asked or ("test" if "test" in there else there[0] if len(there) == 1 else "")
        if chosen not in there:
            raise BadInput(self.folder, None, f"has judgments of {', '.join(there)}; write NAME#SPLIT to choose")
        return chosen

    def stamp(self) -> str:
        """Of names, sizes and times, unless a revision says which files these are."""
        states = [
            (path.relative_to(self.folder).as_posix(), (one := path.stat()).st_size, one.st_mtime_ns, one.st_ctime_ns)
            for path in self._files
        ]
        return f"{self._stamp or sha256_json(states)} {self.asked}"

    def docs(self) -> Iterator[Doc]:
        for path in self._found["corpus"]["all"]:
            identity, text = _column(path, IDS, "id"), _column(path, TEXTS, "text")
            title = next((name for name in _columns(path) if name == "title"), None)
            for row in _rows(path, [identity, text, *([title] if title else [])]):
                yield Doc(str(row[identity]), _text(row[text]), _text(row.get(title or "")))

    def queries(self) -> Iterator[Query]:
        for path in self._of_split("queries"):
            identity, text = _column(path, IDS, "id"), _column(path, TEXTS, "text")
            for row in _rows(path, [identity, text]):
                yield Query(str(row[identity]), _text(row[text]))

    def qrels(self) -> Iterator[Qrel]:
        for path in self._parts["qrels"][self.split]:
            query, doc, grade = (_column(path, names, names[0]) for names in (QUERY_IDS, DOC_IDS, GRADES))
            for row in _rows(path, [query, doc, grade]):
                value = row[grade]
                if not isinstance(value, int | float) or value != int(value):
                    raise BadInput(path, None, f"the grade {value!r} of {row[query]!r} is no whole number")
                yield Qrel(str(row[query]), str(row[doc]), int(value))

    def excluded(self) -> Mapping[str, set[str]]:
        """A column `excluded_ids` of the queries, as BRIGHT has it."""
        found: dict[str, set[str]] = {}
        for path in self._of_split("queries"):
            if "excluded_ids" in _columns(path):
                identity = _column(path, IDS, "id")
                for row in _rows(path, [identity, "excluded_ids"]):
                    found[str(row[identity])] = {str(one) for one in row["excluded_ids"] or () if one != "N/A"}
        return found

    @cached_property
    def _files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.parquet"))

    def _of_split(self, part: str) -> list[Path]:
        found = self._found[part]
        split = self.split if self._found["qrels"] else self.asked
        return found.get(split) or [path for paths in found.values() for path in paths]

    @cached_property
    def missing(self) -> list[str]:
        """Which of corpus, queries and qrels is not among the files."""
        return [part for part, found in self._found.items() if not found]

    @property
    def _parts(self) -> dict[str, dict[str, list[Path]]]:
        """What was found, where all of a collection was. BadInput else."""
        if self.missing:
            listed = _listed(self._files, self.folder)
            raise BadInput(self.folder, None, f"lacks {' and '.join(self.missing)} among {listed}")
        return self._found

    @cached_property
    def _found(self) -> dict[str, dict[str, list[Path]]]:
        """corpus, queries and qrels, each by split; of documents all are one."""
        parts: dict[str, dict[str, list[Path]]] = {"corpus": {}, "queries": {}, "qrels": {}}
        for path in self._files:
            columns, name = set(_columns(path)), path.relative_to(self.folder).as_posix().lower()
            if columns & set(QUERY_IDS) and columns & set(DOC_IDS):
                part, split = "qrels", _split(path)
            elif "quer" in name or "query" in columns:
                part, split = "queries", _split(path)
            else:
                part, split = "corpus", "all"
            parts[part].setdefault(split, []).append(path)
        return parts


def is_parquet(folder: Path) -> bool:
    """Whether a folder holds parquet files and no collection in BEIR layout."""
    if not folder.resolve().name or not folder.is_dir() or (folder / "qrels").is_dir():  # the root is no collection
        return False
    return next(folder.rglob("*.parquet"), None) is not None


def _split(path: Path) -> str:
    """`data/test-00000-of-00001.parquet`, `qrels/test/0000.parquet`, `test.parquet` -> test"""
    stem = SHARD.sub("", path.stem)
    return path.parent.name if stem.isdecimal() else stem


def _columns(path: Path) -> Sequence[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(path, None, f"is no parquet file ({error}); fetch it again") from error


def _column(path: Path, names: Sequence[str], what: str) -> str:
    there = _columns(path)
    for name in names:
        if name in there:
            return name
    raise BadInput(path, None, f"has no column {what!r} (nor {', '.join(names[1:])}); there is {', '.join(there)}")


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS, columns=columns):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise BadInput(path, None, f"cannot be read to its end ({error}); fetch it again") from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise HarnessError(f"a text is needed, not {value!r}")
    return value


def _listed(files: Sequence[Path], folder: Path) -> str:
    names = [path.relative_to(folder).as_posix() for path in files[:6]]
    return f"{', '.join(names) or 'no parquet file'}{', …' if len(files) > 6 else ''}"
