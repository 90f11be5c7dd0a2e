"""A retriever that keeps every law, for others to break one of them; and the table of those that do."""

import json
from pathlib import Path

from harness.records import ScoredDoc


class Overlap:
    """Counts the words that query and document share, and a bit for those near the start; keeps every law."""

    runtime = frozenset({"threads"})

    def __init__(self, weight: float = 1.0, threads: int = 1):
        self.weight = weight

    def index(self, docs, folder: Path):
        with open(folder / "docs.jsonl", "w", encoding="utf-8") as file:
            for doc in docs:
                file.write(json.dumps([doc.doc_id, doc.default_text().lower().split()[:300]]) + "\n")

    def load(self, folder: Path):
        lines = (folder / "docs.jsonl").read_text(encoding="utf-8").splitlines()
        self.docs = [json.loads(line) for line in lines]

    def search(self, queries, k: int):
        for query in queries:
            words = set(query.text.lower().split())
            scored = [(self.weight * len(words & set(text)) / (1 + len(text)), doc_id) for doc_id, text in self.docs]
            for score, doc_id in sorted(scored, reverse=True)[:k]:
                if score > 0:
                    yield ScoredDoc(query.query_id, doc_id, score)


BROKEN = {}  # name of the check -> classes that break this law and no other


def breaks(law):
    def note(cls):
        BROKEN.setdefault(law, []).append(cls)
        return cls

    return note
