"""A smaller start for training: some layers, positions and vocabulary pieces of a BERT, the weights as they were.

    python -m retrievers.training.trim MODEL --layers 0,1 --pieces 5600 --text wiki.txt.gz --output small/

The pieces are the most frequent ones of the text, with every piece of one character, so that WordPiece can still spell
what it no longer knows as a word. With --balance every source counts the same, however long, and the vocabulary's own
order counts as much as all of them: BERT's words stand in the order of their frequency in Wikipedia and books, so
everyday words stay words. The result has lost quality: it is meant to be pre-trained and fine-tuned.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.files import write_json
from retrievers.training.data import text
from retrievers.training.data.vocabulary import SPECIAL, continuations, load_tokenizer, wordpiece_tokenizer
from retrievers.training.engine.result import save_through
from retrievers.training.models.initial import load_model


def frequent_pieces(tokenizer: Any, passages: Iterable[str], count: int) -> list[str]:
    """The `count` pieces to keep: special ones, those of one character, then the most frequent ones of `passages`.

    Pieces stay in the order of the full vocabulary, [PAD] first. ValueError if single characters alone are too many.
    """
    return kept_pieces(tokenizer, piece_counts(tokenizer, passages), count)


def piece_counts(tokenizer: Any, passages: Iterable[str]) -> Counter[int]:
    """How often each piece, by its number, stands in the passages."""
    continuations(tokenizer)  # refuses what is not WordPiece or BPE
    seen: Counter[int] = Counter()
    stream = iter(passages)
    while texts := list(islice(stream, 1000)):
        for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]:
            seen.update(ids)
    return seen


def balanced(tokenizer: Any, counts: Sequence[Counter[int]]) -> Counter[int]:
    """The mean share of each piece over the sources, plus what Zipf's law says of its rank in the vocabulary."""
    total: Counter[int] = Counter()
    for seen in counts:
        size = sum(seen.values())
        for at, times in seen.items():
            total[at] += times / size / len(counts)  # type: ignore[assignment]
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    words = [at for at, piece in enumerate(pieces) if len(piece) > 1 and piece.isascii() and piece.isalpha()]
    harmonic = sum(1 / rank for rank in range(1, len(words) + 1))
    for rank, at in enumerate(words, 1):
        total[at] += 1 / rank / harmonic  # type: ignore[assignment]
    return total


def kept_pieces(tokenizer: Any, seen: Counter[int], count: int) -> list[str]:
    """`frequent_pieces` of a count that was made."""
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    letters = {at for at, piece in enumerate(pieces) if len(piece.removeprefix("##")) == 1 and seen[at]}
    # A word's letter may only ever have stood inside longer pieces, so plain ASCII stays whether it was seen or not.
    letters |= {at for at, piece in enumerate(pieces) if len(piece.removeprefix("##")) == 1 and piece.isascii()}
    fixed = letters | {pieces.index(piece) for piece in SPECIAL}
    if count < len(fixed):
        raise ValueError(f"--pieces {count}: special and single-character pieces alone are {len(fixed)}")
    ranked = sorted((at for at in seen if at not in fixed), key=lambda at: (-seen[at], at))
    kept = sorted(at for at in fixed | set(islice(ranked, count - len(fixed))))
    return SPECIAL + [pieces[at] for at in kept if pieces[at] not in SPECIAL]


def trim(lm: nn.Module, tokenizer: Any, pieces: Sequence[str], layers: Sequence[int], positions: int) -> nn.Module:
    """A BertForMaskedLM with the `pieces`, `layers` and first `positions` of `lm`; ValueError if it has no such."""
    from transformers import BertConfig, BertForMaskedLM

    if not isinstance(lm, BertForMaskedLM):
        raise ValueError(f"only BERT can be trimmed, this is a {type(lm).__name__}")
    there = lm.config.num_hidden_layers
    if not layers or any(not 0 <= layer < there for layer in layers):
        raise ValueError(f"layers {list(layers)}: this model has 0 to {there - 1}")
    if not 3 <= positions <= lm.config.max_position_embeddings:
        raise ValueError(f"positions {positions}: this model has {lm.config.max_position_embeddings}")
    rows = torch.tensor(tokenizer.convert_tokens_to_ids(list(pieces)))
    sizes = {"vocab_size": len(rows), "num_hidden_layers": len(layers), "max_position_embeddings": positions}
    config = BertConfig(**lm.config.to_dict() | sizes | {"pad_token_id": pieces.index("[PAD]")})
    weights: dict[str, torch.Tensor] = {}
    for name, value in lm.state_dict().items():
        if name.startswith("bert.encoder.layer."):
            number, _, rest = name.removeprefix("bert.encoder.layer.").partition(".")
            if int(number) in layers:
                weights[f"bert.encoder.layer.{list(layers).index(int(number))}.{rest}"] = value
        elif value.shape[:1] == (lm.config.vocab_size,):
            weights[name] = value[rows]
        elif "position_embeddings" in name:
            weights[name] = value[:positions]
        else:
            weights[name] = value
    small = BertForMaskedLM(config)
    small.load_state_dict(weights)
    return small


def main(argv: list[str] | None = None) -> int:
    """The command line; writes a folder that --init takes."""
    parser = argparse.ArgumentParser(prog="retrievers.training.trim", description="a smaller start for training")
    parser.add_argument("model", help="a BERT: a folder, or a name on the hub")
    parser.add_argument("--layers", default="0,1", metavar="N,N", help="which to keep, 0 first (0,1)")
    parser.add_argument("--pieces", type=int, default=8192, help="of the vocabulary (8192)")
    parser.add_argument("--positions", type=int, default=256, help="longest text, in tokens (256)")
    parser.add_argument("--text", action="append", default=[], metavar="PATH", help="as of pretrain")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="as of pretrain")
    parser.add_argument("--data-dir", action="append", default=[], type=Path, metavar="FOLDER")
    parser.add_argument("--balance", action="store_true", help="every source, and the vocabulary's order, count alike")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    a = parser.parse_args(argv)
    sources = text.text_sources(a.text) + text.collection_sources(a.dataset, a.data_dir)
    tokenizer = load_tokenizer(a.model)
    counts = [piece_counts(tokenizer, text.passages([source])) for source in sources]
    pieces = kept_pieces(tokenizer, balanced(tokenizer, counts) if a.balance else sum(counts, Counter()), a.pieces)
    layers = [int(layer) for layer in a.layers.split(",")]
    small = trim(load_model(a.model, tokenizer, 0).lm, tokenizer, pieces, layers, a.positions)
    save_through(a.output, small)
    save_through(a.output, wordpiece_tokenizer(pieces, a.positions))
    write_json(a.output / "trimmed.json", {"of": Path(a.model).name, "layers": layers, "pieces": len(pieces)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
