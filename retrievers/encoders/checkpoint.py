"""Where a model's files are, and whether its weights belong to its architecture.

Transformers fills what a checkpoint lacks with random numbers and only logs it: a benchmark has to refuse such a model.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.files import read_json, sha256

ADAPTER = "adapter_config.json"  # the weights beside it are of some layers, and it names the model that has the rest
WEIGHTS = ("*.safetensors", "*.bin")
RUNS_ON = {".safetensors", ".bin", ".pt", ".pth", ".npz", ".py"}  # weights and code
RUNS_ON |= {".json", ".txt", ".model", ".spm", ".codes", ".vocab", ".tiktoken", ".jinja"}  # settings, tokenizers
OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack", "*.gguf", "*.tflite", "*.mlmodel"]


def find(name: str, revision: str | None = None) -> tuple[Path, str | None]:
    """The folder of a model and its revision: `name` is a folder, or a name on the Hugging Face hub.

    A model of the hub is taken from the local cache where the network is not reachable. Raises FileNotFoundError
    where it is in neither place, or where a folder holds no model.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
            raise FileNotFoundError(f"{folder} holds no model: neither config.json nor modules.json is there")
        if (folder / "run.json").is_file() and not (folder / "training.json").is_file():
            raise ValueError(f"the training in {folder} is not finished; the same command goes on where it stopped")
        if revision is not None:
            raise ValueError(f"revision {revision!r} is for models of the hub, {folder} is a folder")
        return folder, None
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise FileNotFoundError(f"the model folder {folder} does not exist")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0") else ""
    try:
        found = Path(snapshot_download(name, revision=revision, ignore_patterns=OTHER_FORMATS))
    except HFValidationError as error:
        raise FileNotFoundError(f"{name!r} is neither a folder nor a name of the hub: {error}") from error
    except (OSError, HfHubHTTPError, ValueError) as error:
        raise FileNotFoundError(
            f"the model {name!r} is not a folder, not in the local cache of the Hugging Face hub, and cannot be fetched"
            f" from it{offline}: go online once or give a folder ({type(error).__name__}: {str(error).splitlines()[0]})"
        ) from error
    return found, found.name


def sources(folder: Path, asked: str | None) -> list[Path] | None:
    """What a model in `folder` rests on, found for the revision `asked`; None where only the hub could tell."""
    if (folder / ADAPTER).is_file():
        return None  # its base model lies elsewhere
    if folder.parent.name != "snapshots":
        return [folder]
    pinned = asked is not None and len(asked) == 40
    if not pinned and os.environ.get("HF_HUB_OFFLINE", "0") in ("", "0"):
        return None
    return [folder, folder.parents[1] / "refs"]


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights, safetensors before pickles. Raises FileNotFoundError where there are none."""
    for pattern in WEIGHTS:
        if files := sorted(path for path in folder.glob(pattern) if path.name not in ("training_args.bin",)):
            return files
    raise FileNotFoundError(f"{folder} holds no weights: no {' and no '.join(WEIGHTS)} is there")


def digest(folder: Path) -> str:
    """One hex sha256 over all that a model runs on: weights, settings, tokenizer and code of the folder, sorted, and
    the same of the model that an adapter in it is for.
    """
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in RUNS_ON):
        total.update(f"{path.relative_to(folder)} {sha256(path)}\n".encode())
        if path.name == ADAPTER and isinstance(base := read_json(path).get("base_model_name_or_path"), str):
            total.update(f"base {digest(find(base)[0])}\n".encode())
    return total.hexdigest()


def tensors(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor of the weight files; pickles are read with `weights_only`."""
    import torch
    from safetensors import safe_open

    found: dict[str, tuple[int, ...]] = {}
    for path in weight_files(folder):
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                found.update({name: tuple(file.get_slice(name).get_shape()) for name in file.keys()})  # noqa: SIM118
        else:
            state: dict[str, Any] = torch.load(path, map_location="meta", weights_only=True, mmap=True)
            found.update({name: tuple(tensor.shape) for name, tensor in state.items()})
    return found


