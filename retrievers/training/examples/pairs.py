"""Training queries with their relevant documents, from the judgments of a collection's training split.

Evaluation queries never enter: a split that the table of datasets evaluates is refused, and a training query that is
also an evaluation query of the collection, by id or by text, is left out and counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.datasets import Dataset, load, rows
from harness.records import Doc


@dataclass
class Examples:
    """Q queries and the documents that they need, as numbers into `docs`; ids are those of the collection."""

    query_ids: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    doc_ids: list[str] = field(default_factory=list)
    docs: list[str] = field(default_factory=list)
    positives: list[list[int]] = field(default_factory=list)  # per query, at least one
    negatives: list[list[int]] = field(default_factory=list)  # per query, best first, perhaps none
    facts: list[dict[str, Any]] = field(default_factory=list)  # one for each source

    def add(self, other: "Examples") -> None:
        """Append the examples of another source."""
        shift = len(self.docs)
        self.query_ids += other.query_ids
        self.queries += other.queries
        self.doc_ids += other.doc_ids
        self.docs += other.docs
        self.positives += [[number + shift for number in numbers] for numbers in other.positives]
        self.negatives += [[number + shift for number in numbers] for numbers in other.negatives]
        self.facts += other.facts


def training_dataset(name: str, split: str, data_dirs: Sequence[Path], download: bool) -> Dataset:
    """The dataset `name` with its training split. HarnessError if there is none, ValueError if it is for evaluation."""
    dataset = load(name if "@" in name and not Path(name).is_dir() else f"{name}@{split}", data_dirs, download=download)
    if dataset.split in evaluation_splits(dataset):
        raise ValueError(
            f"{dataset.name}: the split {dataset.split!r} is what this collection is evaluated on; queries of it never"
            " enter training. Train on another split, or on --pairs made of the documents"
        )
    return dataset


def evaluation_splits(dataset: Dataset) -> set[str]:
    """The splits on which the collection is evaluated, under any name of the table; `test` if the table has none."""
    if dataset.row is None:
        return {"test"}
    return {row.split for row in rows().values() if row.archive == dataset.row.archive} | {"test"}


def evaluation_queries(dataset: Dataset) -> tuple[set[str], set[str]]:
    """The ids of the queries judged in evaluation splits of the dataset's folder, and their texts, `plain`."""
    from harness.datasets.sources.beir_format import judged_queries

    ids, texts = set(), set()
    for folder in dict.fromkeys((dataset.folder, dataset.qrels_file.parent.parent)):
        for split in sorted(evaluation_splits(dataset)):
            qrels = _first_file(folder / "qrels", f"{split}.tsv")
            queries = _first_file(folder, f"queries.{split}.jsonl", "queries.jsonl")
            if qrels and queries:
                found = judged_queries(queries, qrels)
                ids |= {query.query_id for query in found}
                texts |= {plain(query.text) for query in found}
    return ids, texts


def _first_file(folder: Path, *names: str) -> Path | None:
    paths = (folder / each for name in names for each in (name, f"{name}.gz"))
    return next((path for path in paths if path.is_file()), None)


def plain(text: str) -> str:
    """The text as it is compared with others: case and white space left aside."""
    return " ".join(text.lower().split())


def judged_examples(
    dataset: Dataset, negatives: Mapping[str, list[str]], title: str | None, named_by: Iterable[Path] = ()
) -> Examples:
    """The training queries of `dataset` with their relevant documents and the `negatives` (query_id -> doc_ids).

    Documents that are judged relevant at any grade are no negatives. Raises BadInput with the line of the run file, one
    of `named_by`, that names an unknown document.
    """
    from retrievers.dense import doc_text
    from retrievers.training.examples.pairs_negatives import unknown_document

    relevant: dict[str, list[str]] = {}
    related: dict[str, set[str]] = {}
    for qrel in dataset.qrels():
        if qrel.relevance >= max(1, dataset.relevance_level):
            relevant.setdefault(qrel.query_id, []).append(qrel.doc_id)
        if qrel.relevance > 0:
            related.setdefault(qrel.query_id, set()).add(qrel.doc_id)
    held_ids, held_texts = evaluation_queries(dataset)
    judged = [query for query in dataset.queries() if query.query_id in relevant]
    queries = [query for query in judged if query.query_id not in held_ids and plain(query.text) not in held_texts]

    hard = {q.query_id: [d for d in negatives.get(q.query_id, []) if d not in related[q.query_id]] for q in queries}
    wanted = dict.fromkeys(doc_id for q in queries for doc_id in (*relevant[q.query_id], *hard[q.query_id]))
    texts = collect(dataset.docs(), wanted, lambda doc: doc_text(doc, title))
    for query in queries:
        for doc_id in hard[query.query_id]:
            if doc_id not in texts:
                raise unknown_document(named_by, query.query_id, doc_id, dataset.name)
    number = {doc_id: at for at, doc_id in enumerate(texts)}
    made = Examples(doc_ids=list(texts), docs=list(texts.values()))
    absent = 0
    for query in queries:
        positives = [number[doc_id] for doc_id in relevant[query.query_id] if doc_id in number]
        absent += len(relevant[query.query_id]) - len(positives)
        if positives:
            made.query_ids.append(query.query_id)
            made.queries.append(query.text)
            made.positives.append(positives)
            made.negatives.append([number[doc_id] for doc_id in hard[query.query_id]])
    made.facts = [
        {
            **dataset.facts(),
            "training_queries": len(made.queries),
            "training_documents": len(made.docs),
            "left_out": {
                "also evaluation queries": len(judged) - len(queries),
                "relevant documents not in the collection": absent,
            },
        }
    ]
    return made


def collect(docs: Iterable[Doc], wanted: Iterable[str], text: Any) -> dict[str, str]:
    """The texts of the wanted documents that there are, in the order of `wanted`; one pass over `docs`."""
    found = dict.fromkeys(wanted, "")
    missing = set(found)
    for doc in docs:
        if doc.doc_id in missing:
            found[doc.doc_id] = text(doc)
            missing.discard(doc.doc_id)
    for doc_id in missing:
        del found[doc_id]
    return found
