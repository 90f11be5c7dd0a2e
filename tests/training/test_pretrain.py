"""Pre-training from text to a folder: what it leaves, what it refuses, and that nothing is lost."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer

Train = Callable[..., dict[str, Any]]


def losses(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "losses.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        ("mlm", {"encoder_mlm"}),
        ("retromae", {"encoder_mlm", "decoder_mlm"}),
        ("dupmae", {"encoder_mlm", "decoder_mlm", "bag_of_words"}),
    ],
)
def test_the_folder_loads_in_transformers_and_says_how_it_came_to_be(
    objective: str, names: set[str], train: Train, tmp_path: Path
) -> None:
    record = train(objective, "--steps", "30", "--log-every", "5", "--learning-rate", "1e-2")
    folder = tmp_path / "out"

    assert json.loads((folder / "training.json").read_text()) == record
    assert (record["steps"], record["objective"], record["data"]["passages"]) == (30, objective, 100)
    assert [line["step"] for line in losses(folder)] == [5, 10, 15, 20, 25, 30]
    assert names | {"loss", "gradient_norm"} <= losses(folder)[0].keys()
    assert record["losses"]["last"]["loss"] < record["losses"]["first"]["loss"] - 0.5
    lm, report = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert len(AutoTokenizer.from_pretrained(folder)) == lm.config.vocab_size == 90
    assert (folder / "decoder.safetensors").exists() == (objective != "mlm")
    assert not list((folder / "checkpoints").glob("*"))


def test_same_arguments_same_weights_and_a_second_call_changes_nothing(train: Train, tmp_path: Path) -> None:
    train("dupmae", "--steps", "4")
    train("dupmae", "--steps", "4", output="again")
    first, again = (load_file(tmp_path / name / "model.safetensors") for name in ("out", "again"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    before = (tmp_path / "out" / "training.json").stat().st_mtime_ns
    train("dupmae", "--steps", "4")
    assert (tmp_path / "out" / "training.json").stat().st_mtime_ns == before


def test_further_pretraining_goes_on_with_the_decoder_and_the_vocabulary(
    train: Train, command: Any, tmp_path: Path
) -> None:
    train("retromae", "--steps", "2")
    argv = command("dupmae", "--steps", "1", "--learning-rate", "0", "--weight-decay", "0", output="further")
    place = argv.index("--init")
    argv[place + 1] = str(tmp_path / "out")
    del argv[argv.index("--train-tokenizer") : argv.index("--train-tokenizer") + 2]
    from retrievers.training.pretrain import pretrain
    from tests.training.conftest import parse

    record = pretrain(parse(argv))
    assert (record["decoder"], record["fresh_weights"]) == ("continued", [])
    for file in ("decoder.safetensors", "model.safetensors"):
        first, further = load_file(tmp_path / "out" / file), load_file(tmp_path / "further" / file)
        assert first.keys() == further.keys()
        assert all(torch.equal(first[name], further[name]) for name in first)


@pytest.mark.parametrize("pack", ["passages", "pieces", "packed"])
def test_every_way_of_packing_trains(pack: str, train: Train) -> None:
    record = train("retromae", "--steps", "2", "--pack", pack, "--mask-form", "words", "--accumulate", "2")
    assert record["losses"]["last"]["tokens"] > 0


def test_paper_preset_and_its_switches_are_in_the_record(train: Train) -> None:
    record = train("dupmae", "--steps", "1", "--preset", "paper", "--bow-weight", "0.5", "--include-masked", "yes")
    assert record["switches"] == {
        "average": "text",
        "query": "plain",
        "bow_weight": 0.5,
        "normalise": "sum",
        "include_masked": True,
    }


def test_epochs_are_counted_in_examples(train: Train) -> None:
    assert train("mlm", "--epochs", "2", "--accumulate", "5")["steps"] == 10  # 25 batches an epoch


@pytest.mark.parametrize(
    ("checkpoint_every", "kept"),
    [("1", r"weights.*last good checkpoint is .*step-000000003"), ("9", "no checkpoint yet")],
)
def test_a_loss_that_is_no_number_stops_the_run(
    checkpoint_every: str, kept: str, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fourth step has an infinite rate, so that its losses are finite and its weights are not."""
    from retrievers.training.engine import optimisation

    rate = optimisation.learning_rate
    monkeypatch.setattr(optimisation, "learning_rate", lambda step, *more: rate(step, *more) if step < 3 else 1e39)
    with pytest.raises(FloatingPointError, match=f"no longer a number.*{kept}"):
        train("retromae", "--steps", "9", "--checkpoint-every", checkpoint_every, "--log-every", "2")
    assert not (tmp_path / "out" / "training.json").exists()


