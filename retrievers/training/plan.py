"""What a pre-training would cost, before it is begun: operations, tokens, memory, hours and price.

Operations are counted from the sizes, forward and backward (three times forward; recomputation none):

    a layer, per token   2 (4 H² + 2 H I) + 4 L H        attention and feed-forward, with an intermediate width I
    a vocabulary head    2 H V + 2 H²                    at the share of positions that a loss needs

One step is measured on the device at hand. GPUs that are not at hand are assumed to sustain `gpu_rate`; gradients are
summed in fp32 over a link of LINK bytes a second, beside nothing else, so the hours on many devices are an upper bound.
"""

import argparse
from time import perf_counter
from typing import Any, NamedTuple

import torch

from retrievers.encoders import backbones
from retrievers.training.data.masking import Masker
from retrievers.training.data.vocabulary import continuations
from retrievers.training.engine import prepare
from retrievers.training.engine.precision import resolve_precision
from retrievers.training.models import objectives
from retrievers.training.models.initial import start_from
from retrievers.training.models.retromae import RetroMAE

GPUS = (1, 8, 64)
LINK = 150e9  # bytes a second between GPUs
MEASURED = 1024  # tokens of the step that is measured on a CPU
GPU_MEASURED = 16384
PER_WEIGHT = 16  # bytes: fp32 weight, gradient and two moments


class Sizes(NamedTuple):
    """Of a model and its examples."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    length: int


def forward_flops(sizes: Sizes, objective: str, encoder_mask: float, decoder_rows: float = 1.0) -> dict[str, float]:
    """Operations of one example's forward pass, part by part."""
    n, h, length = sizes.length, sizes.hidden, sizes.length
    layer = n * (2 * (4 * h * h + 2 * h * sizes.intermediate) + 4 * length * h)
    head = n * (2 * h * sizes.vocabulary + 2 * h * h)
    found = {"encoder": sizes.layers * layer, "masked_lm": encoder_mask * head}
    if objective != "mlm":
        contexts = n * 4 * h * h  # keys and values
        found |= {"decoder": contexts + decoder_rows * (layer - contexts), "reconstruction": decoder_rows * head}
    if objective == "dupmae":
        found["bag_of_words"] = head
    return found


def activation_bytes(sizes: Sizes, batch: int, width: int) -> float:
    """What the backward pass of a batch needs kept, logits aside, which live one block at a time: about eight hidden
    states, two of the intermediate width, of each layer and the decoder."""
    return batch * sizes.length * (sizes.layers + 1) * (8 * sizes.hidden + 2 * sizes.intermediate) * width


def plan(a: argparse.Namespace) -> dict[str, Any]:
    """The plan of `pretrain` with these arguments, `a.plan` examples of full length, or those of the text for 0."""
    device = torch.device("cuda" if a.device != "cpu" and torch.cuda.is_available() else "cpu")
    if a.threads:
        torch.set_num_threads(a.threads)
    cache = a.cache or prepare.default_cache()
    sources = prepare.sources_of(a) if not a.plan or a.train_tokenizer else []
    tokenizer = prepare.tokenizer_for(a, sources, cache)
    examples, tokens = a.plan, a.plan * a.max_length
    if not a.plan:
        from retrievers.training.data.batches import cut_blocks

        lengths = cut_blocks(prepare.tokenised(sources, tokenizer, cache).ends, a.max_length - 2, a.pack)[1]
        examples, tokens = len(lengths), int((lengths + 2).sum())
    start = start_from(a.init, tokenizer, a.seed, a.dropout)
    config: Any = start.lm.config
    shape = backbones.family(config).shape(config)
    sizes = Sizes(config.num_hidden_layers, shape.hidden, shape.intermediate, len(tokenizer), a.max_length)
    parts = {
        name: 3 * value for name, value in forward_flops(sizes, a.objective, a.encoder_mask, a.decoder_rows).items()
    }
    a_token = sum(parts.values()) / a.max_length
    parameters = sum(parameter.numel() for parameter in start.lm.parameters())
    precision = resolve_precision(a.precision, device, a.output / prepare.RUN)
    rate = measured(a, start, tokenizer, device, precision)
    per_device = a.batch_size * a.accumulate
    passes = a.steps * per_device / examples if a.steps is not None else a.epochs
    total = passes * tokens * a_token
    rows = [{"devices": f"1 × {device.type} here", "hours": total / (rate * a_token) / 3600, "price": None}]
    gpu = rate * a_token if device.type == "cuda" else a.gpu_rate * 1e12
    for count in GPUS:
        steps = max(1.0, passes * examples / (per_device * count))
        summing = 2 * (count - 1) / count * 4 * parameters / LINK
        hours = (total / (count * gpu) + steps * summing) / 3600
        rows.append({"devices": f"{count} × GPU", "hours": hours, "price": hours * count * a.gpu_price})
    return {
        "objective": a.objective, "sizes": sizes._asdict(), "parameters": parameters, "examples": examples,
        "epochs": passes, "tokens": passes * tokens, "flops": total, "flops_per_example": parts,
        "memory_bytes": PER_WEIGHT * parameters
        + activation_bytes(sizes, a.batch_size, 2 if precision == "bf16" else 4),
        "measured": {"device": device.type, "precision": precision, "tokens_per_second": rate,
                     "flops_per_second": rate * a_token},
        "assumed": {"gpu_flops_per_second": gpu, "price_of_a_gpu_hour": a.gpu_price, "link_bytes_per_second": LINK},
        "rows": rows,
    }  # fmt: skip


