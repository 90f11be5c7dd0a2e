"""What another system's run teaches the shipped DupMAE, beside its teachers' vectors: three ways to spend one budget.

    python experiments/teacher_run.py --collections COLLECTIONS --text TEXT --minilm MODEL --work /big/disk/teacher

`again` repeats the recipe's second round: in-batch negatives. `hard` takes negatives from a weighted sum of BM25 and
MiniLM over made queries. `taught` takes the same documents with the sum's scores as soft labels. Each reads as many
documents. Results go into WORK/results; every step is a command, and what is done is not done again.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from duplex import HARNESS, Step
from mini import COLLECTIONS, SAME, SHIPPED, TEXTS

SEARCHED = ("cacm", "cisi", "cystic-fibrosis", "medline-med", "sample")
MADE = "made-third"
FUSION = ("--set", 'systems=["bm25","minilm"]', "--set", "method=wsum", "--set", 'params={"weights":[0.5,0.5]}')
LEARNED = (
    "--representation", "joint", "--dim", "384", "--k", "192", "--max-length", "144", "--query-max-length", "48",
    "--embedding-scale", "30", "--embedding-weight", "6", "--lexical-weight", "0.5", "--learning-rate", "1e-4",
    "--warmup", "0.05",
)  # fmt: skip
MINED = ("--negatives-per-query", "3", "--batch-size", "16", "--steps", "120")
ARMS = {
    "again": ("--ranking-weight", "0.25", "--batch-size", "32", "--steps", "240"),
    "hard": ("--ranking-weight", "0.25", "--negatives", "{fused}", *MINED),
    "taught": ("--ranking-weight", "0.25", "--teacher-run", "{fused}", *MINED),
}


def steps(a: argparse.Namespace) -> Iterator[Step]:
    """Every command, in order."""
    results, data = a.work / "results", a.work / "data"
    start, made = a.work / "start", data / MADE
    where = ["--data-dir", str(a.collections)]
    yield Step(
        start / "config.json",
        [sys.executable, "-m", "retrievers.encoders.int8_weights", str(SHIPPED / "dupmae-mini"), str(start)],
    )
    documents = [part for name in COLLECTIONS for part in ("--dataset", name)] + where
    documents += [part for text in TEXTS for part in ("--text", str(a.text / f"{text}.txt.gz"))]
    yield Step(
        made / "made.json",
        [sys.executable, "-m", "retrievers.training.queries", *documents, "--limit", "1100", "--seed", "3",
         "--output", str(made)],
    )  # fmt: skip
    on_made = ["--dataset", f"{MADE}@train", "--data-dir", str(data), "--results", str(results)]
    for tag, system in (
        ("bm25", ["bm25"]),
        ("minilm", ["sentence-transformer", "--set", f"model={a.minilm}", "--set", "threads=1"]),
        ("fused", ["fusion", *FUSION]),
    ):
        done = results / "runs" / tag / f"{MADE}@train" / "manifest.json"
        yield Step(done, [HARNESS, "run", *system, "--tag", tag, *on_made])
    fused = str(results / "runs" / "fused" / f"{MADE}@train" / "run.trec.gz")
    for seed in a.seed or ["0"]:
        for arm, budget in ARMS.items():
            after = a.work / f"{arm}-s{seed}"
            given = [part.replace("{fused}", fused) for part in budget]
            yield Step(
                after / "training.json",
                [HARNESS, "finetune", str(start), "--dataset", MADE, "--data-dir", str(data), "--offline",
                 "--embedding-teacher", str(a.minilm), *LEARNED, *given, *SAME, "--seed", seed,
                 "--cache", str(a.work / "cache"), "--output", str(after)],
            )  # fmt: skip
            searched = [part for name in SEARCHED for part in ("--dataset", name)] + where
            tag = f"{arm}-s{seed}"
            yield Step(
                results / "runs" / tag / SEARCHED[-1] / "manifest.json",
                [HARNESS, "run", "dupmae", "--set", f"checkpoint={after}", "--set", "precision=bf16", "--set",
                 "threads=1", "--set", "max_length=256", "--tag", tag, *searched, "--results", str(results)],
            )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--collections", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument("--text", type=Path, required=True, help="folder of text files")
    parser.add_argument("--minilm", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints, made queries, results, caches")
    parser.add_argument("--seed", action="append", help="of the training; repeatable (0)")
    a = parser.parse_args()
    for step in steps(a):
        if not step.done.exists():
            print(*step.command, flush=True)
            subprocess.run(step.command, check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
