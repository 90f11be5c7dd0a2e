"""How long a finished suite takes to see that there is nothing to do: 31 datasets x 10 systems in under 2 s.

    python benchmarks/resume_finished.py
    python benchmarks/resume_finished.py --datasets 5 --systems 3 --rounds 3

The suite is real: small collections in BEIR layout, a retriever in a plugin file with ten settings, results made by the
command itself (which takes a while). Measured is the whole command, from the start of Python to its end.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLUGIN = """
from harness.records import ScoredDoc

class Mine:
    def __init__(self, setting: int = 0):
        self.setting = setting
    def index(self, docs, folder):
        (folder / "ids").write_text("\\n".join(doc.doc_id for doc in docs))
    def load(self, folder):
        self.ids = (folder / "ids").read_text().split("\\n")
    def search(self, queries, k):
        for query in queries:
            for place, doc_id in enumerate(self.ids[:k]):
                yield ScoredDoc(query.query_id, doc_id, float(self.setting - place))
"""


def write_dataset(folder: Path, number: int) -> None:
    (folder / "qrels").mkdir(parents=True)
    docs = [{"_id": f"d{each}", "title": "", "text": f"document {each} of {number}"} for each in range(50)]
    queries = [{"_id": f"q{each}", "text": f"query {each} of {number}"} for each in range(20)]
    for name, rows in (("corpus", docs), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judged = "".join(f"q{each}\td{each}\t1\n" for each in range(20))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=31)
    parser.add_argument("--systems", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for number in range(arguments.datasets):
            write_dataset(place / "data" / f"made-{number}", number)
        (place / "mine.py").write_text(PLUGIN)
        names = json.dumps([f"made-{number}" for number in range(arguments.datasets)])
        systems = "".join(
            f'[[system]]\nretriever = "./mine.py:Mine"\ntag = "mine-{n}"\narguments = {{ setting = {n} }}\n'
            for n in range(arguments.systems)
        )
        (place / "suite.toml").write_text(f"datasets = {names}\n{systems}")
        command = [sys.executable, "-m", "harness", "run", "--suite", "suite.toml", "--data-dir", "data", "--offline"]
        environment = os.environ | {"BEIR_HARNESS_CACHE": str(place / "cache"), "BEIR_HARNESS_DATA": ""}

        def run() -> tuple[float, float, str]:
            before, start = os.times(), time.perf_counter()
            done = subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True, text=True)
            wall, after = time.perf_counter() - start, os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            return wall, cpu, done.stdout.splitlines()[-1]

        first, _, said = run()
        print(f"made: {said} in {first:.1f} s")
        rounds = [run() for _ in range(arguments.rounds)]
        walls, cpus = [each[0] for each in rounds], [each[1] for each in rounds]
        print(
            f"nothing to do: {rounds[-1][2]}; median of {len(rounds)}: {statistics.median(walls):.2f} s of wall time,"
            f" {statistics.median(cpus):.2f} s of CPU"
        )


if __name__ == "__main__":
    main()
