"""The cost of a pre-training on paper: operations by hand and by torch's counter, and the command."""

import json
from collections.abc import Callable

import pytest

from retrievers.training.plan import Sizes, forward_flops
from training.test_pretrain_command import run


def test_operations_are_those_of_the_official_model() -> None:
    """The encoder, the decoder and a head of BERT base as torch's counter found them, forward and backward."""
    found = forward_flops(Sizes(12, 768, 3072, 30522, 128), "dupmae", 1.0)
    billions = {name: 3 * value / 1e9 for name, value in found.items()}
    assert billions["encoder"] == pytest.approx(67.0, rel=0.01)
    assert billions["decoder"] == pytest.approx(5.6, rel=0.01)
    assert billions["masked_lm"] == pytest.approx(18.5, rel=0.01)
    assert billions["bag_of_words"] == billions["reconstruction"] == billions["masked_lm"]


def test_encoder_operations_are_those_that_torch_counts() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import BertConfig, BertModel

    sizes = Sizes(2, 32, 64, 100, 16)
    config = BertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        attn_implementation="eager",
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    with FlopCounterMode(display=False) as counter:
        model(torch.ones(1, 16, dtype=torch.int64))
    assert forward_flops(sizes, "mlm", 0.3)["encoder"] == counter.get_total_flops()


@pytest.mark.parametrize("examples", ["0", "5000"])
def test_the_command_trains_nothing(
    examples: str, command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path
) -> None:
    argv = command("dupmae", "--plan", examples, "--epochs", "2")
    assert run([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert not (tmp_path / "out").exists()
    assert found["examples"] == (int(examples) or 100) and found["epochs"] == 2
    one, eight, many = (row for row in found["rows"] if "GPU" in row["devices"])
    assert one["price"] < eight["price"] < many["price"]  # gradients have to be summed
    assert one["hours"] * 3600 == pytest.approx(found["flops"] / 300e12)
    assert found["measured"]["tokens_per_second"] > 0
    assert run(argv) == 0
    assert "64 × GPU" in capsys.readouterr().out
