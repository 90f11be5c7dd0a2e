"""What the numbers of a training command can be, checked before a folder is claimed or a text is read."""

import argparse
import math
from typing import Any, NamedTuple

ROOT = 1 << 32  # seeds are numbers of 32 bits


class Range(NamedTuple):
    """From `low` to `high`, each with or without itself; infinite only where `high` is and counts."""

    low: float
    high: float
    low_counts: bool = True
    high_counts: bool = True
    hint: str = ""

    def holds(self, value: float) -> bool:
        """Whether a number lies in it; NaN lies in none."""
        above = value >= self.low if self.low_counts else value > self.low
        return above and (value <= self.high if self.high_counts else value < self.high)

    def __str__(self) -> str:
        low = f"{'at least' if self.low_counts else 'above'} {self.low:g}" if math.isfinite(self.low) else ""
        high = f"{'at most' if self.high_counts else 'below'} {self.high:g}" if math.isfinite(self.high) else ""
        return (" and ".join(filter(None, (low, high))) or "a finite number") + (f"; {self.hint}" if self.hint else "")


COUNT = Range(1, math.inf, high_counts=False)
SHARE = Range(0, 1, low_counts=False, high_counts=False)
LENGTH = Range(3, math.inf, high_counts=False, hint="[CLS], one piece and [SEP] are 3")
RANGES = {
    **dict.fromkeys(
        ("steps", "batch_size", "accumulate", "log_every", "checkpoint_every", "keep", "k", "dim", "threads",
         "negatives_per_query", "tokens_at_once", "train_tokenizer"), COUNT,
    ),
    **dict.fromkeys(("max_length", "query_max_length", "teacher_length"), LENGTH),
    **dict.fromkeys(("encoder_mask", "decoder_mask"), SHARE),
    "decoder_rows": Range(0, 1, low_counts=False),
    "epochs": Range(0, math.inf, low_counts=False, high_counts=False),
    "learning_rate": Range(0, math.inf, high_counts=False),
    "warmup": Range(0, 1, high_counts=False, hint="it is a share of the steps, 0.1 for a tenth of them"),
    "weight_decay": Range(0, 1),
    "clip": Range(0, math.inf, low_counts=False, high_counts=False, hint="1e9 clips nothing"),
    "dropout": Range(0, 1, high_counts=False),
    "bow_weight": Range(0, math.inf, high_counts=False),
    **dict.fromkeys(
        ("temperature", "teacher_temperature", "embedding_scale", "lexical_scale"),
        Range(0, math.inf, low_counts=False, high_counts=False),
    ),
    **dict.fromkeys(("ranking_weight", "embedding_weight", "lexical_weight"), Range(0, math.inf, high_counts=False)),
    "plan": Range(0, math.inf, high_counts=False),
    **dict.fromkeys(("gpu_rate", "gpu_price"), Range(0, math.inf, low_counts=False, high_counts=False)),
    "margin": Range(-math.inf, math.inf, low_counts=False, high_counts=False),
    "seed": Range(0, ROOT - 1),
}  # fmt: skip


def check(args: argparse.Namespace) -> None:
    """Raise ValueError for a number out of its range; arguments that are absent or None are passed over."""
    for name, value in vars(args).items():
        if name in RANGES and is_number(value) and not RANGES[name].holds(value):
            raise ValueError(f"--{name.replace('_', '-')} {value:g}: {RANGES[name]}")


def positive(name: str, text: str, words: tuple[str, ...]) -> None:
    """Raise ValueError unless an argument is one of some words or says a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if text not in words and not 0 < value < math.inf:
        raise ValueError(f"--{name} {text}: a finite number above 0, {' or '.join(words)}")


def is_number(value: Any) -> bool:
    """Whether a value is a number, true and false apart."""
    return isinstance(value, int | float) and not isinstance(value, bool)
