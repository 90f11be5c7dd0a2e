"""A cross-encoder's scores of training queries with their positives and hard negatives, as a run file.

Being a run file, they can be looked at, scored as a reranker's run, made elsewhere, and used again. Scoring goes on
where it stopped: pieces of PIECE queries are written one by one.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.files import sha256_json
from harness.records import Query, ScoredDoc
from harness.runs import order, read, write
from retrievers.encoders.checkpoint import digest
from retrievers.training.examples.pairs import Examples

PIECE = 1000  # queries
TAG = "teacher"
Score = Callable[[list[tuple[str, str]]], np.ndarray]


def cross_encoder(name: str, max_length: int | None, device: str, batch_size: int = 32) -> Score:
    """The scores (logits) that a sentence-transformers CrossEncoder gives to pairs of texts.

    ValueError for a model with more than one output.
    """
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(name, max_length=max_length, device=device)
    if model.num_labels != 1:
        raise ValueError(f"the teacher {name} has {model.num_labels} outputs; a cross-encoder for ranking has one")
    raw = torch.nn.Identity()

    def score(pairs: list[tuple[str, str]]) -> np.ndarray:
        return model.predict(pairs, batch_size=batch_size, activation_fn=raw, show_progress_bar=False)

    return score


def teacher_key(examples: Examples, title: str | None, name: str, max_length: int | None) -> str:
    """The name of the scores: a function of the texts, which the sources and `title` decide, and the teacher."""
    weights = digest(Path(name)) if Path(name).is_dir() else None
    candidates = [examples.query_ids, examples.positives, examples.negatives]
    return sha256_json([examples.facts, title, candidates, name, weights, max_length])[:24]


def score_file(examples: Examples, load: Callable[[], Score], path: Path, progress: Callable[[int], object]) -> None:
    """Write the teacher's scores of all candidates of all queries to `path` (.trec.gz), unless it is there.

    `load` is called only if something is left to score; `progress` gets the number of pairs done.
    """
    if path.exists():
        return
    pieces, score = [], None
    for number, start in enumerate(range(0, len(examples.queries), PIECE)):
        piece = path.with_name(f"{path.name.removesuffix('.trec.gz')}-{number:05d}.trec.gz")
        pieces.append(piece)
        part = range(start, min(start + PIECE, len(examples.queries)))
        if not piece.exists():
            score = score or load()
            queries = [Query(examples.query_ids[at], examples.queries[at]) for at in part]
            scored = [line for at in part for line in _scored(examples, at, score)]
            write(order(scored, queries, k=len(scored)), piece, TAG)
        progress(sum(len(_candidates(examples, at)) for at in part))
    queries = [Query(query_id, "") for query_id in examples.query_ids]
    runs = (ScoredDoc(query_id, *pair) for piece in pieces for query_id, ids, values in read(piece)
            for pair in zip(ids, values.tolist(), strict=True))  # fmt: skip
    write(order(runs, queries, k=len(examples.docs)), path, TAG)
    for piece in pieces:
        piece.unlink()


def _candidates(examples: Examples, query: int) -> list[int]:
    return [*examples.positives[query], *examples.negatives[query]]


def _scored(examples: Examples, query: int, score: Score) -> list[ScoredDoc]:
    docs = _candidates(examples, query)
    values = score([(examples.queries[query], examples.docs[doc]) for doc in docs])
    return [
        ScoredDoc(examples.query_ids[query], examples.doc_ids[doc], float(value))
        for doc, value in zip(docs, values, strict=True)
    ]


def teacher_scores(examples: Examples, path: Path, *, partial: bool = False) -> list[np.ndarray]:
    """The scores in the run file `path` of each query's positives and negatives, float32 (n,).

    ValueError names a pair that the file does not have; where it may be `partial`, as a retriever's run is, such a
    pair has NaN.
    """
    run = read(path)
    found = []
    for at, query_id in enumerate(examples.query_ids):
        ids, values = run[query_id] if not partial or query_id in run else ([], np.empty(0))
        known = dict(zip(ids, values.tolist(), strict=True))
        docs = _candidates(examples, at)
        if partial:
            known = dict.fromkeys((examples.doc_ids[doc] for doc in docs), np.nan) | known
        if missing := [examples.doc_ids[doc] for doc in docs if examples.doc_ids[doc] not in known]:
            raise ValueError(
                f"{path}: no score for query {query_id!r} and document {missing[0]!r}; score all positives and the"
                " negatives within --depth, or let --teacher do it"
            )
        found.append(np.array([known[examples.doc_ids[doc]] for doc in docs], np.float32))
    return found


def within_margin(positives: int, scores: np.ndarray, margin: float) -> np.ndarray:
    """Which candidates (n,) stay: all positives, and negatives at least `margin` below the lowest of them."""
    kept = scores <= scores[:positives].min() - margin
    kept[:positives] = True
    return kept
