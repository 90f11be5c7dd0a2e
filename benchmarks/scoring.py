"""Scoring a run of 6,980 queries x 1,000 documents: here, by pytrec_eval, and by BEIR's EvaluateRetrieval.

    python benchmarks/scoring.py --qrels DIR/msmarco-passage/qrels/dev.tsv.gz

Two claims, each measured on both sides in turn, medians of the rounds:
1. from arrays to per-query scores of eight measures: at most 0.25 s, and ten times as fast as pytrec_eval from a dict;
2. the whole of read, order, score, tie band and cross-check is no slower than EvaluateRetrieval: from the same file,
   and against `EvaluateRetrieval.evaluate` alone, which is handed its dict for nothing.
Without --qrels, judgments are made up like those of MS MARCO dev (1.07 a query).
"""

import argparse
import gzip
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytrec_eval

from harness import runs
from harness.measures.evaluation import DEFAULT_MEASURES, parse_measure, score, values_at
from harness.measures.matching import match
from harness.records import Qrel, Query, ScoredDoc

COLLECTION = 8_841_823  # documents of MS MARCO, whose ids are the numbers from 0
TREC_EVAL = {"ndcg_cut.10", "recip_rank", "map", "recall.100,1000", "P.10"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--qrels", type=Path, help="judgments as query, document, grade; tab separated, gzip, a header")
    parser.add_argument("--queries", type=int, default=6980)
    parser.add_argument("--documents", type=int, default=1000, help="retrieved for each query")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    qrels = read_qrels(arguments.qrels, arguments.queries) if arguments.qrels else made_up(rng, arguments.queries)
    judged: dict[str, dict[str, int]] = {}
    for query_id, doc_id, grade in qrels:
        judged.setdefault(query_id, {})[doc_id] = grade
    queries = [Query(query_id, "") for query_id in judged]
    run = runs.order(search(rng, judged, arguments.documents), queries, arguments.documents)
    measures = [parse_measure(text) for text in DEFAULT_MEASURES]
    print(f"{len(run):,} queries, {run.size:,} documents, {len(qrels):,} judgments, {arguments.rounds} rounds")

    with tempfile.TemporaryDirectory() as folder:
        path, plain = Path(folder) / "run.trec.gz", Path(folder) / "run.trec"
        runs.write(run, path, "made-up")
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        as_dict = {query_id: dict(zip(ids, scores.tolist(), strict=True)) for query_id, ids, scores in run}

        def here() -> np.ndarray:
            matches = match(replace(run), judged)  # a copy that has hashed no id yet
            return values_at(measures, matches, matches.ranks, run.deepest, 1)

        def by_pytrec_eval() -> dict[str, dict[str, float]]:
            return pytrec_eval.RelevanceEvaluator(judged, TREC_EVAL).evaluate(as_dict)

        ours = score(run, qrels).means()
        theirs = by_pytrec_eval().values()
        for name, same in {"map": "map", "ndcg@10": "ndcg_cut_10", "recall@1000": "recall_1000"}.items():
            expected = sum(values[same] for values in theirs) / len(judged)
            assert abs(ours[name] - expected) < 1e-9, (name, ours[name], expected)
        compare("1. arrays to per-query scores", arguments.rounds, {"here": here, "pytrec_eval": by_pytrec_eval})

        from beir.retrieval.evaluation import EvaluateRetrieval

        def by_beir(results: dict[str, dict[str, float]]) -> object:
            return EvaluateRetrieval.evaluate(judged, results, [10, 100, 1000])

        def by_beir_from_file() -> object:
            with open(plain, encoding="utf-8") as file:
                return by_beir(pytrec_eval.parse_run(file))

        whole: dict[str, Callable[[], object]] = {
            "here, from run.trec.gz": lambda: score(runs.read(path), qrels),
            "here, from run.trec": lambda: score(runs.read(plain), qrels),
            "BEIR, from run.trec": by_beir_from_file,
            "BEIR, evaluate alone": lambda: by_beir(as_dict),
        }
        compare("2. read, order, score, cross-check", arguments.rounds, whole)


def compare(title: str, rounds: int, sides: dict[str, Callable[[], object]]) -> None:
    """Run every side once a round; print medians of wall and processor time, their ratios to the first side, spread."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, call in sides.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    medians = {name: [statistics.median(column) for column in zip(*seen, strict=True)] for name, seen in times.items()}
    wall_here, cpu_here = next(iter(medians.values()))
    print(f"{title:<36} {'wall s':>8} {'ratio':>7} {'cpu s':>8} {'ratio':>7}   wall from, to")
    for name, (wall, cpu) in medians.items():
        spread = sorted(seen for seen, _ in times[name])
        ratios = f"{wall:8.3f} {wall / wall_here:7.2f} {cpu:8.3f} {cpu / cpu_here:7.2f}"
        print(f"   {name:<33} {ratios}   {spread[0]:.3f}, {spread[-1]:.3f}")


def search(rng: np.random.Generator, judged: dict[str, dict[str, int]], documents: int) -> Iterator[ScoredDoc]:
    """Random distinct documents with scores like BM25's; one judged document is found for 86 % of the queries."""
    for query_id, grades in judged.items():
        found = list(dict.fromkeys(map(str, rng.integers(0, COLLECTION, documents + 20).tolist())))[:documents]
        relevant = next(iter(grades))
        if rng.random() < 0.86 and relevant not in found:
            found[int(rng.gamma(1, documents / 10)) % len(found)] = relevant
        values = -np.sort(-rng.gamma(5, 3, len(found)).astype(np.float32))
        yield from (ScoredDoc(query_id, doc_id, value) for doc_id, value in zip(found, values.tolist(), strict=True))


def read_qrels(path: Path, queries: int) -> list[Qrel]:
    """The judgments of the first `queries` queries of the file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [line.split() for line in file][1:]
    kept = set(list(dict.fromkeys(row[0] for row in rows))[:queries])
    return [Qrel(query_id, doc_id, int(grade)) for query_id, doc_id, grade in rows if query_id in kept]


def made_up(rng: np.random.Generator, queries: int) -> list[Qrel]:
    """One relevant document a query, and a second one for 7 % of them."""
    pairs = [(f"{1_000_000 + n}", str(rng.integers(COLLECTION))) for n in range(queries)]
    pairs += [(f"{1_000_000 + n}", f"x{n}") for n in range(queries) if rng.random() < 0.07]
    return [Qrel(query_id, doc_id, 1) for query_id, doc_id in sorted(pairs)]


if __name__ == "__main__":
    main()