def test_another_run_is_not_mixed_in(train: Train, tmp_path: Path) -> None:
    train("mlm", "--steps", "1")
    with pytest.raises(ValueError, match=r"another run \(learning_rate was 0.0001, now 0.002\)"):
        train("mlm", "--steps", "1", "--learning-rate", "2e-3")
    assert losses(tmp_path / "out")[-1]["learning_rate"] <= 1e-4
    assert train("mlm", "--steps", "2", "--overwrite")["steps"] == 2


def test_a_folder_of_something_else_is_left_alone(train: Train, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("x")
    with pytest.raises(ValueError, match="not empty"):
        train("mlm", "--steps", "1")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--max-length", "65"], "positions for 64"),
        (["--max-length", "2"], "are 3"),
        (["--encoder-mask", "1"], "above 0 and below 1"),
        (["--bow-weight", "1"], "does not apply to retromae"),
        (["--init", "config:layers=2,hidden=15,heads=2"], "not a multiple"),
        (["--init", "config:depth=2"], "cannot read 'depth=2'"),
        (["--init", "bert-base-uncased"], "would not fit the embeddings"),
        (["--train-tokenizer", "10"], "too small"),
        (["--batch-size", "0"], "at least 1"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments: list[str], what: str, train: Train) -> None:
    with pytest.raises(ValueError, match=what):
        train("retromae", *arguments)


def test_a_vocabulary_that_does_not_fit_the_checkpoint(train: Train, command: Any, tmp_path: Path) -> None:
    from retrievers.training.data.vocabulary import wordpiece_tokenizer
    from retrievers.training.models.initial import load_model

    train("mlm", "--steps", "1")
    large = wordpiece_tokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(str, range(100))], 512)
    with pytest.raises(ValueError, match="tokenizer has 105 pieces, the model 90"):
        load_model(str(tmp_path / "out"), large, 0)


NUMBERS = [
    ("--steps", "-5", "at least 1"), ("--steps", "0", "at least 1"), ("--epochs", "0", "above 0"),
    ("--epochs", "nan", "above 0"), ("--epochs", "inf", "above 0"), ("--batch-size", "0", "at least 1"),
    ("--accumulate", "-1", "at least 1"), ("--threads", "-2", "at least 1"), ("--keep", "0", "at least 1"),
    ("--log-every", "0", "at least 1"), ("--checkpoint-every", "0", "at least 1"),
    ("--learning-rate", "-1", "at least 0"), ("--learning-rate", "nan", "at least 0"),
    ("--learning-rate", "inf", "at least 0"), ("--warmup", "100", "it is a share of the steps"),
    ("--warmup", "1", "below 1"), ("--warmup", "-0.1", "at least 0"), ("--weight-decay", "-1", "at least 0"),
    ("--clip", "0", "1e9 clips nothing"), ("--clip", "nan", "above 0"), ("--dropout", "1.5", "below 1"),
    ("--dropout", "-0.1", "at least 0"), ("--seed", "-1", "at least 0"), ("--seed", str(1 << 32), "at most"),
    ("--bow-weight", "-1", "at least 0"), ("--bow-weight", "inf", "at least 0"), ("--encoder-mask", "nan", "above 0"),
    ("--decoder-mask", "0", "above 0"), ("--train-tokenizer", "-3", "at least 1"), ("--max-length", "2", "at least 3"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "value", "says"), NUMBERS)
def test_every_number_has_a_range_that_is_checked_before_anything_is_claimed(
    option: str, value: str, says: str, train: Train, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"{option} .*{says}"):
        train("dupmae", option, value)
    assert not (tmp_path / "out").exists()
    assert train("dupmae", "--steps", "1")["steps"] == 1  # the corrected command is no other run


