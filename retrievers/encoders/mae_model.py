"""Open a RetroMAE or DupMAE checkpoint: find it, refuse what cannot be right, load weights and tokenizer.

Only weights are loaded: safetensors, or pickles with `weights_only`; code that comes with a model never runs.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from retrievers.encoders import backbones, checkpoint, int8_weights, own_vectors, published, sentence_modules
from retrievers.encoders.packed_bert import PackedBert, another_kind, replaced

BARE = ("Model", "ForMaskedLM", "ForPreTraining")  # endings of architectures that are encoders
NEVER = "its [CLS] vectors are compared by dot product as they are; the retriever sentence-transformer runs this folder"


class Opened(NamedTuple):
    """A checkpoint in memory: `model` on the CPU in fp32, `settings` its own or those of the table."""

    folder: Path
    revision: str | None
    sources: list[Path] | None
    settings: dict[str, Any]
    as_published: bool | None
    model: Any
    tokenizer: Any


def open_checkpoint(name: str, revision: str | None, kind: str, head: bool, allow_pretrained: bool) -> Opened:
    """The checkpoint `name`, a folder or a name of the hub, as a `kind` (retromae, dupmae), with its MLM head or bare.

    Raises FileNotFoundError where it or its weights are not to be had, ValueError where it cannot be right: only
    pre-trained, of another architecture, a sentence-transformers model with another pooling, tensors missing.
    """
    row = published.row(name, allow_pretrained)
    folder, found = checkpoint.find(published.shipped(row, name), revision)
    settings = published.own_settings(folder, kind, allow_pretrained) or row
    _refuse_other_models(folder)
    checkpoint.weight_files(folder)
    model = _load(folder, head)
    tokenizer = _tokenizer(folder)
    rows = model.get_input_embeddings().num_embeddings
    checkpoint.refuse_wrong_tokenizer(tokenizer, rows, framed=True, place=folder)
    sources, as_published = checkpoint.sources(folder, revision), published.as_published(folder, row)
    return Opened(folder, found, sources, settings, as_published, model, tokenizer)


def _refuse_other_models(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} has no config.json: it is no Hugging Face checkpoint")
    config = json.loads((folder / "config.json").read_bytes())
    if (kind := config.get("model_type")) not in backbones.FAMILIES:
        known = ", ".join(backbones.FAMILIES)
        raise ValueError(
            f"{folder} is a {kind!r} model; RetroMAE and DupMAE are known for {known} (MiniLM is a 'bert')"
        )
    for name in sentence_modules.OWN_CODE:
        if (folder / name).is_file() and sentence_modules.own_code(folder / name):
            raise ValueError(
                f"{folder} asks to run code of its own (auto_map in {name}), which never runs here, and without it"
                " the model is another; the retriever sentence-transformer runs it with trust_remote_code=true"
            )
    if (folder / checkpoint.ADAPTER).is_file():
        raise ValueError(
            f"{folder} holds an adapter ({checkpoint.ADAPTER}), whose model would run with or without it as peft is"
            " installed or not: merge it into the weights (merge_and_unload of peft) and save the whole model"
        )
    for architecture in config.get("architectures") or []:
        if not architecture.endswith(BARE):
            raise ValueError(f"{folder} is a {architecture}, no encoder: a retriever needs [CLS] vectors")
    pooling = folder / "1_Pooling" / "config.json"
    if pooling.is_file():
        modes = json.loads(pooling.read_bytes())
        on = [mode for mode, yes in modes.items() if mode.startswith("pooling_mode_") and yes is True]
        if on != ["pooling_mode_cls_token"] and modes.get("pooling_mode") != "cls":
            raise ValueError(
                f"{folder} pools by {', '.join(on) or modes.get('pooling_mode')}, no RetroMAE does: {NEVER}"
            )
    if (folder / "modules.json").is_file():
        modules = json.loads((folder / "modules.json").read_bytes())
        if any(module["type"].endswith(".Normalize") for module in modules):
            raise ValueError(f"{folder} normalises its vectors, no RetroMAE does: {NEVER}")


def _load(folder: Path, head: bool) -> Any:
    from pickle import UnpicklingError  # torch's way to say that a file holds code

    from safetensors import SafetensorError
    from transformers import AutoModel, AutoModelForMaskedLM

    kind = AutoModelForMaskedLM if head else AutoModel
    try:
        with checkpoint.quiet():
            model, loaded = int8_weights.loaded(
                kind, folder, dtype=torch.float32, local_files_only=True, trust_remote_code=False
            )
    except RuntimeError as error:  # shapes that disagree with config.json
        raise ValueError(f"the weights in {folder} do not fit its config.json: {error}") from error
    except (UnpicklingError, SafetensorError, EOFError) as error:
        raise ValueError(
            f"the weights in {folder} cannot be read: the file is damaged, or holds code, which is not run"
            f" ({str(error).splitlines()[0]}); fetch the checkpoint again"
        ) from error
    encoder = f"{backbones.family(model.config).encoder}."
    missing = sorted(name for name in loaded["missing_keys"] if "pooler" not in name)
    lost = [name for name in missing if not head or name.startswith(encoder)]
    if lost:
        raise ValueError(
            f"the weights in {folder} are not those of a {model.config.model_type} encoder: {len(lost)} tensors are"
            f" missing, {lost[0]} first; the model would run on random numbers"
        )
    if missing:
        raise ValueError(
            f"the checkpoint {folder} has no masked-LM head ({len(missing)} tensors are missing, {missing[0]} first);"
            " the vocabulary vector would come from random numbers. Export the whole masked LM, not the encoder alone,"
            " or use the retriever retromae, which needs no head"
        )
    return model.eval()


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        with checkpoint.quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder} has no tokenizer that can be read: {str(error).splitlines()[0]}") from error
    if not {"tokenizer.json", "vocab.txt", "vocab.json"} & {path.name for path in folder.iterdir()}:
        raise ValueError(f"{folder} has no tokenizer: neither tokenizer.json nor a vocabulary is there")
    return tokenizer


class Padded:
    """What `PackedBert` is, for encoders that it does not know: texts are padded and padding taken out again.

    `altered` is why an encoder runs so that by its architecture could run without padding.
    """

    def __init__(self, model: Any, dtype: torch.dtype, device: torch.device, altered: str | None = None) -> None:
        self.model, self.longest, self.device = model.to(device, dtype), backbones.longest(model.config), device
        self.altered, self.vocabulary = altered, int(model.get_input_embeddings().num_embeddings)

    def __call__(self, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Last hidden states (T, H) of `ids` (T,), the texts one after the other."""
        counts = torch.tensor(lengths, device=self.device)
        mask = torch.arange(max(lengths), device=self.device) < counts[:, None]  # (B, L)
        padded = torch.zeros(mask.shape, dtype=torch.int64, device=self.device)
        padded[mask] = ids.long()
        return self.model(input_ids=padded, attention_mask=mask.long()).last_hidden_state[mask]


