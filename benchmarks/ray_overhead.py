"""What Ray costs: a suite by the local executor on two processes, and by a Ray cluster of two CPUs, on the same cores.

    python benchmarks/ray_overhead.py
    python benchmarks/ray_overhead.py --shards 8 --seconds 10 --rounds 3

A shard takes `--seconds` of work: sleep, or with --burn arithmetic, for a machine whose cores are free. The cluster is
started before the clock; everything else counts: the workers' start, their imports, searching and scoring. The bytes of
scores and runs are compared. The aim is less than 15 % more time with Ray at shards of 10 s and more.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from harness.running import executor, ray_executor, suites
from harness.running.folders import Folders
from harness.running.job import Job
from harness.running.plan import plan

PLUGIN = """
import time
from zlib import crc32
import numpy as np
from retrievers.dense import from_encoder

class Words:
    runtime = frozenset({"seconds", "burn"})
    def __init__(self, seconds: float = 10.0, burn: bool = False):
        self.seconds, self.burn = seconds, burn
    def encode_queries(self, texts):
        vectors = np.zeros((len(texts), 64), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, crc32(word.encode()) % 64] += 1
        return vectors
    def encode_docs(self, texts):
        if self.burn:
            end = time.process_time() + self.seconds
            while time.process_time() < end:
                pass
        else:
            time.sleep(self.seconds)
        return self.encode_queries(texts)

class Slow(from_encoder(Words)):
    shard_docs = SHARD_DOCS
"""
DOCS = 357  # of the sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--burn", action="store_true")
    arguments = parser.parse_args()
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80 << 20)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "slow.py").write_text(PLUGIN.replace("SHARD_DOCS", str(-(-DOCS // arguments.shards))))
        settings = {"seconds": arguments.seconds, "burn": arguments.burn}
        todo = plan([suites.system(f"{place / 'slow.py'}:Slow", settings, "slow")], ["sample"])
        kinds = {
            "local": lambda job: executor.run_all(todo, job._replace(devices=("cpu", "cpu"))),
            "ray": lambda job: ray_executor.run_all(todo, job),
        }
        seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
        made: set[tuple[bytes, ...]] = set()
        for number in range(arguments.rounds):
            for kind, run_all in kinds.items():
                results = place / f"{kind}-{number}"
                start = time.perf_counter()
                (outcome,) = run_all(Job(Folders(results, place / f"cache-{kind}-{number}"), 100))
                seconds[kind].append(time.perf_counter() - start)
                if outcome.status != "done":
                    sys.exit(outcome.message)
                made.add(tuple(path.read_bytes() for path in sorted(results.rglob("*.gz"))))
                print(f"{kind}: {seconds[kind][-1]:.1f} s", flush=True)
    local, cluster = (statistics.median(seconds[kind]) for kind in kinds)
    print(
        f"{arguments.shards} shards of {arguments.seconds:g} s on two cores, medians of {arguments.rounds}:"
        f" local {local:.1f} s, Ray {cluster:.1f} s, ratio {cluster / local:.3f}; same bytes: {len(made) == 1}"
    )


if __name__ == "__main__":
    main()