def measured(a: argparse.Namespace, start: Any, tokenizer: Any, device: torch.device, precision: str) -> float:
    """Tokens a second of a step on random text of full length: the better of two after one that is not counted."""
    from retrievers.training.pretrain import build, given_switches

    switches = objectives.switches(a.objective, a.preset, given_switches(a))
    model = build(a.objective, start, switches).to(device).train()
    decoder = a.decoder_mask if isinstance(model, RetroMAE) else None
    pieces = torch.tensor(continuations(tokenizer), device=device)
    masker = Masker(
        pieces,
        tokenizer.mask_token_id,
        a.encoder_mask,
        decoder,
        a.mask_form,
        objectives.CORRUPTION[a.preset],
        a.decoder_rows,
    )
    most = MEASURED if device.type == "cpu" else GPU_MEASURED
    count = max(1, min(a.batch_size, most // a.max_length))
    generator = torch.Generator(device).manual_seed(a.seed)
    ids = torch.randint(5, len(tokenizer), (count, a.max_length), generator=generator, device=device)
    ids[:, 0], ids[:, -1] = tokenizer.cls_token_id, tokenizer.sep_token_id
    lengths = torch.full((count,), a.max_length, device=device)
    times = []
    for _ in range(3):
        began = perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            loss = model(masker.draw(ids, lengths, generator))["loss"]
        loss.backward()
        loss.item()
        times.append(perf_counter() - began)
    return count * a.max_length / min(times[1:])


def table(found: dict[str, Any]) -> str:
    """The plan in words and one small table."""
    sizes, here = found["sizes"], found["measured"]
    lines = [
        f"{found['objective']}: {sizes['layers']} layers of {sizes['hidden']}, {sizes['vocabulary']:,} pieces,"
        f" {found['parameters'] / 1e6:.1f} M parameters",
        f"{found['examples']:,} examples of up to {sizes['length']} tokens, {found['epochs']:g} epochs:"
        f" {found['tokens']:.3g} tokens, {found['flops']:.3g} FLOP",
        f"memory of a device: about {found['memory_bytes'] / 1e9:.1f} GB",
        f"one step here ({here['device']}, {here['precision']}): {here['tokens_per_second']:,.0f} tokens/s,"
        f" {here['flops_per_second'] / 1e9:,.0f} GFLOP/s; a GPU is taken for"
        f" {found['assumed']['gpu_flops_per_second'] / 1e12:,.0f} TFLOP/s",
        f"{'devices':>14} {'hours':>12} {'price':>10}",
    ]
    for row in found["rows"]:
        price = "" if row["price"] is None else f"{row['price']:,.0f}"
        lines.append(f"{row['devices']:>14} {row['hours']:>12,.2f} {price:>10}")
    return "\n".join(lines)
