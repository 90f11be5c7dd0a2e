"""Faults injected into a run of several systems on several datasets: how many it survives, and what is lost.

    python benchmarks/faults.py --kills 100 --stops 20 --damages 40
    python benchmarks/faults.py --kills 100 --all        (BM25 and a dense retriever too)

Kills are SIGKILL, stops SIGTERM and SIGINT, at random moments of a run; the run is begun again until it is done, then a
new one in an empty folder. Damages change, cut or remove one file of a finished run: of an index, a result or its
provenance; the run is begun again. Lost is whatever differs in the end from an uninterrupted run (scores and run files,
byte for byte), a finished result that is gone after a fault, damage that nobody has told, and a status that fails.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from harness.running import status

SYSTEMS = """
datasets = ["{place}/one", "{place}/two"]
[[system]]
retriever = "{place}/plugins.py:Overlap"
tag = "overlap"
[[system]]
retriever = "{place}/plugins.py:Overlap"
tag = "capitals"
arguments = {{ upper = true }}
[[system]]
retriever = "fusion"
tag = "fused"
arguments = {{ systems = ["capitals", "overlap"] }}
"""
MORE = """
[[system]]
retriever = "bm25"
tag = "bm25"
[[system]]
retriever = "{place}/plugins.py:Words"
tag = "dense"
"""
PLUGINS = """
import json, zlib
import numpy as np

class Overlap:
    runtime = frozenset()
    def __init__(self, upper: bool = False):
        self.upper = upper
    def index(self, docs, folder):
        with open(folder / "words.jsonl", "w") as file:
            for doc in docs:
                text = doc.default_text().upper() if self.upper else doc.default_text()
                print(json.dumps([doc.doc_id, sorted(set(text.split()))]), file=file)
    def load(self, folder):
        self.docs = [(i, set(w)) for i, w in map(json.loads, open(folder / "words.jsonl"))]
    def search(self, queries, k):
        for query in queries:
            words = set((query.text.upper() if self.upper else query.text).split())
            found = sorted(((len(words & own), i) for i, own in self.docs if words & own), reverse=True)
            yield from ((query.query_id, i, score) for score, i in found[:k])

class Words:
    def encode_queries(self, texts): return self.encode_docs(texts)
    def encode_docs(self, texts):
        vectors = np.zeros((len(texts), 32), np.float32)
        for row, text in zip(vectors, texts):
            for word in text.split():
                row[zlib.crc32(word.encode()) % 32] += 1
        return vectors
