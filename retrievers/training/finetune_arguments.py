"""The arguments of `beir-harness finetune` and `torchrun -m retrievers.training.finetune`; imports nothing heavy.

What the command line leaves open is taken from the preset, then from the checkpoint's own settings, then from DEFAULTS.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrievers.training.engine import ranges

EPILOG = """examples:
  beir-harness finetune ckpt/ --dataset scifact --output retriever/                                   (stage 1)
  beir-harness run dupmae --set checkpoint=retriever/ --dataset scifact@train                         (mining)
  beir-harness finetune ckpt/ --dataset scifact --negatives run.trec.gz --output retriever2/          (stage 2)
  beir-harness finetune ckpt/ --dataset scifact --negatives run.trec.gz --teacher cross-encoder/ --output retriever3/
  beir-harness finetune ckpt/ --dataset made --teacher-run fused.trec.gz --output retriever4/
  beir-harness finetune ckpt/ --dataset cacm --pairs title --output retriever/     (no training queries)
  torchrun --nproc-per-node 8 -m retrievers.training.finetune ckpt/ --dataset msmarco-dev --output retriever/
The same command goes on where an interrupted one stopped."""

DEFAULTS: dict[str, Any] = {
    "k": 384, "activation": "log1p_relu", "include_sep": True, "scale": "1", "temperature": 1.0,
    "teacher_temperature": 1.0, "ranking_weight": 1.0, "embedding_weight": 1.0, "embedding_scale": 20.0,
    "lexical_weight": 0.0, "lexical_scale": 0.3, "query_max_length": 64, "max_length": 144, "title": " ",
    "negatives_per_query": 1, "depth": "1:200", "batch_size": 32,
    "epochs": 10.0, "learning_rate": 2e-5, "decay": "linear", "warmup": 0.1, "weight_decay": 0.0,
}  # fmt: skip

# What the released RetroMAE code was fine-tuned with (a process has `batch_size` queries, there were 8); `raw` is the
# DupMAE paper's. DupMAE's own values were never published.
PAPER: dict[str, Any] = {
    "activation": "raw", "scale": "1", "temperature": 1.0, "query_max_length": 32,
    "depth": "1:200", "decay": "linear", "warmup": 0.0, "weight_decay": 0.0,
}  # fmt: skip
PRESETS: dict[str, dict[str, Any]] = {
    "paper-msmarco": PAPER | {
        "max_length": 140, "title": "[SEP]", "batch_size": 16, "negatives_per_query": 15, "learning_rate": 2e-5,
        "epochs": 4.0,
    },
    "paper-beir": PAPER | {
        "max_length": 144, "title": None, "batch_size": 128, "negatives_per_query": 1, "learning_rate": 1e-5,
        "epochs": 10.0,
    },
}  # fmt: skip
UNSET = "unset"  # of --title, where None means something


def add_finetune_arguments(parser: argparse.ArgumentParser) -> None:
    """What to train on, from what, how, and where to."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add(
        "checkpoint", help="a folder of `pretrain` or `finetune`, or a name on the hub, or config:layers=4,hidden=256,…"
    )
    add("--output", type=Path, required=True, metavar="FOLDER", help="one folder per run; becomes the retriever")
    add("--overwrite", action="store_true", help="replace another run in that folder")
    add("--preset", choices=PRESETS, help="the values of the released RetroMAE code; other options override it")
    _add_data(parser.add_argument_group("queries and documents"))
    _add_representation(parser.add_argument_group("representation and loss"))
    _add_loop(parser.add_argument_group("training"))
    _add_machine(parser.add_argument_group("machine and files"))


