"""Fine-tuning from checkpoint to retriever: what it leaves, what it refuses, and that nothing is lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from finetune.conftest import losses, parse
from retrievers.training.finetune import finetune
from retrievers.training.finetune_arguments import resolved

Tune = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("kind", "figures"),
    [
        ("cls", {"dense_spread"}),
        ("ot", {"sparse_spread"}),
        ("joint", {"dense_spread", "sparse_spread"}),
    ],
)
def test_a_run_learns_and_says_what_it_did(kind: str, figures: set[str], tune: Tune, tmp_path: Path) -> None:
    record = tune("--representation", kind, "--steps", "60", "--learning-rate", "5e-3", "--temperature", "2")
    assert (record["stage"], record["representation"]["kind"], record["trainable_queries"]) == (1, kind, 20)
    assert json.loads((tmp_path / "out" / "training.json").read_text()) == record
    curve = losses(tmp_path / "out")
    assert [line["step"] for line in curve] == list(range(1, 61))
    assert {"contrastive", "positive_first", "gradient_norm", "tokens"} | figures <= curve[0].keys()
    assert figures <= record["scores_at_start"].keys()
    first, last = (sum(line["loss"] for line in part) for part in (curve[:10], curve[-10:]))
    assert last < first - 0.5
    assert not list((tmp_path / "out" / "checkpoints").glob("*"))


def test_killed_and_resumed_is_uninterrupted(tune: Tune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = [
        "--representation",
        "joint",
        "--scale",
        "learn",
        "--dropout",
        "0.1",
        "--steps",
        "9",
        "--checkpoint-every",
        "2",
    ]
    tune(*more, output="whole")
    from retrievers.training.examples.pairs_batches import PairBatches

    draw = PairBatches.draw

    def dies(self: PairBatches, turn: int) -> Any:
        if turn == 5:
            raise KeyboardInterrupt
        return draw(self, turn)

    monkeypatch.setattr(PairBatches, "draw", dies)
    with pytest.raises(KeyboardInterrupt):
        tune(*more)
    assert not (tmp_path / "out" / "training.json").exists()
    monkeypatch.setattr(PairBatches, "draw", draw)
    tune(*more)
    assert losses(tmp_path / "out") == losses(tmp_path / "whole")
    for name in ("model.safetensors", "projection.safetensors"):
        whole, resumed = (load_file(tmp_path / folder / name) for folder in ("whole", "out"))
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_a_second_call_changes_nothing_and_another_run_is_not_mixed_in(
    tune: Tune, run_file: Path, tmp_path: Path
) -> None:
    first = tune()
    before = (tmp_path / "out" / "training.json").stat().st_mtime_ns
    assert tune() == first
    assert (tmp_path / "out" / "training.json").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match=r"another run \(learning_rate was 2e-05, now 0.1\)"):
        tune("--learning-rate", "0.1")
    with pytest.raises(ValueError, match=r"another run \(.*text was"):
        tune("--negatives", str(run_file))
    assert tune("--steps", "2", "--overwrite")["steps"] == 2


def test_a_loss_that_is_no_number_names_the_last_good_checkpoint(tune: Tune, tmp_path: Path) -> None:
    blown = ["--steps", "40", "--checkpoint-every", "1", "--learning-rate", "1e30", "--warmup", "0.9", "--clip", "1e30"]
    with pytest.raises(FloatingPointError, match=r"no longer a number.*(last good checkpoint|no checkpoint)"):
        tune(*blown)
    assert not (tmp_path / "out" / "training.json").exists()


def test_hard_negatives_are_stage_2(tune: Tune, run_file: Path) -> None:
    record = tune("--negatives", str(run_file), "--negatives-per-query", "3", "--depth", "2:8")
    assert (record["stage"], record["hard_negatives"], record["arguments"]["depth"]) == (2, 3, [2, 8])
    assert record["negatives"][0]["name"] == "run.trec" and len(record["negatives"][0]["sha256"]) == 64


def test_overwriting_leaves_nothing_of_the_run_before(tune: Tune, tmp_path: Path) -> None:
    tune("--representation", "joint")
    tune("--representation", "cls", "--overwrite")
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert "retromae.json" in names
    assert not {"dupmae.json", "projection.safetensors", "2_Dense/config.json", "2_Dense/model.safetensors"} & names


def test_the_output_is_not_the_checkpoint(tune: Tune, tmp_path: Path) -> None:
    tune()
    with pytest.raises(ValueError, match="a folder of its own"):
        tune("--overwrite", checkpoint=tmp_path / "out")


def without(argv: list[str], *options: str) -> list[str]:
    """The arguments less some options and their values."""
    places = {at for option in options for at, word in enumerate(argv) if word == option}
    return [word for at, word in enumerate(argv) if at not in places and at - 1 not in places]


def test_stages_go_on_from_each_other_with_projection_and_settings(
    tune: Tune, command: Callable[..., list[str]], run_file: Path, tmp_path: Path
) -> None:
    first = tune("--representation", "joint", "--dim", "5", "--activation", "relu", "--max-length", "14", output="1")
    assert first["representation"]["projection"] == "fresh"
    argv = command("--negatives", str(run_file), "--learning-rate", "0", output="2", checkpoint=tmp_path / "1")
    second = finetune(parse(without(argv, "--k", "--max-length", "--query-max-length")))
    kept = ("kind", "dim", "k", "activation", "include_sep")
    assert [second["representation"][name] for name in kept] == ["joint", 5, 8, "relu", True]
    assert second["representation"]["projection"] == "continued"
    assert (second["settings"]["max_length"], second["settings"]["query_max_length"]) == (14, 12)
    assert second["start"]["record"]["stage"] == 1
    for name in ("model.safetensors", "projection.safetensors"):
        before, after = (load_file(tmp_path / folder / name) for folder in "12")
        assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("kind", ["title", "first-sentence"])
def test_pairs_are_named_as_such(kind: str, tune: Tune, tmp_path: Path) -> None:
    text = tmp_path / "more.jsonl"
    lines = [{"title": f"a b {letter}", "text": f"a {letter} c. D e f g h i j k {letter}"} for letter in "abcdefgh"]
    text.write_text("".join(json.dumps(line) + "\n" for line in lines))
    record = tune("--pairs", kind, "--text", str(text), "--representation", "joint")
    assert [source["pairs"] for source in record["data"]] == [kind, kind]
    assert record["data"][1] | {"sha256": ""} == {
        "name": "more.jsonl", "sha256": "", "pairs": kind, "documents": 8, "training_queries": 8,
        "left_out": {"also evaluation queries": 0},
    }  # fmt: skip
    arrow = {"title": "title → text", "first-sentence": "first sentence → rest"}[kind]
    assert f"pairs {arrow}" in (tmp_path / "out" / "README.md").read_text()


def test_random_weights_can_be_tuned_with_a_vocabulary_from_elsewhere(tune: Tune, pretrained: Path) -> None:
    init = "config:layers=1,hidden=8,heads=2,positions=20"
    record = tune("--vocab", str(pretrained), "--representation", "joint", checkpoint=Path(init))
    assert record["fresh_weights"] == ["all"] and record["representation"]["dim"] == 4


@pytest.mark.parametrize("representation", ["ot", "joint"])
def test_a_checkpoint_without_its_head_is_refused_for_dupmae(
    representation: str, tune: Tune, pretrained: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    AutoModel.from_pretrained(pretrained, add_pooling_layer=False).save_pretrained(bare)
    AutoTokenizer.from_pretrained(pretrained).save_pretrained(bare)
    with pytest.raises(ValueError, match=r"bare has no masked-LM head \(cls\.predictions"):
        tune("--representation", representation, checkpoint=bare)
    assert tune("--representation", "cls", checkpoint=bare)["fresh_weights"]
    assert "ForMaskedLM" not in (tmp_path / "out" / "config.json").read_text()  # the drawn head is not passed on


def test_dupmae_is_tuned_as_joint_unless_said_otherwise(tune: Tune, pretrained: Path, tmp_path: Path) -> None:
    made = tmp_path / "dupmae"
    shutil.copytree(pretrained, made)
    (made / "training.json").write_text('{"objective": "dupmae", "tokens": 5, "steps": 1}')
    assert tune(checkpoint=made)["representation"]["kind"] == "joint"
    assert tune("--representation", "cls", checkpoint=made, output="2")["representation"]["kind"] == "cls"
    assert tune(output="3")["representation"]["kind"] == "cls"


def test_scale_learned_or_balanced(tune: Tune) -> None:
    balanced = tune("--representation", "joint", "--scale", "balance", "--activation", "raw", output="1")
    start = balanced["scores_at_start"]
    assert balanced["representation"]["scale"] == pytest.approx(3 / start["sparse_spread"])
    learned = tune("--representation", "joint", "--scale", "learn", "--learning-rate", "0.1", output="2")
    assert learned["representation"]["scale"] != 1 and "scale" in learned["losses"]["last"]


@pytest.mark.parametrize("scale", ["0.25", "balance"])
def test_fine_tuning_goes_on_from_the_ranking_of_the_checkpoint(scale: str, tune: Tune, tmp_path: Path) -> None:
    tune("--representation", "joint", "--scale", "0.25", output="1")
    going_on = tune("--scale", scale, "--learning-rate", "0", checkpoint=tmp_path / "1", output="2")
    assert going_on["representation"]["projection"] == "continued"
    after = load_file(tmp_path / "2" / "projection.safetensors")["weight"]
    torch.testing.assert_close(after, load_file(tmp_path / "1" / "projection.safetensors")["weight"])


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("paper-msmarco", {"query_max_length": 32, "max_length": 140, "title": "[SEP]", "batch_size": 16,
                           "negatives_per_query": 15, "learning_rate": 2e-5, "epochs": 4, "activation": "raw"}),
        ("paper-beir", {"query_max_length": 32, "max_length": 144, "title": None, "batch_size": 128,
                        "negatives_per_query": 1, "learning_rate": 1e-5, "epochs": 10, "warmup": 0, "temperature": 1}),
    ],
)  # fmt: skip
def test_presets_have_the_published_values_and_yield_to_the_command_line(preset: str, expected: dict) -> None:
    given = ["x", "--dataset", "toy", "--output", "y", "--preset", preset]
    assert {name: getattr(resolved(parse(given), {"max_length": 7}), name) for name in expected} == expected
    assert resolved(parse([*given, "--max-length", "99", "--title", "|"]), {}).max_length == 99


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--batch-size", "0"], "at least 1"),
        (["--batch-size", "21"], "20 training queries, a batch takes 21"),
        (["--max-length", "41"], "positions for 40"),
        (["--max-length", "2"], "are 3"),
        (["--depth", "5:2"], "two ranks"),
        (["--temperature", "0"], "above 0"),
        (["--scale", "-1"], "a finite number above 0"),
        (["--scale", "2", "--representation", "cls"], "has one"),
        (["--teacher", "x"], "--negatives RUN as well"),
        (["--margin", "3", "--negatives", "x"], "give one"),
        (["--text", "x"], "has no queries"),
        (["--pairs", "qa"], "no document of toy"),
        (["--pairs", "title", "--negatives", "x"], "use one"),
        (["--negatives", "x", "--dataset", "scifact"], "of one --dataset"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments: list[str], what: str, tune: Tune) -> None:
    with pytest.raises(ValueError, match=what):
        tune(*arguments)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--steps", "-2", "at least 1"), ("--steps", "0", "at least 1"),
        ("--temperature", "nan", "above 0"), ("--temperature", "0", "above 0"), ("--scale", "inf", "above 0"),
        ("--scale", "nan", "above 0"), ("--warmup", "100", "it is a share of the steps"), ("--clip", "0", "above 0"),
        ("--dropout", "1.5", "below 1"), ("--seed", "-1", "at least 0"), ("--learning-rate", "inf", "at least 0"),
        ("--dim", "0", "at least 1"), ("--k", "0", "at least 1"), ("--tokens-at-once", "0", "at least 1"),
        ("--query-max-length", "2", "at least 3"), ("--weight-decay", "nan", "at least 0"),
        ("--threads", "0", "at least 1"),
    ],
)  # fmt: skip
def test_every_number_has_a_range_that_is_checked_before_anything_is_claimed(
    option: str, value: str, says: str, tune: Any, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"{option} .*{says}"):
        tune(option, value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (["--batch-size", "21"], "a batch takes 21: lower --batch-size"),
        (["--max-length", "41"], "this model has positions for 40"),
        (["--scale", "inf"], "--scale inf"),
    ],
)
def test_a_refused_command_claims_nothing(given: list[str], what: str, tune: Tune, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=what):
        tune(*given)
    assert not (tmp_path / "out").exists()
    assert tune()["steps"] == 4
