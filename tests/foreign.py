"""Runs as others make them, scored by the command; a collection whose ids begin with zeros."""

import json
from pathlib import Path

from harness.cli import main

TREC = "q1 Q0 d2 1 3 t\nq1 Q0 d1 2 2 t\nq2 Q0 d3 1 1 t\n"


def score(place: Path, text: str, *more: str, tag: str = "mine", dataset: str = "toy/") -> int:
    (place / f"{tag}.trec").write_text(text)
    return main(["score", f"{tag}.trec", "--tag", tag, "--dataset", dataset, "--results", "results", *more])


def notes(tag: str = "mine", dataset: str = "toy") -> list[str]:
    return json.loads(Path("results", "runs", tag, dataset, "manifest.json").read_text())["notes"]


def zeros(folder: Path, count: int) -> None:
    """A collection of documents 00, 01, … of which one is relevant for each query 0, 1, …"""
    (folder / "qrels").mkdir(parents=True)
    ids = [f"{number:03d}" for number in range(count)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"_id": one, "text": "x"}) + "\n" for one in ids))
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": f"q{one}", "text": "x"}) + "\n" for one in ids))
    rows = "".join(f"q{one}\t{one}\t1\n" for one in ids)
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)


def zeros_run(lost: float, count: int = 120) -> str:
    """The perfect run of `zeros`, in which a share of the documents lost its leading zeros."""
    lines = []
    for number in range(count):
        doc_id = str(number) if number < lost * count else f"{number:03d}"
        lines.append(f"q{number:03d} Q0 {doc_id} 1 1 t")
    return "\n".join(lines) + "\n"
