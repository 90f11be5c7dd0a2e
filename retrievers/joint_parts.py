"""The joint score of a query and a document, taken apart: what [CLS] gave, and each piece of the vocabulary."""

from typing import Any, NamedTuple

from harness.records import Doc
from retrievers.dense import doc_text


class Term(NamedTuple):
    """A piece that both vectors have."""

    piece: str
    value: float  # mu_q * mu_d
    in_query: bool
    in_doc: bool


class Parts(NamedTuple):
    """score = dense + the sum of the terms' values; terms by falling value."""

    score: float
    dense: float
    terms: list[Term]


def parts(retriever: Any, query: str, doc: Doc) -> Parts:
    """The joint score of `query` and `doc` by a `retrievers.dupmae.DupMAE`, part by part."""
    asked = retriever.encode_queries([query])
    tokens = retriever.docs.tokenize([doc_text(doc, retriever.title)], retriever.length)
    found = retriever.docs.encode(tokens)
    dense = float(asked.dense[0] @ found["vectors"][0])
    entries = found["entries"][0]
    values = asked.vocabulary[0][entries] * found["weights"][0]
    own = set(retriever.queries.tokenize([query], retriever.query_length).ids.tolist())
    theirs = set(tokens.ids.tolist())
    pieces = retriever.opened.tokenizer.convert_ids_to_tokens(entries.tolist())
    terms = [
        Term(piece, float(value), int(entry) in own, int(entry) in theirs)
        for piece, value, entry in zip(pieces, values, entries, strict=True)
        if value
    ]
    return Parts(dense + float(values.sum()), dense, sorted(terms, key=lambda term: (-term.value, term.piece)))