def _add_data(group: Any) -> None:
    add = group.add_argument
    add(
        "--dataset",
        action="append",
        default=[],
        metavar="NAME",
        help="a collection, scifact or scifact@train; repeatable",
    )
    add("--split", default="train", help="judgments to train on where --dataset names none (train)")
    add("--data-dir", action="append", default=[], type=Path, metavar="FOLDER", help="holds dataset folders")
    add("--offline", action="store_true", help="never download a collection")
    add("--pairs", choices=("title", "first-sentence", "qa"),
        help="without judgments: title → text, first sentence → rest, question → answer")  # fmt: skip
    add("--text", action="append", default=[], metavar="PATH", help="for --pairs: .txt or .jsonl (text, title), or .gz")
    add("--negatives", action="append", default=[], type=Path, metavar="RUN",
        help="hard negatives: a run file of the same queries; repeatable")  # fmt: skip
    add("--depth", metavar="FROM:TO", help="ranks that negatives are drawn from (1:200)")
    add("--negatives-per-query", type=int, metavar="N", help="hard negatives of a query in a batch (1)")
    add("--teacher", metavar="MODEL", help="a cross-encoder, folder or hub name; its scores are learned (stage 3)")
    add("--teacher-scores", type=Path, metavar="RUN", help="a run file with the teacher's scores, in place of a model")
    add("--teacher-run", type=Path, metavar="RUN",
        help="any system's run on these queries, a fusion's too: negatives and teacher's scores in one")  # fmt: skip
    add("--teacher-length", type=int, metavar="TOKENS", help="of query and document together (default: the model's)")
    add("--margin", type=float, metavar="SCORE",
        help="drop negatives that the teacher puts less than this below the positive; stage 2")  # fmt: skip
    add("--teacher-temperature", type=float, metavar="T",
        help="the teacher's scores are divided by it (1; a --teacher-run's spread as the model's own)")  # fmt: skip
    add("--embedding-teacher", metavar="MODEL",
        help="a sentence-transformers model, folder or hub name; the dense half learns its vectors")  # fmt: skip
    add("--query-max-length", type=int, metavar="TOKENS", help="[CLS] and [SEP] included (64)")
    add("--max-length", type=int, metavar="TOKENS", help="of documents (144)")
    add("--title", default=UNSET, help="what stands between title and text (a space); `none` leaves titles out")
    add("--vocab", metavar="PATH", help="a tokenizer's folder or name (default: the checkpoint's)")


def _add_representation(group: Any) -> None:
    add = group.add_argument
    add("--representation", choices=("cls", "ot", "joint"), help="default: joint after DupMAE, else cls")
    add("--dim", type=int, metavar="D", help="d', dimensions of the dense part of joint (half of the model's)")
    add("--k", type=int, metavar="K", help="vocabulary entries kept of a document (384)")
    add("--activation", choices=("raw", "relu", "log1p_relu"), help="of the vocabulary vector (log1p_relu; paper raw)")
    add("--include-sep", choices=("yes", "no"), help="[SEP] takes part in the maximum (yes)")
    add("--scale", metavar="S", help="weight of the sparse part: a number, `learn`, or `balance`, with which a"
        " query's sparse scores spread by 3 in the first batch, as a softmax needs it (1)")  # fmt: skip
    add("--temperature", type=float, metavar="T", help="scores are divided by it in the loss (1)")
    add("--ranking-weight", type=float, metavar="W", help="of the ranking loss (1)")
    add("--embedding-weight", type=float, metavar="W", help="of learning an --embedding-teacher's vectors (1)")
    add("--embedding-scale", type=float, metavar="S", help="the dense score is to be S times its cosine (20)")
    add("--lexical-weight", type=float, metavar="W",
        help="of having the vocabulary vector learn BM25's vector of the text (0)")  # fmt: skip
    add("--lexical-scale", type=float, metavar="S", help="the sparse score is to be S times BM25's (0.3)")


def _add_loop(group: Any) -> None:
    add = group.add_argument
    add("--batch-size", type=int, metavar="N", help="queries per process (32); all processes' documents are negatives")
    add("--accumulate", type=int, default=1, metavar="N", help="batches per step (1)")
    length = group.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=float, metavar="N", help="passes over the queries (10)")
    length.add_argument("--steps", type=int, metavar="N", help="optimiser steps, in place of epochs")
    add("--learning-rate", type=float, metavar="RATE", help="its peak (2e-5)")
    add("--decay", choices=("linear", "cosine"), help="of the learning rate (linear)")
    add("--warmup", type=float, metavar="SHARE", help="of the steps with a rising rate (0.1)")
    add("--weight-decay", type=float, metavar="W", help="not on biases and LayerNorms (0)")
    add("--clip", type=float, default=1.0, metavar="NORM", help="largest norm of the gradient (1)")
    add("--dropout", type=float, metavar="P", help="default: what the checkpoint says; 0 is quicker")
    add("--seed", type=int, default=0, help="of order, negatives, dropout and new weights (0)")
    add("--gradient-cache", action="store_true",
        help="keep vectors, compute activations again on the way back: large batches in little memory")  # fmt: skip
    add("--tokens-at-once", type=int, metavar="N", help="padded tokens per forward pass (CPU 4096, GPU 65536)")


