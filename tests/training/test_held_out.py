"""`--held-out`: losses on text that is not trained on, which change nothing else and survive an interruption."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

SOME = ("--steps", "12", "--checkpoint-every", "5", "--learning-rate", "1e-2", "--dropout", "0.1")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "held_out.jsonl").read_text().splitlines()]


@pytest.fixture
def other(tmp_path: Path, passages: list[str]) -> Path:
    path = tmp_path / "other.txt"
    path.write_text("\n".join(" ".join(reversed(passage.split())) for passage in passages[:30]), encoding="utf-8")
    return path


def test_losses_fall_and_nothing_else_changes(train: Callable[..., Any], other: Path, tmp_path: Path) -> None:
    train("dupmae", *SOME, output="without")
    record = train("dupmae", *SOME, "--held-out", str(other))
    found = lines(tmp_path / "out")
    assert [line["step"] for line in found] == [0, 5, 10, 12]
    assert found[-1]["held_out_loss"] < found[0]["held_out_loss"] - 0.5
    assert record["held_out"] == {"texts": 30, "first": found[0], "last": found[-1]}
    same = [load_file(tmp_path / name / "model.safetensors") for name in ("without", "out")]
    assert all(torch.equal(same[0][name], same[1][name]) for name in same[0])
    assert (tmp_path / "without" / "losses.jsonl").read_bytes() == (tmp_path / "out" / "losses.jsonl").read_bytes()


def test_they_are_those_of_all_rows_without_dropout(train: Callable[..., Any], other: Path, tmp_path: Path) -> None:
    still = ("--steps", "2", "--learning-rate", "0", "--weight-decay", "0", "--held-out", str(other))
    train("dupmae", *still)
    train("dupmae", *still, "--decoder-rows", "0.25", "--batch-size", "7", output="rows")
    first, last = lines(tmp_path / "out")
    assert first | {"step": 2} == last  # weights that stand still, whatever the dropout of training drew
    assert lines(tmp_path / "rows")[0] == first  # with other batches too


def test_an_interrupted_run_has_the_lines_of_a_whole_one(
    train: Callable[..., Any], other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retrievers.training.engine import checkpoints

    given = (*SOME, "--held-out", str(other))
    train("retromae", *given, output="whole")
    save = checkpoints.save

    def stopped(folder: Path, step: int, *more: Any) -> Path:
        if step == 10:
            raise KeyboardInterrupt
        return save(folder, step, *more)

    for step_of_checkpoint in (stopped, save):
        monkeypatch.setattr(checkpoints, "save", step_of_checkpoint)
        try:
            train("retromae", *given)
        except KeyboardInterrupt:
            assert lines(tmp_path / "out")[-1]["step"] == 10  # measured, and its checkpoint lost
    assert lines(tmp_path / "out") == lines(tmp_path / "whole")


def test_text_that_is_also_trained_on_is_refused(train: Callable[..., Any], text: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_bytes(text.read_bytes())
    with pytest.raises(ValueError, match=r"--held-out copy\.txt: this text is also trained on"):
        train("mlm", *SOME, "--held-out", str(copy))


def test_another_text_is_another_run(train: Callable[..., Any], other: Path, tmp_path: Path) -> None:
    train("mlm", *SOME, "--held-out", str(other))
    with pytest.raises(ValueError, match=r"holds another run \(held_out was"):
        train("mlm", *SOME)
    train("mlm", *SOME, "--overwrite")
    assert not (tmp_path / "out" / "held_out.jsonl").exists()
