"""InfoNCE by hand, what is no negative, and that two processes compute what one does with both batches."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from safetensors.torch import load_file

from finetune.conftest import losses
from retrievers.training.ranking.contrastive import contrastive_loss, gather_rows


def test_the_loss_by_hand() -> None:
    scores = torch.tensor([[1.0, 2.0, 0.5], [3.0, 0.0, 1.0]])
    allowed = torch.tensor([[True, True, False], [True, True, True]])
    e = torch.tensor([1.0, 2.0, 3.0, 0.0]).exp()
    first = -(e[1] / (e[0] + e[1])).log()  # the positive is document 1, document 2 is relevant too
    second = -(e[0] / (e[2] + e[3] + e[0])).log()  # exp(1) is e[0]
    loss = contrastive_loss(scores, torch.tensor([1, 2]), allowed)
    torch.testing.assert_close(loss, (first + second) / 2)


def test_a_document_left_out_has_no_gradient() -> None:
    scores = torch.zeros(1, 3, requires_grad=True)
    contrastive_loss(scores, torch.tensor([0]), torch.tensor([[True, False, True]])).backward()
    assert scores.grad is not None and scores.grad.tolist() == [[-0.5, 0.0, 0.5]]


def test_one_process_gathers_its_own_rows() -> None:
    rows = torch.ones(2, 3)
    assert gather_rows(rows) is rows


def of_one_process(rank: int, world: int, folder: str, port: int) -> None:
    """Process `rank` holds two of four queries and documents; writes its mean gradients, as DDP would."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=world)
    weight, queries, docs = problem()
    weight.requires_grad_()
    own = slice(2 * rank, 2 * rank + 2)
    everything = gather_rows(docs[own] @ weight)
    numbers = gather_rows(torch.arange(4)[own])
    scores = queries[own] @ weight @ everything.T
    loss = contrastive_loss(scores, torch.arange(4)[own], torch.ones(2, 4, dtype=torch.bool))
    loss.backward()
    assert weight.grad is not None
    for part in (loss, weight.grad):
        dist.all_reduce(part.data)
    result = {"loss": loss.item() / world, "grad": (weight.grad / world).tolist(), "numbers": numbers.tolist()}
    Path(folder, f"{rank}.json").write_text(json.dumps(result))
    dist.destroy_process_group()


def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return tuple(torch.randn(size, generator=draw) for size in ((5, 5), (4, 5), (4, 5)))  # type: ignore[return-value]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_two_processes_give_loss_and_gradient_of_the_joint_batch(tmp_path: Path) -> None:
    mp.spawn(of_one_process, (2, str(tmp_path), free_port()), nprocs=2)
    weight, queries, docs = problem()
    weight.requires_grad_()
    scores = queries @ weight @ (docs @ weight).T
    loss = contrastive_loss(scores, torch.arange(4), torch.ones(4, 4, dtype=torch.bool))
    loss.backward()
    for rank in range(2):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert found["numbers"] == [0, 1, 2, 3]
        torch.testing.assert_close(torch.tensor(found["loss"]), loss.detach())
        torch.testing.assert_close(torch.tensor(found["grad"]), weight.grad)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cls", "joint"])
def test_two_processes_train_as_one_with_twice_the_batch(
    kind: str, command: Callable[..., list[str]], tmp_path: Path, run_file: Path, tune: Callable
) -> None:
    """From the command to the weights: torchrun with gloo, hard negatives, gradient caching."""
    more = ["--representation", kind, "--negatives", str(run_file), "--learning-rate", "1e-3", "--gradient-cache"]
    tune(*more, "--batch-size", "8", output="one")
    argv = command(*more, "--batch-size", "4", output="two")
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())]
    done = subprocess.run(
        [sys.executable, *launch, "-m", "retrievers.training.finetune", *argv], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for one, two in zip(losses(tmp_path / "one"), losses(tmp_path / "two"), strict=True):
        assert two == pytest.approx(one, rel=1e-4, abs=1e-6)
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, tensor in first.items():
        if not name.endswith("key.bias"):  # its gradient is zero but for rounding, of which Adam makes whole steps
            torch.testing.assert_close(second[name], tensor, rtol=1e-3, atol=2e-4)
