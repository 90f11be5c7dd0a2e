"""A hundred short passages and a model of two layers and sixteen dimensions: a second of training each."""

import argparse
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from retrievers.training.arguments import add_pretrain_arguments

WORDS = (
    "lung", "cell", "protein", "blood", "acute", "tumour", "gene", "marrow", "virus", "immune", "heart", "kidney",
)  # fmt: skip
TINY = ["--init", "config:layers=2,hidden=16,heads=2,positions=64", "--train-tokenizer", "90", "--max-length", "16",
        "--batch-size", "4", "--device", "cpu", "--threads", "1", "--precision", "fp32"]  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def passages() -> list[str]:
    draw = random.Random(0)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, 20))) for _ in range(100)]


@pytest.fixture(scope="session")
def text(passages: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "passages.txt"
    path.write_text("\n".join(passages), encoding="utf-8")
    return path


@pytest.fixture
def command(text: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """The arguments of a tiny run; later ones replace earlier ones."""

    def make(objective: str, *more: str, output: str = "out") -> list[str]:
        folder = ["--output", str(tmp_path / output), "--cache", str(tmp_path / "cache")]
        return [objective, "--text", str(text), *folder, *TINY, *more]

    return make


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_pretrain_arguments(parser)
    return parser.parse_args(argv)


@pytest.fixture
def train(command: Callable[..., list[str]]) -> Callable[..., dict[str, Any]]:
    """Pre-train in this process; returns the record."""
    from retrievers.training.pretrain import pretrain

    return lambda objective, *more, **kwargs: pretrain(parse(command(objective, *more, **kwargs)))
