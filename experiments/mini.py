"""The two small checkpoints in retrievers/mini: RetroMAE and DupMAE from one budget, as `make quickstart` runs them.

    python experiments/mini.py --collections COLLECTIONS --text TEXT --minilm MODEL --work /big/disk/duplex

all-MiniLM-L6-v2 cut to two layers and 4,608 pieces; pre-training on the text and the documents of the collections (the
very runs of experiments/duplex.py, seed 0); fine-tuning on title → text of the collections; then SciFact's training
queries with hard negatives that the first stage finds. Every step is a command of the harness and is resumed by
running this again. SciFact's test queries, and those of the other collections, never enter.
"""

import argparse
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from duplex import COLLECTIONS, HARNESS, SAME, SPARSE, STARTS, Step, pretraining, trimming

SYSTEMS = {"retromae": ("cls", "retromae"), "dupmae": ("joint", "dupmae")}  # objective -> representation, retriever
LENGTHS = ("--max-length", "128", "--query-max-length", "48")
SHIPPED = Path(__file__).resolve().parents[1] / "retrievers" / "mini"
LEFT_OUT = ("checkpoints", "run.json", "losses.jsonl")


def steps(a: argparse.Namespace) -> Iterator[Step]:
    """Every command, in order."""
    data = [part for name in COLLECTIONS for part in ("--dataset", name)]
    where = ["--data-dir", str(a.collections)]
    own = [*SAME, "--cache", str(a.work / "cache")]
    yield trimming(a)
    for objective, (kind, retriever) in SYSTEMS.items():
        before = pretraining(a, "minilm", STARTS["minilm"], objective, 0)
        yield before
        shape = ["--representation", kind, *LENGTHS, *SPARSE[kind]]
        first, last = (a.work / "mini" / f"{objective}-{stage}" for stage in ("pairs", "scifact"))
        yield Step(
            first / "training.json",
            [HARNESS, "finetune", str(before.done.parent), "--pairs", "title", *data, *where, *shape, *own,
             "--batch-size", "64", "--epochs", "1", "--learning-rate", "2e-4", "--output", str(first)],
        )  # fmt: skip
        mined = a.work / "mini" / "results" / "runs" / objective / "scifact@train"
        yield Step(
            mined / "manifest.json",
            [HARNESS, "run", retriever, "--set", f"checkpoint={first}", "--set", "threads=1", "--tag", objective,
             "--dataset", "scifact@train", "--k", "100", *where, "--results", str(a.work / "mini" / "results")],
        )  # fmt: skip
        yield Step(
            last / "training.json",
            [HARNESS, "finetune", str(first), "--dataset", "scifact", "--split", "train", *where, *shape, *own,
             "--negatives", str(mined / "run.trec.gz"), "--depth", "3:60", "--batch-size", "32", "--epochs", "3",
             "--learning-rate", "1e-4", "--export-dtype", "fp16", "--output", str(last)],
        )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--collections", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument("--text", type=Path, required=True, help="folder of text files")
    parser.add_argument("--minilm", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints and caches")
    parser.add_argument("--ship", action="store_true", help="replace retrievers/mini by the result")
    a = parser.parse_args()
    for step in steps(a):
        if not step.done.exists():
            print(*step.command, flush=True)
            subprocess.run(step.command, check=True)
    for objective in SYSTEMS if a.ship else ():
        target = SHIPPED / f"{objective}-mini"
        shutil.rmtree(target, ignore_errors=True)
        ignored = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(a.work / "mini" / f"{objective}-scifact", target, ignore=ignored)
        print(target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
