"""The three objectives by name, with the readings of paper and released code as presets of their switches."""

from typing import Any

from torch import nn

from retrievers.training.models.dupmae import DupMAE
from retrievers.training.models.retromae import MaskedLanguageModel, RetroMAE

OBJECTIVES: dict[str, type[MaskedLanguageModel]] = {"mlm": MaskedLanguageModel, "retromae": RetroMAE, "dupmae": DupMAE}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "code": {
        "mlm": {"average": "token"},
        "retromae": {"average": "token", "query": "plain"},
        "dupmae": {
            "average": "token",
            "query": "embedded",
            "bow_weight": 0.1,
            "normalise": "tokens",
            "include_masked": True,
        },
    },
    "paper": {
        "mlm": {"average": "text"},
        "retromae": {"average": "text", "query": "plain"},
        "dupmae": {
            "average": "text",
            "query": "plain",
            "bow_weight": 1.0,
            "normalise": "sum",
            "include_masked": False,
        },
    },
}
CORRUPTION = {
    "code": (0.8, 0.1),
    "paper": (1.0, 0.0),
}  # shares of [MASK] and of random pieces


def switches(objective: str, preset: str, given: dict[str, Any]) -> dict[str, Any]:
    """The preset's switches, replaced by those `given` that are not None; ValueError for one it does not have."""
    chosen = dict(PRESETS[preset][objective])
    for name, value in given.items():
        if value is None:
            continue
        if name not in chosen:
            raise ValueError(
                f"--{name.replace('_', '-')} does not apply to {objective}; its switches: {', '.join(chosen)}"
            )
        chosen[name] = value
    return chosen


def make(objective: str, lm: nn.Module, chosen: dict[str, Any]) -> MaskedLanguageModel:
    """The model that computes the losses of `objective`."""
    return OBJECTIVES[objective](lm, **chosen)
