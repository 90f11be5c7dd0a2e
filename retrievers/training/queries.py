"""A collection with training queries that nobody had to write: documents in, a folder in BEIR layout out.

    python -m retrievers.training.queries --dataset cacm --text wiki.txt.gz --limit 2000 --output made/
    beir-harness run bm25 --dataset made@train …            (a teacher, or negatives)
    beir-harness finetune ckpt/ --dataset made --negatives run.trec.gz --teacher-scores run.trec.gz --output retriever/

The queries are made of the documents (`examples.made_queries`); the split is `train`, judgments are query and source.
No judgment of a collection is read, and no query but to leave out what is also an evaluation query.
"""

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.files import sha256, write_bytes, write_json
from retrievers.training.examples.made_queries import KINDS, Kind, document_frequencies, made_query
from retrievers.training.examples.pairs import evaluation_queries, plain
from retrievers.training.examples.pairs_documents import read_texts

WORDS = 8  # a shorter document says too little


Asked = tuple[str, str, str]  # query id, text, document id


class Made(NamedTuple):
    """A document of the new collection."""

    doc_id: str
    title: str
    text: str


def sources(
    datasets: Sequence[str], texts: Sequence[Path], data_dirs: Sequence[Path], held: set[str]
) -> Iterator[tuple[dict[str, str], list[Made]]]:
    """Each source with what the record says of it and its documents; texts of evaluation queries go into `held`."""
    from harness.datasets import load

    for name in datasets:
        dataset = load(name, data_dirs)
        held |= evaluation_queries(dataset)[1]
        short = dataset.name.split("@")[0]
        facts = {"name": short, "collection_sha256": dataset.collection_fingerprint()}
        yield facts, [Made(f"{short}:{doc.doc_id}", doc.title, doc.text) for doc in dataset.docs()]
    for path in texts:
        numbered = enumerate(read_texts(path), 1)
        short = path.name.split(".")[0]
        yield {"name": path.name, "sha256": sha256(path)}, [Made(f"{short}:{at}", *pair) for at, pair in numbered]


def collection(
    found: Iterator[tuple[dict[str, str], list[Made]]], limit: int | None, kinds: Sequence[Kind], each: int, seed: int,
    held: set[str],
) -> tuple[list[Made], list[Asked], dict[str, object]]:  # fmt: skip
    """The documents, at most `limit` of a source; (query id, text, document id), up to `each` per document; the record.

    Which documents and which kinds is a function of the seed.
    """
    docs: list[Made] = []
    facts: list[dict[str, object]] = []
    for number, (named, all_of_it) in enumerate(found):
        long = [doc for doc in all_of_it if len(f"{doc.title} {doc.text}".split()) >= WORDS]
        order = np.random.default_rng([seed, number]).permutation(len(long))[:limit]
        docs += [long[at] for at in sorted(order)]
        facts.append({**named, "documents": len(order), "of": len(all_of_it)})
    frequencies, count = document_frequencies(f"{doc.title} {doc.text}" for doc in docs)
    queries, left_out, by_kind = [], 0, Counter[str]()
    for at, doc in enumerate(docs):
        taken = 0
        for kind in np.random.default_rng([seed, at, 1]).permutation(list(kinds)).tolist():
            made = made_query(kind, doc.doc_id, doc.title, doc.text, frequencies, count, seed)
            if made is None or taken == each:
                continue
            if plain(made) in held:
                left_out += 1
                continue
            taken += 1
            by_kind[kind] += 1
            queries.append((f"{doc.doc_id}:{kind}", made, doc.doc_id))
    return docs, queries, {
        "sources": facts, "documents": len(docs), "queries": dict(by_kind), "seed": seed,
        "left_out": {"also evaluation queries": left_out},
    }  # fmt: skip


def write(
    folder: Path, docs: Sequence[Made], queries: Sequence[tuple[str, str, str]], facts: dict[str, object]
) -> None:
    """The folder in BEIR layout, its judgments in qrels/train.tsv."""
    corpus = ({"_id": doc.doc_id, "title": doc.title, "text": doc.text} for doc in docs)
    asked = ({"_id": query_id, "text": text} for query_id, text, _ in queries)
    for name, records in (("corpus", corpus), ("queries", asked)):
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        write_bytes(folder / f"{name}.jsonl.gz", gzip.compress(lines.encode(), mtime=0))
    rows = "".join(f"{query_id}\t{doc_id}\t1\n" for query_id, _, doc_id in queries)
    write_bytes(folder / "qrels" / "train.tsv", f"query-id\tcorpus-id\tscore\n{rows}".encode())
    write_json(folder / "made.json", facts)


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="retrievers.training.queries", description="training queries from documents")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="documents of a collection")
    parser.add_argument("--data-dir", action="append", default=[], type=Path, metavar="FOLDER")
    parser.add_argument("--text", action="append", default=[], type=Path, metavar="PATH", help=".txt or .jsonl, or .gz")
    parser.add_argument("--kind", action="append", choices=KINDS, help="repeatable (default: all)")
    parser.add_argument("--per-document", type=int, default=1, metavar="N", help="queries, of different kinds (1)")
    parser.add_argument("--limit", type=int, metavar="N", help="documents of a source, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    a = parser.parse_args(argv)
    if not a.dataset and not a.text:
        parser.error("no documents: give --dataset NAME or --text PATH")
    held: set[str] = set()
    found = sources(a.dataset, a.text, a.data_dir, held)
    docs, queries, facts = collection(found, a.limit, a.kind or KINDS, a.per_document, a.seed, held)
    if not queries:
        parser.error("no document gives a query of these kinds")
    write(a.output, docs, queries, facts)
    print(f"{a.output}: {len(docs):,} documents, {len(queries):,} queries {facts['queries']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
