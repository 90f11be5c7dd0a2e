"""Indexing with BM25 against `python -m pyserini.index.lucene`: time, processor time, memory and size of the index.

    python benchmarks/bm25_index.py --collection ../shared/collections/scifact --docs 50000 --threads 2 --rounds 3

The documents are the collection's own where `--docs` is 0, else that many made of its titles and sentences. Each side
runs in a process of its own, turn about, and is timed after Python's imports; both read the same JSON lines, one file
a thread as pyserini needs it. Pyserini gets Java the way BM25 does, since its own start fails on a Java without the
incubator module.
"""

import argparse
import gzip
import json
import random
import re
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson

from harness.records import Doc
from retrievers.anserini import java
from retrievers.bm25 import BM25

SIDES = ("pyserini", "bm25")


def collection_docs(folder: Path) -> Iterator[Doc]:
    """The documents of a collection in BEIR layout."""
    with gzip.open(folder / "corpus.jsonl.gz", "rb") as lines:
        for row in map(orjson.loads, lines):
            yield Doc(row["_id"], row["text"], row.get("title", ""))


def synthetic_docs(folder: Path, count: int) -> Iterator[Doc]:
    """`count` documents of 1 to 15 sentences drawn from the collection in `folder`; the same ones every time."""
    docs, draw = list(collection_docs(folder)), random.Random(0)
    sentences = [part for doc in docs for part in re.split(r"(?<=[.!?])\s+", doc.text) if part]
    for number in range(count):
        text = " ".join(draw.choices(sentences, k=draw.randint(1, 15)))
        yield Doc(f"{draw.randrange(10**6)}-{number}", text, draw.choice(docs).title)


def write_files(folder: Path, docs: Iterator[Doc], parts: int) -> int:
    """Write the documents turn about into `parts` files of JSON lines; return how many there were."""
    folder.mkdir()
    count = 0
    with ExitStack() as stack:
        files = [stack.enter_context(open(folder / f"{number}.jsonl", "w")) for number in range(parts)]
        for count, doc in enumerate(docs, 1):
            row = {"_id": doc.doc_id, "title": doc.title, "text": doc.text, "metadata": {}}
            files[count % parts].write(json.dumps(row) + "\n")
    return count


def read_files(folder: Path) -> Iterator[Doc]:
    """The documents of `write_files`."""
    for path in sorted(folder.iterdir()):
        with open(path, "rb") as lines:
            for row in map(orjson.loads, lines):
                yield Doc(row["_id"], row["text"], row["title"])


def run_pyserini(corpus: Path, index: Path, threads: int) -> None:
    """What `python -m pyserini.index.lucene` does."""
    java.start("2g")
    options = {"collection": "BeirFlatCollection", "generator": "DefaultLuceneDocumentGenerator", "threads": threads}
    pairs = [(f"--{name}", str(value)) for name, value in {**options, "input": corpus, "index": index}.items()]
    sys.argv[1:] = [part for pair in pairs for part in pair]
    runpy.run_path(str(java.anserini_jar().parents[2] / "index" / "lucene" / "__main__.py"), run_name="__main__")


def one_side(side: str, corpus: Path, index: Path, threads: int) -> None:
    """Index once and print the seconds and processor seconds it took."""
    start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    if side == "pyserini":
        run_pyserini(corpus, index, threads)
    else:
        BM25(threads=threads).index(read_files(corpus), index)
    now = resource.getrusage(resource.RUSAGE_SELF)
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    print(json.dumps([time.perf_counter() - start, processor, now.ru_maxrss / 1024]))


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collection", type=Path, default=Path("../shared/collections/scifact"))
    parser.add_argument("--docs", type=int, default=20_000, help="0: the collection itself")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side, corpus, index = arguments.side
        return one_side(side, Path(corpus), Path(index), arguments.threads)

    measured: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        docs = arguments.docs and synthetic_docs(arguments.collection, arguments.docs)
        count = write_files(Path(folder) / "corpus", docs or collection_docs(arguments.collection), arguments.threads)
        print(f"{count:,} documents, {size_mb(Path(folder) / 'corpus'):.0f} MB, {arguments.threads} threads")
        for turn in range(arguments.rounds):
            for side in SIDES if turn % 2 == 0 else SIDES[::-1]:
                index = Path(folder) / f"{side}-{turn}"
                command = [sys.executable, __file__, "--threads", str(arguments.threads)]
                command += ["--side", side, str(Path(folder) / "corpus"), str(index)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                measured[side].append([*json.loads(done.stdout.splitlines()[-1]), size_mb(index)])
    medians = {
        side: [statistics.median(column) for column in zip(*rows, strict=True)] for side, rows in measured.items()
    }
    for side in SIDES:
        spread = ", ".join(f"{row[0]:.1f}" for row in measured[side])
        seconds, processor, memory, size = medians[side]
        print(
            f"{side:9} {seconds:6.1f} s ({spread})  {processor:6.1f} processor s  {memory:5.0f} MB  index {size:.1f} MB"
        )
    wall, processor = (medians["pyserini"][column] / medians["bm25"][column] for column in (0, 1))
    print(f"BM25 is {wall:.2f} times as fast by the clock, {processor:.2f} times by processor seconds")


if __name__ == "__main__":
    main()
