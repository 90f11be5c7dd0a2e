"""The width of vectors from the files of a model: more dimensions than there are fail before any model is loaded."""

import json
from pathlib import Path

import pytest

from dense.tiny import save_sentence_transformer
from harness import cli
from harness.records import Doc
from retrievers.api import Api
from retrievers.dense import from_encoder
from retrievers.encoders import widths
from retrievers.retromae import RetroMAE
from retrievers.sentence_transformer import SentenceTransformerEncoder

MODULES = {"Transformer": "", "Pooling": "1_Pooling", "Dense": "2_Dense", "Normalize": "3_Normalize"}


def folder(place: Path, kinds: list[str], configs: dict[str, dict], **own: object) -> Path:
    modules = [{"idx": at, "name": str(at), "path": MODULES.get(kind, kind), "type": f"x.{kind}"}
               for at, kind in enumerate(kinds)]  # fmt: skip
    for name, config in {"config.json": {"hidden_size": 384}, **configs}.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(json.dumps(config))
    (place / "modules.json").write_text(json.dumps(modules))
    (place / "config_sentence_transformers.json").write_text(json.dumps(own))
    return place


MEAN = {"1_Pooling/config.json": {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}}
TWO = {"1_Pooling/config.json": MEAN["1_Pooling/config.json"] | {"pooling_mode_cls_token": True}}
NEW = {"1_Pooling/config.json": {"embedding_dimension": 384, "pooling_mode": "mean"}}
DENSE = {"2_Dense/config.json": {"in_features": 384, "out_features": 64}}


@pytest.mark.parametrize(
    ("kinds", "configs", "own", "width"),
    [
        (["Transformer", "Pooling", "Normalize"], MEAN, {}, 384),
        (["Transformer", "Pooling"], TWO, {}, 768),
        (["Transformer", "Pooling"], NEW, {}, 384),
        (["Transformer", "Pooling", "Dense"], MEAN | DENSE, {}, 64),
        (["Transformer", "Pooling"], MEAN, {"truncate_dim": 32}, 32),
        (["Strange", "Normalize"], {}, {}, None),
        (["Transformer", "Strange"], {}, {}, None),
        (["Strange", "Dense"], DENSE, {}, 64),
        (["Transformer", "Pooling"], {"1_Pooling/config.json": {}}, {}, None),
    ],
)
def test_the_width_that_a_models_files_say(tmp_path: Path, kinds, configs, own, width: int | None) -> None:
    assert widths.of_modules(folder(tmp_path, kinds, configs, **own)) == width


def test_a_folder_without_modules_and_a_name_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 12}')
    assert widths.of_modules(tmp_path) == widths.of_config(tmp_path) == 12
    assert widths.of_modules(Path("all-MiniLM-L6-v2")) is None


def test_the_files_are_right_about_a_real_model(tmp_path: Path) -> None:
    place = save_sentence_transformer(tmp_path)
    assert SentenceTransformerEncoder(str(place)).encode_docs(["x"]).shape[1] == widths.of_modules(place)


@pytest.mark.parametrize("retriever", ["sentence-transformer", "retromae"])
def test_more_dimensions_than_there_are_load_no_model(tmp_path: Path, retriever: str, capsys) -> None:
    place = save_sentence_transformer(tmp_path / "model")
    for path in place.glob("*.safetensors"):
        path.unlink()  # so a model that is loaded says something else
    name = "checkpoint" if retriever == "retromae" else "model"
    words = [
        "run",
        retriever,
        "--set",
        f"{name}={place}",
        "--dataset",
        "sample",
        "--results",
        str(tmp_path / "results"),
    ]
    assert cli.main([*words, "--set", "dim=33"]) == 2
    assert "dim is 33; the vectors of this model have 32 numbers" in capsys.readouterr().err
    with pytest.raises(ValueError, match="dim is 513; the vectors of this model have 512 numbers"):
        Api(model="m", dimensions=512, dim=513)
    assert RetroMAE.search_only and not (tmp_path / "results").exists()


class Narrow:
    """Its width is known by its vectors alone."""

    encoded = 0

    def encode_queries(self, texts):
        type(self).encoded += len(texts)
        return [[1.0, float(len(text))] for text in texts]

    encode_docs = encode_queries


def test_otherwise_the_first_piece_of_the_index_tells(tmp_path: Path) -> None:
    made = from_encoder(Narrow)(dim=3)
    made.piece_docs = 8
    with pytest.raises(ValueError, match="dim is 3; the vectors of this model have 2 numbers"):
        made.index((Doc(f"d{at}", "x", "") for at in range(80)), tmp_path)
    assert Narrow.encoded == 8
