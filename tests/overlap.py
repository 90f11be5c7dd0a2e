"""A retriever small enough to check by hand: the score is the number of words that query and document share."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.records import Doc, Query, ScoredDoc


class Overlap:
    runtime = frozenset({"pause"})
    search_only = frozenset({"bonus"})

    def __init__(self, lower: bool = True, bonus: float = 0.0, pause: float = 0.0) -> None:
        self.lower, self.bonus, self.pause = lower, bonus, pause

    def words(self, text: str) -> list[str]:
        return sorted(set((text.lower() if self.lower else text).split()))

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        lines = [json.dumps([doc.doc_id, self.words(doc.default_text())]) for doc in docs]
        (folder / "words.jsonl").write_text("\n".join(lines))

    def load(self, folder: Path) -> None:
        lines = (folder / "words.jsonl").read_text().splitlines()
        self.docs = {doc_id: frozenset(words) for doc_id, words in map(json.loads, lines)}

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]:
        for query in queries:
            wanted = set(self.words(query.text))
            scored = [(len(wanted & words), doc_id) for doc_id, words in self.docs.items() if wanted & words]
            for score, doc_id in sorted(scored, reverse=True)[:k]:
                yield ScoredDoc(query.query_id, doc_id, score + self.bonus)
