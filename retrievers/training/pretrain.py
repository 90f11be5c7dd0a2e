"""Pre-training: text in, one folder out. Run by `beir-harness pretrain`, or by torchrun on many devices."""

import argparse
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.utils import broadcast_object_list

from retrievers.encoders.backbones import longest
from retrievers.encoders.memory import keep_freed_memory
from retrievers.training.arguments import add_pretrain_arguments
from retrievers.training.data.batches import Batches, Schedule, cut_blocks
from retrievers.training.data.masking import Masker
from retrievers.training.data.store import Store
from retrievers.training.data.vocabulary import continuations
from retrievers.training.engine import checkpoints, loop, prepare, ranges, result
from retrievers.training.engine.held_out import AT_ONCE, MOST, HeldOut
from retrievers.training.engine.held_out import LOSSES as HELD_OUT
from retrievers.training.engine.precision import resolve_precision
from retrievers.training.models import objectives
from retrievers.training.models.initial import Initial, start_from
from retrievers.training.models.retromae import MaskedLanguageModel, RetroMAE


def main(argv: list[str] | None = None) -> int:
    """The command line of one process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="retrievers.training.pretrain", description="pre-train an encoder on text")
    add_pretrain_arguments(parser)
    pretrain(parser.parse_args(argv))
    return 0


def pretrain(a: argparse.Namespace) -> dict[str, Any]:
    """Pre-train as the arguments say, going on from the last checkpoint of the same run; returns the record.

    Raises ValueError, FileNotFoundError and ImportError for what the user gave, OSError if a checkpoint cannot be
    written, FloatingPointError if a loss is no longer a number.
    """
    check(a)
    switches = objectives.switches(a.objective, a.preset, given_switches(a))
    patience = InitProcessGroupKwargs(timeout=timedelta(hours=6))  # the others wait while one tokenises
    accelerator = Accelerator(cpu=a.device == "cpu", kwargs_handlers=[patience])
    if a.threads:
        torch.set_num_threads(a.threads)
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    cache = a.cache or prepare.default_cache()
    with accelerator.main_process_first():
        sources = prepare.sources_of(a)
        tokenizer = prepare.tokenizer_for(a, sources, cache)
        text = prepare.tokenised(sources, tokenizer, cache)
        other = prepare.held_out(a.held_out, sources, tokenizer, cache)
    precision = resolve_precision(a.precision, accelerator.device, a.output / prepare.RUN)
    (precision,) = broadcast_object_list([precision])  # processes may measure differently
    identity = prepare.identity(a, switches, text.facts, accelerator.num_processes, precision)
    if other:
        identity["held_out"] = other.facts["key"]  # another text is another record
    prepare.refuse_another(a.output, identity, a.overwrite)
    if done := prepare.done(a.output, identity):
        return done

    start = start_from(a.init, tokenizer, a.seed, a.dropout)
    model = build(a.objective, start, switches)
    schedule = schedule_of(a, text, model)
    per_step = a.accumulate * accelerator.num_processes
    steps = a.steps if a.steps is not None else max(1, round(a.epochs * schedule.per_epoch / per_step))
    masker = Masker(
        torch.tensor(continuations(tokenizer), device=accelerator.device),
        tokenizer.mask_token_id,
        a.encoder_mask,
        a.decoder_mask if isinstance(model, RetroMAE) else None,
        a.mask_form,
        objectives.CORRUPTION[a.preset],
        a.decoder_rows,
    )
    special = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
    device, rank, world = accelerator.device, accelerator.process_index, accelerator.num_processes
    batches = Batches(text.ids, schedule, masker, special, a.seed, device, rank, world)
    accelerator.wait_for_everyone()  # until all have looked into the folder
    if accelerator.is_main_process:
        prepare.claim(a.output, identity)
    accelerator.wait_for_everyone()
    held_out = None
    if other and accelerator.is_main_process:
        whole = masker._replace(rows=1.0)  # the loss itself, of which a share of the rows is an estimate
        blocks = cut_blocks(other.ends[:MOST], a.max_length - 2, a.pack)
        texts = Batches(other.ids, Schedule(*blocks, AT_ONCE, 0), whole, special, 0, device)
        held_out = HeldOut(texts, precision, a.output / HELD_OUT, loop.tensorboard(a))
    outcome = loop.train(a, accelerator, model, batches, steps, precision, held_out)

    record = {
        "schema": 1,
        "objective": a.objective,
        "switches": switches,
        "arguments": {name: named(value) for name, value in identity.items() if name != "switches"},
        "decoder": None if masker.decoder is None else ("continued" if start.decoder else "fresh"),
        "fresh_weights": start.fresh,
        "data": text.facts | {"examples": len(schedule.lengths)},
        "parameters": sum(parameter.numel() for parameter in model.lm.parameters()),
        "device": torch.cuda.get_device_name() if accelerator.device.type == "cuda" else "cpu",
        **outcome,
        **({"held_out": held_out.close()} if held_out else {}),
        "versions": result.versions(),
    }
    if accelerator.is_main_process:
        result.write_tokenizer(a.output, tokenizer)
        result.write_result(a.output, model, record)
        checkpoints.prune(a.output / loop.CHECKPOINTS, 0)
    accelerator.wait_for_everyone()
    return record


def named(value: Any) -> Any:
    """A path as its last part: records are published, and the folders of a machine are nobody's business."""
    return Path(value).name if isinstance(value, str) and Path(value).exists() else value


def check(a: argparse.Namespace) -> None:
    """ValueError for arguments that can't be meant."""
    ranges.check(a)
    if a.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: torch finds no GPU here")


def given_switches(a: argparse.Namespace) -> dict[str, Any]:
    """The switches of the objective as the command line has them, None where it is silent."""
    masked = None if a.include_masked is None else a.include_masked == "yes"
    named = {name: getattr(a, name) for name in ("bow_weight", "normalise", "query", "average")}
    return named | {"include_masked": masked}


def build(objective: str, start: Initial, switches: dict[str, Any]) -> MaskedLanguageModel:
    """The model with its losses; goes on with the decoder of an earlier pre-training where there is one."""
    model = objectives.make(objective, start.lm, switches)
    if start.decoder and isinstance(model, RetroMAE):
        model.decoder.load_state_dict(start.decoder)
    return model


def schedule_of(a: argparse.Namespace, text: Store, model: MaskedLanguageModel) -> Schedule:
    """The batches of the tokenised text; ValueError if its examples are longer than the model."""
    most = longest(model.lm.config)
    if a.max_length > most:
        raise ValueError(f"--max-length {a.max_length}: this model has positions for {most}")
    starts, lengths = cut_blocks(text.ends, a.max_length - 2, a.pack)
    return Schedule(starts, lengths, a.batch_size, a.seed)


if __name__ == "__main__":
    raise SystemExit(main())
