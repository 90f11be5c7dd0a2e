"""Learned sparse search, MaxSim and reranking against the plain way of each, in one process, rounds interleaved.

    python benchmarks/families.py sparse [--docs 20000] [--queries 300] [--k 1000] [--rounds 3]    against scipy CSR
    python benchmarks/families.py maxsim [--docs 2000] [--queries 50]                              against torch.mm
    python benchmarks/families.py rerank --model FOLDER [--pairs 100]                              against `predict`

Sparse documents have 180 entries of 30,522 on average, queries 30, drawn by Zipf's law; documents of MaxSim have 20 to
250 tokens of 128 numbers, queries 32. The plain way is a product and a partial sort for the first two, `CrossEncoder`'s
own `predict` in batches of 32 for the third. Every score is compared. Seconds are the process's own CPU seconds, as
another program on the machine spoils the clock's.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

VOCABULARY, DIM, SHARD = 30_522, 128, 4096


def zipf_rows(generator: np.random.Generator, count: int, mean: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Entries, ascending, and weights of `count` sparse vectors with about `mean` entries."""
    chances = 1 / (30 + np.arange(VOCABULARY))
    pool = generator.choice(VOCABULARY, (4096, 3 * mean), p=chances / chances.sum())
    entries = [
        np.unique(pool[at % 4096][: max(1, int(generator.normal(1.4 * mean, 0.3 * mean)))]) for at in range(count)
    ]
    return entries, [generator.gamma(2.0, 0.5, len(row)).astype(np.float32) for row in entries]


def sparse_sides(folder: Path, docs: int, queries: int, k: int) -> dict[str, Callable[[], np.ndarray]]:
    """Scores (Q, k) of both ways, best first."""
    from scipy.sparse import csr_matrix

    from retrievers.search import joint_search, joint_store, vector_store
    from retrievers.search.joint_queries import JointQueries
    from retrievers.search.ragged import ragged

    generator = np.random.default_rng(0)
    entries, weights = zipf_rows(generator, docs, 180)
    vector_store.begin(folder, {}, SHARD)
    for number, start in enumerate(range(0, docs, SHARD)):
        rows = ragged(entries[start : start + SHARD])
        fields = joint_store.sparse_fields(rows, np.concatenate(weights[start : start + SHARD]), VOCABULARY)
        ids = [f"d{at:08d}" for at in range(start, start + len(rows.lengths))]
        vector_store.write_shard(folder, number, ids, "", fields)
    vector_store.finish(folder, docs)
    store = joint_store.JointStore(folder)
    asked = np.zeros((queries, VOCABULARY), np.float32)
    for row, places, values in zip(asked, *zipf_rows(generator, queries, 30), strict=True):
        row[places] = values
    halves = np.concatenate(weights).astype(np.float16).astype(np.float32)
    starts = np.concatenate(([0], np.cumsum([len(row) for row in entries])))
    matrix = csr_matrix((halves, np.concatenate(entries), starts), (docs, VOCABULARY))
    asked_csr = csr_matrix(asked)

    def ours() -> np.ndarray:
        empty = np.empty((queries, 0), np.float32)
        return np.stack([scores for _, scores in joint_search.top_k(JointQueries(empty, asked), store, k, "cpu", 1)])

    def plain() -> np.ndarray:
        return _best((matrix @ asked_csr.T).toarray().T, k)

    return {"ours": ours, "scipy CSR": plain}


