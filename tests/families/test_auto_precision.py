"""`precision=auto` works in what is quicker here, says which, and takes no vectors of the other for its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dense.tiny import save_bert, save_sentence_transformer
from families import tiny
from harness import cli
from harness.results import manifest
from joint.tiny import save as save_dupmae
from retrievers.dupmae import DupMAE
from retrievers.encoders import precision
from retrievers.multi_vector import MultiVector
from retrievers.rerank import Rerank
from retrievers.retromae import RetroMAE
from retrievers.sentence_transformer import SentenceTransformerEncoder
from retrievers.sparse import Sparse

MAKERS: dict[str, Callable[[Path, str], Any]] = {
    "retromae": lambda folder, asked: RetroMAE(
        str(save_bert(folder)), max_length=16, query_max_length=16, precision=asked
    ),  # type: ignore[arg-type]
    "dupmae": lambda folder, asked: DupMAE(str(save_dupmae(folder)), precision=asked, device="cpu"),  # type: ignore[arg-type]
    "sentence-transformer": lambda folder, asked: SentenceTransformerEncoder(
        str(save_sentence_transformer(folder)),
        precision=asked,  # type: ignore[arg-type]
    ),
    "sparse": lambda folder, asked: Sparse(str(tiny.sparse(folder)), precision=asked),  # type: ignore[arg-type]
    "multi-vector": lambda folder, asked: MultiVector(str(tiny.multi_vector(folder)), precision=asked),  # type: ignore[arg-type]
    "rerank": lambda folder, asked: Rerank(model=str(tiny.cross_encoder(folder)), precision=asked, system="first"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_auto_is_what_is_quicker_and_part_of_what_it_rests_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for quicker in ("fp32", "bf16"):
        monkeypatch.setattr(precision, "quicker_precision", lambda device, quicker=quicker: quicker)
        made = MAKERS[name](tmp_path / quicker, "auto")
        assert made.facts()["precision"] == made.fingerprint()["precision"] == quicker
        found[quicker] = made.fingerprint()
    assert found["fp32"] != found["bf16"]
    assert "precision" not in MAKERS[name](tmp_path / "said", "bf16").fingerprint()  # it is among the arguments


def test_an_index_in_the_other_precision_is_not_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["run", "retromae", "--dataset", "sample", "--tag", "mae", "--set", f"checkpoint={save_bert(tmp_path)}"]
    command += ["--set", "precision=auto", "--set", "max_length=16", "--set", "query_max_length=16"]
    runs = []
    for quicker in ("fp32", "bf16", "fp32"):
        monkeypatch.setattr(precision, "quicker_precision", lambda device, quicker=quicker: quicker)
        into = tmp_path / f"results-{len(runs)}"
        assert cli.main([*command, "--results", str(into)]) == 0
        body = manifest.read(into / "runs" / "mae" / "sample")
        assert body is not None and body["facts"]["precision"] == quicker
        runs.append(body["run"]["sha256"])
    assert runs[0] == runs[2] != runs[1]
