"""A run meets its judgments: from ids as strings to `Matches`."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from harness.measures.matches import UNJUDGED, Matches
from harness.runs.rankings import TEXT, Run
from harness.runs.text_hashes import hash_texts

SLOTS = 1 << 20  # of the table that sorts out documents nobody judged; one in SLOTS / judged documents passes by chance
BLOCK = 1 << 14  # documents at a time, so that what is in between stays in the processor's cache


def match(run: Run, judged: Mapping[str, Mapping[str, int]]) -> Matches:
    """Find the documents of `run` that are judged for their query; `judged` is query_id -> doc_id -> grade, Q queries.

    Hashes pick the candidates out of millions of documents, and the comparison of the strings decides.
    """
    number_of = [_numbers(grades) for grades in judged.values()]
    sizes = np.array([len(numbers) for numbers in number_of], np.int64)
    grades = np.zeros((len(sizes), int(sizes.max(initial=1))), np.int32)
    for row, (doc_ids, of_query) in enumerate(zip(number_of, judged.values(), strict=True)):
        grades[row, : len(doc_ids)] = [of_query[doc_id] for doc_id in doc_ids]

    positions = np.array([run.positions.get(query_id, -1) for query_id in judged], np.int64)
    retrieved = np.where(positions >= 0, np.diff(run.starts, append=0)[positions], 0)
    row_of = np.full(len(run) + 1, -1, np.int64)
    row_of[positions] = np.arange(len(positions))

    candidates = _candidates(run, sorted({doc_id for doc_ids in number_of for doc_id in doc_ids}))
    query = np.searchsorted(run.starts, candidates, side="right") - 1
    rows = row_of[query]
    found = [
        number_of[row].get(doc_id, UNJUDGED) if row >= 0 else UNJUDGED
        for row, doc_id in zip(rows.tolist(), run.doc_ids.take(pa.array(candidates)).to_pylist(), strict=True)
    ]
    numbers = np.array(found, np.int32)
    hit = numbers != UNJUDGED
    flat = candidates[hit]
    return Matches(grades, sizes, retrieved, rows[hit], flat - run.starts[query[hit]], numbers[hit], flat)


def _numbers(grades: Mapping[str, int]) -> dict[str, int]:
    """Number a query's judged documents by descending grade; ids make it independent of the order of the file."""
    return {
        doc_id: number for number, doc_id in enumerate(sorted(grades, key=lambda doc_id: (-grades[doc_id], doc_id)))
    }


def _candidates(run: Run, doc_ids: Sequence[str]) -> np.ndarray:
    """The rows of the run that may hold one of `doc_ids`: all that do, and few others."""
    table, slot = np.zeros(SLOTS, bool), np.uint64(SLOTS - 1)
    table[hash_texts(pa.array(doc_ids, TEXT)) & slot] = True
    blocks = range(0, run.size, BLOCK)
    found = [start + np.flatnonzero(table[run.hashes[start : start + BLOCK] & slot]) for start in blocks]
    return np.concatenate([np.empty(0, np.int64), *found])
