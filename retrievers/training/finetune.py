"""Fine-tuning: checkpoint, queries and documents in, one retriever out. Run by `beir-harness finetune` or torchrun."""

import argparse
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.utils import broadcast_object_list

from harness.files import sha256
from retrievers.encoders.backbones import family
from retrievers.encoders.memory import keep_freed_memory
from retrievers.training import finetune_data, finetune_start
from retrievers.training.engine import checkpoints, loop, prepare, result
from retrievers.training.engine.precision import resolve_precision
from retrievers.training.examples.pairs_batches import PairBatches
from retrievers.training.examples.pairs_texts import tokenised
from retrievers.training.export import export
from retrievers.training.finetune_arguments import add_finetune_arguments, resolved
from retrievers.training.models.initial import is_random, start_from, tokenizer_of
from retrievers.training.pretrain import named

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
    a = resolved(given, finetune_start.own_settings(Path(given.checkpoint)))
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
    finetune_start.choose(a, start)
    width = a.dim or family(start.lm.config).shape(start.lm.config).hidden
    if vectors and (wide := vectors.docs.shape[1]) != width:
        raise ValueError(f"--embedding-teacher: its vectors have {wide} dimensions, the dense half {width}; see --dim")
    identity = identity_of(a, data["key"], accelerator.num_processes, precision)
    prepare.refuse_another(a.output, identity, a.overwrite)
    if done := prepare.done(a.output, identity):
        return done

    numbers, candidates = finetune_data.candidates_of(a, examples, scores)
    batches = PairBatches(
        tokenised([examples.queries[at] for at in numbers], tokenizer, a.query_max_length),
        tokenised(examples.docs, tokenizer, a.max_length),
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
    model, projection = finetune_start.model(a, start, batches, len(tokenizer), precision)
    (model.teacher_temperature,) = broadcast_object_list(
        [model.teacher_temperature]
    )  # each has looked at its own batch
    (at_start,) = broadcast_object_list([model.first_look(batches.draw(0))])
    if a.scale == "balance":
        model.representation.balance(at_start["sparse_spread"], projection == "continued")
    accelerator.wait_for_everyone()  # until all have looked into the folder
    if accelerator.is_main_process:
        prepare.claim(a.output, identity)
    accelerator.wait_for_everyone()
    outcome = loop.train(a, accelerator, model, batches, steps, precision)  # type: ignore[arg-type]

    about = model.representation.facts() | ({"projection": projection} if projection else {})
    settings = {name: getattr(a, name) for name in ("max_length", "query_max_length", "title")}
    if a.representation != "cls":
        settings |= {name: getattr(a, name) for name in ("k", "activation", "include_sep")}
    settings["trained"] = {
        "stage": a.stage, "representation": about, "steps": outcome["steps"], "tokens": outcome["tokens"],
    }  # fmt: skip
    record = {
        "schema": 1,
        "stage": a.stage,
        "representation": about,
        "settings": settings,
        "hard_negatives": batches.hard,
        "temperature": a.temperature,
        "teacher_temperature": model.teacher_temperature if a.stage == 3 else None,
        "arguments": {name: named(value) for name, value in identity.items()}
        | {"init": start_facts(a.checkpoint)["name"]},
        "scores_at_start": at_start,
        "start": start_facts(a.checkpoint),
        "fresh_weights": start.fresh,
        "data": data["sources"],
        "negatives": data["negatives"],
        "teacher": data["teacher"],
        "embedding_teacher": data["embedding_teacher"],
        "lessons": model.lessons._asdict() | {"lexical_scale": a.lexical_scale if a.lexical_weight else None},
        "trainable_queries": len(numbers),
        "parameters": sum(parameter.numel() for parameter in start.lm.parameters()),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        **outcome,
        "versions": result.versions(),
    }
    if accelerator.is_main_process:
        head = is_random(a.checkpoint) or not start.fresh
        w = model.representation.exported_projection()
        export(a.output, start.lm, tokenizer, a.representation, w, settings, record, dtype=a.export_dtype, head=head)
        checkpoints.prune(a.output / loop.CHECKPOINTS, 0)
    accelerator.wait_for_everyone()
    return record


def start_facts(checkpoint: str) -> dict[str, Any]:
    """What the record says of the checkpoint that training started from, its own record included."""
    weights, record = Path(checkpoint) / "model.safetensors", result.recorded(Path(checkpoint))
    digest = sha256(weights) if weights.is_file() else None
    return {"name": Path(checkpoint).name if weights.is_file() else checkpoint, "sha256": digest, "record": record}


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
