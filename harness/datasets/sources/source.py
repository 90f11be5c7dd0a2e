"""Test collections of other libraries: found by a prefix, and laid into the cache once, in BEIR layout.

`irds:beir/nfcorpus/test` comes through ir_datasets, `hf:mteb/scifact@revision` as parquet from the Hugging Face hub, a
folder of parquet files as it lies. Other packages add prefixes as entry points of the group `beir_harness.datasets`: a
function of what stands behind the colon, and whether the network may be used, that returns a `Source`.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from harness.errors import BadInput, HarnessError, unknown
from harness.files import read_json, sha256_json, write_json
from harness.records import Doc, Qrel, Query, ScoredDoc

OFFERED = "beir_harness.datasets"
OWN = {"irds": "harness.datasets.sources.irds", "hf": "harness.datasets.sources.hub"}
EXCLUDED = "excluded"  # folder beside qrels: documents that are never a result of a query, as the dataset's rule
MARK = "source.json"
CARRIED = "carried.trec"  # a first-stage run that came with the collection


class Source(Protocol):
    """A collection with the judgments of one split. `stamp` changes when what it holds does; reading may be lazy.

    One that carries a first-stage run has `scored()` too, ScoredDocs in any order.
    """

    @property
    def split(self) -> str: ...
    def stamp(self) -> str: ...
    def docs(self) -> Iterable[Doc]: ...
    def queries(self) -> Iterable[Query]: ...
    def qrels(self) -> Iterable[Qrel]: ...
    def excluded(self) -> Mapping[str, Iterable[str]]: ...


def is_source(name: str) -> bool:
    """Whether a name has the form prefix:something and is no path of what exists."""
    return bool(re.match(r"[a-z][a-z0-9-]*:[^/\\]", name)) and not Path(name).exists()


def named(name: str, rows: Mapping[str, object]) -> str:
    """Under which name a source's results are filed: the table's where it is a dataset of the table, else from its id.

    >>> named("irds:beir/nfcorpus/test", {"nfcorpus": 0}), named("irds:lotte/science/dev/search", {})
    ('nfcorpus', 'irds-lotte-science-dev-search')
    """
    prefix, _, rest = name.partition(":")
    place, _, split = rest.partition("#")
    place = re.sub(r"@[^/]*$", "", place)
    owner, _, tail = place.partition("/")
    if owner.lower() in ("beir", "mteb") and not split:
        known = tail.removesuffix("/test").replace("/", "-").lower()
        if known in rows:
            return known
    slug = re.sub(r"[^\w.-]+", "-", f"{prefix}-{place}").strip("-")
    return f"{slug}@{split}" if split else slug


def check(name: str) -> None:
    """Raise HarnessError for a prefix that nobody offers; looks no further."""
    _opener(name.partition(":")[0])


def laid(name: str, home: Path, download: bool = True) -> Path:
    """The folder in BEIR layout that holds the source `name`, made below `home` where it is not there yet.

    Raises HarnessError for an unknown prefix, and what the source raises. What is half made is made again.
    """
    prefix, _, rest = name.partition(":")
    return lay(name, _opener(prefix)(rest, download), home)


def lay(name: str, source: Source, home: Path) -> Path:
    """Write `source` below `home` and return its folder; one process at a time, and a folder that exists is whole."""
    from harness.host import locks

    key = sha256_json([name, source.stamp()])[:12]
    folder = home / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name).strip('-')[-80:]}-{key}"
    home.mkdir(parents=True, exist_ok=True)
    with locks.held(home / f".{folder.name}.lock", f"the reading of {name}"):
        if not (folder / MARK).is_file():
            temporary = home / f".{folder.name}.tmp"
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            try:
                _write(source, temporary)
                write_json(temporary / MARK, {"source": name, "stamp": source.stamp()})
                temporary.rename(folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    return folder


def mark_of(folder: Path) -> dict[str, str]:
    """`source` and `stamp` of a folder that `lay` made, empty for any other: from where it can be had again."""
    try:
        return {name: str(value) for name, value in read_json(folder / MARK).items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


def _write(source: Source, folder: Path) -> None:
    (folder / "qrels").mkdir(parents=True)
    qrels = list(source.qrels())  # first: what has none needs no documents
    with open(folder / "qrels" / f"{source.split}.tsv", "w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        file.writelines(f"{_quoted(one.query_id)}\t{_quoted(one.doc_id)}\t{one.relevance}\n" for one in qrels)
    _jsonl(folder / "queries.jsonl", ({"_id": one.query_id, "text": one.text} for one in source.queries()))
    excluded = {query_id: sorted(set(doc_ids)) for query_id, doc_ids in source.excluded().items()}
    if any(excluded.values()):
        (folder / EXCLUDED).mkdir()
        with open(folder / EXCLUDED / f"{source.split}.tsv", "w", encoding="utf-8") as file:
            file.writelines(f"{query}\t{doc}\n" for query, docs in excluded.items() for doc in docs)
    if scored := getattr(source, "scored", None):
        _carried(folder / CARRIED, scored())
    records = ({"_id": doc.doc_id, "title": doc.title, "text": doc.text} for doc in source.docs())
    _jsonl(folder / "corpus.jsonl", records)


def _carried(path: Path, scored: Iterable[ScoredDoc]) -> None:
    by_query: dict[str, list[tuple[float, str]]] = {}
    for query_id, doc_id, score in scored:
        by_query.setdefault(query_id, []).append((-score, doc_id))
    if not by_query:
        return
    with open(path, "w", encoding="utf-8") as file:
        for query_id, found in by_query.items():
            ranked = enumerate(sorted(found), 1)
            file.writelines(f"{query_id} Q0 {doc} {rank} {-lost!r} carried\n" for rank, (lost, doc) in ranked)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if '"' in text else text


def _jsonl(path: Path, records: Iterable[Mapping[str, str]]) -> None:
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def read_excluded(path: Path) -> dict[str, frozenset[str]]:
    """query_id -> documents that are never a result of it, from lines of query_id, tab, doc_id; raises BadInput."""
    from harness.lines import numbered_text

    found: dict[str, set[str]] = {}
    for number, line in numbered_text(path):
        query_id, tab, doc_id = line.partition("\t")
        if not tab or not query_id or not doc_id or "\t" in doc_id:
            raise BadInput(path, number, "is not a query id, a tab and a document id")
        found.setdefault(query_id, set()).add(doc_id)
    return {query_id: frozenset(doc_ids) for query_id, doc_ids in found.items()}


def _opener(prefix: str) -> Callable[[str, bool], Source]:
    if prefix in OWN:
        found: Callable[[str, bool], Source] = import_module(OWN[prefix]).source
        return found
    offered = {point.name: point for point in entry_points(group=OFFERED)}
    if prefix not in offered:
        raise unknown("source of datasets", prefix, [*OWN, *offered])
    try:
        return offered[prefix].load()  # type: ignore[no-any-return]
    except Exception as error:  # another's code at import: it may raise whatever it likes
        raise HarnessError(f"the source {prefix}: cannot be loaded ({error}); install its package again") from error
