"""A retriever around BEIR's `search(corpus, queries, top_k, ...)`, which wants the whole corpus as a dictionary."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.files import atomic_path
from harness.records import Doc, Query, ScoredDoc

CORPUS = "corpus.jsonl"


class BeirSearcher:
    """Keeps the corpus as a file and hands it to the searcher that `make` gives, when the first search comes.

    `options` go to every search; `contents` says what the arguments point at.
    """

    def __init__(self, make: Callable[[], Any], options: dict[str, Any], contents: dict[str, str]) -> None:
        self.make, self.options, self.contents = make, options, contents
        self.searcher: Any = None
        self.corpus: dict[str, dict[str, str]] | None = None

    def fingerprint(self) -> dict[str, str]:
        """The hashes of the files that the arguments name."""
        return self.contents

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        """Write the documents down, one JSON object a line."""
        with atomic_path(folder / CORPUS) as path, open(path, "w", encoding="utf-8") as file:
            for doc in docs:
                file.write(json.dumps({"_id": doc.doc_id, "title": doc.title, "text": doc.text}) + "\n")

    def load(self, folder: Path) -> None:
        """Read the documents into memory, all of them."""
        with open(folder / CORPUS, encoding="utf-8") as file:
            rows = map(json.loads, file)
            self.corpus = {row["_id"]: {"title": row["title"], "text": row["text"]} for row in rows}

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]:
        """All queries in one call of BEIR's `search`; what it returns beyond k is cut in the total order."""
        if self.corpus is None:
            raise ValueError("load the corpus before searching")
        # BEIR's searchers drop a document whose id is the query's, on any dataset. No doc_id has a blank in it.
        names = {f"query {query.query_id}": query for query in queries}
        texts = {name: query.text for name, query in names.items()}
        if not texts or not self.corpus:
            return
        if len(texts) == 1:  # BEIR's exact search fails on one query, so it gets it twice
            texts["once more"] = next(iter(texts.values()))
        self.searcher = self.searcher or self.make()
        results = self.searcher.search(self.corpus, texts, k, **self.options)
        for name, query in names.items():
            found = ((np.float32(score), doc_id, float(score)) for doc_id, score in results.get(name, {}).items())
            for _, doc_id, score in sorted(found, reverse=True)[:k]:
                yield ScoredDoc(query.query_id, doc_id, score)
