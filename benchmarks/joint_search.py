"""The exact joint search against the exact dense search of 768 dimensions, and against a product of scipy.

    python benchmarks/joint_search.py [--docs 100000] [--queries 300] [--k 1000] [--rounds 3] [--activation log1p_relu]

Both stores are on disk as the index leaves them: d' = 384 and 384 entries of 30522 in fp16 against 768 dimensions in
fp16. Documents' entries follow Zipf's law (those of 8,192 documents, used in turn), weights and queries are random:
with log1p_relu about a tenth of a query's vocabulary is not 0, with raw all of it. The searches are timed in turn, in
one process. scipy's side (CSR matrix x vocabulary vectors, dense product, argpartition; fp32) takes `--scipy-docs`
documents and is scaled up, as the whole needs minutes. For `--checked` queries every score is compared to Eq. 12 by
brute force in float64.
"""

import argparse
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

VOCABULARY, ENTRIES, DIM = 30522, 384, 384
SHARD = 8192


def zipf_entries(generator: np.random.Generator) -> np.ndarray:
    """Entries (SHARD, ENTRIES), ascending, drawn without replacement with chances 1 / (30 + rank)."""
    chances = np.log(1 / (30 + generator.permutation(VOCABULARY)))
    rows = [np.argpartition(-(chances + generator.gumbel(size=VOCABULARY)), ENTRIES)[:ENTRIES] for _ in range(SHARD)]
    return np.sort(np.array(rows), axis=1)


def vocabulary_values(generator: np.random.Generator, shape: tuple[int, int], activation: str) -> np.ndarray:
    """Values as an untrained head may have them: the level of raw logits is arbitrary, about -4 here."""
    raw = generator.standard_normal(shape, dtype=np.float32) * 3 - 4
    return raw if activation == "raw" else np.log1p(np.maximum(raw, 0))


def make_stores(folder: Path, docs: int, activation: str) -> tuple[Any, Any]:
    """The joint store and the dense store of 768 dimensions."""
    from retrievers.search import joint_store, vector_store

    generator = np.random.default_rng(0)
    entries = zipf_entries(generator)
    for name in ("joint", "dense"):
        vector_store.begin(folder / name, {}, SHARD)
    for number, start in enumerate(range(0, docs, SHARD)):
        here = min(SHARD, docs - start)
        ids = [f"doc{row:08d}" for row in range(start, start + here)]
        weights = generator.standard_normal((here, ENTRIES), dtype=np.float32) + 3  # the largest, all positive
        if activation != "raw":
            weights = np.log1p(np.maximum(weights, 0))
        vectors = generator.standard_normal((here, 768), dtype=np.float32) / 768**0.5
        fields = joint_store.fields(vectors[:, :DIM], entries[:here], weights, VOCABULARY)
        vector_store.write_shard(folder / "joint", number, ids, "", fields)
        vector_store.write_shard(folder / "dense", number, ids, "", {"vectors": vectors.astype(np.float16)})
    for name in ("joint", "dense"):
        vector_store.finish(folder / name, docs)
    return joint_store.JointStore(folder / "joint"), vector_store.VectorStore(folder / "dense")


