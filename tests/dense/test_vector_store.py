"""Shards are whole or absent, checked, resumed; what is damaged is named."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dense.counted import DOCS, Counter
from dense.tiny import store
from harness.records import Doc
from retrievers.search import pieces, vector_store
from retrievers.search.indexing import index_docs
from retrievers.search.vector_store import VectorStore


def index(folder: Path, docs: object = DOCS, encode: object = None, **identity: object) -> Counter:
    encode = encode or Counter()
    index_docs(docs, folder, render=lambda doc: doc.text, tokenize=list, encode=encode, identity=identity,  # type: ignore[arg-type]
               shard_docs=5, piece_docs=2)  # fmt: skip
    return encode  # type: ignore[return-value]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "store.json"}


def breaking_off(after: int) -> Iterator[Doc]:
    yield from DOCS[:after]
    raise OSError("the stream broke off")


def test_what_is_stored_is_read(tmp_path) -> None:
    index(tmp_path)
    held = VectorStore(tmp_path)
    assert (held.docs, held.dim, len(held.shards)) == (23, 3, 5)
    assert held.doc_ids(np.arange(23)) == [doc.doc_id for doc in DOCS]
    assert np.concatenate([shard.field() for shard in held.shards])[:, 0].tolist() == list(range(23))
    assert np.concatenate([shard.field("terms") for shard in held.shards])[:, 2].tolist() == list(range(23))
    assert held.norm == pytest.approx(22 * 3**0.5)
    assert held.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.parametrize(("docs", "shards"), [(0, 0), (1, 1), (5, 1), (6, 2), (10, 2)])
def test_any_number_of_documents(tmp_path, docs: int, shards: int) -> None:
    index(tmp_path, iter(DOCS[:docs]))
    held = VectorStore(tmp_path)
    assert (held.docs, len(held.shards), held.dim) == (docs, shards, 3 if docs else None)


@pytest.mark.parametrize(("broke", "kept"), [(1, 0), (5, 1), (14, 2), (23, 4)])
def test_an_interrupted_call_is_gone_on_with(tmp_path, broke: int, kept: int) -> None:
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    index(whole)
    with pytest.raises(OSError, match="broke off"):
        index(pieces, breaking_off(broke))
    with pytest.raises(ValueError, match="interrupted: index again"):
        VectorStore(pieces)
    assert len(index(pieces).texts) == 23 - 5 * kept
    assert files(pieces) == files(whole)


class Failing(Counter):
    """Fails at the text `last`."""

    def __init__(self, last: str) -> None:
        super().__init__()
        self.last = last

    def __call__(self, texts: list[str]) -> dict[str, np.ndarray]:
        if self.last in texts:
            raise RuntimeError("the power went off")
        return super().__call__(texts)


def test_what_is_done_of_a_shard_is_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pieces, "SECONDS", -1.0)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    index(whole)
    with pytest.raises(RuntimeError, match="power"):
        index(stopped, encode=Failing("text 9"))
    assert sorted(path.name for path in stopped.glob("*.npz")) == ["00001.0000000.npz", "00001.0000002.npz"]
    assert index(stopped).texts == [doc.text for doc in DOCS[9:]]
    assert files(stopped) == files(whole)


def test_what_is_kept_of_a_shard_is_of_its_documents_and_whole(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pieces, "SECONDS", -1.0)
    for harm in ("documents", "bytes", "nothing"):
        folder = tmp_path / harm
        with pytest.raises(RuntimeError, match="power"):
            index(folder, encode=Failing("text 4"))
        docs = [*DOCS[:2], Doc("id-2", "text 99"), *DOCS[3:]] if harm == "documents" else DOCS
        if harm == "bytes":
            path = folder / "00000.0000002.npz"
            data = bytearray(path.read_bytes())
            data[data.index(np.float32(3.0).tobytes() * 3)] ^= 1
            path.write_bytes(data)
        assert index(folder, docs).texts[0] == {"documents": "text 99", "bytes": "text 2", "nothing": "text 4"}[harm]
        assert not list(folder.glob("*.npz"))


def test_a_kill_costs_the_work_of_seconds(tmp_path) -> None:
    """kill -9 amid the only shard: the other call goes on there, and the vectors are those of one call."""
    program = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from dense.counted import DOCS, Counter
from retrievers.search import pieces
from retrievers.search.indexing import index_docs
pieces.SECONDS = 0.05
class Slow(Counter):
    def __call__(self, texts):
        time.sleep(0.1)
        return super().__call__(texts)
encode = Slow()
index_docs(DOCS, Path(sys.argv[1]), render=lambda doc: doc.text, tokenize=list, encode=encode, identity={},
           shard_docs=4096, piece_docs=2)
print(len(encode.texts))
"""
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-c", program]
    paths = [str(tests), str(tests.parent)]
    killed = subprocess.Popen([*command, str(tmp_path / "killed"), *paths])
    while len(list((tmp_path / "killed").glob("*.npz"))) < 3:
        assert killed.poll() is None
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    again, once = (
        int(subprocess.run([*command, str(tmp_path / name), *paths], capture_output=True, check=True).stdout)
        for name in ("killed", "once")
    )
    assert again <= 23 - 3 * 2 and once == 23
    assert files(tmp_path / "killed") == files(tmp_path / "once")


