"""The arguments of `beir-harness pretrain` and `torchrun -m retrievers.training.pretrain`; imports nothing heavy."""

import argparse
from pathlib import Path

EPILOG = """examples:
  beir-harness pretrain dupmae --text passages.jsonl.gz --init bert-base-uncased --output ckpt/
  beir-harness pretrain retromae --dataset scifact --data-dir collections/ --init config:layers=4,hidden=256,heads=4 \\
      --train-tokenizer 8192 --output ckpt/
  torchrun --nproc-per-node 8 -m retrievers.training.pretrain dupmae --text wiki/ --output ckpt/
  beir-harness pretrain dupmae --plan 21015324 --max-length 512 --epochs 8 --output ckpt/             (what it costs)
The same command goes on where an interrupted one stopped."""


def add_pretrain_arguments(parser: argparse.ArgumentParser) -> None:
    """What to train on, from what, how, and where to."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("objective", choices=("mlm", "retromae", "dupmae"), help="mlm is the baseline without a decoder")
    add("--output", type=Path, required=True, metavar="FOLDER", help="one folder per run; holds the result")
    add("--overwrite", action="store_true", help="replace another run in that folder")

    data = parser.add_argument_group("text")
    add = data.add_argument
    add("--text", action="append", default=[], metavar="PATH",
        help=".txt (a passage a line), .jsonl (text, title), .gz of these, a folder of them or of Arrow")  # fmt: skip
    add("--dataset", action="append", default=[], metavar="NAME", help="the documents of a collection; repeatable")
    add("--data-dir", action="append", default=[], type=Path, metavar="FOLDER", help="holds dataset folders")
    add("--pack", choices=("passages", "pieces", "packed"), default="passages",
        help="an example is a passage cut at --max-length, a piece of one, or passages joined until full")  # fmt: skip
    add("--max-length", type=int, default=128, metavar="TOKENS", help="of an example, [CLS] and [SEP] included (128)")

    add("--held-out", action="append", default=[], metavar="PATH",
        help="text to measure the losses on, its first 1,000 passages, at each checkpoint; repeatable")  # fmt: skip

    model = parser.add_argument_group("model")
    add = model.add_argument
    add("--init", default="bert-base-uncased", metavar="MODEL",
        help="a checkpoint (bert-base-uncased), or random weights: config:layers=4,hidden=256,heads=4")  # fmt: skip
    add("--vocab", metavar="PATH", help="a tokenizer's folder or name, or a vocab.txt (default: that of --init)")
    add("--train-tokenizer", type=int, metavar="SIZE", help="make a WordPiece vocabulary from the text")
    add("--dropout", type=float, metavar="P", help="default: what the checkpoint says; 0 is quicker")
    add("--encoder-mask", type=float, default=0.3, metavar="P", help="share of tokens the encoder must guess (0.3)")
    add("--decoder-mask", type=float, default=0.5, metavar="P", help="share of tokens hidden from a decoder row (0.5)")
    add("--decoder-rows", type=float, default=1.0, metavar="P",
        help="share of tokens that the decoder rebuilds, drawn anew each step: less is quicker (1)")  # fmt: skip
    add("--mask-form", choices=("budget", "words"), default="budget",
        help="decoder rows: the official law, or a coin per word (quicker, another law)")  # fmt: skip
    add(
        "--preset",
        choices=("code", "paper"),
        default="code",
        help="whose DupMAE; the switches below override it",
    )
    add("--bow-weight", type=float, metavar="W", help="of the bag-of-words loss (code 0.1, paper 1)")
    add("--normalise", choices=("tokens", "unique", "sum"), help="of the bag-of-words loss (code tokens, paper sum)")
    add("--include-masked", choices=("yes", "no"), help="corrupted positions take part in the maximum (code yes)")
    add("--query", choices=("plain", "embedded"), help="of the decoder (retromae plain, dupmae's code embedded)")
    add("--average", choices=("token", "text"), help="of the two token losses (code token, paper text)")

    loop = parser.add_argument_group("training")
    add = loop.add_argument
    add("--batch-size", type=int, default=32, metavar="N", help="examples per process and forward pass (32)")
    add("--accumulate", type=int, default=1, metavar="N", help="forward passes per step (1)")
    length = loop.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=float, default=1.0, metavar="N", help="passes over the text (1)")
    length.add_argument("--steps", type=int, metavar="N", help="optimiser steps, in place of epochs")
    add("--learning-rate", type=float, default=1e-4, metavar="RATE", help="its peak (1e-4)")
    add("--decay", choices=("linear", "cosine"), default="linear", help="of the learning rate (linear)")
    add("--warmup", type=float, default=0.1, metavar="SHARE", help="of the steps with a rising rate (0.1)")
    add("--weight-decay", type=float, default=0.01, metavar="W", help="not on biases and LayerNorms (0.01)")
    add("--clip", type=float, default=1.0, metavar="NORM", help="largest norm of the gradient (1)")
    add("--seed", type=int, default=0, help="of weights, order, masks and dropout (0)")

    paper = parser.add_argument_group("on paper")
    add = paper.add_argument
    add("--plan", type=int, metavar="EXAMPLES", help="train nothing: what it would cost for so many; 0: for the text")
    add("--gpu-rate", type=float, default=300.0, metavar="TFLOPS", help="that a GPU not at hand sustains (300)")
    add("--gpu-price", type=float, default=2.5, metavar="PRICE", help="of one GPU for one hour (2.5)")
    add("--json", action="store_true", help="the plan as JSON")

    machine = parser.add_argument_group("machine and files")
    add = machine.add_argument
    add("--precision", choices=("auto", "fp32", "bf16"), default="auto", help="auto: whichever is quicker here")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--threads", type=int, metavar="N", help="of a process on a CPU (default: torch's choice)")
    add("--log-every", type=int, default=10, metavar="STEPS", help="a line of losses.jsonl (10)")
    add("--checkpoint-every", type=int, default=500, metavar="STEPS", help="(500)")
    add("--keep", type=int, default=2, metavar="N", help="newest checkpoints that stay (2)")
    add("--cache", type=Path, metavar="FOLDER", help="tokenised text (default: in the harness's cache)")
    add("--tensorboard", action="store_true", help="write curves to OUTPUT/tensorboard")