def maxsim_sides(folder: Path, docs: int, queries: int, k: int) -> dict[str, Callable[[], np.ndarray]]:
    """Scores (Q, k) of both ways, best first."""
    import torch

    from retrievers.search import maxsim, vector_store
    from retrievers.search.ragged import ragged

    generator = np.random.default_rng(0)

    def make(tokens: int) -> np.ndarray:
        rows = generator.standard_normal((tokens, DIM), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    held = [make(int(generator.integers(20, 250))).astype(np.float16) for _ in range(docs)]
    asked = [make(32) for _ in range(queries)]
    vector_store.begin(folder, {}, SHARD)
    for number, start in enumerate(range(0, docs, SHARD)):
        rows = ragged(held[start : start + SHARD])
        ids = [f"d{at:08d}" for at in range(start, start + len(rows.lengths))]
        vector_store.write_shard(folder, number, ids, "", {"vectors": rows})
    vector_store.finish(folder, docs)
    store = vector_store.VectorStore(folder)
    tokens = ragged(held)
    lengths = torch.from_numpy(tokens.lengths.astype(np.int64))
    every = torch.from_numpy(tokens.values.astype(np.float32)).T

    def ours() -> np.ndarray:
        return np.stack([scores for _, scores in maxsim.top_k(asked, store, k, 1)])

    def plain() -> np.ndarray:
        rows = []
        for query in asked:
            similarities = torch.mm(torch.from_numpy(query), every)  # (32, T)
            best = torch.segment_reduce(similarities.T.contiguous(), "max", lengths=lengths, axis=0)
            rows.append(best.sum(1).numpy())
        return _best(np.stack(rows), k)

    return {"ours": ours, "torch, whole": plain}


def rerank_sides(model: str, pairs: int) -> dict[str, Callable[[], np.ndarray]]:
    """Scores (n,) of both ways for texts of the sample."""
    from harness import datasets
    from retrievers.rerank import CrossEncoderScorer

    sample = datasets.load("sample")
    docs = [doc.default_text() for doc in sample.docs()]
    asked = [query.text for query in sample.queries()]
    left, right = ([texts[at % len(texts)] for at in range(pairs)] for texts in (asked, docs))
    scorer = CrossEncoderScorer(model, device="cpu", threads=1)
    both = list(zip(left, right, strict=True))
    own = scorer.own.model
    return {
        "ours": lambda: scorer.score(left, right),
        "predict": lambda: np.asarray(own.predict(both, batch_size=32, show_progress_bar=False)),
    }


def _best(scores: np.ndarray, k: int) -> np.ndarray:
    part = np.partition(-scores, k - 1, axis=1)[:, :k]
    return -np.sort(part, axis=1)


def main() -> None:
    """Print medians, the ratio and the largest difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=("sparse", "maxsim", "rerank"))
    parser.add_argument("--docs", type=int)
    parser.add_argument("--queries", type=int)
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="")
    parser.add_argument("--pairs", type=int, default=100)
    asked = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        docs = asked.docs or {"sparse": 20_000, "maxsim": 2_000, "rerank": 0}[asked.family]
        queries = asked.queries or {"sparse": 300, "maxsim": 50, "rerank": 0}[asked.family]
        make: dict[str, Callable[[], Any]] = {
            "sparse": lambda: sparse_sides(Path(folder), docs, queries, min(asked.k, docs)),
            "maxsim": lambda: maxsim_sides(Path(folder), docs, queries, min(asked.k, docs)),
            "rerank": lambda: rerank_sides(asked.model, asked.pairs),
        }
        sides = make[asked.family]()
        found = {name: side() for name, side in sides.items()}  # compiles, and fills the page cache
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(asked.rounds):
            for name, side in sides.items():
                begun = time.process_time()
                side()
                seconds[name].append(time.process_time() - begun)
    middle = {name: median(times) for name, times in seconds.items()}
    (_, ours), (other, theirs) = found.items()
    print(f"{asked.family}: {docs:,} documents, {queries} queries" if docs else f"{asked.family}: {asked.pairs} pairs")
    for name, value in middle.items():
        print(f"  {name:14} {value:7.2f} CPU s ({min(seconds[name]):.2f} to {max(seconds[name]):.2f})")
    print(
        f"  {other} / ours: {middle[other] / middle['ours']:.2f}; largest difference {np.abs(ours - theirs).max():.1e}"
    )


if __name__ == "__main__":
    main()
