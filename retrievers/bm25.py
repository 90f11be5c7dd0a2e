"""BM25 by Lucene, with the analysis, the arithmetic and the published scores of Anserini."""

import shutil
import weakref
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import orjson

from harness.files import atomic_path, write_json
from harness.records import Doc, Query, ScoredDoc
from retrievers.anserini import java, lucene
from retrievers.anserini.id_list import IdList
from retrievers.anserini.lanes import Lanes

Item = TypeVar("Item")
FIELDS = {"flat": ("contents",), "multifield": ("contents", "title")}
STEMMERS = ("porter", "krovetz", "none")
DONE, IDS, PARTS = "bm25.json", "doc_ids.txt", "part-*"
BLANK = "".join(map(chr, range(33)))  # what Java's String.trim removes
DOCS, QUERIES = 256, 8  # handed to a thread at once
_scored_doc = partial(tuple.__new__, ScoredDoc)  # half the time of ScoredDoc(...), and a third of a search is records
MARGIN = 64  # hits asked for beyond k, so that documents tied at the cut are seen


@dataclass(kw_only=True, eq=False)
class BM25:
    """Lucene's BM25 over bags of words: idf = ln(1 + (N - n + .5) / (n + .5)), document lengths kept in one byte.

    `fields`: "flat" searches title and text as one; "multifield" searches both and adds the two scores, and like
    Anserini it leaves out documents without text, even those with a title (`facts` counts them). `stemmer` ("porter",
    "krovetz", "none") is for English; any other `language` has its own, called "default", which for English is
    Porter's. `threads` index and search; `heap` bounds Java's memory, and the first index or load of a process decides
    it.
    `ties` orders documents of equal score, whatever the index's own order: "anserini" by doc_id ascending, each a unit
    in the last place below the one before, which is the order behind all figures that Anserini and Pyserini publish;
    "equal" leaves the scores equal, cuts at k by doc_id descending, and the harness breaks and reports the ties.
    """

    fields: str = "flat"
    k1: float = 0.9
    b: float = 0.4
    stemmer: str = "default"
    language: str = "en"
    ties: str = "anserini"
    threads: int = 2
    heap: str = "2g"
    runtime: ClassVar[frozenset[str]] = frozenset({"threads", "heap"})
    search_only: ClassVar[frozenset[str]] = frozenset({"k1", "b", "ties"})
    _searcher: lucene.Searcher | None = field(default=None, init=False, repr=False)
    _facts: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        _among("fields", self.fields, FIELDS)
        _among("language", self.language, lucene.LANGUAGES)
        _among("ties", self.ties, ("anserini", "equal"))
        _among("stemmer", self.stemmer, ("default", *STEMMERS) if self.language == "en" else ("default",))
        if not (0 <= self.k1 < float("inf") and 0 <= self.b <= 1):
            raise ValueError(f"k1={self.k1}, b={self.b}: k1 must be finite and not negative, b between 0 and 1")
        if self.threads < 1:
            raise ValueError(f"threads={self.threads}: at least 1")
        java.megabytes(self.heap)

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """Disk by what the collections of BEIR take at most, 250 bytes a document; memory for Java and for Python."""
        return {"disk": docs * 250.0, "memory": java.megabytes(arguments["heap"]) * 2.0**20 + 6e8}

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        """Write the index of `docs` into `folder` in one pass, memory bounded by `heap`; what was unfinished is redone.

        Raises ValueError for an id that occurs twice or holds a line break.
        """
        java.start(self.heap)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DONE).unlink(missing_ok=True)
        for left in folder.glob(PARTS):
            shutil.rmtree(left)
        parts = [folder / PARTS.replace("*", str(number)) for number in range(self.threads)]
        with java.errors("indexing"):
            hashes, titled = self._write(docs, parts)
        with atomic_path(folder / IDS) as ids, open(ids, "wb") as file:
            for part in parts:
                with open(part / IDS, "rb") as partial:
                    shutil.copyfileobj(partial, file)
                (part / IDS).unlink()
        _refuse_duplicates(hashes, IdList(folder / IDS))
        counts = {"documents": len(hashes), "left_out": len(titled), "left_out_with_title": sum(titled)}
        write_json(folder / DONE, {**self._analysis(), "parts": len(parts), **counts})

    def load(self, folder: Path) -> None:
        """Open the index in `folder`: FileNotFoundError if none was finished, ValueError if it is of another kind."""
        try:
            made = orjson.loads((folder / DONE).read_bytes())
        except FileNotFoundError:
            raise FileNotFoundError(f"{folder} holds no finished BM25 index; index the documents first") from None
        if differ := [f"{key}={made.get(key)!r}" for key, value in self._analysis().items() if made.get(key) != value]:
            raise ValueError(f"the index in {folder} was made with {', '.join(differ)}; index again for {self}")
        java.start(self.heap)
        parts = [folder / PARTS.replace("*", str(number)) for number in range(made["parts"])]
        with java.errors(f"opening {folder}"):
            searcher = lucene.Searcher(parts, FIELDS[self.fields], self._analyzer(), self.k1, self.b)
        weakref.finalize(self, searcher.close).atexit = False
        self._ids = IdList(folder / IDS)
        if not len(self._ids) == sum(searcher.documents) == made["documents"]:
            raise ValueError(f"the parts of the index in {folder} do not belong together; delete it and index again")
        self._searcher = searcher
        self._facts = {name: made[name] for name in ("documents", "left_out", "left_out_with_title") if name in made}

    def facts(self) -> dict[str, Any]:
        """How many documents the index has, and how many it left out as they have no text, those with a title apart."""
        return self._facts

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]:
        """The k best documents of each query, best first; fewer where fewer share a term with it."""
        searcher = self._searcher
        if searcher is None:
            raise RuntimeError("BM25 has no index yet; call load(folder) before search")
        java.refuse_fork()

        def best(_: int, batch: list[Query]) -> list[tuple[str, list[str], list[float]]]:
            return [(query.query_id, *self._best(searcher, query.text, k)) for query in batch]

        with java.errors("searching"), Lanes(self.threads) as lanes:
            for found in lanes.map(best, _batches(queries, QUERIES)):
                for query_id, ids, scores in found:
                    yield from map(_scored_doc, zip(repeat(query_id), ids, scores, strict=False))

    def terms(self, field: str) -> int:
        """How many terms the loaded index holds in "contents" or "title", repeats counted."""
        if self._searcher is None:
            raise RuntimeError("BM25 has no index yet; call load(folder) first")
        return self._searcher.terms(field)

    def _best(self, searcher: lucene.Searcher, text: str, k: int) -> tuple[list[str], list[float]]:
        """The ids and scores of the k best, ties in the order of `ties`, however the index orders documents."""
        if k < 1:
            return [], []
        asked = k + MARGIN
        numbers, scores = searcher.top(text, asked)
        while len(scores) == asked and scores[-1] == scores[k - 1]:  # the tie at the cut goes on beyond what was seen
            asked *= 8
            numbers, scores = searcher.top(text, asked)
        if len(scores) > k:
            reach = int(np.count_nonzero(scores >= scores[k - 1]))
            numbers, scores = numbers[:reach], scores[:reach]
        ids = self._ids[numbers]
        if not len(ids):
            return [], []
        bounds = np.flatnonzero(np.diff(scores, prepend=np.inf, append=-np.inf))
        sizes = np.diff(bounds)
        if self.ties == "equal":
            ids[bounds[-2] :] = sorted(ids[bounds[-2] :], reverse=True)
            return ids[:k], scores[:k].tolist()
        for start, size in zip(bounds[:-1][sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
            ids[start : start + size] = sorted(ids[start : start + size])
        return ids[:k], _falling(scores)[:k].tolist()

    def _write(self, docs: Iterable[Doc], folders: list[Path]) -> tuple[array, list[bool]]:
        """Fill one Lucene index and one list of ids per folder, each in its own thread.

        Returns the hash of every id, and of each document that was left out whether it has a title.
        """
        buffer_mb = min(1024.0, java.megabytes(self.heap) / 4 / len(folders))
        writers = [lucene.PartWriter(part, FIELDS[self.fields], self._analyzer(), buffer_mb) for part in folders]
        for part in folders:
            (part / IDS).touch()
        hashes, titled = array("q"), list[bool]()

        def add(lane: int, batch: list[Doc]) -> tuple[list[str], list[bool]]:
            ids, strings, blank = self._select(batch)
            writers[lane].add(strings)
            with open(folders[lane] / IDS, "ab") as file:
                file.write("".join(f"{doc_id}\n" for doc_id in ids).encode())
            return ids, blank

        try:
            with Lanes(len(folders)) as lanes:
                for ids, blank in lanes.map(add, _batches(docs, DOCS)):
                    hashes.extend(map(hash, ids))
                    titled += blank
                list(lanes.map(lambda lane, _: writers[lane].commit(), folders))
        except BaseException:
            for writer in writers:
                writer.rollback()
            raise
        return hashes, titled

    def _select(self, batch: list[Doc]) -> tuple[list[str], list[tuple[str, ...]], list[bool]]:
        """The ids and the fields' strings of the documents that Anserini would index: those with any contents.

        Of each of the others, whether it has a title.
        """
        if self.fields == "flat":
            rows: list[tuple[str, tuple[str, ...]]] = [(doc.doc_id, (doc.default_text(),)) for doc in batch]
        else:
            rows = [(doc.doc_id, (doc.text, doc.title)) for doc in batch]
        kept = [(doc_id, strings) for doc_id, strings in rows if strings[0].strip(BLANK)]
        if broken := next((doc_id for doc_id, _ in kept if "\n" in doc_id), None):
            raise ValueError(f"document id {broken!r} holds a line break")
        titled = [bool(strings[-1].strip(BLANK)) for _, strings in rows if not strings[0].strip(BLANK)]
        return [doc_id for doc_id, _ in kept], [strings for _, strings in kept], titled

    def _analyzer(self) -> Any:
        return lucene.analyzer("porter" if self.stemmer == "default" else self.stemmer, self.language)

    def _analysis(self) -> dict[str, Any]:
        """What an index depends on; k1 and b only matter to the search."""
        return {"format": 1, "fields": self.fields, "stemmer": self.stemmer, "language": self.language}


def _falling(scores: np.ndarray) -> np.ndarray:
    """Descending positive float32 scores (n,), each at least a unit in the last place below the one before."""
    steps = np.arange(len(scores), dtype=np.int32)  # positive floats are ordered as the integers of the same bits
    return (np.minimum.accumulate(scores.view(np.int32) + steps) - steps).view(np.float32)


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


def _among(name: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(sorted(known))}")


def _refuse_duplicates(hashes: array, ids: IdList) -> None:
    """Raise ValueError for an id that occurs twice: 8 bytes a document; ids are read only where two hashes agree."""
    values = np.sort(np.frombuffer(hashes, dtype=np.int64))
    suspects = set(values[1:][values[1:] == values[:-1]].tolist())
    seen: set[str] = set()
    for doc_id in ids if suspects else ():
        if hash(doc_id) in suspects:
            if doc_id in seen:
                raise ValueError(f"document id {doc_id!r} occurs twice")
            seen.add(doc_id)
