"""Runs that are no TREC files: JSON as BEIR, ranx and MTEB write it, and MS MARCO's three columns."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import BadInput
from harness.runs.rankings import Run, as_float32, assemble, best_first
from harness.runs.run_headers import is_comment

MTEB = "mteb_model_meta"  # which model MTEB's predictions are of: model_name, revision
DEEPEST = 1 << 24  # ranks up to here are exact as float32
FLOAT32_LIMIT = 2.0**128 - 2.0**103  # from here on a number rounds to infinity
CARRIED = re.compile("[^\\0-\\x20\\ud800-\\udfff]+")  # an id that a run file can hold: no blank, no half of a pair


def read_json(path: Path, text: bytes) -> Run:
    """{"query": {"document": score, …}, …}, or MTEB's predictions with a single run in them.

    Raises BadInput that names the query and the document.
    """
    try:
        found: Any = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise BadInput(path, None, f"begins as JSON and can't be read as such: {error}") from None
    header = {}
    if isinstance(found, dict) and MTEB in found:
        header, found = {MTEB: found[MTEB]}, _predictions(path, found)
    if not isinstance(found, dict) or not all(isinstance(docs, dict) for docs in found.values()):
        raise BadInput(path, None, 'is JSON, but no run: {"query": {"document": score, …}, …} is one')
    for query_id, docs in found.items():
        for doc_id, score in docs.items():
            what = f"document {doc_id!r} of query {query_id!r}"
            if not CARRIED.fullmatch(query_id) or not CARRIED.fullmatch(doc_id):
                reason = "an id is empty or has white space or a control character, which no run file can carry"
                raise BadInput(path, None, f"{what}: {reason}")
            # An integer is compared as it is: it may be too large for a float.
            if isinstance(score, bool) or not isinstance(score, int | float) or not abs(score) < FLOAT32_LIMIT:
                raise BadInput(path, None, f"the score {score!r} of {what} is no finite float32")
    return replace(_run(path, found), header=header)


def _predictions(path: Path, found: Mapping[str, Any]) -> Any:
    """The one run in MTEB's `{task}_predictions.json`: subset -> split -> query -> document -> score."""
    subsets = {name: splits for name, splits in found.items() if name != MTEB and isinstance(splits, dict)}
    parts = {f"{subset}/{split}": body for subset, splits in subsets.items() for split, body in splits.items()}
    if len(parts) > 1:  # the split that is nearly always meant
        parts = {name: body for name, body in parts.items() if name.endswith("/test")} or parts
    if len(parts) != 1:
        what = f"holds the runs {', '.join(parts) or 'of no split'}; leave one of them in the file"
        raise BadInput(path, None, f"MTEB's predictions: it {what}")
    return next(iter(parts.values()))


def is_marco(columns: list[bytes]) -> bool:
    """Whether a line has MS MARCO's three columns: query, document, rank."""
    return len(columns) == 3 and columns[2].isdigit()


def read_marco(path: Path, text: bytes) -> Run:
    """`query_id doc_id rank` a line: minus the rank is the score.

    Raises BadInput at the line that is wrong, and where a query's ranks are not 1, 2, … without a gap: a third column
    of whole numbers may as well be scores, which are the better the higher they are.
    """
    queries: dict[str, dict[str, float]] = {}
    ranks: dict[str, set[int]] = {}
    for number, line in enumerate(text.split(b"\n"), start=1):
        columns = line.split()
        if not columns or is_comment(line, columns):
            continue
        if not is_marco(columns) or int(columns[2]) >= DEEPEST:
            raise BadInput(path, number, "is not query_id, doc_id and rank, which this file began with")
        query_id, doc_id, rank = columns[0].decode(), columns[1].decode(), int(columns[2])
        docs = queries.setdefault(query_id, {})
        if doc_id in docs:
            raise BadInput(path, number, f"document {doc_id!r} of query {query_id!r} is there a second time")
        if rank in ranks.setdefault(query_id, set()):
            raise BadInput(path, number, f"rank {rank} of query {query_id!r} is there a second time")
        docs[doc_id] = -float(rank)
        ranks[query_id].add(rank)
    for query_id, found in ranks.items():
        if (min(found), max(found)) != (1, len(found)):
            what = f"the third column of query {query_id!r} is not the ranks 1 to {len(found)}"
            raise BadInput(path, None, f"{what}; if it holds scores, write the six columns of a run file")
    return _run(path, queries)


def _run(path: Path, queries: Mapping[str, Mapping[str, float]]) -> Run:
    run = assemble(
        {
            query_id: best_first(list(docs), as_float32(np.array(list(docs.values()), np.float64)))
            for query_id, docs in queries.items()
            if docs
        }
    )
    if not len(run):
        raise BadInput(path, None, "an empty run file: no query has a document")
    return run


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found
