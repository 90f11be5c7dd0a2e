"""The folder that pre-training leaves: a masked-LM checkpoint that transformers loads, the decoder layer, the record.

config.json model.safetensors   encoder and masked-LM head, for AutoModelForMaskedLM
tokenizer files
decoder.safetensors             the decoder layer, so that further pre-training goes on with it
training.json                   written last: arguments, data, losses, tokens, versions
"""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safetensors.torch import save

from harness.files import write_bytes, write_json
from retrievers.training.models.retromae import MaskedLanguageModel, RetroMAE

RECORD = "training.json"
PARTS = ("decoder.safetensors", "projection.safetensors", "dupmae.json", "retromae.json", "modules.json")
LIBRARIES = ("torch", "transformers", "tokenizers", "accelerate", "safetensors", "numpy")


def write_tokenizer(folder: Path, tokenizer: Any) -> None:
    """The tokenizer's files, each whole or absent."""
    save_through(folder, tokenizer)


def write_result(folder: Path, model: MaskedLanguageModel, record: Mapping[str, Any]) -> None:
    """Write weights and record into `folder`; the record comes last and means done."""
    save_through(folder, model.lm)
    if isinstance(model, RetroMAE):
        tensors = {name: value.detach().cpu().contiguous() for name, value in model.decoder.state_dict().items()}
        write_bytes(folder / "decoder.safetensors", save(tensors, {"format": "pt"}))
    write_json(folder / RECORD, dict(record))


def recorded(folder: Path) -> dict[str, Any] | None:
    """What a training left in `folder` says of itself, None if there is nothing."""
    path = folder / RECORD
    return json.loads(path.read_text()) if path.exists() else None


def finished(folder: Path) -> dict[str, Any] | None:
    """The record of a finished training in `folder`, None if there is none, or its weights are not there."""
    return recorded(folder) if any(folder.glob("model*.safetensors")) else None


def remove(folder: Path) -> None:
    """Remove the result of another run: its weights first and its record last, so that none are there without it.

    Whatever would be taken for a part of the next result goes too.
    """
    weights = [*folder.glob("model*.safetensors*"), *(folder / name for name in PARTS), *(folder / "2_Dense").glob("*")]
    for path in (*weights, folder / RECORD):
        path.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Of Python and the libraries that the numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def save_through(folder: Path, saved: Any) -> None:
    """`saved.save_pretrained` (a model, a tokenizer) into a temporary folder, then each file into place."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".saving-") as temporary:
        saved.save_pretrained(temporary)
        for path in sorted(Path(temporary).iterdir()):
            write_bytes(folder / path.name, path.read_bytes())
