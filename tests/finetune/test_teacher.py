"""The cross-encoder's scores: made once, gone on with, used again, and used to drop doubtful negatives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.runs import read
from retrievers.training.examples import teacher
from retrievers.training.examples.pairs import Examples

Tune = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import BertConfig, BertForSequenceClassification

    from finetune.conftest import PIECES
    from retrievers.training.data.vocabulary import wordpiece_tokenizer

    folder = tmp_path_factory.mktemp("cross")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(
        vocab_size=len(PIECES), max_position_embeddings=64, num_labels=1, initializer_range=0.5, **sizes
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    wordpiece_tokenizer(PIECES, 64).save_pretrained(folder)
    return folder


def examples(queries: int) -> Examples:
    """Query q has the positive document q and the negative q + 1."""
    docs = [f"doc {at}" for at in range(queries + 1)]
    return Examples(
        [f"q{at}" for at in range(queries)],
        [f"query {at}" for at in range(queries)],
        [f"d{at}" for at in range(queries + 1)],
        docs,
        [[at] for at in range(queries)],
        [[at + 1] for at in range(queries)],
    )


def lengths(pairs: list[tuple[str, str]]) -> np.ndarray:
    return np.array([len(query) + len(doc) / 3 for query, doc in pairs])


def test_the_scores_are_a_run_file_of_all_candidates(tmp_path: Path) -> None:
    made, path = examples(3), tmp_path / "scores.trec.gz"
    teacher.score_file(made, lambda: lengths, path, print)
    assert set(read(path)["q1"][0]) == {"d1", "d2"}
    assert [row.tolist() for row in teacher.teacher_scores(made, path)] == [[pytest.approx(7 + 5 / 3)] * 2] * 3
    assert list(tmp_path.iterdir()) == [path]


def test_scoring_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "PIECE", 2)
    made, path, asked = examples(6), tmp_path / "scores.trec.gz", []

    def dies(pairs: list[tuple[str, str]]) -> np.ndarray:
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append(pairs[0][0])
        return lengths(pairs)

    with pytest.raises(KeyboardInterrupt):
        teacher.score_file(made, lambda: dies, path, print)
    assert not path.exists()
    later: list[str] = []
    teacher.score_file(made, lambda: lambda pairs: (later.append(pairs[0][0]), lengths(pairs))[1], path, print)
    assert later == ["query 2", "query 3", "query 4", "query 5"]  # the piece of 0 and 1 was there
    teacher.score_file(made, lambda: pytest.fail("nothing is left to score"), path, print)
    assert len(teacher.teacher_scores(made, path)) == 6


def test_a_missing_score_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scores.trec"
    path.write_text("q0 Q0 d0 1 2.0 x\nq0 Q0 d1 2 1.0 x\nq1 Q0 d1 1 1.0 x\n")
    with pytest.raises(ValueError, match=r"scores.trec: no score for query 'q1' and document 'd2'"):
        teacher.teacher_scores(examples(2), path)


@pytest.mark.parametrize(
    ("positives", "scores", "margin", "kept"),
    [
        (1, [5, 1, 2, 3, 9], 3, [1, 1, 1, 0, 0]),
        (2, [5, 4, 1, 2], 3, [1, 1, 1, 0]),
        (1, [0, 9], 0, [1, 0]),
    ],
)
def test_negatives_must_be_a_margin_below_the_positive(
    positives: int, scores: list[float], margin: float, kept: list[int]
) -> None:
    assert teacher.within_margin(positives, np.array(scores, np.float32), margin).tolist() == [bool(k) for k in kept]


def test_scores_are_those_of_sentence_transformers(cross_encoder: Path) -> None:
    from sentence_transformers import CrossEncoder

    pairs = [("a b", "c d e"), ("a", "b c d e f g")]
    score = teacher.cross_encoder(str(cross_encoder), None, "cpu")
    raw = CrossEncoder(str(cross_encoder), device="cpu").predict(pairs, activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(score(pairs), raw, rtol=1e-5)


def test_distillation_from_a_cross_encoder_brings_its_order(
    tune: Tune, run_file: Path, cross_encoder: Path, tmp_path: Path
) -> None:
    arguments = ["--negatives", str(run_file), "--negatives-per-query", "4", "--learning-rate", "1e-2"]
    record = tune(*arguments, "--teacher", str(cross_encoder), "--steps", "40", "--representation", "joint")
    assert (record["stage"], record["trainable_queries"]) == (3, 19)  # t20 has no negatives
    assert record["losses"]["last"]["distillation"] < record["losses"]["first"]["distillation"]
    [scores] = (tmp_path / "cache").glob("teacher-*.trec.gz")
    again = tune(*arguments, "--teacher-scores", str(scores), "--steps", "40", "--representation", "joint", output="2")
    assert again["losses"] == record["losses"]
    assert again["teacher"]["scores_sha256"] == record["teacher"]["scores_sha256"]


def test_any_run_can_be_the_teacher_for_the_queries_whose_document_it_found(
    tune: Tune, run_file: Path, tmp_path: Path
) -> None:
    lines = run_file.read_text().splitlines()
    path = tmp_path / "fused.trec"
    path.write_text("".join(f"{line}\n" for line in lines if not line.startswith("t1 Q0 d1 ")))
    more = ["--teacher-run", str(path), "--negatives-per-query", "4", "--teacher-temperature", "4"]
    record = tune(*more, "--learning-rate", "1e-2", "--steps", "40", "--representation", "joint")
    assert (record["stage"], record["trainable_queries"]) == (3, 18)  # neither t20, which has no run, nor t1
    assert record["losses"]["last"]["distillation"] < record["losses"]["first"]["distillation"]
    with pytest.raises(ValueError, match="--teacher-run brings its scores"):
        tune(*more, "--margin", "1", output="none")


@pytest.mark.parametrize("scale", [1e-3, 100.0])
def test_a_run_may_have_scores_of_any_scale(tune: Tune, run_file: Path, tmp_path: Path, scale: float) -> None:
    """Reciprocal ranks differ by thousandths, BM25's scores by tens: what is learned is the same."""
    records = []
    for number, factor in enumerate((1.0, scale)):
        path = tmp_path / f"{number}.trec"
        lines = (line.split() for line in run_file.read_text().splitlines())
        path.write_text("".join(f"{' '.join(words[:4])} {float(words[4]) * factor} x\n" for words in lines))
        more = ["--teacher-run", str(path), "--negatives-per-query", "4", "--steps", "3", "--representation", "joint"]
        records.append(tune(*more, output=f"of-{number}"))
    one, other = records
    assert one["losses"]["last"]["distillation"] == pytest.approx(other["losses"]["last"]["distillation"], rel=1e-3)
    assert other["teacher_temperature"] == pytest.approx(one["teacher_temperature"] * scale, rel=1e-4)