def runner(encoder: Any, dtype: torch.dtype, device: torch.device) -> Any:
    """The encoder as a function of packed texts, without padding where its make allows and it gives the same."""
    if another_kind(encoder):
        return Padded(encoder, dtype, device)
    if altered := replaced(encoder) or _differs(encoder):
        return Padded(encoder, dtype, device, altered)
    return PackedBert(encoder, dtype, device)


@torch.inference_mode()
def _differs(encoder: Any) -> str | None:
    """Why packed texts do not give the encoder's own hidden states, or None: texts of a few lengths, on the CPU."""
    packed = PackedBert(encoder, torch.float32)
    words, padding = len(packed.words), getattr(encoder.config, "pad_token_id", None)
    usual = torch.tensor([word for word in range(words) if word != padding])
    lengths = [min(length, packed.longest) for length in (2, 3, 3, 17, packed.longest)]
    draw = torch.Generator().manual_seed(0)
    texts = [usual[torch.randint(len(usual), (length,), generator=draw)] for length in lengths]
    own = torch.cat([encoder(input_ids=text[None]).last_hidden_state[0] for text in texts])
    ours = packed(torch.cat(texts), lengths)
    names = [f"text of {length} tokens" for length in lengths for _ in range(length)]
    return own_vectors.apart(ours.numpy(), own.numpy(), "fp32", names)


def checked_length(length: int, longest: int, name: str) -> int:
    """`length` where the model has as many positions. Raises ValueError, naming the argument."""
    if not 3 <= length <= longest:
        raise ValueError(f"{name} is {length}; this model takes 3 to {longest} tokens")
    return length
