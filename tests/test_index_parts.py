"""An index made in parts, in any order, by processes that know nothing of each other, is the index made in one go."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dense import tiny
from families import tiny as families
from harness import plugins
from harness.records import Doc
from joint.tiny import save
from retrievers.bm25 import BM25
from retrievers.dupmae import DupMAE
from retrievers.retromae import RetroMAE

DOCS = [Doc(f"d{number}", f"{tiny.TEXTS[number % 6]} {number}", "rats" * (number % 2)) for number in range(13)]
SHARDS = 5  # of three documents, the last of one

Make = Callable[[], Any]


@pytest.fixture(
    scope="module", params=["beir style", "sentence-transformer", "retromae", "dupmae", "sparse", "multi-vector"]
)
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """A maker of one retriever whose index consists of shards; they are made small."""
    folder, cpu = tmp_path_factory.mktemp("model"), {"device": "cpu"}
    if request.param == "beir style":
        cls, arguments = plugins.find(f"{Path(__file__).with_name('beir_style.py')}:WordVectors"), cpu
    elif request.param == "sentence-transformer":
        model = tiny.save_sentence_transformer(folder)
        cls, arguments = plugins.find("sentence-transformer"), {"model": str(model), **cpu}
    elif request.param in ("sparse", "multi-vector"):
        model = families.sparse(folder) if request.param == "sparse" else families.multi_vector(folder)
        cls, arguments = plugins.find(request.param), {"model": str(model), **cpu}
    elif request.param == "retromae":
        cls, arguments = RetroMAE, {"checkpoint": str(tiny.save_bert(folder)), **cpu}
    else:
        cls, arguments = DupMAE, {"checkpoint": str(save(folder)), **cpu}
    small: Any = type(cls.__name__, (cls,), {"shard_docs": 3})
    yield lambda: small(**arguments)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "store.json"}


def shards(folder: Path) -> dict[int, int]:
    """Number -> time of writing of the finished shards."""
    return {int(path.stem): path.stat().st_mtime_ns for path in folder.glob("[0-9]*.json")}


@pytest.fixture(scope="module")
def whole(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    make().index(iter(DOCS), folder)
    return folder


@pytest.mark.parametrize("order", [[0, 1], [1, 0], [2, 0, 1], [6, 5, 4, 3, 2, 1, 0]])
def test_the_order_of_parts_does_not_matter(make: Make, whole: Path, tmp_path: Path, order: list[int]) -> None:
    for part in order:
        make().index_part(iter(DOCS), tmp_path, part, len(order))
    before = shards(tmp_path)
    assert len(before) == SHARDS
    make().index(iter(DOCS), tmp_path)
    assert files(tmp_path) == files(whole)
    assert shards(tmp_path) == before  # nothing was encoded again


def test_a_part_makes_its_shards_and_no_other(make: Make, tmp_path: Path) -> None:
    make().index_part(iter(DOCS), tmp_path, 1, 3)
    assert shards(tmp_path).keys() == {1, 4}
    with pytest.raises(ValueError, match="interrupted"):
        make().load(tmp_path)


def test_what_the_parts_left_out_is_made_by_index(make: Make, whole: Path, tmp_path: Path) -> None:
    def broken_off() -> Iterator[Doc]:
        yield from DOCS[:7]
        raise ConnectionError("the storage is gone")

    with pytest.raises(ConnectionError):
        make().index_part(broken_off(), tmp_path, 0, 2)
    assert shards(tmp_path).keys() <= {0}  # the second of its shards was not reached
    make().index_part(iter(DOCS), tmp_path, 0, 2)
    assert shards(tmp_path).keys() == {0, 2, 4}
    make().index(iter(DOCS), tmp_path)
    assert files(tmp_path) == files(whole)


def test_a_part_leaves_a_complete_index_as_it_is(make: Make, tmp_path: Path) -> None:
    make().index(iter(DOCS), tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    make().index_part(iter(DOCS), tmp_path, 0, 2)  # of somebody who came late
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    make().load(tmp_path)


def test_an_index_without_pieces_has_no_parts() -> None:
    assert not hasattr(BM25, "index_part")
