"""Results folders made of given scores, so that a test can say what a table must say."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.files import write_json
from harness.measures.scores import Scores, write_scores

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def add(
    results: Path,
    tag: str,
    dataset: str,
    scores: Mapping[str, Sequence[float]] | Sequence[float],
    query_ids: Sequence[str] | None = None,
    **changes: Any,
) -> Path:
    """Write one finished result; plain `scores` are nDCG@10. `changes` replace keys of the manifest."""
    by_measure = scores if isinstance(scores, Mapping) else {"ndcg@10": scores}
    values = np.array(list(by_measure.values()), dtype=np.float64).T
    ids = tuple(query_ids or (f"q{number}" for number in range(len(values))))
    made = Scores(ids, tuple(by_measure), values, answered=len(ids))
    folder = results / "runs" / tag / dataset
    write_scores(made, folder / "scores.tsv.gz")
    body = {
        "schema": 1,
        "tag": tag,
        "dataset": dataset,
        "unit": "cqadupstack" if dataset.startswith("cqadupstack-") else dataset,
        "split": "test",
        "k": 1000,
        "data": {"qrels_sha256": "a" * 64, "queries_sha256": "b" * 64, "collection_sha256": "c" * 64},
        "fingerprint": {"relevance_level": 1, "exclude_self": False},
        "measures": list(by_measure),
        "primary_measure": next(iter(by_measure)),
        "scores": made.means(),
        "versions": {"ranx": "0.3.21"},
        "git": {"commit": COMMIT, "dirty": False},
        "complete": True,
    }
    write_json(folder / "manifest.json", body | changes)
    return folder


def systems(results: Path, datasets: Mapping[str, int], shifts: Mapping[str, float], seed: int = 0) -> Path:
    """Systems `tag -> how much better on average` on datasets `name -> queries`; noise is paired. Returns `results`."""
    generator = np.random.default_rng(seed)
    for dataset, queries in datasets.items():
        base = generator.uniform(0.2, 0.7, queries)
        for tag, shift in shifts.items():
            scores = np.clip(np.round(base + shift + generator.normal(0, 0.08, queries), 6), 0, 1)
            add(results, tag, dataset, {"ndcg@10": scores.tolist(), "mrr@10": (scores**2).tolist()})
    return results
