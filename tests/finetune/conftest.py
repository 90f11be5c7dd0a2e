"""A collection of sixty documents with train and test queries, and a model of two layers and sixteen dimensions."""

import argparse
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from retrievers.training.finetune_arguments import add_finetune_arguments

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS), "?", "."]
QUICK = ["--device", "cpu", "--threads", "1", "--precision", "fp32", "--dropout", "0", "--max-length", "16",
         "--query-max-length", "12", "--batch-size", "4", "--k", "8", "--steps", "4", "--log-every", "1"]  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the collection `toy`: query t1 … t20 for training, e1 … e5 for evaluation."""
    folder = tmp_path_factory.mktemp("collections") / "toy"
    draw = random.Random(0)
    texts = [" ".join(draw.choices(LETTERS, k=draw.randint(2, 20))) for _ in range(60)]
    docs = [{"_id": f"d{at}", "title": text[:3], "text": text} for at, text in enumerate(texts)]
    queries = [{"_id": f"t{at}", "text": " ".join(draw.sample(texts[at].split(), 2))} for at in range(1, 21)]
    queries += [{"_id": f"e{at}", "text": " ".join(draw.sample(texts[40 + at].split(), 2))} for at in range(1, 6)]
    write_lines(folder / "corpus.jsonl", map(json.dumps, docs))
    write_lines(folder / "queries.jsonl", map(json.dumps, queries))
    head = "query-id\tcorpus-id\tscore"
    several = [f"t{at}\td{at + 20}\t1" for at in range(1, 6)]  # these have two relevant documents
    write_lines(folder / "qrels" / "train.tsv", [head, *(f"t{at}\td{at}\t1" for at in range(1, 21)), *several])
    write_lines(folder / "qrels" / "test.tsv", [head, *(f"e{at}\td{40 + at}\t1" for at in range(1, 6))])
    return folder.parent


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A masked LM with its tokenizer, as pre-training leaves it."""
    from transformers import BertConfig, BertForMaskedLM

    from retrievers.training.data.vocabulary import wordpiece_tokenizer

    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(PIECES), max_position_embeddings=40, initializer_range=0.3, **sizes)
    BertForMaskedLM(config).save_pretrained(folder)
    wordpiece_tokenizer(PIECES, 40).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten documents for each training query but t20, its relevant one first."""
    path = tmp_path_factory.mktemp("runs") / "run.trec"
    ranked = ((at, [at, *((at + step) % 40 for step in range(21, 30))]) for at in range(1, 20))
    lines = (f"t{at} Q0 d{doc} {rank} {20 - rank} bm25" for at, docs in ranked for rank, doc in enumerate(docs, 1))
    write_lines(path, lines)
    return path


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_finetune_arguments(parser)
    return parser.parse_args(argv)


@pytest.fixture
def command(pretrained: Path, collections: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """The arguments of a tiny run on the collection toy; later ones replace earlier ones."""

    def make(*more: str, output: str = "out", checkpoint: Path = pretrained) -> list[str]:
        places = [
            "--data-dir",
            str(collections),
            "--output",
            str(tmp_path / output),
            "--cache",
            str(tmp_path / "cache"),
        ]
        return [str(checkpoint), "--dataset", "toy", *places, *QUICK, *more]

    return make


@pytest.fixture
def tune(command: Callable[..., list[str]]) -> Callable[..., dict[str, Any]]:
    """Fine-tune in this process; returns the record."""
    from retrievers.training.finetune import finetune

    return lambda *more, **kwargs: finetune(parse(command(*more, **kwargs)))


def losses(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "losses.jsonl").read_text().splitlines()]
