"""Our permutation test against ranx's "fisher": 5 runs, 6,980 queries, every pair, the same number of permutations.

    python benchmarks/permutation.py [--queries 6980] [--runs 5] [--permutations 1000] [--rounds 3]

Four things are timed in turn, in one process, after a warm-up that compiles the kernels: ours (all pairs from arrays)
with as many permutations, and with as many as a table wants (up to ten million, until p is sure to half a per cent);
ranx's fisher kernel on the same arrays (each pair once), and `ranx.compare` with "fisher" (it also evaluates the runs,
and tests each pair twice). Then every p is compared, with the Monte-Carlo error of both.
"""

import argparse
import time
from collections.abc import Callable
from itertools import combinations
from statistics import median

import numpy as np


def made_runs(queries: int, runs: int) -> tuple[dict, list[dict]]:
    """One relevant document per query; each run puts it at a rank of 1 to 20, some runs a little higher than others."""
    generator = np.random.default_rng(0)
    qrels = {f"q{query}": {"d0": 1} for query in range(queries)}
    made = []
    base = generator.integers(0, 20, queries)
    for run in range(runs):
        moved = np.clip(base + generator.integers(-4, 5, queries) - (generator.random(queries) < 0.004 * run), 0, 19)
        made.append(
            {f"q{q}": {f"d{1 + i if i != rank else 0}": 20.0 - i for i in range(20)} for q, rank in enumerate(moved)}
        )
    return qrels, made


def timed(call: Callable[[], object]) -> tuple[float, object]:
    """Seconds and result of one call."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def main() -> None:
    """Run the benchmark and print medians, spreads, ratios and the largest difference of p."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=6980)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    import ranx
    from ranx.statistical_tests import fisher_randomization_test

    from harness.statistics.significance import permutation

    qrels_dict, run_dicts = made_runs(arguments.queries, arguments.runs)
    qrels = ranx.Qrels(qrels_dict)
    runs = [ranx.Run(run, name=f"run{number}") for number, run in enumerate(run_dicts)]
    scores = np.stack([ranx.evaluate(qrels, run, "mrr@10", return_mean=False) for run in runs], axis=1)
    left, right = (list(side) for side in zip(*combinations(range(arguments.runs), 2), strict=True))
    columns = [np.ascontiguousarray(column) for column in scores.T]
    n = arguments.permutations
    sides = {
        "ours": lambda: permutation(scores, left, right, seed=1, draws=n, enough=n + 1),
        "ours as tables have it": lambda: permutation(scores, left, right, seed=1),
        "ranx fisher kernel": lambda: [
            fisher_randomization_test(columns[i], columns[j], n)[0] for i, j in zip(left, right, strict=True)
        ],
        "ranx.compare fisher": lambda: ranx.compare(qrels, runs, ["mrr@10"], stat_test="fisher", n_permutations=n),
    }
    permutation(scores, left, right, seed=1, draws=2)  # compiles
    fisher_randomization_test(columns[0], columns[1], 2)
    ranx.compare(qrels, runs[:2], ["mrr@10"], stat_test="fisher", n_permutations=2)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    found: dict[str, object] = {}
    for _ in range(arguments.rounds):
        for name, call in sides.items():
            spent, found[name] = timed(call)
            seconds[name].append(spent)
    print(f"{arguments.queries} queries, {len(left)} pairs, {n} permutations, {arguments.rounds} rounds")
    ours = median(seconds["ours"])
    for name, spent in seconds.items():
        print(
            f"{name:<22} median {median(spent):8.3f} s  ({min(spent):.3f} to {max(spent):.3f})  "
            f"{median(spent) / ours:6.1f} x ours"
        )
    mine, theirs = found["ours"][0], np.asarray(found["ranx fisher kernel"])
    pooled = (mine + theirs) / 2
    error = np.sqrt(2 * pooled * (1 - pooled) / n) + 1 / n
    worst = np.abs((mine - theirs) / error).max()
    print("p ours", np.array2string(mine, precision=3), "\np ranx", np.array2string(theirs, precision=3))
    print(f"largest difference of p: {worst:.2f} Monte-Carlo standard errors (4 is the limit)")


if __name__ == "__main__":
    main()
