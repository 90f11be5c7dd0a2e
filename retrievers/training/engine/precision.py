"""The number format of a run: what was asked for, or what it was begun with, or what is quicker here."""

import json
from pathlib import Path

import torch

from retrievers.encoders.precision import quicker_precision


def resolve_precision(asked: str, device: torch.device, run: Path) -> str:
    """ "fp32" or "bf16"; for "auto" what the run `run` (run.json) was begun with, or else what is quicker now."""
    if asked != "auto":
        return asked
    return json.loads(run.read_text())["precision"] if run.exists() else quicker_precision(device)
