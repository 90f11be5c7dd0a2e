"""Killed at any step and resumed, a run is the run that was never killed; a full disk loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

MODULE = [sys.executable, "-m", "retrievers.training.pretrain"]
SMALL = ["--checkpoint-every", "3", "--log-every", "2", "--accumulate", "2", "--steps"]


def same_result(one: Path, other: Path) -> None:
    assert (one / "losses.jsonl").read_bytes() == (other / "losses.jsonl").read_bytes()
    for file in ("model.safetensors", "decoder.safetensors"):
        first, second = load_file(one / file), load_file(other / file)
        assert all(torch.equal(first[name], second[name]) for name in first)


def kill_once(argv: list[str], folder: Path, checkpoint: int) -> None:
    """Start a run and kill it with SIGKILL as soon as it has that checkpoint."""
    process = subprocess.Popen([*MODULE, *argv], stderr=subprocess.DEVNULL)
    waited = time.monotonic() + 120
    while not (folder / "checkpoints" / f"step-{checkpoint:09d}.safetensors").exists():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < waited
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_killed_runs_end_in_the_same_losses_and_weights_bit_for_bit(
    command: Callable[..., list[str]], train: Callable[..., Any], tmp_path: Path
) -> None:
    train("dupmae", *SMALL, "400", output="whole")
    argv = command("dupmae", *SMALL, "400", output="killed")
    for checkpoint in (3, 60):
        kill_once(argv, tmp_path / "killed", checkpoint)
        assert not (tmp_path / "killed" / "training.json").exists()
    train("dupmae", *SMALL, "400", output="killed")
    same_result(tmp_path / "whole", tmp_path / "killed")


def test_a_full_disk_at_a_checkpoint_loses_nothing(
    train: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retrievers.training.engine import checkpoints

    train("dupmae", *SMALL, "12", output="whole")
    save, folder = checkpoints.save_file, tmp_path / "full"

    def disk_full_at_the_third(tensors: Any, path: Path, *more: Any) -> None:
        if "000000009" not in path.name:
            return save(tensors, path, *more)
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", disk_full_at_the_third)
    with pytest.raises(OSError, match=r"No space left on device; the last good one is .*step-000000006"):
        train("dupmae", *SMALL, "12", output="full")
    assert [path.name for path in (folder / "checkpoints").iterdir()] == [
        "step-000000003.safetensors",
        "step-000000006.safetensors",
    ]
    monkeypatch.setattr(checkpoints, "save_file", save)
    train("dupmae", *SMALL, "12", output="full")
    same_result(tmp_path / "whole", folder)


@pytest.mark.slow
def test_two_processes_do_what_one_does_in_twice_the_passes(
    command: Callable[..., list[str]], train: Callable[..., Any], tmp_path: Path
) -> None:
    """torchrun with gloo, the code that runs on many GPUs: the losses of one process with twice --accumulate."""
    settings = ["--steps", "12", "--log-every", "1", "--dropout", "0"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    launched = [*torchrun, "-m", MODULE[2], *command("dupmae", *settings, "--accumulate", "1", output="two")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    two = subprocess.run(launched, env=environment, capture_output=True, text=True, timeout=300)
    assert two.returncode == 0, two.stderr
    train("dupmae", *settings, "--accumulate", "2", output="one")

    curves = [
        [json.loads(line) for line in (tmp_path / name / "losses.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    assert len(curves[0]) == len(curves[1]) == 12
    for one, other in zip(*curves, strict=True):
        assert other == pytest.approx(one, rel=1e-4)
