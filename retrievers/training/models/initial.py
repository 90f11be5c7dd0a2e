"""The model that training starts from: a checkpoint with its tokenizer, or random weights of given sizes."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from retrievers.encoders import backbones, int8_weights
from retrievers.training.data.vocabulary import load_tokenizer

SIZES = {"layers": 4, "hidden": 256, "heads": 4, "intermediate": 0, "positions": 512}  # 0: four times hidden
RANDOM = "config:"


class Initial(NamedTuple):
    """A …ForMaskedLM and what is known of its weights."""

    lm: nn.Module
    fresh: list[str]  # parameters that no checkpoint held and that were drawn
    decoder: dict[str, torch.Tensor] | None  # the decoder layer of an earlier pre-training


def is_random(init: str) -> bool:
    """Whether `init` describes random weights, `config:layers=4,hidden=256,heads=4`."""
    return init.startswith(RANDOM)


def random_sizes(init: str) -> dict[str, int]:
    """The sizes of `config:layers=4,hidden=256,…`; ValueError names an unknown one."""
    sizes = dict(SIZES)
    for part in filter(None, init.removeprefix(RANDOM).split(",")):
        name, equals, value = part.partition("=")
        if name not in SIZES or not equals or not value.isdigit():
            raise ValueError(
                f"--init {init}: cannot read {part!r}; write config:{','.join(f'{k}={v}' for k, v in SIZES.items())}"
            )
        sizes[name] = int(value)
    if zero := [name for name, size in sizes.items() if size < 1 and name != "intermediate"]:
        raise ValueError(f"--init {init}: {zero[0]}=0 makes no model; at least 1")
    sizes["intermediate"] = sizes["intermediate"] or 4 * sizes["hidden"]
    if sizes["hidden"] % sizes["heads"]:
        raise ValueError(f"--init {init}: hidden={sizes['hidden']} is not a multiple of heads={sizes['heads']}")
    return sizes


def random_model(init: str, tokenizer: Any, seed: int) -> Initial:
    """A BERT with random weights, as many embeddings as the tokenizer has pieces."""
    from transformers import BertConfig, BertForMaskedLM

    sizes = random_sizes(init)
    config = BertConfig(
        vocab_size=len(tokenizer),
        num_hidden_layers=sizes["layers"],
        hidden_size=sizes["hidden"],
        num_attention_heads=sizes["heads"],
        intermediate_size=sizes["intermediate"],
        max_position_embeddings=sizes["positions"],
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    lm = BertForMaskedLM(config)
    return Initial(lm, ["all"], None)


def load_model(place: str, tokenizer: Any, seed: int) -> Initial:
    """The checkpoint at `place`, a folder or a name on the Hugging Face hub; a missing masked-LM head is drawn.

    ValueError if the architecture is unknown here, encoder weights are missing, or the vocabulary does not fit.
    """
    from transformers import AutoConfig, AutoModelForMaskedLM

    config = AutoConfig.from_pretrained(place, trust_remote_code=False)  # not asked for, and never asked about
    backbones.family(config)
    if len(tokenizer) > config.vocab_size:
        raise ValueError(
            f"the vocabulary does not fit the checkpoint {place}: the tokenizer has {len(tokenizer)} pieces,"
            f" the model {config.vocab_size} embeddings; use the checkpoint's own tokenizer, or --init config:…"
        )
    torch.manual_seed(seed)
    lm, report = int8_weights.loaded(
        AutoModelForMaskedLM, place, config=config, dtype=torch.float32, trust_remote_code=False
    )
    fresh = sorted(report["missing_keys"])
    below = backbones.family(config).encoder + "."
    if lost := [name for name in fresh if name.startswith(below)]:
        raise ValueError(f"{place} lacks weights of the encoder ({', '.join(lost[:3])} …): not a whole checkpoint")
    decoder = Path(place) / "decoder.safetensors"
    if not decoder.is_file():
        return Initial(lm, fresh, None)
    from safetensors.torch import load_file

    return Initial(lm, fresh, load_file(decoder))


def start_from(init: str, tokenizer: Any, seed: int, dropout: float | None) -> Initial:
    """The model that `--init` names; `dropout`, if given, replaces the checkpoint's own everywhere."""
    made = random_model(init, tokenizer, seed) if is_random(init) else load_model(init, tokenizer, seed)
    if dropout is not None:
        set_dropout(made.lm, dropout)
    return made


def set_dropout(lm: nn.Module, dropout: float) -> None:
    """Use one dropout probability everywhere, in the configuration too, from which the decoder takes its own."""
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout"):
        if hasattr(lm.config, name):
            setattr(lm.config, name, dropout)
    for module in lm.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout


def tokenizer_of(init: str, vocabulary: str | None) -> Any:
    """The tokenizer that belongs to `init`, or the one that --vocab names."""
    if vocabulary:
        return load_tokenizer(vocabulary)
    if is_random(init):
        raise ValueError(f"--init {init} has no vocabulary: give --vocab FILE-OR-FOLDER or --train-tokenizer SIZE")
    return load_tokenizer(init)
