"""all-MiniLM-L6-v2 on SciFact gives its published score, through the command's own path."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from dense.tiny import minilm
from harness import plugins
from harness.records import Doc, Query


@pytest.mark.slow
def test_minilm_on_scifact(shared: Path, tmp_path: Path) -> None:
    place = shared / "collections" / "scifact"
    with gzip.open(place / "corpus.jsonl.gz") as lines:
        docs = [Doc(row["_id"], row["text"], row["title"]) for row in map(json.loads, lines)]
    relevant: dict[str, set[str]] = {}
    for line in (place / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query_id, doc_id, _ = line.split("\t")  # all grades are 1
        relevant.setdefault(query_id, set()).add(doc_id)
    with gzip.open(place / "queries.jsonl.gz") as lines:
        queries = [Query(row["_id"], row["text"]) for row in map(json.loads, lines) if row["_id"] in relevant]
    retriever = plugins.make("sentence-transformer", {"model": str(minilm())})
    retriever.index(iter(docs), tmp_path)
    retriever.load(tmp_path)
    found: dict[str, list[str]] = {query.query_id: [] for query in queries}
    for hit in retriever.search(queries, 10):
        found[hit.query_id].append(hit.doc_id)
    discounts = 1 / np.log2(np.arange(2, 12))
    scores = [
        sum(discounts[rank] for rank, doc_id in enumerate(found[query_id]) if doc_id in wanted)
        / discounts[: len(wanted)].sum()
        for query_id, wanted in relevant.items()
    ]
    assert len(scores) == 300
    assert np.mean(scores) == pytest.approx(0.64508, abs=0.0005)
