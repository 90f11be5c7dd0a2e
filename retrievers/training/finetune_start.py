"""The model of a fine-tuning as it is before the first step."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from retrievers.encoders import backbones
from retrievers.encoders.backbones import family, longest
from retrievers.training.engine import result
from retrievers.training.examples.pairs_batches import PairBatches
from retrievers.training.models.initial import Initial, is_random
from retrievers.training.ranking.embedding import least_squares
from retrievers.training.ranking.finetune_model import FineTuning, Lessons
from retrievers.training.ranking.lexical import lexicon_of, targets
from retrievers.training.ranking.representation import Representation

FITTED_TEXTS = 2048  # five times as many as a vector has dimensions


def own_settings(folder: Path) -> dict[str, Any]:
    """What a fine-tuned checkpoint says of itself, as arguments; empty for any other."""
    for name in ("dupmae.json", "retromae.json"):
        if (folder / name).is_file():
            return json.loads((folder / name).read_text())
    return {}


def choose(a: argparse.Namespace, start: Initial) -> None:
    """Fill in what depends on the checkpoint: representation, dim; ValueError for what the model cannot do."""
    record = result.recorded(Path(a.checkpoint)) or {}
    if a.representation is None:
        before = record.get("representation", {}).get("kind")
        a.representation = before or ("joint" if record.get("objective") == "dupmae" else "cls")
    shape = family(start.lm.config).shape(start.lm.config)
    a.dim = a.dim or record.get("representation", {}).get("dim") or shape.hidden // 2
    if a.representation != "joint":
        a.dim = None
    if a.representation != "cls" and start.fresh and not is_random(a.checkpoint):
        raise ValueError(
            f"{a.checkpoint} has no masked-LM head ({start.fresh[0]} is missing), so its vocabulary vector would be"
            " made of random numbers: start from a whole masked-LM checkpoint, or use --representation cls"
        )
    if a.lexical_weight and a.representation == "cls":
        raise ValueError("--lexical-weight teaches the vocabulary vector, and --representation cls has none")
    if a.scale != "1" and a.representation != "joint":
        raise ValueError(f"--scale {a.scale} weighs two parts against each other; {a.representation} has one")
    most = longest(start.lm.config)
    for name in ("max_length", "query_max_length"):
        if getattr(a, name) > most:
            raise ValueError(f"--{name.replace('_', '-')} {getattr(a, name)}: this model has positions for {most}")


def model(
    a: argparse.Namespace, start: Initial, batches: PairBatches, vocabulary: int, precision: str
) -> tuple[FineTuning, str | None]:
    """The model on the batches' device, fresh parts fitted to them; of its projection what `representation` says."""
    made, projection = representation(a, start)
    taught = batches.vectors is not None
    lessons = Lessons(a.ranking_weight, a.embedding_weight if taught else 0.0, a.embedding_scale, a.lexical_weight)
    if a.lexical_weight:
        made.lexicon = lexicon_of(batches.docs.ids, batches.docs.ends, vocabulary, a.lexical_scale)
    found = FineTuning(made, a.stage, a.temperature, a.gradient_cache, lessons, a.teacher_temperature or 1.0)
    found.to(batches.device)
    if taught and projection == "fresh":
        fit_projection(made, batches, a.embedding_scale, precision)
    if a.lexical_weight and not own_settings(Path(a.checkpoint)):
        fit_level(made, batches, precision)
    if a.teacher_temperature is None:
        found.teacher_temperature = found.even_temperature(batches.draw(0))
    return found, projection


def representation(a: argparse.Namespace, start: Initial) -> tuple[Representation, str | None]:
    """The representation, and whether its projection is fresh or that of the checkpoint (continued)."""
    torch.manual_seed(a.seed)
    fixed = 1.0 if a.scale in ("learn", "balance") else float(a.scale)
    made = Representation(
        start.lm, a.representation, a.dim or 0, a.k, a.activation, a.include_sep, fixed, a.scale == "learn"
    )
    path = Path(a.checkpoint) / "projection.safetensors"
    if a.representation != "joint" or not path.is_file():
        return made, "fresh" if a.representation == "joint" else None
    from safetensors.torch import load_file

    weight = load_file(path)["weight"]
    if weight.shape != made.projection.shape or not weight.any():
        return made, "fresh"
    made.projection.data.copy_(weight * fixed**0.5)  # an exported W has its scale in it: the checkpoint's ranking stays
    return made, "continued"


@torch.no_grad()
def fit_projection(made: Representation, batches: PairBatches, scale: float, precision: str) -> None:
    """Start a fresh W where the [CLS] vectors of some batches, so projected, are nearest to the teacher's vectors."""
    made.eval()
    hidden: list[torch.Tensor] = []
    teacher: list[torch.Tensor] = []
    turn = 0
    while sum(len(part) for part in teacher) < FITTED_TEXTS:
        batch = batches.draw(turn)
        assert batch.query_vectors is not None and batch.doc_vectors is not None
        for texts, vectors in ((batch.queries, batch.query_vectors), (batch.docs, batch.doc_vectors)):
            with torch.autocast(vectors.device.type, torch.bfloat16, enabled=precision == "bf16"):
                first = torch.cat([made.first(*group) for group in texts.groups])[texts.place]
            hidden.append(first.float())
            teacher.append(vectors)
        turn += 1
    made.projection.data.copy_(least_squares(torch.cat(hidden), torch.cat(teacher), scale))


@torch.no_grad()
def fit_level(made: Representation, batches: PairBatches, precision: str) -> None:
    """Shift the head's bias so that about as many entries of a text are above 0 as it has pieces.

    Pre-training leaves the level of the vocabulary vector undetermined, as a softmax does not see it; an activation
    does. Learned step by step, the shift would cost the encoder what it knows.
    """
    made.eval()
    batch, levels = batches.draw(0), []
    assert made.lexicon is not None
    for ids, lengths in batch.docs.groups:
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=precision == "bf16"):
            mu = made.logits(ids, lengths)  # (D, V)
        own = (targets(made.lexicon, ids, lengths) > 0).sum(1, keepdim=True)  # (D, 1)
        levels.append(mu.sort(1, descending=True).values.gather(1, own))
    backbones.output(made.lm).bias.data -= torch.cat(levels).mean()