"""


def write_datasets(place: Path, docs: int) -> None:
    """Two collections of random words."""
    draw = random.Random(0)
    for name in ("one", "two"):
        (place / name / "qrels").mkdir(parents=True)
        words = [f"w{number}" for number in range(200)]
        corpus = [{"_id": f"d{n}", "title": "", "text": " ".join(draw.choices(words, k=20))} for n in range(docs)]
        queries = [{"_id": f"q{n}", "text": " ".join(draw.choices(words, k=4))} for n in range(20)]
        for file, rows in (("corpus", corpus), ("queries", queries)):
            (place / name / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        lines = "".join(f"q{n}\td{draw.randrange(docs)}\t1\n" for n in range(20))
        (place / name / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + lines)


class Field:
    """A folder with what every run needs, and runs in numbered folders below it."""

    def __init__(self, place: Path, seed: int, docs: int, more: bool) -> None:
        self.place, self.draw = place, random.Random(seed)
        self.injected: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        write_datasets(place, docs)
        (place / "plugins.py").write_text(PLUGINS)
        (place / "suite.toml").write_text((SYSTEMS + MORE * more).format(place=place))
        self.number = 0
        self.run(self.fresh())  # compiles and caches
        start = time.monotonic()
        self.run(self.fresh())
        self.whole_s = time.monotonic() - start
        self.expected = self.outputs()
        if len(self.expected) != (40 if more else 24):
            raise SystemExit(f"the uninterrupted run did not finish: {sorted(self.expected)}")

    def fresh(self) -> Path:
        """The folder of the next run."""
        self.number += 1
        self.home = self.place / str(self.number)
        return self.home

    def start(self, home: Path) -> subprocess.Popen:
        words = ["run", "--suite", str(self.place / "suite.toml"), "--results", str(home / "results"), "--k", "50"]
        environment = os.environ | {"BEIR_HARNESS_CACHE": str(home / "cache")}
        environment["NUMBA_CACHE_DIR"] = os.environ.get("NUMBA_CACHE_DIR", str(self.place / "numba"))
        command = [sys.executable, "-m", "harness", *words]
        return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, text=True)

    def run(self, home: Path) -> str:
        """To the end; what it said."""
        child = self.start(home)
        said = child.communicate()[1]
        if child.returncode:
            self.lose("a run that was to finish failed", said)
        return said

    def outputs(self) -> dict[str, bytes]:
        """Scores and runs of the finished results of the present run."""
        folder = self.home / "results" / "runs"
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for done in sorted(folder.glob("*/*/manifest.json"))
            for path in sorted(done.parent.glob("*.gz"))
        }

    def compare(self, kind: str) -> None:
        found = self.outputs()
        wrong = [name for name in self.expected if found.get(name) != self.expected[name]]
        if wrong:
            self.lose(kind, f"differ from the uninterrupted run: {wrong}")

    def lose(self, kind: str, what: str) -> None:
        self.lost[kind] += 1
        print(f"LOST ({kind}, run {self.number}): {what}", flush=True)


def signals(field: Field, count: int, kinds: list[signal.Signals]) -> None:
    """Stop runs at random moments; begin each again until it is done."""
    field.fresh()
    bar = tqdm(total=count, desc="/".join(kind.name for kind in kinds))
    while bar.n < count:
        kind = field.draw.choice(kinds)
        before = field.outputs()
        child = field.start(field.home)
        time.sleep(field.draw.uniform(0.05, 1.0) * field.whole_s)
        if child.poll() is None:
            child.send_signal(kind)
        said = child.communicate()[1]
        hit = child.returncode in (-kind, 130, 143)
        if hit:
            bar.update()
            field.injected[kind.name] += 1
            after = field.outputs()
            if gone := [name for name in before if after.get(name) != before[name]]:
                field.lose(kind.name, f"finished results are gone: {gone}")
            if kind != signal.SIGKILL and child.returncode > 0 and "goes on from there" not in said:
                field.lose(kind.name, f"no word how to go on: {said[-500:]}")
            if (field.home / "results" / "log").is_dir() and any((field.home / "results" / "log").iterdir()):
                found = status.read(field.home / "results")[0]
                if found.alive is not False:
                    field.lose(kind.name, f"status takes a dead run for a living one: {found.log}")
        else:
            if child.returncode:
                field.lose(kind.name, f"exit {child.returncode}: {said[-500:]}")
            field.compare(kind.name)
            field.fresh()
    field.run(field.home)
    field.compare("/".join(kind.name for kind in kinds))


def damages(field: Field, count: int) -> None:
    """Damage a file of a finished run, and begin it again."""
    field.run(field.fresh())
    results, cache = field.home / "results" / "runs", field.home / "cache"
    for _ in tqdm(range(count), desc="damages"):
        kind = field.draw.choice(["index", "manifest", "scores", "judged", "top", "run"])
        if kind == "index":
            places = [path for path in cache.glob("indexes/*/index/**/*") if path.is_file() and path.stat().st_size]
        else:
            names = {
                "manifest": "manifest.json",
                "scores": "scores.tsv.gz",
                "judged": "judged.tsv.gz",
                "top": "top.trec.gz",
                "run": "run.trec.gz",
            }
            needed = {"overlap", "capitals"}  # whose runs are read again
            places = [path for path in results.glob(f"*/*/{names[kind]}") if kind != "run" or needed & {*path.parts}]
        path = field.draw.choice(sorted(places))
        how = field.draw.choice(["changed", "cut"] if kind in ("manifest", "run") else ["changed", "cut", "removed"])
        data = bytearray(path.read_bytes())
        if how == "changed":
            data[field.draw.randrange(len(data))] ^= 1 << field.draw.randrange(8)
            path.write_bytes(data)
        elif how == "cut":
            path.write_bytes(data[: field.draw.randrange(len(data))])
        else:
            path.unlink()
        again = ["*"] if kind == "index" else ["fused"] if kind == "run" else []
        for tag in again:  # an index is looked at when something is searched, a run when something is fused
            for manifest in results.glob(f"{tag}/*/manifest.json"):
                manifest.unlink()
        said = field.run(field.home)
        field.injected[f"{kind} {how}"] += 1
        if "damaged" not in said:
            field.lose(f"{kind} {how}", f"{path} was damaged and nobody said so: {said[-500:]}")
        field.compare(f"{kind} {how}")


def main() -> int:
    """Inject, then print a table; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--stops", type=int, default=4)
    parser.add_argument("--damages", type=int, default=8)
    parser.add_argument("--docs", type=int, default=2000, help="documents of each collection")
    parser.add_argument("--all", action="store_true", help="BM25 and a dense retriever too")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        field = Field(Path(folder), arguments.seed, arguments.docs, arguments.all)
        print(f"an uninterrupted run: {field.whole_s:.1f} s", flush=True)
        if arguments.kills:
            signals(field, arguments.kills, [signal.SIGKILL])
        if arguments.stops:
            signals(field, arguments.stops, [signal.SIGTERM, signal.SIGINT])
        if arguments.damages:
            damages(field, arguments.damages)
    print("fault               injected  survived  lost")
    for kind in field.injected | field.lost:
        number, lost = field.injected[kind], field.lost[kind]
        print(f"{kind:<18} {number:>9} {number - min(lost, number):>9} {lost:>5}")
    total, lost = field.injected.total(), field.lost.total()
    print(f"{'all':<18} {total:>9} {total - min(lost, total):>9} {lost:>5}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