def test_a_run_without_an_order_teaches_nothing(tune: Tune, run_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "flat.trec"
    path.write_text("".join(f"{' '.join(line.split()[:4])} 1 x\n" for line in run_file.read_text().splitlines()))
    with pytest.raises(ValueError, match="gives all documents of a query the same score"):
        tune("--teacher-run", str(path), "--negatives-per-query", "4", "--steps", "3")


def test_a_margin_makes_it_stage_2_with_fewer_negatives(tune: Tune, run_file: Path, cross_encoder: Path) -> None:
    record = tune("--negatives", str(run_file), "--teacher", str(cross_encoder), "--margin", "0")
    assert record["stage"] == 2 and record["arguments"]["margin"] == 0
    with pytest.raises(ValueError, match="no query has a hard negative"):
        tune("--negatives", str(run_file), "--teacher", str(cross_encoder), "--margin", "1000", output="none")


def test_a_teacher_with_many_outputs_is_refused(pretrained: Path) -> None:
    from transformers import BertForSequenceClassification

    with pytest.raises(ValueError, match="has 3 outputs"):
        folder = pretrained.parent / "three"
        BertForSequenceClassification.from_pretrained(pretrained, num_labels=3).save_pretrained(folder)
        from transformers import AutoTokenizer

        AutoTokenizer.from_pretrained(pretrained).save_pretrained(folder)
        teacher.cross_encoder(str(folder), None, "cpu")
