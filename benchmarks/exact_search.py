"""Exact search against beir, sentence-transformers and faiss, and against the matrix product alone.

    python benchmarks/exact_search.py --docs 20000 --queries 300 --rounds 3
    python benchmarks/exact_search.py --docs 100000 --queries 7000 --rounds 3
    python benchmarks/exact_search.py --docs 1000000 --queries 300 --rounds 3

Each side runs in a process of its own, turn about, on the same fp16 vectors on disk (unit length, random directions),
and is timed after imports and a search of other vectors that compiles and warms up: reading the vectors is part of
the time, making ids of row numbers is not. `here` opens a store first, which reads all files to check them: that has a
column of its own. `memory` is the peak of resident memory beyond what the imports take. At the end all results of
`here` are compared, ids and order, with sums in fp64 rounded to fp32 over all pairs (--skip-check leaves it). After
`here` stands the precision that the search does its first product in; auto picks the fastest.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SIDES = ("here auto", "here fp32", "here bf16", "here fp16", "product fp32", "faiss", "sentence-transformers", "beir")
SHARD = 4096


def write_vectors(folder: Path, docs: int, queries: int, dim: int) -> None:
    """The store, its first `SHARD` documents as a small store of its own to warm up with, and the queries."""
    from retrievers.search import vector_store

    draw = np.random.default_rng(0)
    for name, count in (("store", docs), ("small", min(docs, SHARD))):
        vector_store.begin(folder / name, {}, SHARD)
        for number, start in enumerate(range(0, count, SHARD)):
            ids = [f"d{row}" for row in range(start, min(start + SHARD, count))]
            vectors = unit(draw, len(ids), dim).astype(np.float16)
            vector_store.write_shard(folder / name, number, ids, "random", {"vectors": vectors})
        vector_store.finish(folder / name, count)
    np.save(folder / "queries.npy", unit(draw, queries, dim))


def unit(draw: np.random.Generator, count: int, dim: int) -> np.ndarray:
    vectors = draw.standard_normal((count, dim), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def all_vectors(folder: Path) -> np.ndarray:
    """Every vector as fp32 (N, dim), as beir, sentence-transformers and faiss hold them."""
    return np.concatenate([np.load(path).astype(np.float32) for path in sorted(folder.glob("*.vectors.npy"))])


def opened(side: str, folder: Path) -> Any:
    """What `search` takes: the store with its files checked for `here`, else the folder."""
    from retrievers.search.vector_store import VectorStore

    return VectorStore(folder) if side.startswith("here") else folder


def search(side: str, folder: Any, queries: np.ndarray, k: int) -> object:
    name, _, first = side.partition(" ")
    if name == "here":
        from retrievers.search.exact_search import top_k

        return list(top_k(queries, folder, k, device="cpu", first=first))
    if name == "product":
        import torch

        for path in sorted(folder.glob("*.vectors.npy")):
            block = torch.from_numpy(np.load(path)).float()
            for start in range(0, len(queries), 512):
                torch.mm(torch.from_numpy(queries[start : start + 512]), block.T)
        return None
    vectors = all_vectors(folder)
    if name == "faiss":
        import faiss

        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return index.search(queries, min(k, len(vectors)))
    if name == "sentence-transformers":
        from sentence_transformers.util import dot_score, semantic_search

        return semantic_search(queries, vectors, top_k=k, score_function=dot_score)
    from beir.retrieval.search.dense import DenseRetrievalExactSearch

    class Given:
        """Hands out the vectors by row number."""

        def encode_queries(self, texts: list[str], **_: object) -> np.ndarray:
            return queries

        def encode_corpus(self, rows: list[dict], **_: object) -> np.ndarray:
            return vectors[[int(row["text"]) for row in rows]]

    corpus = {f"d{row}": {"text": str(row), "title": ""} for row in range(len(vectors))}
    asked = {f"q{row}": "" for row in range(len(queries))}
    return DenseRetrievalExactSearch(Given(), corpus_chunk_size=50_000).search(corpus, asked, k, "dot")


def child(side: str, folder: Path, k: int, threads: int, keep: bool) -> None:
    """Run one side and print its seconds and its memory in MB."""
    import torch

    if threads:
        torch.set_num_threads(threads)
        if side == "faiss":
            import faiss

            faiss.omp_set_num_threads(threads)
    queries = np.load(folder / "queries.npy")
    search(side, opened(side, folder / "small"), queries[:600], min(k, SHARD))
    before, cpu = current_memory(), time.process_time()
    held = opened(side, folder / "store")
    opening = time.process_time() - cpu
    begun, cpu = time.perf_counter(), time.process_time()
    found = search(side, held, queries, k)
    wall, busy = time.perf_counter() - begun, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{wall} {busy} {peak} {peak - before} {opening}")
    if keep:
        np.save(folder / "rows.npy", np.stack([rows for rows, _ in found]))  # type: ignore[attr-defined]


def run_child(side: str, place: str, options: list[str]) -> list[str]:
    """What a process of its own printed last."""
    command = [sys.executable, __file__, *options, "--child", side, place]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{side} failed:\n{ran.stderr}")
    return ran.stdout.split()[-5:]


def current_memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def check(folder: Path, k: int) -> tuple[int, int]:
    """Queries whose ids and order equal those of fp64 sums over all pairs rounded to fp32, of how many."""
    import torch

    queries, rows = np.load(folder / "queries.npy"), np.load(folder / "rows.npy")
    paths = sorted((folder / "store").glob("*.vectors.npy"))
    equal = 0
    for start in range(0, len(queries), 300):
        part = torch.from_numpy(queries[start : start + 300]).double()
        scores = torch.cat([(part @ torch.from_numpy(np.load(path)).double().T).float() for path in paths], 1)
        for at in range(len(part)):
            top = scores[at].topk(min(k + 50, scores.shape[1]))
            pairs = zip(top.values.tolist(), top.indices.tolist(), strict=True)
            best = sorted(((score, f"d{row}", row) for score, row in pairs), reverse=True)[:k]
            equal += [row for _, _, row in best] == rows[start + at].tolist()
    return equal, len(queries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--skip-check", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child and args.child[0] == "check":
        return print(*check(Path(args.child[1]), args.k))
    if args.child:
        return child(args.child[0], Path(args.child[1]), args.k, args.threads, args.keep)
    measured: dict[str, list[list[float]]] = {side: [] for side in args.sides}
    with tempfile.TemporaryDirectory() as place:
        write_vectors(Path(place), args.docs, args.queries, args.dim)
        for number in range(args.rounds):
            for side in args.sides:
                keep = ["--keep"] if side.startswith("here") and not number else []
                options = ["--k", str(args.k), "--threads", str(args.threads), *keep]
                measured[side].append([float(value) for value in run_child(side, place, options)])
                if keep and not args.skip_check:
                    equal, count = run_child("check", place, ["--k", str(args.k)])
                    print(f"{side}: equal to fp64 sums over all pairs on {equal} of {count} queries", flush=True)
    print(f"{args.docs} documents x {args.dim}, {args.queries} queries, top {args.k}, {args.rounds} rounds")
    print(f"{'':22} wall s  spread  CPU s  peak MB  beyond imports MB  wall/here  CPU/here  opening CPU s")
    medians = {
        side: [statistics.median(column) for column in zip(*runs, strict=True)] for side, runs in measured.items()
    }
    here = medians.get("here auto", next(iter(medians.values())))
    for side, (wall, busy, peak, beyond, opening) in medians.items():
        walls = [run[0] for run in measured[side]]
        print(
            f"{side:22} {wall:6.2f} {max(walls) / min(walls) - 1:7.0%} {busy:6.2f} {peak:8.0f} {beyond:18.0f}"
            f" {wall / here[0]:10.2f} {busy / here[1]:9.2f} {opening:14.2f}"
        )


if __name__ == "__main__":
    main()
