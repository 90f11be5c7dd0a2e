"""Checkpoints: one safetensors file each, renamed into place when it is whole."""

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from harness.files import atomic_path

NAME = re.compile(r"step-(\d+)\.safetensors")


def all_checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints in `folder`, oldest first."""
    return sorted(path for path in folder.glob("step-*.safetensors") if NAME.fullmatch(path.name))


def save(folder: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, progress: dict[str, Any]) -> Path:
    """Write parameters, optimiser state and `progress` (JSON-able) after `step` steps; OSError names what is left."""
    tensors = {f"model.{name}": value.detach() for name, value in model.named_parameters()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state[parameter].items():
            tensors[f"optimizer.{key}.{name}"] = value
    path = folder / f"step-{step:09d}.safetensors"
    try:
        with atomic_path(path) as temporary:
            save_file({name: value.contiguous() for name, value in tensors.items()}, temporary, _metadata(progress))
    except Exception as error:  # safetensors has an error class of its own for a full disk
        last = all_checkpoints(folder)
        kept = f"the last good one is {last[-1]}" if last else "there is none before it"
        why = getattr(error, "strerror", None) or error
        raise OSError(
            f"could not write the checkpoint {path}: {why}; {kept}; the same command goes on from it"
        ) from error
    return path


def _metadata(progress: dict[str, Any]) -> dict[str, str]:
    return {"progress": json.dumps(progress)}


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Put a checkpoint's parameters and optimiser state back; returns its progress. ValueError if it does not fit."""
    with safe_open(path, "pt") as file:
        names, progress = set(file.keys()), json.loads(file.metadata()["progress"])
        for name, parameter in model.named_parameters():
            if f"model.{name}" not in names:
                raise ValueError(f"{path} does not fit this model: {name} is missing; remove it or use another folder")
            parameter.data.copy_(file.get_tensor(f"model.{name}"))
            for key in ("step", "exp_avg", "exp_avg_sq"):
                optimizer.state[parameter][key] = file.get_tensor(f"optimizer.{key}.{name}").to(parameter.device)
    return progress


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints, 0 for all of them."""
    found = all_checkpoints(folder)
    for path in found[: len(found) - keep]:
        path.unlink()
