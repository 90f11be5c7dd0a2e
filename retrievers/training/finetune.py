"""Fine-tuning: checkpoint, queries and documents in, one retriever out. Run by `beir-harness finetune` or torchrun."""

import argparse
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.utils import broadcast_object_list

from harness.files import sha256
from retrievers.encoders import backbones
from retrievers.encoders.backbones import family, longest
from retrievers.encoders.memory import keep_freed_memory
from retrievers.training import finetune_data
from retrievers.training.engine import checkpoints, loop, prepare, result
from retrievers.training.engine.precision import resolve_precision
from retrievers.training.examples.pairs_batches import PairBatches
from retrievers.training.examples.pairs_texts import tokenised
from retrievers.training.export import export
from retrievers.training.finetune_arguments import add_finetune_arguments, resolved
from retrievers.training.models.initial import Initial, is_random, start_from, tokenizer_of
from retrievers.training.pretrain import named
from retrievers.training.ranking.embedding import least_squares
from retrievers.training.ranking.finetune_model import FineTuning, Lessons
from retrievers.training.ranking.lexical import lexicon_of, targets
from retrievers.training.ranking.representation import Representation

FITTED_TEXTS = 2048  # five times as many as a vector has dimensions
TOKENS_AT_ONCE = {"cpu": 4096, "cuda": 65536}
CHANGES_NOTHING = {  # beside those of `prepare.FREE`: what the data's key holds, and what saves memory or time alone
    "negatives", "teacher", "teacher_scores", "teacher_run", "gradient_cache", "offline", "split", "checkpoint",
    "epochs",
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """The command line of one process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="retrievers.training.finetune", description="fine-tune a retriever")
    add_finetune_arguments(parser)
    finetune(parser.parse_args(argv))
    return 0


def finetune(given: argparse.Namespace, data_dirs: Sequence[Path] = ()) -> dict[str, Any]:
    """Fine-tune as the arguments say, going on from the last checkpoint of the same run; returns the record.

    `data_dirs` are looked in after those of the arguments. Raises ValueError, FileNotFoundError, ImportError and
    HarnessError for what the user gave, OSError if a checkpoint cannot be written, FloatingPointError if a loss is no
    longer a number.
    """
    a = resolved(given, own_settings(Path(given.checkpoint)))
    if a.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: torch finds no GPU here")
    if a.output.resolve() == Path(a.checkpoint).resolve():
        raise ValueError(f"--output {a.output} is the checkpoint that training starts from; give a folder of its own")
    patience = InitProcessGroupKwargs(timeout=timedelta(hours=6))  # the others wait while one reads or scores
    accelerator = Accelerator(cpu=a.device == "cpu", kwargs_handlers=[patience])
    if a.threads:
        torch.set_num_threads(a.threads)
    device = accelerator.device
    if device.type == "cpu":
        keep_freed_memory()
    with accelerator.main_process_first():
        examples = finetune_data.examples_for(a, [*a.data_dir, *data_dirs])
        scores = finetune_data.score_with_teacher(a, examples, a.cache or prepare.default_cache(), str(device))
        vectors = finetune_data.embedded_by_teacher(a, examples, a.cache or prepare.default_cache(), str(device))
    data = finetune_data.data_facts(a, examples, scores)
    precision = resolve_precision(a.precision, device, a.output / prepare.RUN)
    (precision,) = broadcast_object_list([precision])  # processes may measure differently

    tokenizer = tokenizer_of(a.checkpoint, a.vocab)
    start = start_from(a.checkpoint, tokenizer, a.seed, a.dropout)
    choose(a, start)
    width = a.dim or family(start.lm.config).shape(start.lm.config).hidden
    if vectors and (wide := vectors.docs.shape[1]) != width:
        raise ValueError(f"--embedding-teacher: its vectors have {wide} dimensions, the dense half {width}; see --dim")
    identity = identity_of(a, data["key"], accelerator.num_processes, precision)
    prepare.refuse_another(a.output, identity, a.overwrite)
    if done := prepare.done(a.output, identity):
        return done

    numbers, candidates = finetune_data.candidates_of(a, examples, scores)
    docs = tokenised(examples.docs, tokenizer, a.max_length)
    batches = PairBatches(
        tokenised([examples.queries[at] for at in numbers], tokenizer, a.query_max_length),
        docs,
        candidates,
        batch_size=a.batch_size,
        hard=a.negatives_per_query if a.negatives else 0,
        seed=a.seed,
        pad=tokenizer.pad_token_id,
        tokens_at_once=a.tokens_at_once or TOKENS_AT_ONCE[device.type],
        device=device,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
        vectors=vectors and vectors._replace(queries=vectors.queries[numbers]),
    )
    steps = (
        a.steps if a.steps is not None else max(1, round(a.epochs * len(numbers) / (batches.per_pass * a.accumulate)))
    )
    representation, projection = build(a, start)
    lessons = Lessons(a.ranking_weight, a.embedding_weight if vectors else 0.0, a.embedding_scale, a.lexical_weight)
    if a.lexical_weight:
        representation.lexicon = lexicon_of(docs.ids, docs.ends, len(tokenizer), a.lexical_scale)
    model = FineTuning(representation, a.stage, a.temperature, a.gradient_cache, lessons, a.teacher_temperature).to(
        device
    )
    if vectors and projection == "fresh":
        fit_projection(representation, batches, a.embedding_scale, precision)
    if a.lexical_weight and not own_settings(Path(a.checkpoint)):
        fit_level(representation, batches, precision)
    (at_start,) = broadcast_object_list([model.first_look(batches.draw(0))])
    if a.scale == "balance":
        representation.balance(at_start["sparse_spread"], projection == "continued")
    accelerator.wait_for_everyone()  # until all have looked into the folder
    if accelerator.is_main_process:
        prepare.claim(a.output, identity)
    accelerator.wait_for_everyone()
    outcome = loop.train(a, accelerator, model, batches, steps, precision)  # type: ignore[arg-type]

    settings = {name: getattr(a, name) for name in ("max_length", "query_max_length", "title")}
    about = representation.facts() | ({"projection": projection} if projection else {})
    record = {
        "schema": 1,
        "stage": a.stage,
        "representation": about,
        "settings": settings,
        "hard_negatives": batches.hard,
        "temperature": a.temperature,
        "arguments": {name: named(value) for name, value in identity.items()}
        | {"init": start_facts(a.checkpoint)["name"]},
        "scores_at_start": at_start,
        "start": start_facts(a.checkpoint),
        "fresh_weights": start.fresh,
        "data": data["sources"],
        "negatives": data["negatives"],
        "teacher": data["teacher"],
        "embedding_teacher": data["embedding_teacher"],
        "lessons": lessons._asdict() | {"lexical_scale": a.lexical_scale if a.lexical_weight else None},
        "trainable_queries": len(numbers),
        "parameters": sum(parameter.numel() for parameter in start.lm.parameters()),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        **outcome,
        "versions": result.versions(),
    }
    if accelerator.is_main_process:
        if a.representation != "cls":
            settings |= {"k": a.k, "activation": a.activation, "include_sep": a.include_sep}
        settings["trained"] = {name: record[name] for name in ("stage", "representation", "steps", "tokens")}
        head = is_random(a.checkpoint) or not start.fresh
        w = representation.exported_projection()
        export(a.output, start.lm, tokenizer, a.representation, w, settings, record, dtype=a.export_dtype, head=head)
        checkpoints.prune(a.output / loop.CHECKPOINTS, 0)
    accelerator.wait_for_everyone()
    return record


def own_settings(folder: Path) -> dict[str, Any]:
    """What a fine-tuned checkpoint says of itself, as arguments; empty for any other."""
    for name in ("dupmae.json", "retromae.json"):
        if (folder / name).is_file():
            return json.loads((folder / name).read_text())
    return {}


def start_facts(checkpoint: str) -> dict[str, Any]:
    """What the record says of the checkpoint that training started from, its own record included."""
    weights, record = Path(checkpoint) / "model.safetensors", result.recorded(Path(checkpoint))
    digest = sha256(weights) if weights.is_file() else None
    return {"name": Path(checkpoint).name if weights.is_file() else checkpoint, "sha256": digest, "record": record}


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


def build(a: argparse.Namespace, start: Initial) -> tuple[Representation, str | None]:
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
def fit_projection(representation: Representation, batches: PairBatches, scale: float, precision: str) -> None:
    """Start a fresh W where the [CLS] vectors of some batches, so projected, are nearest to the teacher's vectors."""
    representation.eval()
    hidden: list[torch.Tensor] = []
    teacher: list[torch.Tensor] = []
    turn = 0
    while sum(len(part) for part in teacher) < FITTED_TEXTS:
        batch = batches.draw(turn)
        assert batch.query_vectors is not None and batch.doc_vectors is not None
        for texts, vectors in ((batch.queries, batch.query_vectors), (batch.docs, batch.doc_vectors)):
            with torch.autocast(vectors.device.type, torch.bfloat16, enabled=precision == "bf16"):
                first = torch.cat([representation.first(*group) for group in texts.groups])[texts.place]
            hidden.append(first.float())
            teacher.append(vectors)
        turn += 1
    representation.projection.data.copy_(least_squares(torch.cat(hidden), torch.cat(teacher), scale))


@torch.no_grad()
def fit_level(representation: Representation, batches: PairBatches, precision: str) -> None:
    """Shift the head's bias so that about as many entries of a text are above 0 as it has pieces.

    Pre-training leaves the level of the vocabulary vector undetermined, as a softmax does not see it; an activation
    does. Learned step by step, the shift would cost the encoder what it knows.
    """
    representation.eval()
    batch, levels = batches.draw(0), []
    assert representation.lexicon is not None
    for ids, lengths in batch.docs.groups:
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=precision == "bf16"):
            mu = representation.logits(ids, lengths)  # (D, V)
        own = (targets(representation.lexicon, ids, lengths) > 0).sum(1, keepdim=True)  # (D, 1)
        levels.append(mu.sort(1, descending=True).values.gather(1, own))
    backbones.output(representation.lm).bias.data -= torch.cat(levels).mean()


def identity_of(a: argparse.Namespace, key: str, processes: int, precision: str) -> dict[str, Any]:
    """Everything that the losses and the result are a function of."""
    named = {name: value for name, value in vars(a).items() if name not in CHANGES_NOTHING}
    named["depth"] = list(a.depth)
    named["epochs"] = None if a.steps else a.epochs
    folder = Path(a.checkpoint)
    return prepare.identity(argparse.Namespace(**named, init=a.checkpoint), {}, {"key": key}, processes, precision) | {
        "projection": sha256(path) if (path := folder / "projection.safetensors").is_file() else None
    }


if __name__ == "__main__":
    raise SystemExit(main())
