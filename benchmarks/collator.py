"""Masks of one batch against the official collator's way: examples per CPU-second, batch 32, 512 and 128 tokens.

    python benchmarks/collator.py --rounds 3

The reference side does what the released code does, written anew from its description: per text a list of words, one
greedy pass for the encoder and min(L, 256) for the pool of the decoder, one list of 0/1 per row taken from the pool by
a copy, tensors from lists, and a weight vector over the vocabulary for the bag of words. Our side sends ids and
lengths and draws the same law ("budget") or a coin per word ("words"). One thread, sides in turn.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable

import torch

from retrievers.encoders.memory import keep_freed_memory
from retrievers.training.data.masking import Masker

VOCABULARY, CLS, SEP, MASK = 30522, 101, 102, 103
CONTINUING = 0.2  # share of pieces that continue a word, as in scientific text


def greedy_draw(words: list[list[int]], length: int, share: float) -> list[int]:
    """One draw: words in random order, each taken if it fits in what is left of the budget. 0/1 for each position."""
    budget = min(512, max(1, round(length * share)))
    order = words[:]
    random.shuffle(order)
    hidden: list[int] = []
    for word in order:
        if len(hidden) >= budget:
            break
        if len(hidden) + len(word) <= budget:
            hidden += word
    covered = set(hidden)
    return [1 if position in covered else 0 for position in range(length)]


def group_words(pieces: list[str]) -> list[list[int]]:
    """Positions of each word; [CLS] and [SEP] belong to none."""
    words: list[list[int]] = []
    for position, piece in enumerate(pieces):
        if piece in ("[CLS]", "[SEP]"):
            continue
        if words and piece.startswith("##"):
            words[-1].append(position)
        else:
            words.append([position])
    return words


def reference_batch(texts: list[list[int]], names: list[str]) -> dict[str, torch.Tensor]:
    """The official law in plain Python, text by text and row by row."""
    ids, corrupted, labels, masks, weights = [], [], [], [], []
    for text in texts:
        framed = [CLS, *text, SEP]
        length = len(framed)
        words = group_words([names[piece] for piece in framed])
        chosen = greedy_draw(words, length, 0.3)
        changed = framed[:]
        for position, hide in enumerate(chosen):
            coin = random.random()
            if hide and coin < 0.8:
                changed[position] = MASK
            elif hide and coin < 0.9:
                changed[position] = random.randrange(VOCABULARY)
        pool = [[1 - hide for hide in greedy_draw(words, length, 0.5)] for _ in range(min(length, 256))]
        rows = []
        for i in range(length):
            row = list(random.choice(pool))
            row[i] = 0
            rows.append(row)
        weight = torch.zeros(VOCABULARY)
        for piece in text:
            weight[piece] = 1 / len(text)
        ids.append(framed)
        corrupted.append(changed)
        labels.append([piece if hide else -100 for piece, hide in zip(framed, chosen, strict=True)])
        masks.append(rows)
        weights.append(weight)
    return {
        "ids": torch.tensor(ids),
        "corrupted": torch.tensor(corrupted),
        "labels": torch.tensor(labels),
        "visible": torch.tensor(masks),
        "weights": torch.stack(weights),
    }


def cpu_seconds(times: int, work: Callable[..., object], *inputs: object) -> float:
    start = time.process_time()
    for _ in range(times):
        work(*inputs)
    return (time.process_time() - start) / times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 128])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    draw, generator = random.Random(0), torch.Generator().manual_seed(0)
    continues = torch.rand(VOCABULARY, generator=generator) < CONTINUING
    names = [f"##{n}" if tail else str(n) for n, tail in enumerate(continues.tolist())]
    names[CLS], names[SEP] = "[CLS]", "[SEP]"
    print(f"examples per CPU-second, batch {arguments.batch}, one thread, median of {arguments.rounds} rounds")
    for length in arguments.lengths:
        texts = [[draw.randrange(1000, VOCABULARY) for _ in range(length - 2)] for _ in range(arguments.batch)]
        ids = torch.tensor([[CLS, *text, SEP] for text in texts])
        lengths = torch.full((arguments.batch,), length)
        maskers = {form: Masker(continues, MASK, 0.3, 0.5, form) for form in ("budget", "words")}
        sides: dict[str, list[float]] = {"official law, plain Python": [], "budget": [], "words": []}
        for masker in maskers.values():
            masker.draw(ids, lengths, generator)
        for _ in range(arguments.rounds):
            sides["official law, plain Python"].append(cpu_seconds(1, reference_batch, texts, names))
            for form, masker in maskers.items():
                sides[form].append(cpu_seconds(10, masker.draw, ids, lengths, generator))
        base = statistics.median(sides["official law, plain Python"])
        for name, seconds in sides.items():
            rates = [arguments.batch / second for second in seconds]
            middle = statistics.median(rates)
            print(
                f"L={length:4} {name:28} {middle:9.1f} ({min(rates):.1f} to {max(rates):.1f})"
                f"   ratio {middle * base / arguments.batch:7.1f}"
            )


if __name__ == "__main__":
    main()
