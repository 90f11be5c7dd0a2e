"""Collections of the Hugging Face hub that are no parquet: BEIR's own files, with the judgments there or beside them.

`BeIR/scifact` has documents and queries, `BeIR/scifact-qrels` one `SPLIT.tsv` a split; older ones of `mteb` have all
three in one repository, judgments below `qrels/`.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

from harness.datasets.sources.beir_format import read_docs, read_queries
from harness.datasets.sources.qrels import read_qrels
from harness.errors import BadInput
from harness.records import Doc, Qrel, Query

SUFFIXES = (".jsonl", ".jsonl.gz")


class Texts(Protocol):
    """What of a collection needs no judgment."""

    def docs(self) -> Iterable[Doc]: ...
    def queries(self) -> Iterable[Query]: ...


class Jsonl:
    """corpus.jsonl and queries.jsonl of a folder, or their .gz. BadInput where one is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def docs(self) -> Iterable[Doc]:
        return read_docs(self._path("corpus"))

    def queries(self) -> Iterable[Query]:
        return read_queries(self._path("queries"))

    def _path(self, name: str) -> Path:
        found = [path for suffix in SUFFIXES if (path := self.folder / f"{name}{suffix}").is_file()]
        if not found:
            raise BadInput(self.folder, None, f"has neither {' nor '.join(name + suffix for suffix in SUFFIXES)}")
        return found[0]


class Judged:
    """`texts` with the judgments of one split, a `SPLIT.tsv` of `folder`; "" is `test`, or the only one there is."""

    def __init__(self, texts: Texts, folder: Path, split: str, stamp: str) -> None:
        self.folder, self.asked, self._stamp = folder, split, stamp
        self.docs, self.queries = texts.docs, texts.queries

    @cached_property
    def split(self) -> str:
        """The split whose judgments are read. BadInput where it isn't there, or none is meant."""
        there = sorted(path.stem for path in self.folder.glob("*.tsv"))
        chosen = self.asked or ("test" if "test" in there else there[0] if len(there) == 1 else "")
        if chosen not in there:
            raise BadInput(
                self.folder, None, f"has judgments of {', '.join(there) or 'no split'}; write NAME#SPLIT to choose"
            )
        return chosen

    def stamp(self) -> str:
        return f"{self._stamp} {self.asked}"

    def qrels(self) -> list[Qrel]:
        return read_qrels(self.folder / f"{self.split}.tsv")

    def excluded(self) -> Mapping[str, set[str]]:
        return {}
