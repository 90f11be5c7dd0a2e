"""Learned sparse search, MaxSim and reranking against the plain way of each, in one process, rounds interleaved.

    python benchmarks/families.py sparse [--docs 20000] [--queries 300] [--k 1000] [--rounds 3]    scipy CSR, Seismic
    python benchmarks/families.py maxsim [--docs 2000] [--queries 50]                              torch.mm, PyLate
    python benchmarks/families.py rerank --model FOLDER [--pairs 100]                              its own `predict`

Sparse documents have 180 entries of 30,522 on average, queries 30, drawn by Zipf's law; documents of MaxSim have 20 to
250 tokens of 128 numbers, queries 32. The plain way is a product and a partial sort for the first two, `CrossEncoder`'s
own `predict` in batches of 32 for the third; `peers.py` has the others, which are left out where they are not there.
Documents and scores are compared. Seconds are the process's own CPU seconds, as another program on the machine spoils
the clock's.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from peers import Found, pylate_sides, seismic_sides

VOCABULARY, DIM, SHARD = 30_522, 128, 4096
NEAR = 1e-2  # scores that differ by more are of an approximate search, and not of rounding


def zipf_rows(generator: np.random.Generator, count: int, mean: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Entries, ascending, and weights of `count` sparse vectors with about `mean` entries."""
    chances = 1 / (30 + np.arange(VOCABULARY))
    pool = generator.choice(VOCABULARY, (4096, 3 * mean), p=chances / chances.sum())
    entries = [
        np.unique(pool[at % 4096][: max(1, int(generator.normal(1.4 * mean, 0.3 * mean)))]) for at in range(count)
    ]
    return entries, [generator.gamma(2.0, 0.5, len(row)).astype(np.float32) for row in entries]


def sparse_sides(folder: Path, docs: int, queries: int, k: int) -> dict[str, Callable[[], Found]]:
    """Rows and scores (Q, k) of each way, best first."""
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
    questions = zipf_rows(generator, queries, 30)
    for row, places, values in zip(asked, *questions, strict=True):
        row[places] = values
    halves = np.concatenate(weights).astype(np.float16).astype(np.float32)
    starts = np.concatenate(([0], np.cumsum([len(row) for row in entries])))
    matrix = csr_matrix((halves, np.concatenate(entries), starts), (docs, VOCABULARY))
    asked_csr = csr_matrix(asked)

    def ours() -> Found:
        empty = np.empty((queries, 0), np.float32)
        return _stacked(joint_search.top_k(JointQueries(empty, asked), store, k, "cpu", 1))

    def plain() -> Found:
        return _best((matrix @ asked_csr.T).toarray().T, k)

    rounded = np.split(halves, starts[1:-1])
    return {"ours": ours, "scipy CSR": plain, **_peer(lambda: seismic_sides(entries, rounded, questions, k))}


def maxsim_sides(folder: Path, docs: int, queries: int, k: int) -> dict[str, Callable[[], Found]]:
    """Rows and scores (Q, k) of each way, best first."""
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

    def ours() -> Found:
        return _stacked(maxsim.top_k(asked, store, k, 1))

    def plain() -> Found:
        rows = []
        for query in asked:
            similarities = torch.mm(torch.from_numpy(query), every)  # (32, T)
            best = torch.segment_reduce(similarities.T.contiguous(), "max", lengths=lengths, axis=0)
            rows.append(best.sum(1).numpy())
        return _best(np.stack(rows), k)

    return {"ours": ours, "torch, whole": plain, **_peer(lambda: pylate_sides(held, asked, k))}


def rerank_sides(model: str, pairs: int) -> dict[str, Callable[[], Found]]:
    """Scores (1, n) of both ways for texts of the sample, in the order of the pairs."""
    from harness import datasets
    from retrievers.rerank import CrossEncoderScorer

    sample = datasets.load("sample")
    docs = [doc.default_text() for doc in sample.docs()]
    asked = [query.text for query in sample.queries()]
    left, right = ([texts[at % len(texts)] for at in range(pairs)] for texts in (asked, docs))
    scorer = CrossEncoderScorer(model, device="cpu", threads=1)
    both = list(zip(left, right, strict=True))
    own = scorer.own.model
    rows = np.arange(pairs)[None]
    return {
        "ours": lambda: (rows, scorer.score(left, right)[None]),
        "predict": lambda: (rows, np.asarray(own.predict(both, batch_size=32, show_progress_bar=False))[None]),
    }


def _stacked(found: Iterable[Found]) -> Found:
    rows, scores = zip(*found, strict=True)
    return np.stack(rows), np.stack(scores)


def _best(scores: np.ndarray, k: int) -> Found:
    rows = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    part = np.take_along_axis(scores, rows, 1)
    order = np.argsort(-part, axis=1)
    return np.take_along_axis(rows, order, 1), np.take_along_axis(part, order, 1)


def _peer(sides: Callable[[], dict[str, Callable[[], Found]]]) -> dict[str, Callable[[], Found]]:
    try:
        return sides()
    except ImportError as error:
        print(f"  left out: {error}")
        return {}


def _agreement(ours: Found, theirs: Found) -> str:
    """How many of our rows the others found; where all, by how much scores differ at most."""
    shares = [len(np.intersect1d(a, b)) / len(a) for a, b in zip(ours[0], theirs[0], strict=True)]
    largest = np.abs(ours[1] - theirs[1]).max()
    exact = f", largest difference {largest:.1e}" if largest < NEAR else ""
    return f"{np.mean(shares):.4f} of our documents found{exact}"


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
    print(f"{asked.family}: {docs:,} documents, {queries} queries" if docs else f"{asked.family}: {asked.pairs} pairs")
    for name, value in middle.items():
        print(f"  {name:14} {value:7.2f} CPU s ({min(seconds[name]):.2f} to {max(seconds[name]):.2f})")
    for name in list(middle)[1:]:
        print(f"  {name} / ours: {middle[name] / middle['ours']:.2f}; {_agreement(found['ours'], found[name])}")


if __name__ == "__main__":
    main()