@pytest.mark.parametrize("bad", [1, 4, 7])
def test_the_step_of_a_loss_that_is_no_number_is_told(
    bad: int, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses are looked at every few steps, so that nothing waits for a GPU; the step is told all the same."""
    from retrievers.training.engine import loop

    forward = loop.torch.nn.utils.clip_grad_norm_
    steps = iter(range(1, 100))

    def clip(parameters: Any, most: float) -> Any:
        norm = forward(parameters, most)
        return norm * float("nan") if next(steps) == bad else norm

    monkeypatch.setattr(loop.torch.nn.utils, "clip_grad_norm_", clip)
    with pytest.raises(FloatingPointError, match=f"no longer a number at step {bad}: gradient_norm"):
        train("retromae", "--steps", "9", "--log-every", "9", "--checkpoint-every", "9")
    assert not list((tmp_path / "out").glob("*.safetensors"))


def test_weights_go_with_their_record_when_another_run_stops_early(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run retromae` on such a folder scored the weights of the run before it."""
    from retrievers.encoders.mae_model import open_checkpoint
    from retrievers.training.engine import loop

    out = tmp_path / "out"
    train("retromae", "--steps", "1")
    with pytest.raises(ValueError, match="was pre-trained only"):
        open_checkpoint(str(out), None, "retromae", False, False)

    def stops(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "train", stops)
        train("retromae", "--steps", "2", "--overwrite")
    assert not list(out.glob("*.safetensors")) and not (out / "training.json").exists()
    for allow in (False, True):
        with pytest.raises((ValueError, FileNotFoundError)):
            open_checkpoint(str(out), None, "retromae", False, allow)
    assert train("retromae", "--steps", "2")["steps"] == 2  # the same command goes on


@pytest.mark.parametrize("kept", ["model.safetensors", "model.safetensors decoder.safetensors", "training.json"])
def test_no_order_of_events_leaves_weights_that_pass_for_a_result(kept: str, train: Train, tmp_path: Path) -> None:
    """Killed while the old result goes, or while the new one comes: what is left of it is refused, and made again."""
    from retrievers.encoders.mae_model import open_checkpoint

    out = tmp_path / "out"
    train("retromae", "--steps", "1")
    for path in (*out.glob("*.safetensors"), out / "training.json"):
        if path.name not in kept.split():
            path.unlink()
    with pytest.raises((ValueError, FileNotFoundError), match=r"not finished|pre-trained only|holds no weights"):
        open_checkpoint(str(out), None, "retromae", False, False)
    assert train("retromae", "--steps", "1")["steps"] == 1
    assert {"model.safetensors", "decoder.safetensors", "training.json"} <= {path.name for path in out.iterdir()}


@pytest.mark.parametrize(
    ("given", "what", "corrected"),
    [
        (["--max-length", "65"], "this model has positions for 64", ["--max-length", "16"]),
        (["--decoder-mask", "1.5"], "--decoder-mask 1.5", ["--decoder-mask", "0.5"]),
    ],
)
def test_a_refused_command_claims_nothing(
    given: list[str], what: str, corrected: list[str], train: Train, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=what):
        train("mlm", "--steps", "1", *given)
    assert not (tmp_path / "out").exists()
    assert train("mlm", "--steps", "1", *corrected)["steps"] == 1


def test_a_refused_overwrite_leaves_the_finished_run(train: Train, tmp_path: Path) -> None:
    train("mlm", "--steps", "1")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.*")}
    with pytest.raises(ValueError, match="positions for 64"):
        train("mlm", "--steps", "1", "--overwrite", "--max-length", "65")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.*")} == before


@pytest.mark.parametrize("size", ["layers", "hidden", "heads", "positions"])
def test_a_model_of_size_zero_is_refused(size: str, train: Train, tmp_path: Path) -> None:
    sizes = {"layers": 1, "hidden": 16, "heads": 2, "positions": 64} | {size: 0}
    with pytest.raises(ValueError, match=f"{size}=0 makes no model"):
        train("mlm", "--steps", "1", "--init", "config:" + ",".join(f"{name}={n}" for name, n in sizes.items()))
    assert not (tmp_path / "out").exists()
