"""What another precision would save is measured and said before a long encoding, and only then."""

import pytest
import torch

from dense.tiny import save_bert, save_sentence_transformer
from harness import cli
from retrievers import retromae
from retrievers.dense import from_encoder
from retrievers.encoders import precision
from retrievers.encoders.precision import advice
from retrievers.sentence_transformer import SentenceTransformerEncoder


class Timed:
    """A model that says how many tokens a second it does."""

    vocabulary, device = 100, torch.device("cpu")

    def __init__(self, rate: float) -> None:
        self.rate = rate


def told(
    monkeypatch: pytest.MonkeyPatch, fp32: float, bf16: float, own: str = "fp32", docs: int = 1_000_000
) -> str | None:
    monkeypatch.setattr(precision, "_tokens_per_s", lambda bert: bert.rate)
    return advice(lambda dtype: Timed(fp32 if dtype == torch.float32 else bf16), own, docs, 512)


def test_minutes_of_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(monkeypatch, 7_000, 18_000)
    assert said and "about 357 min here in fp32; precision=bf16 would take about 139" in said
    assert "precision=fp32 would take about 139" in (told(monkeypatch, 18_000, 7_000, own="bf16") or "")


def test_nothing_is_said_where_little_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, 7_000, 8_000) is None
    assert told(monkeypatch, 7_000, 4_000) is None
    assert told(monkeypatch, 7_000, 18_000, docs=5_000) is None
    assert told(monkeypatch, 7_000, 18_000, own="fp16") is None


def test_real_models_are_timed(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "GAIN", 0.0)
    monkeypatch.setattr(precision, "PROBE_LENGTHS", [8] * 2)
    folder = save_sentence_transformer(tmp_path / "st")
    dense = from_encoder(SentenceTransformerEncoder)(model=str(folder), device="cpu")
    before = dense.encoder.encode_docs(["heart failure"])
    assert "precision=bf16 would take" in (dense.advice(100_000) or "")
    assert (dense.encoder.encode_docs(["heart failure"]) == before).all()
    mae = retromae.RetroMAE(str(save_bert(tmp_path / "b")), max_length=16, query_max_length=16, device="cpu")
    assert "precision=bf16" in (mae.advice(100_000) or "") and mae.advice(10) is None


ADVISED = """import numpy as np
class Mine:
    def advice(self, docs):
        return f"advice for {docs} documents"
    def encode_queries(self, texts):
        return np.ones((len(texts), 2), np.float32)
    encode_docs = encode_queries
"""


def test_a_run_says_it_once_where_the_index_is_made(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(ADVISED)
    words = ["run", f"{tmp_path}/mine.py:Mine", "--dataset", "sample", "--results", str(tmp_path / "r")]
    assert cli.main(words) == 0
    assert "advice for 357 documents" in capsys.readouterr().err
    assert cli.main([*words, "--overwrite"]) == 0
    assert "advice for" not in capsys.readouterr().err
