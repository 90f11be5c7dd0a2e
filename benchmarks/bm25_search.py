"""Search with BM25 against pyserini's `batch_search`: queries a second, and that documents and scores are the same.

    python benchmarks/bm25_search.py --collection ../shared/collections/scifact --docs 0 --threads 2
    python benchmarks/bm25_search.py --docs 500000 --threads 2

Both sides run in one process and one Java machine, turn about; a first round of each is not counted. BM25's time goes
from queries to `ScoredDoc` records, pyserini's from queries to its own hit objects. Documents tied at the last rank may
differ, since the two cut a tie differently. Processor time is the fairer figure where other work shares the machine.
"""

import argparse
import gc
import gzip
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
from bm25_index import collection_docs, read_files, run_pyserini, synthetic_docs, write_files

from harness.records import Query
from retrievers.bm25 import BM25

Hits = dict[str, list[tuple[str, float]]]
Cost = tuple[float, float]  # seconds by the clock and of processor time


def search_bm25(bm25: BM25, queries: list[Query], k: int) -> tuple[Cost, Hits]:
    start, used = time.perf_counter(), time.process_time()
    scored = list(bm25.search(queries, k))
    seconds = time.perf_counter() - start, time.process_time() - used
    hits: Hits = {query.query_id: [] for query in queries}
    for query_id, doc_id, score in scored:
        hits[query_id].append((doc_id, score))
    return seconds, hits


def search_pyserini(searcher: Any, queries: list[Query], k: int, threads: int) -> tuple[Cost, Hits]:
    texts, ids = [query.text for query in queries], [query.query_id for query in queries]
    start, used = time.perf_counter(), time.process_time()
    found = searcher.batch_search(texts, ids, k=k, threads=threads)
    seconds = time.perf_counter() - start, time.process_time() - used
    return seconds, {query_id: [(hit.docid, hit.score) for hit in hits] for query_id, hits in found.items()}


def differences(ours: Hits, theirs: Hits) -> int:
    """Queries for which a document above the last rank's score is missing on one side, or its score is another's.

    Anserini rounds scores to four decimals and then spaces tied ones by a millionth each: they agree to a thousandth.
    """
    count = 0
    for query_id, hits in ours.items():
        found = dict(theirs[query_id])
        last = hits[-1][1] + 1e-3 if hits else 0.0
        same = len(hits) == len(found) and all(
            abs(found.get(doc_id, 0.0) - score) < 1e-3 for doc_id, score in hits if score > last
        )
        count += not same
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collection", type=Path, default=Path("../shared/collections/scifact"))
    parser.add_argument("--docs", type=int, default=0, help="0: the collection itself; else so many drawn from it")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    k, threads = arguments.k, arguments.threads
    with gzip.open(arguments.collection / "queries.jsonl.gz", "rb") as lines:
        queries = [Query(row["_id"], row["text"]) for row in map(orjson.loads, lines)][: arguments.queries]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        docs = arguments.docs and synthetic_docs(arguments.collection, arguments.docs)
        count = write_files(folder / "corpus", docs or collection_docs(arguments.collection), threads)
        BM25(threads=threads).index(read_files(folder / "corpus"), folder / "bm25")
        run_pyserini(folder / "corpus", folder / "pyserini", threads)
        bm25 = BM25(threads=threads)
        bm25.load(folder / "bm25")
        os.environ.setdefault("OPENAI_API_KEY", "unused")  # pyserini builds a client when it is imported
        from pyserini.search.lucene import LuceneSearcher

        searcher = LuceneSearcher(str(folder / "pyserini"))
        searcher.set_bm25(bm25.k1, bm25.b)
        print(f"{count:,} documents, {len(queries)} queries, k={k}, {threads} threads")
        gc.freeze()  # so that the collector does not walk through pyserini's hundred packages in either side's time
        costs: dict[str, list[Cost]] = {"pyserini": [], "bm25": []}
        for turn in range(arguments.rounds + 1):
            their_cost, theirs = search_pyserini(searcher, queries, k, threads)
            our_cost, ours = search_bm25(bm25, queries, k)
            if turn:
                costs["pyserini"].append(their_cost)
                costs["bm25"].append(our_cost)
        different = differences(ours, theirs)
    medians = {}
    for side, rows in costs.items():
        medians[side] = clock, processor = [statistics.median(column) for column in zip(*rows, strict=True)]
        n, rates = len(queries), ", ".join(f"{len(queries) / row[0]:.0f}" for row in rows)
        print(f"{side:9} {n / clock:6.0f} queries/s ({rates}), {1e3 * processor / n:.2f} ms of processor a query")
    clock, processor = (medians["pyserini"][column] / medians["bm25"][column] for column in (0, 1))
    print(f"BM25 is {clock:.1f} times as fast by the clock, {processor:.1f} times by processor time")
    print(f"queries whose documents or scores differ, ties at the last rank aside: {different} of {len(queries)}")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
