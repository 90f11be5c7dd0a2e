"""Does the duplex objective help? One budget, one fine-tuning, seven variants, three seeds, two starts.

    python experiments/duplex.py --collections COLLECTIONS --text TEXT --minilm MODEL --work /big/disk/duplex
    python experiments/duplex.py … --start random --seed 1        a part of the grid, for a second machine or process
    beir-harness leaderboard --results results/duplex --seeds     the table

`none`, `mlm`, `retromae` and `dupmae` are what comes before fine-tuning; `cls`, `ot` and `joint` are the representation
that is fine-tuned and scored. Every command goes on where it was interrupted, so the whole grid does, and what has a
result is not done again. Fine-tuning takes
pairs of title and text from the collections, and no judgment: evaluation queries stay out of both kinds of training.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

COLLECTIONS = ("scifact", "cacm", "cisi", "cystic-fibrosis", "medline-med")
VARIANTS = ("none-cls", "mlm-cls", "retromae-cls", "retromae-joint", "dupmae-cls", "dupmae-ot", "dupmae-joint")
SEEDS = (0, 1, 2)
HARNESS = str(Path(sys.executable).with_name("beir-harness"))


class Start(NamedTuple):
    """Where the weights come from, and what pre-training may spend."""

    init: str  # for --init; {trimmed} is MiniLM cut down to two layers
    pretrain: tuple[str, ...]
    finetune: tuple[str, ...]


PIECES = "4608"
STARTS = {
    "minilm": Start(
        "{trimmed}",
        ("--learning-rate", "3e-4"),
        ("--learning-rate", "2e-4"),
    ),
    "random": Start(
        "config:layers=2,hidden=128,heads=4,positions=192",
        ("--learning-rate", "1e-3", "--vocab", "{trimmed}"),
        ("--learning-rate", "1e-3"),
    ),
}
PRETRAIN = ("--steps", "400", "--batch-size", "32", "--max-length", "96")
FINETUNE = ("--pairs", "title", "--steps", "85", "--batch-size", "64", "--max-length", "96", "--query-max-length", "32")
# Sparse scores of an untrained sum spread by about 50, which saturates the softmax; a sixteenth of it does not.
SPARSE = {"cls": (), "ot": ("--k", "128", "--temperature", "16"), "joint": ("--k", "128", "--scale", "0.0625")}
SAME = ("--dropout", "0", "--precision", "fp32", "--threads", "1")  # fp32: bf16 is slower on most processors


class Step(NamedTuple):
    """A command and the file that says it is done."""

    done: Path
    command: list[str]


def trimming(a: argparse.Namespace) -> Step:
    """MiniLM cut to a size that two processor cores can train."""
    folder = a.work / "start" / "minilm"
    command = [sys.executable, "-m", "retrievers.training.trim", str(a.minilm), "--layers", "0,1", "--pieces", PIECES]
    command += ["--positions", "192", "--text", str(a.text), *_collections(a), "--output", str(folder)]
    return Step(folder / "trimmed.json", command)


def pretraining(a: argparse.Namespace, name: str, start: Start, objective: str, seed: int) -> Step:
    """One pre-training of one start."""
    trimmed, folder = a.work / "start" / "minilm", a.work / "pretrained" / f"{name}-{objective}-s{seed}"
    budget = [part.format(trimmed=trimmed) for part in start.pretrain]
    command = [HARNESS, "pretrain", objective, "--init", start.init.format(trimmed=trimmed), "--text", str(a.text)]
    command += [*_collections(a), *PRETRAIN, *budget, *_own(a, seed), "--output", str(folder)]
    return Step(folder / "training.json", command)


def steps(a: argparse.Namespace) -> Iterator[Step]:
    """Every command of the grid whose result is not there yet, in an order that respects what needs what."""
    data = _collections(a)
    trimmed = a.work / "start" / "minilm"
    for seed in a.seed or SEEDS:
        for name in a.start or STARTS:
            start = STARTS[name]
            done = {variant: a.results / "runs" / f"{name}-{variant}-s{seed}" for variant in VARIANTS}
            left = [variant for variant in VARIANTS if not (done[variant] / COLLECTIONS[-1] / "manifest.json").exists()]
            if left:
                yield trimming(a)
            before = {"none": start.init.format(trimmed=trimmed)}
            for objective in dict.fromkeys(variant.split("-")[0] for variant in left if not variant.startswith("none")):
                step = pretraining(a, name, start, objective, seed)
                before[objective] = str(step.done.parent)
                yield step
            for variant in left:
                objective, kind = variant.split("-")
                tag = f"{name}-{variant}-s{seed}"
                folder = a.work / "retrievers" / tag
                vocabulary = ["--vocab", str(trimmed)] if objective == "none" and name == "random" else []
                yield Step(
                    folder / "training.json",
                    [HARNESS, "finetune", before[objective], *data, *FINETUNE, *start.finetune, *vocabulary,
                     "--representation", kind, *SPARSE[kind], *_own(a, seed), "--output", str(folder)],
                )  # fmt: skip
                system = ["retromae"] if kind == "cls" else ["dupmae", "--set", f"score={kind}"]
                yield Step(
                    done[variant] / COLLECTIONS[-1] / "manifest.json",
                    [HARNESS, "run", *system, "--set", f"checkpoint=retrievers/{tag}", "--set", "threads=1",
                     "--tag", tag, "--k", "100", *data, "--results", str(a.results), "--overwrite"],
                )  # fmt: skip


def _collections(a: argparse.Namespace) -> list[str]:
    return [part for name in COLLECTIONS for part in ("--dataset", name)] + ["--data-dir", str(a.collections)]


def _own(a: argparse.Namespace, seed: int) -> list[str]:
    return ["--seed", str(seed), *SAME, "--cache", str(a.work / "cache")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--collections", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument("--text", type=Path, required=True, help="folder of text files")
    parser.add_argument("--minilm", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints and caches (about 2 GB)")
    parser.add_argument("--results", type=Path, default=Path("results/duplex"))
    parser.add_argument("--start", action="append", choices=STARTS)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--print", action="store_true", help="print the commands, run nothing")
    a = parser.parse_args()
    for name in ("collections", "text", "minilm", "work", "results"):
        setattr(a, name, getattr(a, name).resolve())
    log = a.work / "log"
    log.mkdir(parents=True, exist_ok=True)
    for step in steps(a):
        if a.print:
            print(*step.command)
        elif not step.done.exists():
            print(step.done.parent, flush=True)
            with (log / f"{step.done.parents[0].name}-{step.done.parents[1].name}.log").open("w") as file:
                code = subprocess.run(
                    step.command, cwd=a.work, stdout=file, stderr=subprocess.STDOUT, check=False
                ).returncode
            if code or not step.done.exists():
                print(f"failed ({code}); see {file.name}", file=sys.stderr)
                return code or 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
