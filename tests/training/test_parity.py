"""The losses and gradients of the official training code on one small model and batch (../shared/reference/parity)."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file
from transformers import BertConfig, BertForMaskedLM

from retrievers.training.data.masking import Masked
from retrievers.training.models.dupmae import DupMAE
from retrievers.training.models.retromae import RetroMAE

OURS = {  # their decoder layer is a transformers BertLayer
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "attended",
    "attention.output.LayerNorm": "attended_norm",
    "intermediate.dense": "widen",
    "output.dense": "narrow",
    "output.LayerNorm": "output_norm",
}


def our_name(name: str) -> str:
    if not name.startswith("c_head."):
        return name
    part, kind = name.removeprefix("c_head.").rsplit(".", 1)
    return f"decoder.{OURS[part]}.{kind}"


def parity_batch(folder: Path) -> Masked:
    batch = load_file(folder / "batch.safetensors")
    return Masked(
        ids=batch["decoder_input_ids"],
        lengths=batch["encoder_attention_mask"].sum(1),
        encoder_ids=batch["encoder_input_ids"],
        labels=batch["encoder_labels"],
        visible=batch["decoder_visible"].bool(),
    )


@pytest.mark.parametrize(("name", "kind"), [("retromae", RetroMAE), ("dupmae", DupMAE)])
def test_losses_and_gradients_are_those_of_the_official_code(name: str, kind: type[RetroMAE], shared: Path) -> None:
    folder = shared / "reference" / "parity"
    facts = json.loads((folder / "expected.json").read_text())
    expected = facts["expected"][name]
    model = kind(BertForMaskedLM(BertConfig(**facts["config"])))
    missing, extra = model.load_state_dict(
        {our_name(key): value for key, value in load_file(folder / f"{name}.safetensors").items()}, strict=False
    )
    assert (missing, extra) == ([], [])

    losses = model(parity_batch(folder))
    losses["loss"].backward()

    for loss in expected.keys() - {"gradient_norm"}:
        assert losses[loss].item() == pytest.approx(expected[loss], abs=1e-5), loss
    ours = {key: value.grad.norm().item() for key, value in model.named_parameters()}
    theirs = {our_name(key): value for key, value in expected["gradient_norm"].items()}
    assert ours.keys() == theirs.keys()
    for key, norm in theirs.items():
        # the gradient of a key bias is zero in exact arithmetic; what is left is rounding
        assert ours[key] == pytest.approx(norm, rel=1e-4, abs=1e-9), key
