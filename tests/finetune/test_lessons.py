"""What is learned beside the ranking: another model's vectors, BM25's vectors."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from finetune.conftest import losses, parse
from retrievers.training.finetune_arguments import resolved
from retrievers.training.ranking.embedding import embedding_loss, least_squares
from retrievers.training.ranking.lexical import K1, B, lexical_loss, lexicon_of, targets

Tune = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, pretrained: Path) -> Path:
    """A sentence-transformers model of the sixteen dimensions that the students have."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer

    body = Transformer(str(pretrained), max_seq_length=16)
    folder = tmp_path_factory.mktemp("encoder")
    SentenceTransformer(modules=[body, Pooling(16, "mean"), Normalize()], device="cpu").save(str(folder))
    return folder


def test_the_embedding_loss_is_nothing_at_the_scaled_vectors_of_the_teacher() -> None:
    teacher = torch.nn.functional.normalize(torch.randn(6, 4), dim=1)
    assert embedding_loss(teacher * 20**0.5, teacher, 20.0).item() == pytest.approx(0, abs=1e-6)
    assert embedding_loss(torch.zeros(6, 4), teacher, 20.0).item() == pytest.approx(1, abs=1e-6)


def test_least_squares_finds_a_map_that_there_is() -> None:
    torch.manual_seed(0)
    hidden, wanted = torch.randn(200, 8), torch.randn(5, 8)
    found = least_squares(hidden, hidden @ wanted.T / 3**0.5, 3.0, ridge=1e-9)
    assert torch.allclose(found, wanted, atol=1e-4)


def test_the_targets_are_bm25_over_pieces() -> None:
    ids = np.array([2, 7, 7, 8, 3, 2, 8, 3])  # two texts with [CLS] 2 and [SEP] 3: "7 7 8" and "8"
    lexicon = lexicon_of(ids, np.array([5, 8]), 10, 0.5)
    assert lexicon.average == 2
    framed = torch.tensor([[2, 7, 7, 8, 3], [2, 8, 3, 0, 0]])
    found = targets(lexicon, framed, torch.tensor([5, 3]))

    def expected(frequency: int, times: int, length: int) -> float:
        idf = math.log1p((2 - frequency + 0.5) / (frequency + 0.5))
        return math.sqrt(0.5 * idf) * times * (K1 + 1) / (times + K1 * (1 - B + B * length / 2))

    assert found[0, 7].item() == pytest.approx(expected(1, 2, 3), rel=1e-5)
    assert found[0, 8].item() == pytest.approx(expected(2, 1, 3), rel=1e-5)
    assert found[1, 8].item() == pytest.approx(expected(2, 1, 1), rel=1e-5)
    assert (found > 0).sum() == 3


def test_what_the_text_has_is_drawn_up_from_below_zero_and_what_it_lacks_is_let_alone_there() -> None:
    mu = torch.tensor([[-2.0, -2.0, 3.0]], requires_grad=True)
    target = torch.tensor([[1.0, 0.0, 0.0]])
    lexical_loss(mu, target, "log1p_relu").sum().backward()
    assert mu.grad is not None
    assert mu.grad[0, 0] < 0 == mu.grad[0, 1] < mu.grad[0, 2]
    perfect = torch.tensor([[math.expm1(1.0), -1.0, -1.0]])
    assert lexical_loss(perfect, target, "log1p_relu").item() == pytest.approx(0, abs=1e-9)


def test_both_lessons_are_learned(tune: Tune, encoder: Path, tmp_path: Path) -> None:
    more = ["--representation", "joint", "--dim", "16", "--embedding-teacher", str(encoder), "--lexical-weight", "1",
            "--ranking-weight", "0", "--steps", "60", "--learning-rate", "5e-3", "--cache", str(tmp_path)]  # fmt: skip
    record = tune(*more)
    curve = losses(tmp_path / "out")
    for name in ("embedding", "lexical"):
        assert sum(line[name] for line in curve[-10:]) < 0.7 * sum(line[name] for line in curve[:10])
    assert record["embedding_teacher"]["name"] == encoder.name
    assert record["lessons"]["lexical_scale"] == 0.3
    assert str(encoder.parent) not in json.dumps(record)  # folders of a machine are nobody's business
    assert len(list(tmp_path.glob("vectors-*.npy"))) == 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--representation", "cls", "--lexical-weight", "1"], "vocabulary vector"),
        (["--representation", "ot", "--embedding-teacher", "x"], "dense half"),
    ],
)
def test_a_half_that_is_not_there_learns_nothing(arguments: list[str], what: str, tune: Tune) -> None:
    with pytest.raises((ValueError, OSError), match=what):
        tune(*arguments)


def test_something_is_to_be_learned() -> None:
    given = parse(["x", "--output", "y", "--dataset", "z", "--ranking-weight", "0"])
    with pytest.raises(ValueError, match="nothing to learn"):
        resolved(given, {})
