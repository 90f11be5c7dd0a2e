"""Small vectors and strange texts: named by the document or query, whichever of DupMAE's parts they are in."""

import json
from pathlib import Path

import numpy as np
import pytest

from dense.tiny import save_bert, save_sentence_transformer
from harness import plugins
from harness.records import Doc, Query
from retrievers.search import joint_store
from retrievers.search.vector_store import Lossy

ENTRIES = np.tile(np.arange(4), (3, 1))


@pytest.mark.parametrize(
    ("dense", "weights", "row", "cure"),
    [
        ([1, 1, 1], [1, 1, 1], None, ""),
        ([1, 1e-8, 1], [1, 1, 1], 1, "scale the checkpoint's projection"),
        ([1, 1, 1], [1e-8, 1e-8, 1e-8], 0, "scale the checkpoint's masked-LM head"),
        ([1, 1, 1], [1, 1e-8, 1], None, ""),  # a text of hardly any words, beside others
        ([0, 1, 1], [0, 1, 1], None, ""),
    ],
)
def test_each_part_is_kept_by_itself(dense: list, weights: list, row: int | None, cure: str) -> None:
    vectors = np.array(dense, np.float32)[:, None] * np.linspace(0.5, 1, 8, dtype=np.float32)
    halves = np.array(weights, np.float32)[:, None] * np.linspace(0.5, 1, 4, dtype=np.float32)
    if row is None:
        found = joint_store.fields(vectors, ENTRIES, halves, 100)
        np.testing.assert_allclose(found["vectors"], vectors, atol=1e-3)
        np.testing.assert_allclose(found["weights"], halves, atol=1e-3)
    else:
        with pytest.raises(Lossy, match=cure) as lost:
            joint_store.fields(vectors, ENTRIES, halves, 100)
        assert lost.value.row == row


def with_a_piece_beyond(folder: Path) -> Path:
    """A special token that the model has no embedding of, as published tokenizers have them."""
    piece = {"id": 18, "content": "[NEW]", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    body = json.loads((folder / "tokenizer.json").read_text())
    body["added_tokens"].append({**piece, "special": True})
    (folder / "tokenizer.json").write_text(json.dumps(body))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"extra_special_tokens": ["[NEW]"]}))
    return folder


@pytest.mark.parametrize("name", ["sentence-transformer", "retromae"])
def test_a_text_with_a_token_beyond_the_embeddings_is_named(tmp_path: Path, name: str) -> None:
    make = save_bert if name == "retromae" else save_sentence_transformer
    folder = with_a_piece_beyond(make(tmp_path / "m"))
    retriever = plugins.make(name, {"checkpoint" if name == "retromae" else "model": str(folder)})
    with pytest.raises(ValueError, match=r"the text of document 'b' holds '\[NEW\]', token 18 .* embeddings for 18"):
        retriever.index([Doc("a", "heart"), Doc("b", "mice [NEW]"), Doc("c", "[NEW]")], tmp_path / "index")
    retriever.index([Doc("a", "heart")], tmp_path / "other")
    retriever.load(tmp_path / "other")
    with pytest.raises(ValueError, match=r"the text of query 'r' holds '\[NEW\]'"):
        list(retriever.search([Query("q", "heart"), Query("r", "[NEW] heart")], 1))


@pytest.mark.parametrize("name", ["retromae", "dupmae"])
@pytest.mark.parametrize(("title", "noted"), [(r". \n", True), (". \n", False), (" ", False), (None, False)])
def test_a_backslash_n_between_title_and_text_is_said(name: str, title: str | None, noted: bool) -> None:
    notes = plugins.make(name, {"checkpoint": f"{name}-mini", "title": title}).facts().get("notes", [])
    assert bool(notes) is noted
    assert not noted or "title '. " in notes[0]