def _add_machine(group: Any) -> None:
    add = group.add_argument
    add("--export-dtype", choices=("fp32", "fp16", "int8"), default="fp32",
        help="of the weights written (fp32); int8 is for this harness alone")  # fmt: skip
    add("--precision", choices=("auto", "fp32", "bf16"), default="auto", help="auto: whichever is quicker here")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--threads", type=int, metavar="N", help="of a process on a CPU (default: torch's choice)")
    add("--log-every", type=int, default=10, metavar="STEPS", help="a line of losses.jsonl (10)")
    add("--checkpoint-every", type=int, default=500, metavar="STEPS", help="(500)")
    add("--keep", type=int, default=2, metavar="N", help="newest checkpoints that stay (2)")
    add("--cache", type=Path, metavar="FOLDER", help="the teacher's scores (default: in the harness's cache)")
    add("--tensorboard", action="store_true", help="write curves to OUTPUT/tensorboard")


def resolved(given: argparse.Namespace, own: Mapping[str, Any]) -> argparse.Namespace:
    """The arguments with every gap filled; `own` are the checkpoint's settings. ValueError for what can't be meant."""
    a = argparse.Namespace(**vars(given))
    if a.include_sep is not None:
        a.include_sep = a.include_sep == "yes"
    preset = PRESETS.get(a.preset or "", {})
    for name, default in DEFAULTS.items():
        value = getattr(a, name)
        if value is None or value == UNSET:
            setattr(a, name, preset.get(name, own.get(name, default)))
    if given.title == "none":
        a.title = None
    a.depth = _ranks(a.depth)
    if a.teacher_run:
        if a.teacher or a.teacher_scores or a.margin is not None:
            raise ValueError("--teacher-run brings its scores: no --teacher, --teacher-scores or --margin beside it")
        a.negatives, a.teacher_scores = [a.teacher_run], a.teacher_run
        a.teacher_temperature = given.teacher_temperature  # None: a run's scores have any scale, see `even_temperature`
    a.stage = 1 if not a.negatives else 3 if (a.teacher or a.teacher_scores) and a.margin is None else 2
    _check(a)
    return a


def _ranks(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    if not colon or not first.isdigit() or not last.isdigit() or not 1 <= int(first) <= int(last):
        raise ValueError(f"--depth {text}: two ranks are needed, for example 1:200")
    return int(first), int(last)


def _check(a: argparse.Namespace) -> None:
    ranges.check(a)
    ranges.positive("scale", a.scale, ("learn", "balance"))
    if not a.dataset and not a.text:
        raise ValueError("nothing to train on: give --dataset NAME, or --pairs KIND with --dataset or --text")
    if a.text and not a.pairs:
        raise ValueError("--text has no queries: say with --pairs how to make them (title, first-sentence, qa)")
    if a.pairs and a.negatives:
        raise ValueError("--negatives name queries of a dataset, and --pairs makes its own; use one of them")
    if a.negatives and len(a.dataset) > 1:
        raise ValueError("--negatives belong to the queries of one --dataset; train on several without them")
    if (a.teacher or a.teacher_scores) and not a.negatives:
        raise ValueError("a teacher scores positives and hard negatives: give --negatives RUN as well")
    if a.margin is not None and not (a.teacher or a.teacher_scores):
        raise ValueError("--margin compares scores of a --teacher or of --teacher-scores; give one")
    if a.embedding_teacher and a.representation == "ot":
        raise ValueError("--embedding-teacher teaches the dense half, and --representation ot has none")
    if not (a.ranking_weight or (a.embedding_teacher and a.embedding_weight) or a.lexical_weight):
        raise ValueError("nothing to learn: --ranking-weight 0 needs an --embedding-teacher or a --lexical-weight")
    if a.teacher and a.teacher_scores:
        raise ValueError("--teacher and --teacher-scores exclude each other")
