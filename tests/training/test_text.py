"""Text sources, the tokenised store and the vocabulary: what is read, what is refused, what the keys depend on."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrievers.training.data import store, text
from retrievers.training.data.vocabulary import continuations, load_tokenizer, train_wordpiece, wordpiece_tokenizer

RECORDS = [{"text": "one two", "title": "Title"}, {"_id": "7", "text": "three"}, {"text": "", "title": ""}]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "title", "one", "two", "three", "##s", "four"]


@pytest.mark.parametrize("name", ["t.txt", "t.txt.gz", "t.jsonl", "t.jsonl.gz"])
def test_files(name: str, tmp_path: Path) -> None:
    lines = ["Title one two", "three", ""] if ".txt" in name else [json.dumps(record) for record in RECORDS]
    data = ("\n".join(lines) + "\n").encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (source,) = text.text_sources([str(tmp_path / name)])
    for _ in range(2):  # a source can be read again
        assert list(text.passages([source])) == ["Title one two", "three"]


def test_a_folder_of_files_and_one_of_arrow(tmp_path: Path) -> None:
    import datasets

    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "b.txt").write_text("second")
    (tmp_path / "files" / "a.jsonl").write_text('{"text": "first"}\n')
    datasets.Dataset.from_list([{"text": "third", "title": "the"}]).save_to_disk(str(tmp_path / "arrow"))
    sources = text.text_sources([str(tmp_path / "files"), str(tmp_path / "arrow")])
    assert list(text.passages(sources)) == ["first", "second", "the third"]
    assert len({source.key for source in sources}) == 3


def test_the_documents_of_a_collection(shared: Path) -> None:
    (source,) = text.collection_sources(["scifact"], [shared / "collections"])
    first = next(iter(source.passages()))
    assert first.startswith("Microstructural development of human newborn cerebral white matter")
    assert len(source.key) == 64


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("t.jsonl", b'{"text": "good"}\n{"txt": "bad"}\n', r"t.jsonl:2: expected a JSON object"),
        ("t.jsonl", b"[1]\n", r"t.jsonl:1: expected a JSON object"),
        ("t.jsonl", b'{"text": 3}\n', r"t.jsonl:1: expected a JSON object"),
        ("t.txt", b"good\n\xff\xfe\n", r"t.txt:2: not UTF-8"),
        ("t.pdf", b"", "unknown kind of text file"),
    ],
)
def test_bad_files_are_named_with_their_line(name: str, data: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=what):
        list(text.passages(text.text_sources([str(tmp_path / name)])))


def test_text_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        text.text_sources([str(tmp_path / "nothing.txt")])
    with pytest.raises(ValueError, match="no text in this folder"):
        text.text_sources([str(tmp_path)])


def test_store_holds_the_pieces_of_each_passage(tmp_path: Path) -> None:
    tokenizer = wordpiece_tokenizer(PIECES, 512)
    passages = ["one twos", "Three!", "one [SEP] two"]
    tokenizer.backend_tokenizer.enable_truncation(2)  # as published tokenizers may
    tokenizer.backend_tokenizer.enable_padding(length=7)
    store.build(passages, tokenizer, tmp_path / "store", {"key": "k"})
    opened = store.open_store(tmp_path / "store")
    untouched = wordpiece_tokenizer(PIECES, 512)
    expected = [untouched(passage, add_special_tokens=False)["input_ids"] for passage in passages]
    assert opened.ids.dtype == np.uint16
    assert [part.tolist() for part in np.split(opened.ids, opened.ends[:-1])] == expected
    assert opened.facts == {"key": "k", "passages": 3, "pieces": sum(map(len, expected)), "dtype": "uint16"}


def test_empty_text_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not one token"):
        store.build(["", " "], wordpiece_tokenizer(PIECES, 512), tmp_path / "store", {})
    assert not list(tmp_path.iterdir())


def test_the_key_of_a_store_is_text_and_tokenizer() -> None:
    one, other = wordpiece_tokenizer(PIECES, 512), wordpiece_tokenizer([*PIECES, "five"], 512)
    keys = [store.store_key("a", one), store.store_key("b", one), store.store_key("a", other)]
    assert len(set(keys)) == 3
    assert keys[0] == store.store_key("a", wordpiece_tokenizer(PIECES, 512))


def test_what_continues_a_word() -> None:
    assert continuations(wordpiece_tokenizer(PIECES, 512)) == [piece == "##s" for piece in PIECES]


def test_byte_level_vocabularies_open_words_with_a_space() -> None:
    from transformers import RobertaTokenizer

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "b", "Ġa", "Ġ"]
    tokenizer = RobertaTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[("Ġ", "a")])
    table = dict(zip(tokenizer.convert_ids_to_tokens(range(len(tokenizer))), continuations(tokenizer), strict=True))
    assert {piece for piece, continues in table.items() if continues} == {"a", "b"}


def test_a_vocabulary_is_a_function_of_the_text(text: Path, passages: list[str]) -> None:
    """Two processes agree, although the library's own order of ties differs from run to run."""
    script = (
        "import sys; from retrievers.training.data.vocabulary import train_wordpiece;"
        "print(train_wordpiece(lambda: open(sys.argv[1], encoding='utf-8'), 90))"
    )
    printed = {
        subprocess.run([sys.executable, "-c", script, str(text)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    pieces = train_wordpiece(lambda: iter(passages), 90)
    assert printed == {f"{pieces}\n"}
    assert len(set(pieces)) == 90
    assert {"lung", "marrow", "##s"} & set(pieces) == {"lung", "marrow", "##s"}


def test_a_vocab_txt_is_a_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    tokenizer = load_tokenizer(tmp_path / "vocab.txt")
    assert tokenizer.convert_ids_to_tokens(tokenizer("Twos")["input_ids"]) == ["[CLS]", "two", "##s", "[SEP]"]
    (tmp_path / "vocab.txt").write_text("one\ntwo\n")
    with pytest.raises(ValueError, match=r"not a BERT vocabulary: \[PAD\]"):
        load_tokenizer(tmp_path / "vocab.txt")