def test_a_changed_document_is_encoded_again_with_its_shard(tmp_path) -> None:
    index(tmp_path)
    changed = [*DOCS[:7], Doc("id-7", "text 99"), *DOCS[8:]]
    assert index(tmp_path, changed).texts == [doc.text for doc in changed[5:10]]
    assert VectorStore(tmp_path).shards[1].field()[2, 0] == 99


def test_a_shorter_collection_leaves_nothing_behind(tmp_path) -> None:
    index(tmp_path / "long")
    index(tmp_path / "long", DOCS[:8])
    index(tmp_path / "short", DOCS[:8])
    assert files(tmp_path / "long") == files(tmp_path / "short")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "harm", "what"),
    [
        ("00002.vectors.npy", cut, "00002.vectors.npy has 187 bytes instead of 188"),
        ("00002.vectors.npy", flip, "00002.vectors.npy does not match its checksum"),
        ("00002.ids", flip, "00002.ids does not match its checksum"),
        ("00002.terms.npy", Path.unlink, "00002.terms.npy is missing"),
        ("00002.json", cut, "00002.json cannot be read"),
        ("00002.json", Path.unlink, "missing"),
    ],
)
def test_a_damaged_shard_is_refused_and_encoded_again(tmp_path, name: str, harm, what: str) -> None:
    index(tmp_path)
    sound = files(tmp_path)
    harm(tmp_path / name)
    if what == "00002.json cannot be read":
        (tmp_path / name).write_text("{")
    with pytest.raises(ValueError, match=f"shard 2 is damaged .*{what}.* index again, the others are kept"):
        VectorStore(tmp_path)
    if what == "missing":
        again = index(tmp_path)
    else:
        with pytest.warns(UserWarning, match=f"shard 2 is damaged .*{what}.* encoded again"):
            again = index(tmp_path)
    assert again.texts == [doc.text for doc in DOCS[10:15]]
    assert files(tmp_path) == sound


def test_another_identity_is_refused(tmp_path) -> None:
    index(tmp_path, title=" ")
    with pytest.raises(ValueError, match=r"another kind: identity is {'title': ' '} there and {'title': None} here"):
        index(tmp_path, title=None)


def test_another_dimension_is_refused(tmp_path) -> None:
    with pytest.raises(OSError, match="broke off"):
        index(tmp_path, breaking_off(12))
    with pytest.raises(ValueError, match=r"hold vectors of shape .*\(3,\).* this encoder gives .*\(4,\)"):
        index(tmp_path, encode=Counter(dim=4))


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "infinite values")])
def test_vectors_that_are_not_finite_name_the_document(tmp_path, value: float, what: str) -> None:
    def encode(texts: list[str]) -> dict[str, np.ndarray]:
        vectors = np.zeros((len(texts), 2), np.float16)
        vectors[[text == "text 13" for text in texts], 1] = value
        return {"vectors": vectors}

    with pytest.raises(ValueError, match=f"the vectors of document 'id-13' hold {what} in float16"):
        index(tmp_path, encode=encode)
    assert {"00000.json", "00001.json"} <= files(tmp_path).keys() >= {"00001.ids"}
    assert "00002.json" not in files(tmp_path)
    assert "read-ahead" not in {thread.name for thread in threading.enumerate()}


def test_a_wrong_number_of_vectors(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"the encoder gave 2 vectors for 1 text$"):
        index(tmp_path, encode=lambda texts: {"vectors": np.zeros((2, 2))})


def test_no_room_on_the_disk(tmp_path, monkeypatch) -> None:
    with pytest.raises(OSError, match="broke off"):
        index(tmp_path, breaking_off(12))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(vector_store.shutil, "disk_usage", lambda folder: usage._replace(free=1000))
    with pytest.raises(OSError, match=r"no room for the vectors in .*: shard 2 needs 65,\d+ bytes, 1,000 are free"):
        index(tmp_path)
    monkeypatch.undo()
    assert len(index(tmp_path).texts) == 13


@pytest.mark.parametrize("doc_id", ["two\nlines", "übung", "日本", "a b"])
def test_ids_of_any_script(tmp_path, doc_id: str) -> None:
    docs = [Doc("first", "text 1"), Doc(doc_id, "text 2")]
    if "\n" in doc_id:
        with pytest.raises(ValueError, match=r"line break: 'two\\nlines'"):
            index(tmp_path, docs)
    else:
        index(tmp_path, docs)
        assert VectorStore(tmp_path).doc_ids(np.array([1])) == [doc_id]


def test_what_is_no_store(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no vectors \(no store.json\): index first"):
        VectorStore(tmp_path)
    store(tmp_path, np.zeros((4, 2), np.float32), list("abcd"), 2)
    (tmp_path / "store.json").write_text('{"format": 0, "docs": 4}')
    with pytest.raises(ValueError, match="format 0, this version reads 1"):
        VectorStore(tmp_path)
