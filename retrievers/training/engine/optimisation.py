"""AdamW as BERT is trained: no decay on biases and LayerNorms; the learning rate is a function of the step."""

import math
from typing import Literal

import torch
from torch import nn

Decay = Literal["linear", "cosine"]


def adamw(model: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """The optimiser, its parameters in two groups."""
    norms = {
        f"{name}.{part}"
        for name, module in model.named_modules()
        if isinstance(module, nn.LayerNorm)
        for part, _ in module.named_parameters(recurse=False)
    }
    plain = [p for name, p in model.named_parameters() if name not in norms and not name.endswith("bias")]
    spared = [p for name, p in model.named_parameters() if name in norms or name.endswith("bias")]
    groups = [{"params": plain, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def learning_rate(step: int, steps: int, peak: float, warmup: float, decay: Decay) -> float:
    """The rate of step 0, 1, …, steps - 1: up in a line over the share `warmup` of them, then down to zero."""
    rising = round(steps * warmup)
    if step < rising:
        return peak * (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return peak * (1 - done if decay == "linear" else (1 + math.cos(math.pi * done)) / 2)
