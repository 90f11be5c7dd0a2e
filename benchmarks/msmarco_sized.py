"""A collection as large as MS MARCO through the whole line: documents, index, exact search, run file, scores.

    python benchmarks/msmarco_sized.py --docs 10000 100000 1000000 --queries 300
    python benchmarks/msmarco_sized.py --docs 8841823 --dim 384 --queries 6980 --work /big/disk
    python benchmarks/msmarco_sized.py --docs 8841823 --dim 768 --queries 6980 --work /big/disk
    python benchmarks/msmarco_sized.py --docs 1000000 --retriever bm25

Documents are short made-up texts in BEIR layout; each vector is a fixed function of the document's number, a query is
the vector of its relevant document with noise. Each size is one `beir-harness run` in a process of its own: `RSS` is
its peak of resident memory, times and sizes are those of its manifest. `limit` is the share that the bare matrix
product of all pairs would take of the time of searching, measured here with as many threads.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PLUGIN = '''
import numpy as np

A, B = 4099, 4093  # A x B documents at most


class Synthetic:
    """Vectors that are a function of the number in the text."""

    def __init__(self, dim: int = 384, noise: float = 1.0):
        draw = np.random.default_rng(0)
        self.tables = [draw.standard_normal((rows, dim), dtype=np.float32) for rows in (A, B)]
        self.dim, self.noise = dim, noise

    def _vectors(self, texts):
        numbers = np.array([int(text.split(" ", 2)[1]) for text in texts])
        return self.tables[0][numbers % A] + self.tables[1][numbers // A % B]

    def encode_docs(self, texts):
        return self._vectors(texts)

    def encode_queries(self, texts):
        draw = np.random.default_rng(1)
        return self._vectors(texts) + self.noise * draw.standard_normal((len(texts), self.dim), dtype=np.float32)
'''
WORDS = [f"w{number}" for number in range(20_000)]


def write_collection(folder: Path, docs: int, queries: int) -> None:
    """`docs` documents of ten words; `queries` queries, each with the number and four words of its one document."""
    (folder / "qrels").mkdir(parents=True)
    draw = np.random.default_rng(2)
    relevant = np.sort(draw.choice(docs, min(queries, docs), replace=False)).tolist()
    asked, wanted = list[str](), set(relevant)
    with (folder / "corpus.jsonl").open("w") as file:
        for start in range(0, docs, 50_000):
            count = min(50_000, docs - start)
            words = (draw.zipf(1.2, (count, 10)) % len(WORDS)).tolist()
            for number, row in enumerate(words, start):
                text = f"document {number} " + " ".join([WORDS[word] for word in row])
                if number in wanted:
                    asked.append(f"query {number} " + " ".join([WORDS[word] for word in row[:4]]))
                file.write(f'{{"_id": "{number}", "title": "", "text": "{text}"}}\n')
    with (folder / "queries.jsonl").open("w") as file, (folder / "qrels" / "test.tsv").open("w") as qrels:
        qrels.write("query-id\tcorpus-id\tscore\n")
        for number, (doc, text) in enumerate(zip(relevant, asked, strict=True)):
            file.write(f'{{"_id": "q{number}", "text": "{text}"}}\n')
            qrels.write(f"q{number}\t{doc}\t1\n")


def product_seconds(docs: int, queries: int, dim: int) -> float:
    """Seconds that the bare fp32 products of all pairs take, from a part of them."""
    import torch

    block, some = torch.randn(16384, dim), torch.randn(min(queries, 4096), dim)
    some @ block.T
    start = time.perf_counter()
    for _ in range(5):
        some @ block.T
    return (time.perf_counter() - start) / 5 * (docs / len(block)) * (queries / len(some))


def run(work: Path, a: argparse.Namespace, docs: int) -> dict[str, float]:
    """One size through `beir-harness run`; the figures of its manifest, and its peak of memory in MB."""
    data, results = work / f"synthetic-{docs}", work / "results"
    if not data.exists():
        write_collection(data, docs, a.queries)
    (work / "synthetic.py").write_text(PLUGIN)
    dense = [f"{work / 'synthetic.py'}:Synthetic", "--set", f"dim={a.dim}"]
    system = dense if a.retriever == "dense" else ["bm25"]
    command = [str(Path(sys.executable).with_name("beir-harness")), "run", *system, "--tag", "system"]
    command += ["--dataset", str(data), "--results", str(results), "--overwrite"]
    environment = os.environ | {"BEIR_HARNESS_CACHE": str(work / "cache")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    body = json.loads((results / "runs" / "system" / data.name / "manifest.json").read_text())
    index, search = body["costs"]["index"], body["costs"]["search"]
    shutil.rmtree(work / "cache", ignore_errors=True)
    return {
        "index": index["wall_s"],
        "search": search["wall_s"],
        "search_cpu": search["cpu_s"],
        "rss": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "disk": index["index_bytes"] / 1e9,
        "score": body["scores"][body["primary_measure"]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--retriever", choices=("dense", "bm25"), default="dense")
    parser.add_argument("--work", type=Path, help="folder for collection and vectors (default: a temporary one)")
    a = parser.parse_args()
    width = f" x {a.dim} fp16" if a.retriever == "dense" else ""
    print(f"{a.retriever}{width}, {a.queries} queries, top 1000", flush=True)
    print(f"{'documents':>10}{'index s':>9}{'docs/s':>9}{'search s':>10}{'CPU s':>8}{'queries/s':>11}"
          f"{'limit':>7}{'RSS MB':>8}{'disk GB':>9}{'nDCG@10':>9}")  # fmt: skip
    with tempfile.TemporaryDirectory(dir=a.work) as folder:
        for docs in sorted(a.docs):  # ascending: the peak is that of the largest so far
            one = run(Path(folder), a, docs)
            limit = product_seconds(docs, a.queries, a.dim) / one["search"] if a.retriever == "dense" else float("nan")
            print(f"{docs:>10}{one['index']:>9.1f}{docs / one['index']:>9.0f}{one['search']:>10.1f}"
                  f"{one['search_cpu']:>8.1f}{a.queries / one['search']:>11.1f}{limit:>7.0%}{one['rss']:>8.0f}"
                  f"{one['disk']:>9.2f}{one['score']:>9.4f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
