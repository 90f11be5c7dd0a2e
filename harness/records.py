"""The four records that everything speaks. This module imports nothing of the project."""

from typing import NamedTuple


class Doc(NamedTuple):
    """One document of a collection."""

    doc_id: str
    text: str
    title: str = ""

    def default_text(self) -> str:
        """Title, one space, text: what BEIR and sentence-transformers encode (`(title + " " + text).strip()`)."""
        return f"{self.title} {self.text}".strip()


class Query(NamedTuple):
    """One query."""

    query_id: str
    text: str


class Qrel(NamedTuple):
    """One relevance judgment; `relevance` is the grade, 0 for judged and not relevant."""

    query_id: str
    doc_id: str
    relevance: int


class ScoredDoc(NamedTuple):
    """One document retrieved for one query; higher scores are better."""

    query_id: str
    doc_id: str
    score: float
