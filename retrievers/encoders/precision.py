"""Which number format is quicker here: a CPU with bf16 instructions may still multiply in fp32 twice as fast."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch

LONG = 30_000  # documents from which on it is worth a second or two to look
DOC_TOKENS = 150  # of a document, on average over BEIR
GAIN = 1.3  # below, nothing is said
PROBE_LENGTHS = [128] * 8  # tokens of the texts that are timed
OTHER = {"fp32": torch.bfloat16, "bf16": torch.float32}
NAMES = {torch.bfloat16: "bf16", torch.float32: "fp32"}


def advice(make: Callable[[torch.dtype], Any], precision: str, docs: int, longest: int) -> str | None:
    """What the other precision would save of a long encoding, measured for about a second each; None where little.

    `make` gives the encoder (`PackedBert`) in a dtype; `longest` is where texts are cut, in tokens.
    """
    if docs < LONG or precision not in OTHER:
        return None
    other = OTHER[precision]
    own = next(dtype for dtype, name in NAMES.items() if name == precision)
    rates = {dtype: _tokens_per_s(make(dtype)) for dtype in (own, other)}
    if rates[other] < GAIN * rates[own]:
        return None
    minutes = {dtype: docs * min(DOC_TOKENS, longest) / rate / 60 for dtype, rate in rates.items()}
    return (
        f"forecast: encoding takes about {minutes[own]:.0f} min here in {precision}; precision={NAMES[other]} would"
        f" take about {minutes[other]:.0f} (measured for a second each). Its vectors differ in their last digits, so it"
        " is another system, to be compared"
    )


def _tokens_per_s(bert: Any) -> float:
    ids = torch.randint(5, bert.vocabulary, (sum(PROBE_LENGTHS),), device=bert.device, dtype=torch.int32)
    best, end = float("inf"), perf_counter() + 1.0
    with torch.inference_mode():
        bert(ids, PROBE_LENGTHS)
        while perf_counter() < end:
            begun = perf_counter()
            bert(ids, PROBE_LENGTHS).sum().item()  # .item waits for an accelerator
            best = min(best, perf_counter() - begun)
    return len(ids) / best


def precision_here(asked: str, device: torch.device) -> str:
    """`asked`, or for "auto" what is quicker on this device."""
    return quicker_precision(device) if asked == "auto" else asked


def chosen_here(asked: str, chosen: str) -> dict[str, str]:
    """What "auto" came to, for a fingerprint: vectors of another machine's choice are other vectors."""
    return {"precision": chosen} if asked == "auto" else {}


def quicker_precision(device: torch.device) -> str:
    """ "bf16" where matrix products of a small model's size are at least 1.2 times as fast in it, else "fp32"."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    times = {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        left, right = torch.ones(2048, 512, dtype=kind), torch.ones(512, 2048, dtype=kind)
        times[name] = min(_timed(left, right) for _ in range(6))
    return "bf16" if times["fp32"] > 1.2 * times["bf16"] else "fp32"


def _timed(left: torch.Tensor, right: torch.Tensor) -> float:
    start = perf_counter()
    left @ right
    return perf_counter() - start