def refuse_wrong_weights(folder: Path, trust_remote_code: bool = False) -> None:
    """Raise ValueError unless the weights in `folder` are those of the encoder that its config.json names.

    Poolers are left out, as sentence encoders do without, and the decoders of encoder-decoders. Left to their loaders
    are folders without config.json and those of an adapter, whose base model lies elsewhere.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    if not (folder / "config.json").is_file() or (folder / ADAPTER).is_file():
        return
    if "model_type" not in read_json(folder / "config.json"):  # of another module
        return
    weight_files(folder)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    with torch.device("meta"):
        model = AutoModel.from_config(config, trust_remote_code=trust_remote_code)
    halves = hasattr(model, "encoder") and hasattr(model, "decoder")
    left_out = ("pooler", "decoder.") if halves else ("pooler",)
    wanted = [
        (name, tuple(part.shape))
        for name, part in model.named_parameters()
        if not any(part in name for part in left_out)
    ]
    refuse_missing(folder, wanted, type(model).__name__)


def positions(model: Any) -> int | None:
    """How many tokens, special ones included, the position table of a transformers model has room for; None: no table.

    In RoBERTa's and MPNet's table the rows up to that of the padding id belong to no position.
    """
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    if table is None or not hasattr(table, "num_embeddings"):
        return getattr(getattr(model, "config", None), "max_position_embeddings", None)
    return int(table.num_embeddings) - (0 if table.padding_idx is None else int(table.padding_idx) + 1)


def refuse_wrong_tokenizer(tokenizer: Any, rows: int, framed: bool, place: Path) -> None:
    """Raise ValueError where the tokenizer has pieces beyond the `rows` of the embeddings, or, if texts have to be
    `framed`, puts no [CLS] before and no [SEP] behind a text.
    """
    special = set(tokenizer.all_special_tokens)
    beyond = [(number, piece) for piece, number in tokenizer.get_vocab().items() if number >= rows]
    if beyond and (found := sorted(pair for pair in beyond if pair[1] not in special)):
        raise ValueError(
            f"the tokenizer in {place} has the piece {found[0][1]!r} as number {found[0][0]}, and the model has "
            f"embeddings for {rows}: they do not belong together"
        )
    for text in ("", "a") if framed else ():
        ids = list(tokenizer(text)["input_ids"])
        if len(ids) < 2 or (ids[0], ids[-1]) != (tokenizer.cls_token_id, tokenizer.sep_token_id):
            raise ValueError(
                f"the tokenizer in {place} frames {text!r} as {ids}, not by [CLS] and [SEP], by whose vectors the "
                "model is read: add the post-processing that it was trained with to tokenizer.json"
            )


def refuse_lost_adapter(folder: Path, model: Any) -> None:
    """Raise ValueError where a tensor of the adapter in `folder` is not in the loaded `model` as it is in the file.

    Loaders fill what they do not find again under its name with random numbers (the magnitudes of DoRA).
    """
    import torch
    from safetensors.torch import load_file

    if not (folder / ADAPTER).is_file():
        return
    held: dict[str, Any] = {}
    for path in weight_files(folder):
        if path.name.startswith("adapter"):
            pickled = path.suffix == ".bin"
            held |= torch.load(path, map_location="cpu", weights_only=True) if pickled else load_file(path)
    loaded = list(model.named_parameters())
    for name, tensor in held.items():
        own = name.removeprefix("base_model.model.").removesuffix(".weight")
        there = [part for whole, part in loaded if own in whole and part.shape == tensor.shape]
        if "pooler" not in own and not any(torch.equal(part.float(), tensor.float()) for part in there):
            raise ValueError(
                f"the adapter's {own} in {folder} did not reach the model, which would run on random numbers: merge"
                " the adapter into the weights (merge_and_unload of peft) and save the whole model"
            )


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' report of tensors that are missing or not asked for, and its progress bars.

    What is missing is refused here, but for a pooler that nobody asks.
    """
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def refuse_missing(folder: Path, wanted: Iterable[tuple[str, tuple[int, ...]]], architecture: str) -> None:
    """Raise ValueError unless the weights in `folder` hold every (name, shape) of `wanted`, with any prefix of the
    name.

    LayerNorm's old names gamma and beta are known.
    """
    held, wanted = tensors(folder), list(wanted)
    needed = {name for name, _ in wanted}
    names: dict[str, list[tuple[int, ...]]] = {}
    for name, shape in held.items():
        modern = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
        modern = modern.replace("encoder.embed_tokens.", "shared.") if "shared.weight" in needed else modern
        parts = modern.split(".")
        for start in range(len(parts)):
            names.setdefault(".".join(parts[start:]), []).append(shape)
    if missing := [name for name, shape in wanted if tuple(shape) not in names.get(name, [])]:
        raise ValueError(
            f"the weights in {folder} are not those of {architecture}: {len(missing)} of {len(wanted)} tensors are"
            f" missing or of another shape, {missing[0]} first; the model would run on random numbers"
        )
