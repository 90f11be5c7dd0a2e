"""Weights in a quarter of their size: matrices as int8 with a scale for each row, everything else as it is.

    python -m retrievers.encoders.int8_weights FOLDER WIDE/      (the same model in fp32, for any other program)

This is a form of storage alone: the model that runs has fp32 weights, w = scale * q with q in -127 … 127. A folder
holds either `model.int8.safetensors` or the usual file. What it costs in quality is measured in docs/log.md.
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.files import atomic_path

NAME = "model.int8.safetensors"
SCALE = ".scale"  # after the name of a matrix
LEAST = 1024  # entries of a matrix that is worth it


def narrow(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as they are stored: (R, C) as int8 and fp32 (R,); those of one memory are kept once."""
    kept: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in state.items():
        if value.data_ptr() in seen:  # tied: from_pretrained ties it again
            continue
        seen.add(value.data_ptr())
        if value.ndim != 2 or value.numel() < LEAST or not value.is_floating_point():
            kept[name] = value.detach().clone().contiguous()
            continue
        scale = value.detach().float().abs().amax(1).clamp_min(1e-12) / 127  # (R,)
        kept[name] = (value.detach().float() / scale[:, None]).round().to(torch.int8)
        kept[name + SCALE] = scale
    return kept


def widen(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The fp32 tensors of what `narrow` made. ValueError for int8 without its scale."""
    found = {}
    for name, value in stored.items():
        if value.dtype == torch.int8:
            if name + SCALE not in stored:
                raise ValueError(f"{NAME}: {name} has no scale; the file is damaged or of another program")
            found[name] = value.float() * stored[name + SCALE][:, None]
        elif not name.endswith(SCALE):
            found[name] = value.float() if value.is_floating_point() else value
    return found


def write(folder: Path, state: dict[str, Tensor]) -> None:
    """Write `model.int8.safetensors` into `folder`."""
    from safetensors.torch import save_file

    with atomic_path(folder / NAME) as temporary:
        save_file(narrow(state), temporary, {"format": "pt"})


def loaded(kind: Any, folder: Path | str, **more: Any) -> tuple[Any, dict[str, Any]]:
    """`kind.from_pretrained(folder, output_loading_info=True, **more)`, of int8 weights too: the model in fp32."""
    path = Path(folder) / NAME
    if not path.is_file():
        return kind.from_pretrained(folder, output_loading_info=True, **more)
    from safetensors.torch import load_file
    from transformers import AutoConfig

    model = kind.from_config(AutoConfig.from_pretrained(folder, trust_remote_code=False)).float()
    prefix, state, missing = f"{model.base_model_prefix}.", widen(load_file(path)), []
    for name, parameter in model.named_parameters():
        names = name, prefix + name, name.removeprefix(prefix)  # of an encoder with its head, or alone
        found = next((state[one] for one in names if one in state), None)
        if found is None or found.shape != parameter.shape:
            missing.append(name)
        else:
            parameter.data.copy_(found)
    return model.eval(), {"missing_keys": missing}


def main(argv: list[str] | None = None) -> int:
    """The command line: the folder again, its weights in fp32."""
    import argparse

    from transformers import AutoModelForMaskedLM

    parser = argparse.ArgumentParser(prog="retrievers.encoders.int8_weights", description="int8 weights made fp32")
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    a = parser.parse_args(argv)
    if not (a.folder / NAME).is_file():
        parser.error(f"{a.folder} has no {NAME}")
    model, _ = loaded(AutoModelForMaskedLM, a.folder)
    shutil.copytree(a.folder, a.output, ignore=shutil.ignore_patterns(NAME))
    model.save_pretrained(a.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
