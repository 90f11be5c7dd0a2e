"""A toy collection in BEIR layout whose scores can be worked out by hand."""

import json
from pathlib import Path

DOCS = [
    {"_id": "d1", "title": "Red", "text": "apple tree"},
    {"_id": "d2", "title": "", "text": "green apple"},
    {"_id": "d3", "title": "Blue", "text": "sky over the sea"},
    {"_id": "d4", "title": "Sea", "text": "green water"},
    {"_id": "d5", "title": "", "text": "an empty field"},
]
QUERIES = {"q1": "green apple", "q2": "blue sea", "q3": "nothing at all"}
QRELS = [("q1", "d2", 2), ("q1", "d1", 1), ("q1", "d4", 0), ("q2", "d3", 1), ("q3", "d5", 1)]


def write(folder: Path, split: str = "test") -> Path:
    """Write the collection into `folder`; returns the folder."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in DOCS))
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": name, "text": text}) + "\n" for name, text in QUERIES.items())
    )
    rows = "".join(f"{query}\t{doc}\t{grade}\n" for query, doc, grade in QRELS)
    (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return folder
