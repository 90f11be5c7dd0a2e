"""Whatever ties there are and however many candidates each query has, all are put in one total order."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from dense import tiny
from retrievers.search.order import put_in_order

DOCS = 300


@pytest.mark.parametrize("values", [1, 2, 7, 400, 10**9])
@pytest.mark.parametrize("k", [1, 3, 50, 299, 300])
def test_the_best_k_by_score_and_then_id(values: int, k: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(values * 1000 + k)
    ids = [f"d{row}" for row in draw.permutation(DOCS)]
    store = tiny.store(tmp_path, np.ones((DOCS, 2), np.float16), ids, 64)
    counts = draw.integers(k, DOCS + 1, 333)
    rows = np.stack([np.sort(draw.permutation(DOCS)) for _ in counts]).astype(np.int32)
    scores = draw.integers(-values, values, rows.shape, endpoint=True).astype(np.float32)
    for query, count in enumerate(counts.tolist()):
        rows[query, :count] = np.sort(draw.permutation(DOCS)[:count])
        scores[query, count:] = np.nan  # places that hold anything
    whole = [
        sorted(
            zip(scores[query, :count].tolist(), rows[query, :count].tolist(), strict=True),
            key=lambda pair: (pair[0], ids[pair[1]]),
            reverse=True,
        )[:k]
        for query, count in enumerate(counts.tolist())
    ]
    with ThreadPoolExecutor(2) as pool:
        found = [
            list(zip(exact.tolist(), best.tolist(), strict=True))
            for best, exact in put_in_order(rows, counts, scores, store, k, pool)
        ]
    assert found == whole
