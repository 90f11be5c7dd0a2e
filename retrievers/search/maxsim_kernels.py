"""Loops of the MaxSim search: the best document token for each query token, approximately and exactly."""

import numpy as np
from numba import njit

# mypy: allow-untyped-defs, allow-untyped-calls

NO_TOKENS = -1e9  # the score of a document without a token, as sentence-transformers has it


@njit(nogil=True, cache=True)
def add_best(similarities, query_starts, doc_starts, scores, begin, end):
    """Sum over a query's tokens of the best similarity to a token of the document: fp32 scores (Q, N).

    similarities (Tq, Td); tokens query_starts[q] .. query_starts[q + 1] - 1 are those of query q, begin <= q < end.
    """
    docs = doc_starts.size - 1
    for query in range(begin, end):
        row = scores[query]
        row[:] = 0.0
        for token in range(query_starts[query], query_starts[query + 1]):
            values = similarities[token]
            for doc in range(docs):
                best = np.float32(-np.inf)
                for place in range(doc_starts[doc], doc_starts[doc + 1]):
                    best = max(best, values[place])
                row[doc] += best
        for doc in range(docs):
            if doc_starts[doc] == doc_starts[doc + 1]:
                row[doc] = np.float32(NO_TOKENS)


@njit(nogil=True, cache=True)
def exact(similarities, query, docs, doc_starts, margins, scores):
    """Exact scores fp32 (N,) of documents: similarities fp32 (Tq, Td) say which of their tokens may be the best.

    The score is the sum, in the order of the query's tokens, of the largest dot product with a token of the document,
    all in fp64 in one fixed order, rounded to fp32. `margins` (Tq,) is twice the error bound of a similarity.
    query fp32 (Tq, n), docs fp32 (Td, n).
    """
    for doc in range(doc_starts.size - 1):
        begin, end = doc_starts[doc], doc_starts[doc + 1]
        if begin == end:
            scores[doc] = np.float32(NO_TOKENS)
            continue
        total = 0.0
        for token in range(len(query)):
            values = similarities[token]
            best = np.float32(-np.inf)
            for place in range(begin, end):
                best = max(best, values[place])
            limit = np.float64(best) - margins[token]
            largest = -np.inf
            for place in range(begin, end):
                if np.float64(values[place]) >= limit:
                    product = 0.0
                    for number in range(query.shape[1]):
                        product += np.float64(query[token, number]) * np.float64(docs[place, number])
                    largest = max(largest, product)
            total += largest
        scores[doc] = np.float32(total)
