"""What pre-training is worth at the level of the shipped checkpoints: MLM, RetroMAE or DupMAE before distillation.

    python experiments/distilled.py --collections COLLECTIONS --text TEXT --minilm MODEL --work /big/disk/mini
    beir-harness leaderboard --results results/distilled        the table

`--work` is that of `experiments/mini.py`: its trimmed start, its pre-trainings and the queries it made. Everything has
six layers and 16,000 pieces; pre-training is 400 steps of 24 passages with one seed; then the shipped recipe's first
round, cut to 30 steps, with as many seeds as `--seed` names. One fine-tuning is scored three ways: [CLS], vocabulary
vector, joint. Every step is a command, and what is done is not done again.
"""

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path

from duplex import HARNESS, Step
from mini import COLLECTIONS, SAME

OBJECTIVES = ("mlm", "retromae", "dupmae")
WITHOUT = "plain"  # the trimmed start, fine-tuned as it is
SCORES = ("cls", "ot", "joint")
SEARCHED = ("cacm", "cisi", "cystic-fibrosis", "medline-med")
ROUND = (
    "--representation", "joint", "--dim", "384", "--k", "192", "--max-length", "128", "--query-max-length", "48",
    "--embedding-weight", "4", "--lexical-weight", "1", "--ranking-weight", "0.25", "--batch-size", "32",
    "--steps", "30", "--learning-rate", "2e-4", "--warmup", "0.05",
)  # fmt: skip


def steps(a: argparse.Namespace) -> Iterator[Step]:
    """Every command, in order."""
    data = [part for name in COLLECTIONS for part in ("--dataset", name)] + ["--data-dir", str(a.collections)]
    cache = ["--cache", str(a.work / "cache")]
    for objective in OBJECTIVES:
        before = a.work / objective / "pretrained"
        yield Step(
            before / "training.json",
            [HARNESS, "pretrain", objective, "--init", str(a.work / "start"), "--text", str(a.text), *data,
             "--max-length", "112", "--batch-size", "24", "--steps", "400", "--learning-rate", "2e-4", *SAME,
             "--seed", "0", *cache, "--output", str(before)],
        )  # fmt: skip
    for seed in a.seed or ["0"]:
        for objective in (*OBJECTIVES, WITHOUT):
            before = a.work / "start" if objective == WITHOUT else a.work / objective / "pretrained"
            after = a.work / "distilled" / f"{objective}-s{seed}"
            yield Step(
                after / "training.json",
                [HARNESS, "finetune", str(before), "--dataset", "made-first", "--data-dir",
                 str(a.work / "data"), "--offline", "--embedding-teacher", str(a.minilm), *ROUND, *SAME,
                 "--seed", seed, *cache, "--output", str(after)],
            )  # fmt: skip
            for score in SCORES:
                tag = f"distilled-{objective}-{score}-s{seed}"
                searched = [part for name in SEARCHED for part in ("--dataset", name)]
                yield Step(
                    a.results / "runs" / tag / SEARCHED[-1] / "manifest.json",
                    [HARNESS, "run", "dupmae", "--set", f"checkpoint=distilled/{after.name}", "--set", "precision=bf16",
                     "--set", "threads=1", "--set", f"score={score}", "--tag", tag, "--k", "100", *searched,
                     "--data-dir", str(a.collections), "--results", str(a.results)],
                )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--collections", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument("--text", type=Path, required=True, help="folder of text files")
    parser.add_argument("--minilm", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="of experiments/mini.py")
    parser.add_argument("--results", type=Path, default=Path("results/distilled"))
    parser.add_argument("--seed", action="append", help="of the fine-tuning; repeatable (0)")
    a = parser.parse_args()
    for name in ("collections", "text", "minilm", "work", "results"):
        setattr(a, name, getattr(a, name).resolve())
    for step in steps(a):
        if not step.done.exists():
            print(*step.command, flush=True)
            subprocess.run(step.command, cwd=a.work, check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
