"""Fusing two runs against ranx: seconds per thousand queries, and whether the order depends on Python's hash seed.

    python benchmarks/fusion.py --queries 20 --depth 1000 --rounds 3

Both sides get the same runs in memory and give doc_ids and scores back; ranx's compilation is left out by one fusion
before the first round. The hash seed is asked about in processes of their own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

import numpy as np

METHODS = {"rrf": {}, "wsum": {"weights": [0.4, 0.6]}, "mnz": {}, "bordafuse": {}, "condorcet": {}}


def random_runs(queries: int, depth: int) -> list[dict[str, dict[str, float]]]:
    """Two runs that share a third of their documents."""
    rng = np.random.default_rng(0)

    def ranking() -> dict[str, float]:
        scores = np.sort(rng.random(depth))[::-1].tolist()
        return {f"doc{doc}": score for doc, score in zip(rng.choice(3 * depth, depth, False), scores, strict=True)}

    return [{f"q{query}": ranking() for query in range(queries)} for _ in range(2)]


def with_ranx(runs: list, method: str) -> dict[str, list[str]]:
    """doc_ids by query, best first."""
    from ranx import fuse

    fused = fuse(runs, "min-max", method, dict(METHODS[method]))
    return {query_id: list(dict(docs)) for query_id, docs in fused.run.items()}


def with_ours(runs: list, method: str) -> dict[str, list[str]]:
    """doc_ids by query, best first."""
    from retrievers.fusing.fusion_norms import pool
    from retrievers.fusing.fusion_params import prepare

    found = {}
    fuse = prepare(method, METHODS[method], len(runs))
    for query_id in runs[0]:
        doc_ids, pooled = pool(
            [(list(run[query_id]), np.array(list(run[query_id].values()))) for run in runs], "min-max"
        )
        order = np.argsort(-fuse(pooled).astype(np.float32), kind="stable")
        found[query_id] = [doc_ids[at] for at in order.tolist()]
    return found


def orders_by_seed(side: str) -> int:
    """How many different orders of Condorcet come of four hash seeds."""
    seen = set()
    for seed in range(4):
        command = [sys.executable, "-W", "ignore", __file__, "--print-order", side]
        environment = os.environ | {"PYTHONHASHSEED": str(seed)}
        seen.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    return len(seen)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--depth", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--print-order", choices=("ranx", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    from ranx import Run

    if options.print_order:
        runs = random_runs(1, 20)
        ours = options.print_order == "ours"
        print(with_ours(runs, "condorcet") if ours else with_ranx([Run(run) for run in runs], "condorcet"))
        return
    runs = random_runs(options.queries, options.depth)
    theirs = [Run(run) for run in runs]
    print(f"{options.queries} queries, 2 runs of depth {options.depth}, median of {options.rounds} rounds")
    for method in METHODS:
        with_ranx([Run(run) for run in random_runs(2, 10)], method)
        seconds: dict[str, list[float]] = {"ranx": [], "ours": []}
        for _ in range(options.rounds):
            for side, work, given in (("ranx", with_ranx, theirs), ("ours", with_ours, runs)):
                start = time.perf_counter()
                work(given, method)
                seconds[side].append(time.perf_counter() - start)
        ranx, ours = (statistics.median(seconds[side]) * 1000 / options.queries for side in ("ranx", "ours"))
        print(
            f"{method:>10}: ranx {ranx:8.2f} s, here {ours:6.2f} s per 1,000 queries: {ranx / ours:.1f} times as fast"
        )
    print(f"orders of Condorcet under four hash seeds: ranx {orders_by_seed('ranx')}, here {orders_by_seed('ours')}")


if __name__ == "__main__":
    main()
