"""Collections of ir_datasets, by their id: `irds:beir/nfcorpus/test`, `irds:miracl/sw/dev`, `irds:bright/biology`.

ir_datasets does its own downloads, and asks for licences, below $IR_DATASETS_HOME (~/.ir_datasets). Where no download
is allowed, what it has there is used. BRIGHT's documents that are no result of a query have the grade -100 there.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from harness.errors import HarnessError
from harness.records import Doc, Qrel, Query, ScoredDoc

EXCLUDED_GRADE = -100


class Irds:
    """One id of ir_datasets."""

    split = "test"

    def __init__(self, name: str, dataset: Any, download: bool) -> None:
        self.name, self.dataset, self.download = name, dataset, download

    def stamp(self) -> str:
        """The collections of ir_datasets are frozen by their checksums."""
        return self.name

    def docs(self) -> Iterator[Doc]:
        """Title and text where these are what a document has, else what ir_datasets calls its default text."""
        for doc in self._read("docs_iter"):
            title, text = getattr(doc, "title", None), getattr(doc, "text", None)
            if isinstance(text, str) and set(doc._fields) <= {"doc_id", "title", "text", *BESIDE}:
                yield Doc(str(doc.doc_id), text, title or "")
            else:
                yield Doc(str(doc.doc_id), doc.default_text())

    def queries(self) -> Iterator[Query]:
        """With the text that ir_datasets calls the default one: of a TREC topic its title."""
        for query in self._read("queries_iter"):
            text = query.default_text() if hasattr(query, "default_text") else query.text
            yield Query(str(query.query_id), text)

    def qrels(self) -> Iterator[Qrel]:
        """Judgments; those of grade -100 are `excluded`."""
        for one in self._read("qrels_iter"):
            if one.relevance != EXCLUDED_GRADE:
                yield Qrel(str(one.query_id), str(one.doc_id), int(one.relevance))

    def scored(self) -> Iterator[ScoredDoc]:
        """The first-stage run that comes with some collections; nothing for the others."""
        if self.dataset.has_scoreddocs():
            for one in self._read("scoreddocs_iter"):
                yield ScoredDoc(str(one.query_id), str(one.doc_id), float(one.score))

    def excluded(self) -> Mapping[str, set[str]]:
        """Documents that are never a result of a query."""
        found: dict[str, set[str]] = {}
        for one in self._read("qrels_iter"):
            if one.relevance == EXCLUDED_GRADE:
                found.setdefault(str(one.query_id), set()).add(str(one.doc_id))
        return found

    def _read(self, what: str) -> Iterator[Any]:
        with _network(self.download, self.name):
            try:
                yield from getattr(self.dataset, what)()
            except HarnessError:
                raise
            except Exception as error:  # downloads, checksums, licences: whatever ir_datasets meets
                raise HarnessError(f"irds:{self.name} can't be read: {error or type(error).__name__}") from error


BESIDE = {"url", "metadata", "spans", "msmarco_document_id", "time", "cc_file", "timestamp"}  # no text of their own


def source(name: str, download: bool) -> Irds:
    """The collection of this id. Raises HarnessError for an unknown id, and for one that lacks a part."""
    import ir_datasets

    try:
        found = ir_datasets.load(name)
    except KeyError:
        near = get_close_matches(name, list(ir_datasets.registry), n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else "; https://ir-datasets.com lists them"
        raise HarnessError(f"ir_datasets has no {name!r}{hint}") from None
    for part, has in (("judgments", found.has_qrels), ("queries", found.has_queries), ("documents", found.has_docs)):
        if not has():
            below = [one for one in ir_datasets.registry if one.startswith(f"{name}/")]
            whole = [one for one in below if (d := ir_datasets.load(one)).has_qrels() and d.has_queries()]
            cure = f"; these below it have them: {', '.join(whole[:5])}" if whole else ""
            raise HarnessError(f"irds:{name} has no {part}, so there is nothing to evaluate on{cure}")
    return Irds(name, found, download)


@contextmanager
def _network(allowed: bool, name: str) -> Iterator[None]:
    """Without the network, a download is an error that says so."""
    if allowed:
        yield
        return
    from ir_datasets.util import download

    refusal = f"irds:{name} is not here whole and downloading is off; allow it once, or set $IR_DATASETS_HOME"

    def refuse(_: Any) -> Any:
        raise HarnessError(refusal)

    kinds = (download.RequestsDownload, download.GoogleDriveDownload, download.GoogleCloudBucketStream)
    kept = [kind.stream for kind in kinds]
    for kind in kinds:
        kind.stream = refuse
    try:
        yield
    except HarnessError as error:
        raise HarnessError(refusal) from error
    finally:
        for kind, stream in zip(kinds, kept, strict=True):
            kind.stream = stream
