"""What stands between the arguments of fine-tuning and its batches: examples, negatives, the teacher's scores."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.files import sha256, sha256_json
from retrievers.encoders.checkpoint import digest
from retrievers.training.examples import teacher
from retrievers.training.examples.pairs import Examples, judged_examples, training_dataset
from retrievers.training.examples.pairs_batches import Candidates
from retrievers.training.examples.pairs_documents import document_pairs
from retrievers.training.examples.pairs_negatives import hard_negatives
from retrievers.training.examples.teacher_vectors import Vectors, teacher_vectors


def examples_for(a: argparse.Namespace, data_dirs: Sequence[Path]) -> Examples:
    """The training queries, positives and negatives that the arguments name; errors are those of `pairs*`."""
    if a.pairs:
        return document_pairs(a.pairs, a.dataset, a.text, data_dirs, not a.offline)
    made = Examples()
    for name in a.dataset:
        dataset = training_dataset(name, a.split, data_dirs, not a.offline)
        mined = hard_negatives(a.negatives, dataset.queries(), a.depth, dataset.exclude_self) if a.negatives else {}
        made.add(judged_examples(dataset, mined, a.title, a.negatives))
        if (about := dataset.folder / "made.json").is_file():  # a collection of `retrievers.training.queries`
            made.facts[-1]["made"] = json.loads(about.read_text())
    if not made.queries:
        raise ValueError(f"no training query is left in {', '.join(a.dataset)}")
    return made


def score_with_teacher(a: argparse.Namespace, examples: Examples, cache: Path, device: str) -> Path | None:
    """The run file with the teacher's scores, made now if the cache does not hold it; None without a teacher."""
    if a.teacher_scores or not a.teacher:
        return a.teacher_scores
    from tqdm import tqdm

    key = teacher.teacher_key(examples, a.title, a.teacher, a.teacher_length)
    path = cache / f"teacher-{key}.trec.gz"
    total = sum(map(len, examples.positives)) + sum(map(len, examples.negatives))
    with tqdm(total=total, unit="pair", desc="teacher", mininterval=1.0, disable=path.exists()) as bar:
        load = lambda: teacher.cross_encoder(a.teacher, a.teacher_length, device)
        teacher.score_file(examples, load, path, bar.update)
    return path


def embedded_by_teacher(a: argparse.Namespace, examples: Examples, cache: Path, device: str) -> Vectors | None:
    """The embedding teacher's vectors, made now if the cache does not hold them; None without such a teacher."""
    if not a.embedding_teacher:
        return None
    return teacher_vectors(examples, a.title, a.embedding_teacher, a.max_length, cache, device)


def candidates_of(a: argparse.Namespace, examples: Examples, scores: Path | None) -> tuple[list[int], list[Candidates]]:
    """The queries that can be trained on and each one's documents.

    With a teacher and a margin (stage 2), negatives too close to the positive are dropped; without a margin (stage 3)
    so are queries without negatives, which nobody could be distilled from. Of a retriever's run as teacher those stay
    whose positive it found.
    """
    given = teacher.teacher_scores(examples, scores, partial=bool(a.teacher_run)) if scores else None
    numbers, made = [], []
    for at, (positives, negatives) in enumerate(zip(examples.positives, examples.negatives, strict=True)):
        docs, values = np.array([*positives, *negatives], np.int64), None if given is None else given[at]
        if values is not None and a.margin is not None:
            docs, values = docs[teacher.within_margin(len(positives), values, a.margin)], None
        count = len(positives)
        if values is not None and a.teacher_run:
            known = ~np.isnan(values)
            docs, values, count = docs[known], values[known], int(known[:count].sum())
        if not count or (a.stage == 3 and len(docs) == count):
            continue
        numbers.append(at)
        made.append(Candidates(docs, count, values))
    return numbers, made


def data_facts(a: argparse.Namespace, examples: Examples, scores: Path | None) -> dict[str, Any]:
    """What the record says of the data, and the key that stands for all of it in the identity of a run."""
    negatives = [{"name": str(path.name), "sha256": sha256(path)} for path in a.negatives]
    by = {"teacher": a.teacher or "scores given", "scores_sha256": sha256(scores)} if scores else None
    key = sha256_json([examples.facts, negatives, by])
    embedding = None
    if a.embedding_teacher:
        weights = digest(Path(a.embedding_teacher)) if Path(a.embedding_teacher).is_dir() else None
        embedding = {"name": Path(a.embedding_teacher).name, "weights": weights, "max_length": a.max_length}
        key = sha256_json([key, embedding])
    return {
        "key": key, "sources": examples.facts, "negatives": negatives, "teacher": by, "embedding_teacher": embedding,
    }  # fmt: skip
