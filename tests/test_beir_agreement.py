"""`beir.datasets.data_loader` and this project read the same documents, queries and judgments from the same folder."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from beir.datasets.data_loader import GenericDataLoader

from harness import datasets

COLLECTIONS = ["scifact", "cacm", "cisi", "vaswani", "medline-med", "cystic-fibrosis"]


def assert_agreement(folder: Path, split: str = "test") -> None:
    corpus, queries, qrels = GenericDataLoader(data_folder=str(folder)).load(split=split)
    dataset = datasets.load(f"{folder}@{split}")
    assert {doc.doc_id: {"text": doc.text, "title": doc.title} for doc in dataset.docs()} == {
        doc_id: {"text": doc["text"], "title": doc["title"] or ""} for doc_id, doc in corpus.items()
    }
    assert dict(dataset.queries()) == queries
    ours: dict[str, dict[str, int]] = {}
    for query_id, doc_id, relevance in dataset.qrels():
        ours.setdefault(query_id, {})[doc_id] = relevance
    assert ours == qrels


def unpacked(source: Path, target: Path) -> Path:
    """BEIR's loader reads no .gz."""
    for path in source.rglob("*.*"):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".gz":
            place.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        else:
            shutil.copy(path, place)
    return target


@pytest.mark.parametrize("name", COLLECTIONS)
def test_real_collections(shared: Path, tmp_path: Path, name: str) -> None:
    folder = unpacked(shared / "collections" / name, tmp_path / name)
    for qrels in (folder / "qrels").glob("*.tsv"):
        assert_agreement(folder, qrels.stem)


def test_the_sample(tmp_path: Path) -> None:
    assert_agreement(datasets.load("sample").folder)


def test_nasty_but_sound_files(tmp_path: Path) -> None:
    folder = tmp_path / "nasty"
    (folder / "qrels").mkdir(parents=True)
    ids = ['<dbpedia:"Heroes"_(album)>', '"quoted"', "a/b\\c", "naïve–ß", "'", "0007", "日本", 'x"']
    docs = [{"_id": doc_id, "title": "", "text": f"text of\u2028 {doc_id}\r\n\t\u0085 end "} for doc_id in ids]
    docs += [{"_id": "no-title", "text": ""}, {"_id": "null-title", "title": None, "text": " "}]
    docs += [{"_id": "meta", "title": "\u0000", "text": "😀", "metadata": {"n": float("nan"), "big": 10**30}}]
    lines = [json.dumps(doc, ensure_ascii=number % 2 == 0) for number, doc in enumerate(docs)]
    (folder / "corpus.jsonl").write_text("\r\n".join(lines), encoding="utf-8", newline="")
    queries = [{"_id": f"q{number}", "text": f"which {doc_id}?\r"} for number, doc_id in enumerate(ids)]
    (folder / "queries.jsonl").write_text("".join(f"{json.dumps(query)}\n" for query in queries), encoding="utf-8")
    rows = [f'q{number}\t"{doc_id.replace(chr(34), chr(34) * 2)}"\t{number - 1}' for number, doc_id in enumerate(ids)]
    header = "query-id\tcorpus-id\tscore"
    (folder / "qrels" / "test.tsv").write_text("\r\n".join([header, *rows]), encoding="utf-8", newline="")
    assert_agreement(folder)
