"""One query seen closely: what each system put on top, what it missed, and at which rank that lies.

The page and `beir-harness compare --query` show the same; neither text nor markup is made here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import datasets
from harness.datasets import Dataset, places
from harness.datasets.sources.source import is_source
from harness.errors import HarnessError, unknown
from harness.measures.evaluation import by_query
from harness.records import Doc
from harness.results import Result, manifest
from harness.runs import run_files
from harness.runs.rankings import Run

DEPTH = 10  # documents of a list that are shown
MISSED = 50  # relevant documents below the list that are named


@dataclass(frozen=True)
class Ranked:
    """A document of a list; `grade` is None where nobody judged it."""

    doc_id: str
    rank: int
    score: float
    grade: int | None


@dataclass(frozen=True)
class Missed:
    """A relevant document that is not in the list; `rank` is None where it was not retrieved at all.

    `doc_id` is empty where the result alone is at hand, which does not say it.
    """

    doc_id: str
    grade: int
    rank: int | None


@dataclass(frozen=True)
class View:
    """One system on one query; `missed` names at most `MISSED` of `missed_in_all`, highest grades and ranks first."""

    top: tuple[Ranked, ...]
    missed: tuple[Missed, ...]
    missed_in_all: int
    retrieved: int

    @property
    def doc_ids(self) -> list[str]:
        """Every document that is shown; one of which grade and rank alone are known has no id."""
        return [one.doc_id for one in self.top] + [one.doc_id for one in self.missed if one.doc_id]


@dataclass(frozen=True)
class Judgments:
    """The grades of one dataset by query, and from which grade on a document is relevant."""

    by_query: Mapping[str, Mapping[str, int]]
    level: int

    def relevant(self, query_id: str) -> dict[str, int]:
        """doc_id -> grade of the relevant documents of a query."""
        return {doc_id: grade for doc_id, grade in self.by_query.get(query_id, {}).items() if grade >= self.level}


def dataset_of(
    result: Result, data_dirs: Sequence[Path] = (), name: str = "", download: bool = False, texts: bool = True
) -> Dataset:
    """The dataset that a result was scored on, found by the result's own name or by `name`, which may be a path.

    This is the only way from a result to judgments and texts. Raises HarnessError where the dataset is not at hand, and
    where it is another version: other judgments, queries or rules of evaluation, or, with `texts`, other documents.
    """
    dataset = _load(name, result, data_dirs, download)
    known = dataset.facts() if texts else dataset.judgments_facts()
    for hash_ in ("collection_sha256", "queries_sha256", "qrels_sha256"):
        recorded = getattr(result.data, hash_)
        if hash_ == "collection_sha256" and known.get("records_sha256") and result.data.records_sha256:
            hash_, recorded = "records_sha256", result.data.records_sha256
        if None not in (known.get(hash_), recorded) and known[hash_] != recorded:
            raise HarnessError(f"{dataset.folder} is not the version that was scored ({hash_} is another)")
    for rule in ("relevance_level", "exclude_self"):
        if getattr(dataset, rule) != getattr(result, rule):
            what = f"{rule} {getattr(result, rule)}, and is {getattr(dataset, rule)} now"
            raise HarnessError(f"{result.tag} on {result.dataset} was scored with {what}")
    return dataset


def _load(name: str, result: Result, data_dirs: Sequence[Path], download: bool) -> Dataset:
    asked = name if "/" in name or is_source(name) else _source(result) or name or result.dataset
    try:
        return datasets.load(asked, data_dirs, download=download, documents=False)
    except datasets.Unknown as error:
        for folder in places.recall(result.dataset):
            return datasets.load(folder, data_dirs, download=False, documents=False)
        base = result.dataset.partition("@")[0]
        cure = f"give the folder that holds {base} by --data-dir, or its path as --dataset"
        raise HarnessError(f"the collection {result.dataset} is not at hand: {cure}") from error


def _source(result: Result) -> str:
    """What its collection was asked for by, where that is not its name; empty for a folder that is gone."""
    source = result.data.source or ""
    return source if is_source(source) or (Path(source).is_dir() and source) else ""


def judgments(dataset: Dataset) -> Judgments:
    """The judgments of a dataset, by query."""
    return Judgments(by_query(dataset.qrels()), dataset.relevance_level)


def read_run(result: Result) -> Run:
    """The run behind a result. Raises HarnessError where the file is not here: it is not kept with the scores."""
    path = result.folder / manifest.RUN
    if not path.is_file():
        raise HarnessError(f"{path} is not here, so the documents can't be shown; run {result.tag} again to have it")
    return run_files.read_run(path)


def view(run: Run, judged: Judgments, query_id: str, depth: int = DEPTH) -> View:
    """What `run` has for a query: its first `depth` documents with their grades, and the relevant ones below."""
    doc_ids, scores = run[query_id]
    grades = judged.by_query.get(query_id, {})
    top = tuple(
        Ranked(doc_id, rank, float(score), grades.get(doc_id))
        for rank, (doc_id, score) in enumerate(zip(doc_ids[:depth], scores[:depth], strict=True), 1)
    )
    ranks = {doc_id: rank for rank, doc_id in enumerate(doc_ids, 1)}
    missed = [
        Missed(doc_id, grade, ranks.get(doc_id))
        for doc_id, grade in judged.relevant(query_id).items()
        if ranks.get(doc_id, depth + 1) > depth
    ]
    missed.sort(key=lambda one: (-one.grade, one.rank or len(doc_ids) + 1, one.doc_id))
    return View(top, tuple(missed[:MISSED]), len(missed), len(doc_ids))


def check_query(dataset: Dataset, judged: Judgments, query_id: str) -> None:
    """Raise HarnessError for a query that the dataset does not judge, with the nearest one suggested."""
    if query_id not in judged.by_query:
        raise unknown(f"query of {dataset.name}", query_id, judged.by_query)


def documents(dataset: Dataset, doc_ids: Iterable[str]) -> dict[str, Doc]:
    """The documents of these ids, in one pass over the collection; ids that it does not have are absent."""
    wanted = set(doc_ids) if dataset.corpus_file else set()
    return {doc.doc_id: doc for doc in dataset.docs() if doc.doc_id in wanted} if wanted else {}


def clipped(text: str, length: int) -> tuple[str, int]:
    """The first `length` characters, white space made single; and the length of the text if there is more, else 0."""
    flat = " ".join(text[: 4 * length].split())  # a megabyte is not searched to its end
    return flat[:length], len(text) if len(flat) > length or len(text) > 4 * length else 0
