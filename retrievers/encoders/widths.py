"""How many numbers a vector has, from a model's files alone: before it is loaded, and without torch."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.files import read_json

USUAL = 768  # of a model that nobody can look at


def guess(arguments: Mapping[str, Any]) -> int:
    """For a forecast: what the folder of `checkpoint` or `model` says, else USUAL."""
    folder = arguments.get("checkpoint") or arguments.get("model") or ""
    return of_modules(Path(folder).expanduser()) or USUAL


def of_config(folder: Path) -> int | None:
    """The width of a model's layers, None where no config.json says it."""
    found = _read(folder / "config.json")
    return _positive(found.get("hidden_size")) if isinstance(found, dict) else None


def of_modules(folder: Path) -> int | None:
    """The width of a sentence-transformers model's vectors, None where its files do not say it for certain.

    Without modules.json that is mean pooling over the layers' width, as sentence-transformers has it.
    """
    modules = _read(folder / "modules.json") if (folder / "modules.json").is_file() else None
    if modules is None:
        return of_config(folder)
    width: int | None = None
    with suppress(KeyError, TypeError, AttributeError):
        for module in modules:
            width = _behind(str(module["type"]).rpartition(".")[2], folder / str(module["path"]), width)
        cut = _positive(_read(folder / "config_sentence_transformers.json").get("truncate_dim"))
        return min(width, cut) if width and cut else width
    return None


def refuse_wider(dim: int | None, width: int | None) -> None:
    """Raise ValueError where more numbers are asked for than the vectors have, as far as that is known."""
    if dim is not None and width is not None and dim > width:
        raise ValueError(f"dim is {dim}; the vectors of this model have {width} numbers: set dim to that or less")


def _behind(kind: str, folder: Path, width: int | None) -> int | None:
    """The width behind a module; a kind that is not known may give any."""
    config = _read(folder / "config.json")
    if kind == "Transformer":
        return _positive(config.get("hidden_size"))
    if kind == "Dense":
        return _positive(config.get("out_features"))
    if kind == "Pooling":
        size = _positive(config.get("word_embedding_dimension") or config.get("embedding_dimension"))
        flags = [value for name, value in config.items() if name.startswith("pooling_mode_")]
        parts = sum(map(bool, flags)) if flags else int(isinstance(config.get("pooling_mode"), str))
        return size * parts if size and parts else None
    return width if kind in ("Normalize", "Dropout", "LayerNorm") else None


def _read(path: Path) -> Any:
    with suppress(OSError, ValueError):
        return read_json(path)
    return {}


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
