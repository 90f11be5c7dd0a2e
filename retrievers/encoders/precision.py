"""Which number format is quicker here: a CPU with bf16 instructions may still multiply in fp32 twice as fast."""

from time import perf_counter

import torch


def precision_here(asked: str, device: torch.device) -> str:
    """`asked`, or for "auto" what is quicker on this device."""
    return quicker_precision(device) if asked == "auto" else asked


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
