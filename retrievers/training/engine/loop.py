"""The training loop: batches, steps, losses, checkpoints.

A step is a function of (parameters, optimiser state, seed, number of the step, number of the process): the order of
the examples, the masks and dropout all come from these, so a checkpoint needs no random state to be gone on from.
"""

import argparse
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from tqdm import tqdm

from retrievers.training.data.batches import Batches
from retrievers.training.engine import checkpoints, optimisation
from retrievers.training.engine.held_out import HeldOut
from retrievers.training.engine.losses_log import LossLog
from retrievers.training.models.retromae import MaskedLanguageModel

CHECKPOINTS = "checkpoints"
LOSSES = "losses.jsonl"


def train(
    a: argparse.Namespace,
    accelerator: Accelerator,
    model: MaskedLanguageModel,
    batches: Batches,
    steps: int,
    precision: str,
    held_out: HeldOut | None = None,
) -> dict[str, Any]:
    """Train `model` in place to step `steps`, from the newest checkpoint of the run; returns what to record.

    `held_out`, in the main process alone, is measured before the first step and at each checkpoint.
    """
    folder, main = a.output / CHECKPOINTS, accelerator.is_main_process
    wrapped = accelerator.prepare(model.train())
    optimizer = optimisation.adamw(model, a.learning_rate, a.weight_decay)
    names = [*model.weights, "loss", "gradient_norm"]
    sums = torch.zeros(len(names), dtype=torch.float64, device=accelerator.device)
    progress: dict[str, Any] = {"step": 0, "tokens": 0, "seconds": 0.0, "sums": sums.tolist(), "summed": 0}
    found = checkpoints.all_checkpoints(folder)
    if found:
        progress = checkpoints.load(found[-1], model, optimizer)
        sums = torch.tensor(progress["sums"], dtype=torch.float64, device=accelerator.device)
    first, tokens, summed = progress["step"], progress["tokens"], progress["summed"]
    log = LossLog(a.output / LOSSES, first, tensorboard(a)) if main else None
    began, seconds, seen = perf_counter(), progress["seconds"], tokens
    first_bad = torch.full((), steps, dtype=torch.int64, device=accelerator.device)  # found without waiting for a GPU
    bar = tqdm(total=steps, initial=first, unit="step", disable=not main, mininterval=1.0, dynamic_ncols=True)

    if held_out:
        held_out.begin(model, first)
    for step in range(first, steps):
        rate = optimisation.learning_rate(step, steps, a.learning_rate, a.warmup, a.decay)
        for group in optimizer.param_groups:
            group["lr"] = rate
        for turn in range(step * a.accumulate, (step + 1) * a.accumulate):
            last = turn == (step + 1) * a.accumulate - 1
            with nullcontext() if last else accelerator.no_sync(wrapped):
                with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=precision == "bf16"):
                    losses = wrapped(batches.draw(turn))
                accelerator.backward(losses["loss"] / a.accumulate)
            values = torch.stack([losses[name].detach().double() for name in names[:-1]])
            sums[:-1] += values / a.accumulate
            first_bad = torch.where(values.isfinite().all(), first_bad, first_bad.clamp(max=step))
            tokens += batches.tokens(turn)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), a.clip)
        sums[-1] += norm
        first_bad = torch.where(norm.isfinite(), first_bad, first_bad.clamp(max=step))
        optimizer.step()
        optimizer.zero_grad()
        summed += 1
        bar.update()

        done = step + 1
        logging, saving = (done % every == 0 or done == steps for every in (a.log_every, a.checkpoint_every))
        if not logging and not saving:
            continue
        sums = accelerator.reduce(sums, reduction="mean")
        means = dict(zip(names, (sums / summed).tolist(), strict=True))
        if saving:  # a step may leave infinite weights although its losses were finite
            means["weights"] = torch.nn.utils.get_total_norm(list(model.parameters())).item()
        if not np.isfinite(list(means.values())).all():
            raise FloatingPointError(_not_a_number(min(done, int(first_bad) + 1), means, folder))
        if logging:
            if log:
                log.write(
                    {"step": done, **{name: means[name] for name in names}, "learning_rate": rate, "tokens": tokens}
                )
            speed = (tokens - seen) / (perf_counter() - began)
            bar.set_postfix_str(f"loss {means['loss']:.3f}, {speed:,.0f} tokens/s")
            sums, summed = torch.zeros_like(sums), 0
        if saving and held_out:
            held_out.measure(model, done)
        if saving and main:
            lasted = seconds + perf_counter() - began
            state = {"step": done, "tokens": tokens, "seconds": lasted, "sums": sums.tolist(), "summed": summed}
            checkpoints.save(folder, done, model, optimizer, state)
            checkpoints.prune(folder, a.keep)
    bar.close()
    seconds += perf_counter() - began
    curve = log.close() if log else []
    return {
        "steps": steps,
        "tokens": tokens,
        "seconds": round(seconds, 1),
        "tokens_per_second": round(tokens / max(seconds, 1e-9)),
        "precision": precision,
        "losses": {"first": curve[0], "last": curve[-1]} if curve else {},
    }


def tensorboard(a: argparse.Namespace) -> Path | None:
    """Where curves go for TensorBoard, if they are to."""
    return a.output / "tensorboard" if a.tensorboard else None


def _not_a_number(step: int, means: dict[str, float], folder: Path) -> str:
    wrong = ", ".join(name for name, value in means.items() if not np.isfinite(value))
    last = checkpoints.all_checkpoints(folder)
    good = f"the last good checkpoint is {last[-1]}" if last else "there is no checkpoint yet"
    return (
        f"no longer a number at step {step}: {wrong}; {good}."
        " Start again in another folder with a lower --learning-rate, a longer --warmup or --precision fp32"
    )
