"""One collection with the judgments of one split: read once, counted against the table, hashed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets import survey
from harness.datasets.dataset_table import Row, Unit
from harness.datasets.sources.source import CARRIED, mark_of
from harness.errors import BadInput, HarnessError
from harness.records import Doc, Qrel, Query

if TYPE_CHECKING:
    import numpy as np

CORPUS = "corpus.jsonl"


@dataclass(frozen=True)
class Dataset:
    """One collection with the judgments of one split. Making one reads no more than is needed to check its counts.

    `exclude_self`, `relevance_level` and `measure` say how it is evaluated, `unit` under which name it counts in
    averages; `row` is its row of the table, None for a collection that the table does not know.
    """

    name: str
    folder: Path
    split: str
    exclude_self: bool
    relevance_level: int
    measure: str
    unit: Unit
    corpus_file: Path | None  # None where only queries and judgments are at hand, and `load` was told that it will do
    queries_file: Path
    qrels_file: Path
    row: Row | None
    cache: Path
    excluded_file: Path | None = None  # documents that are never a result of a query

    def docs(self) -> Iterator[Doc]:
        """Stream the documents; at the end of the stream, raise HarnessError for repeated ids or a wrong count."""
        from harness.datasets.sources.beir_format import read_docs

        if (corpus := self.corpus_file) is None:
            raise BadInput(self.folder, None, f"there is no {CORPUS} or {CORPUS}.gz, and the documents are needed here")

        def check(count: int) -> None:
            self._check("docs", count, corpus)
            self.refuse_changed()

        return read_docs(corpus, at_end=check)

    def sample(self, count: int) -> list[Doc]:
        """At most `count` documents, from all over the collection where its file is not compressed."""
        from harness.datasets.sample import sample

        return sample(self.corpus_file, count) if self.corpus_file else []

    def knows(self, hashes: "np.ndarray") -> "np.ndarray":
        """(N,) bool: which of these hashes of doc_ids, by `hash_texts`, are of the collection's documents.

        Where there are no documents, of those that are judged.
        """
        import numpy as np

        return np.isin(hashes, self._id_hashes())

    def _id_hashes(self) -> "np.ndarray":
        if self.corpus_file is None:
            return survey.hashed(qrel.doc_id for qrel in self._judged[1])
        return survey.id_hashes(self.cache, self.corpus_file)

    def queries(self) -> list[Query]:
        """The judged queries of the split, in the order of the queries file; raises HarnessError."""
        return list(self._judged[0])

    def qrels(self) -> list[Qrel]:
        """The judgments of the split, in the order of their file; raises HarnessError."""
        return list(self._judged[1])

    @cached_property
    def _judged(self) -> tuple[list[Query], list[Qrel]]:
        """Queries and judgments, read once and of the number that the table says."""
        from harness.datasets.sources.beir_format import read_judged

        self._memory  # noqa: B018 - of the files as they are before they are read
        queries, qrels = read_judged(self.queries_file, self.qrels_file)
        self._check("queries", len(queries), self.qrels_file)
        self._check("qrels", sum(qrel.relevance >= 0 for qrel in qrels), self.qrels_file)
        return queries, qrels

    def excluded(self) -> Mapping[str, frozenset[str]]:
        """query_id -> documents that are never a result of it, beside its own where `exclude_self`; mostly empty."""
        return self._excluded

    @cached_property
    def _excluded(self) -> Mapping[str, frozenset[str]]:
        from harness.datasets.sources.source import read_excluded

        return {} if self.excluded_file is None else read_excluded(self.excluded_file)

    @property
    def carried(self) -> Path | None:
        """A first-stage run that came with the collection, as a run file; None for most."""
        path = self.folder / CARRIED
        return path if path.is_file() else None

    def spare(self) -> int:
        """How many documents more than wanted to ask for, so that enough remain when those are dropped."""
        return self.exclude_self + max(map(len, self.excluded().values()), default=0)

    def facts(self) -> dict[str, Any]:
        """What the manifest says about the data: name, split, version, source, and the hashes and counts of `survey`.

        The first call reads every file to its end; another process only looks whether the files have changed. Without
        documents, what is known of them is None.
        """
        found = self._found
        about = {"version": self.row.version, "url": self.row.url, "md5": self.row.md5} if self.row else {}
        if self.excluded_file is not None:
            about["excluded_sha256"] = survey.hash_of_excluded(self.excluded())
        return {"name": self.name, "split": self.split, **about, **mark_of(self.folder), **found}

    @cached_property
    def _found(self) -> dict[str, Any]:
        found = self._remembered
        if found is None:
            found = survey.survey(self.cache, self.corpus_file, self.qrels_file, *self._judged)
            self.refuse_changed()
            survey.remember(self._memory, found)
            self._check_all(found)
        return found

    def judgments_facts(self) -> dict[str, str]:
        """The hashes of queries and judgments that are in `facts`; reads no document."""
        return survey.hashes(*self._judged)

    def collection_fingerprint(self) -> str:
        """Hex sha256 of the documents: the same for the three MS MARCO datasets, and for a corpus.jsonl and its .gz."""
        return self.facts()["collection_sha256"]

    def check_judgments(self) -> None:
        """Raise HarnessError unless queries and judgments are sound and as many as the table says."""
        if self._remembered is None:
            self._judged  # noqa: B018 - reads and checks

    def refuse_changed(self) -> None:
        """Raise HarnessError where its files are not as they were when it was first looked at: facts are of those."""
        if survey.memory(self.cache, self._files) != self._memory:
            raise HarnessError(f"files of {self.name} in {self.folder} have changed while they were used; start again")

    @cached_property
    def _memory(self) -> Path:
        return survey.memory(self.cache, self._files)

    @property
    def _files(self) -> tuple[Path | None, Path, Path]:
        return self.corpus_file, self.queries_file, self.qrels_file

    @cached_property
    def _remembered(self) -> dict[str, Any] | None:
        found = survey.remembered(self._memory, self.corpus_file is not None)
        if found is not None:
            self._check_all(found)
        return found

    def _check_all(self, found: dict[str, Any]) -> None:
        for column, file in zip(("docs", "queries", "qrels"), self._files, strict=True):
            if file:
                self._check(column, found[column], file)

    def _check(self, column: str, found: int, path: Path) -> None:
        if self.row is not None and (column == "docs" or self.split == self.row.split):
            self.row.check(column, found, path)
