"""The table of published checkpoints, and how a checkpoint's settings are found: its own file, else the table.

A checkpoint of this project brings its settings along, in `retromae.json` or `dupmae.json`; the published ones do not,
so the table (`checkpoints.toml`) has them. This module knows names and settings, nothing of models.
"""

import tomllib
from pathlib import Path
from typing import Any

from harness.files import sha256
from retrievers.encoders import checkpoint
from retrievers.encoders import own_settings as settings_file

AUTO = "auto"  # of an argument: the checkpoint's own value
NO_RETRIEVER = (
    "{name} was pre-trained only and is no retriever as it is: its vectors were never trained to be compared. Fine-tune"
    " it first (it is {use}), or set allow_pretrained=true to measure it all the same"
)


def table() -> dict[str, dict[str, Any]]:
    """The published checkpoints by name, see the head of checkpoints.toml for the fields."""
    return tomllib.loads((Path(__file__).parent / "checkpoints.toml").read_text("utf-8"))


def row(name: str, allow_pretrained: bool) -> dict[str, Any]:
    """What the table has on `name`, empty where it has nothing. Raises ValueError for what cannot be right."""
    found = table().get(name, {})
    if "refused" in found:
        raise ValueError(f"{name} cannot be used: {found['refused']}")
    if found and not found["retriever"] and not allow_pretrained:
        raise ValueError(NO_RETRIEVER.format(name=name, use=found["use"]))
    return found


def shipped(row: dict[str, Any], name: str) -> str:
    """`name`, or the folder in this package for a checkpoint that comes with it."""
    return str(Path(__file__).parents[1] / "mini" / name) if row.get("shipped") else name


def own_settings(folder: Path, kind: str, allow_pretrained: bool) -> dict[str, Any]:
    """What `<kind>.json` in the folder says, empty where there is none.

    Raises ValueError where it is not as it should be, or where the folder is the result of pre-training alone.
    """
    path = folder / f"{kind}.json"
    if not path.is_file():
        if kind == "retromae" and (folder / "dupmae.json").is_file() and not allow_pretrained:
            raise ValueError(
                f"{folder} was trained for the retriever dupmae (dupmae.json is there, retromae.json is not):"
                f" beir-harness run dupmae --set checkpoint={folder}"
            )
        if (folder / "training.json").is_file() and not allow_pretrained:
            raise ValueError(NO_RETRIEVER.format(name=folder, use="a start for fine-tuning"))
        return {}
    return settings_file.read(path)


def as_published(folder: Path, row: dict[str, Any]) -> bool | None:
    """Whether the weights are the file that the table describes; None where it has no hash."""
    if "sha256" not in row:
        return None
    [path, *_] = checkpoint.weight_files(folder)
    return path.stat().st_size == row["bytes"] and sha256(path).startswith(row["sha256"])


def chosen(given: Any, name: str, settings: dict[str, Any], otherwise: Any) -> Any:
    """The argument `name`: as given, or where that is None as the settings say, or `otherwise`."""
    return settings.get(name, otherwise) if given is None else given


def chosen_title(given: str | None, settings: dict[str, Any]) -> str | None:
    """The argument `title`, for which None means no titles, and "auto" what the settings say, or a space."""
    return settings.get("title", " ") if given == AUTO else given