def whole(store: Any, field: str, docs: int) -> np.ndarray:
    """The rows of a field of the first documents, at least `docs` of them where there are as many."""
    shards = store.shards[: -(-docs // SHARD)]
    return np.concatenate([np.asarray(shard.field(field)) for shard in shards])[:docs]


def scipy_search(store: Any, queries: Any, docs: int, k: int) -> Callable[[], object]:
    """The search of the first `docs` documents by scipy and numpy; the matrices are made beforehand."""
    from scipy.sparse import csr_array

    entries, weights = whole(store, "entries", docs), whole(store, "weights", docs).astype(np.float32)
    starts = np.arange(0, entries.size + 1, ENTRIES)
    matrix = csr_array((weights.ravel(), entries.ravel().astype(np.int32), starts), (len(entries), VOCABULARY))
    dense = whole(store, "vectors", docs).astype(np.float32)
    turned = np.ascontiguousarray(queries.vocabulary.T)  # (V, Q)

    def search() -> np.ndarray:
        scores = matrix @ turned + dense @ queries.dense.T  # (N, Q)
        return np.argpartition(-scores, min(k, len(scores)) - 1, axis=0)[:k]

    return search


def brute_force(store: Any, queries: Any, number: int) -> np.ndarray:
    """Eq. 12 for one query and every document, in float64, rounded to fp32."""
    dense, vocabulary = queries.dense[number].astype(np.float64), queries.vocabulary[number].astype(np.float64)
    parts = [
        np.asarray(shard.field()).astype(np.float64) @ dense
        + np.einsum("nk,nk->n", vocabulary[shard.field("entries")], shard.field("weights").astype(np.float64))
        for shard in store.shards
    ]
    return np.concatenate(parts).astype(np.float32)


def differences(store: Any, queries: Any, found: list, k: int, checked: int) -> tuple[int, float]:
    """Of some queries: wrong documents (beyond what rounding decides), and the largest relative error of a score."""
    wrong, error = 0, 0.0
    for number in range(min(checked, len(found))):
        rows, scores = found[number]
        exact = brute_force(store, queries, number)
        kth = np.sort(exact)[::-1][k - 1]
        wrong += int((exact[rows] < kth - 1e-6 * abs(kth)).sum()) + (len(set(rows.tolist())) != k)
        error = max(error, float(np.abs(scores / exact[rows] - 1).max()))
    return wrong, error


class Resident:
    """The largest memory of this process that is no mapped file, in MB, while the context lasts."""

    def __enter__(self) -> "Resident":
        self.most, self._stop = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(0.02):
            memory = process.memory_info()
            self.most = max(self.most, (memory.rss - memory.shared) / 1e6)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def main() -> None:
    """Run the benchmark and print medians, spreads, ratios and differences from brute force."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--activation", choices=["raw", "log1p_relu"], default="log1p_relu")
    parser.add_argument("--scipy-docs", type=int, default=20_000)
    parser.add_argument("--checked", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    from retrievers.search import exact_search, joint_search
    from retrievers.search.joint_queries import JointQueries

    generator = np.random.default_rng(1)
    dense = generator.standard_normal((arguments.queries, 768), dtype=np.float32)
    queries = JointQueries(
        np.ascontiguousarray(dense[:, :DIM]),
        vocabulary_values(generator, (arguments.queries, VOCABULARY), arguments.activation),
    )
    with TemporaryDirectory() as folder:
        joint, vectors = make_stores(Path(folder), arguments.docs, arguments.activation)
        part = min(arguments.scipy_docs, arguments.docs)
        k = min(arguments.k, arguments.docs)
        sides: dict[str, Callable[[], Any]] = {
            "joint": lambda: list(joint_search.top_k(queries, joint, k, arguments.device)),
            "dense 768": lambda: list(exact_search.top_k(dense, vectors, k, arguments.device)),
            "scipy, scaled": scipy_search(joint, queries, part, k),
        }
        for side in sides.values():  # compiles, and fills the page cache
            side()
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        memory = 0.0
        for _ in range(arguments.rounds):
            for name, side in sides.items():
                scale = arguments.docs / part if name.startswith("scipy") else 1.0
                start, cpu = time.perf_counter(), time.process_time()
                if name == "joint":
                    with Resident() as resident:
                        found = side()
                    memory = max(memory, resident.most)
                else:
                    side()
                times[name].append((scale * (time.perf_counter() - start), scale * (time.process_time() - cpu)))
        base = [median(column) for column in zip(*times["dense 768"], strict=True)]
        print(f"{arguments.docs:,} documents, {arguments.queries} queries, top {k}, {arguments.activation}")
        for name, seconds in times.items():
            wall, cpu = (median(column) for column in zip(*seconds, strict=True))
            spread = f"{min(s for s, _ in seconds):.2f} to {max(s for s, _ in seconds):.2f}"
            print(
                f"{name:14} {wall:8.2f} s ({spread}), {cpu:8.2f} CPU s;"
                f" {wall / base[0]:5.2f} x dense by the clock, {cpu / base[1]:5.2f} x by CPU"
            )
        wrong, error = differences(joint, queries, found, k, arguments.checked)
        print(f"against Eq. 12 by brute force: {wrong} wrong documents, scores off by {error:.1e} at most")
        print(f"memory beside mapped files: {memory:,.0f} MB")


if __name__ == "__main__":
    main()
