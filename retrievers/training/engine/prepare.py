"""What stands before the first step: text, tokenizer, tokenised text, and the identity of the run."""

import argparse
import json
from pathlib import Path
from typing import Any

from harness.files import sha256, write_bytes, write_json
from retrievers.training.data import store, text
from retrievers.training.data.vocabulary import train_wordpiece, wordpiece_tokenizer
from retrievers.training.engine import checkpoints, loop, result
from retrievers.training.engine.held_out import LOSSES as HELD_OUT_LOSSES
from retrievers.training.models.initial import is_random, random_sizes, tokenizer_of

RUN = "run.json"
FREE = {  # arguments that change neither the losses nor the result, or that the identity holds in another form
    "output", "overwrite", "cache", "data_dir", "threads", "log_every", "checkpoint_every", "keep", "tensorboard",
    "text", "held_out", "dataset", "device", "precision", "command", "main",
    "plan", "gpu_rate", "gpu_price", "json", "bow_weight", "normalise", "include_masked", "query", "average",
}  # fmt: skip


def sources_of(args: argparse.Namespace) -> list[text.Source]:
    """The text that the arguments name; ValueError if they name none."""
    found = text.text_sources(args.text) + text.collection_sources(args.dataset, args.data_dir)
    if not found:
        raise ValueError("no text: give --text PATH or --dataset NAME")
    return found


def tokenizer_for(args: argparse.Namespace, sources: list[text.Source], cache: Path) -> Any:
    """The tokenizer: of the model, from a file, or made of the text (kept in `cache`)."""
    if not args.train_tokenizer:
        return tokenizer_of(args.init, args.vocab)
    if not is_random(args.init):
        raise ValueError(f"--train-tokenizer would not fit the embeddings of {args.init}; use --init config:…")
    if args.vocab:
        raise ValueError("--vocab and --train-tokenizer exclude each other")
    path = cache / f"vocab-{text.combined_key(sources)[:24]}-{args.train_tokenizer}.txt"
    if not path.exists():
        pieces = train_wordpiece(lambda: text.passages(sources), args.train_tokenizer)
        write_bytes(path, "".join(f"{piece}\n" for piece in pieces).encode())
    pieces = path.read_text(encoding="utf-8").splitlines()
    return wordpiece_tokenizer(pieces, random_sizes(args.init)["positions"])


def tokenised(sources: list[text.Source], tokenizer: Any, cache: Path) -> store.Store:
    """The tokenised text, made now if the cache does not hold it."""
    key = store.store_key(text.combined_key(sources), tokenizer)
    facts = {"key": key, "sources": [{"name": source.name, "sha256": source.key} for source in sources]}
    store.build(text.passages(sources), tokenizer, cache / f"text-{key}", facts)
    return store.open_store(cache / f"text-{key}")


def held_out(paths: list[str], trained_on: list[text.Source], tokenizer: Any, cache: Path) -> store.Store | None:
    """The tokenised text at `paths`, None without any; ValueError if it is also trained on."""
    if not paths:
        return None
    sources = text.text_sources(paths)
    both = {source.key for source in trained_on} & {source.key for source in sources}
    if both:
        names = ", ".join(source.name for source in sources if source.key in both)
        raise ValueError(f"--held-out {names}: this text is also trained on; hold other text out")
    return tokenised(sources, tokenizer, cache)


def identity(
    args: argparse.Namespace, switches: dict[str, Any], facts: dict[str, Any], processes: int, precision: str
) -> dict[str, Any]:
    """Everything that the losses are a function of: two runs with the same identity are the same run."""
    weights = Path(args.init) / "model.safetensors"
    given = {name: value for name, value in sorted(vars(args).items()) if name not in FREE}
    if given.get("decoder_rows") == 1:
        del given["decoder_rows"]  # runs of before it was an argument are the same runs
    return {
        **given,
        "switches": switches,
        "text": facts["key"],
        "weights": sha256(weights) if weights.is_file() else None,
        "processes": processes,
        "precision": precision,
    }


def refuse_another(folder: Path, wanted: dict[str, Any], overwrite: bool) -> None:
    """ValueError if `folder` holds another run than `wanted`, naming what differs, or other things; nothing changes."""
    differing = _differing(folder, wanted)
    if overwrite or differing == []:
        return
    if differing:
        raise ValueError(
            f"{folder} holds another run ({'; '.join(differing)}); choose another --output, or --overwrite it"
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty and holds no run of this command; choose another --output")


def done(folder: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """The record of the run `wanted` if it is finished in `folder`."""
    return result.finished(folder) if _differing(folder, wanted) == [] else None


def claim(folder: Path, wanted: dict[str, Any]) -> None:
    """Make `folder` that of the run `wanted`; what another one left there is removed, its weights first.

    Called when nothing that the user gave can be refused any more: a corrected command is another run.
    """
    result.remove(folder)
    if _differing(folder, wanted) != []:
        for name in (loop.LOSSES, HELD_OUT_LOSSES):
            (folder / name).unlink(missing_ok=True)
        checkpoints.prune(folder / loop.CHECKPOINTS, 0)
        write_json(folder / RUN, wanted)


def _differing(folder: Path, wanted: dict[str, Any]) -> list[str] | None:
    """What the run in `folder` has otherwise, None where there is no run."""
    path = folder / RUN
    if not path.exists():
        return None
    there = json.loads(path.read_text())
    return [
        f"{name} was {there.get(name)!r}, now {wanted.get(name)!r}"
        for name in sorted(there.keys() | wanted.keys())
        if there.get(name) != wanted.get(name)
    ]


def default_cache() -> Path:
    """Where tokenised text is kept if nobody says where."""
    from harness import paths

    return paths.cache_dir() / "training"
