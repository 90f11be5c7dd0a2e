"""Runs for retrievers that need those of other systems: each finds the documents that share words with a query."""

import re
from collections.abc import Sequence
from pathlib import Path

from harness import plugins, runs
from harness.conformance.collection import EMPTY_QUERIES, QUERIES, UNICODE_QUERIES
from harness.records import Doc, Query, ScoredDoc
from harness.retriever import Retriever

ASKED = (*QUERIES, *EMPTY_QUERIES, *UNICODE_QUERIES)
DEPTH = 1000


def tags_of(retriever: Retriever) -> tuple[str, ...]:
    """The systems whose runs a retriever needs."""
    plugin = plugins.describe(type(retriever))
    return plugin.inputs(plugin.defaults, retriever)


def lay(retriever: Retriever, folder: Path, docs: Sequence[Doc]) -> None:
    """Write a run of each needed system on `docs` where the harness puts it, one different from the next."""
    for number, tag in enumerate(tags_of(retriever)):
        hits = [hit for query in ASKED for hit in _overlap(query, docs, number)]
        runs.write(runs.order(hits, ASKED, DEPTH), folder / "runs" / f"{tag}.trec.gz", tag)


def _overlap(query: Query, docs: Sequence[Doc], number: int) -> list[ScoredDoc]:
    """By shared words, those of one system more, of the next also by how short the document is."""
    asked = _words(query.text)
    found = [(doc.doc_id, _words(doc.default_text())) for doc in docs]
    return [
        ScoredDoc(query.query_id, doc_id, len(asked & words) + number / (1 + len(words)))
        for doc_id, words in found
        if asked & words
    ]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
