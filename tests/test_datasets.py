"""The table of test collections, where datasets are looked for, and what is checked when they are read."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import toy
from harness import datasets
from harness.datasets import dataset_table, folders, groups, load, rows, survey
from harness.errors import BadInput, HarnessError


def _table(monkeypatch: pytest.MonkeyPatch, rows: Callable[[], dict[str, dataset_table.Row]]) -> None:
    for module in (datasets, folders):
        monkeypatch.setattr(module, "rows", rows)


def collection(
    folder: Path, docs: int = 3, splits: Sequence[str] = ("test",), zipped: bool = False, **more: str
) -> Path:
    """A toy in BEIR layout: query q<i> has document d<i> as its relevant one; `more` are files by name."""
    files = {"corpus.jsonl": "".join(json.dumps({"_id": f"d{i}", "text": f"text {i}"}) + "\n" for i in range(docs))}
    files["queries.jsonl"] = "".join(json.dumps({"_id": f"q{i}", "text": f"query {i}"}) + "\n" for i in range(docs))
    for split in splits:
        files[f"qrels/{split}.tsv"] = "query-id\tcorpus-id\tscore\nq0\td0\t1\nq1\td1\t2\n"
    for name, content in (files | more).items():
        path = folder / (name + ".gz" if zipped else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content.encode()) if zipped else content.encode())
    return folder


@pytest.fixture
def toy_row(monkeypatch: pytest.MonkeyPatch) -> dataset_table.Row:
    """SciFact's row with a toy's counts, so that the table's rules can be seen on three documents."""
    row = replace(rows()["scifact"], docs=3, queries=2, qrels=2)
    _table(monkeypatch, lambda: {**dataset_table.rows(), "scifact": row})
    return row


# --- where a dataset is looked for


def test_data_folders_come_first_then_the_cache(tmp_path: Path, toy_row: dataset_table.Row) -> None:
    first, second, cache = tmp_path / "first", tmp_path / "second", tmp_path / "cache"
    collection(cache / "datasets" / "scifact")
    assert load("scifact", cache=cache).folder == cache / "datasets" / "scifact"
    collection(second / "scifact", zipped=True)
    first.mkdir()
    assert load("scifact", [first, second], cache).folder == second / "scifact"
    assert load("scifact", [first, second], cache).facts() == load("scifact", cache=cache).facts()


@pytest.mark.parametrize("folder", ["cqadupstack/android", "cqadupstack-android"])
def test_a_forum_is_found_as_beir_unpacks_it_and_by_its_name(tmp_path: Path, folder: str) -> None:
    collection(tmp_path / folder)
    with pytest.raises(HarnessError, match="2 judged queries, but cqadupstack-android has 699"):
        load("cqadupstack-android", [tmp_path])


def test_ms_marco_s_three_share_a_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {name: replace(rows()[name], docs=None, queries=None, qrels=None) for name in groups()["msmarco"]}
    _table(monkeypatch, lambda: {**dataset_table.rows(), **free})
    collection(tmp_path / "msmarco", splits=["train", "dev", "test"])
    with pytest.raises(
        HarnessError, match=r"trec-dl-2020 needs queries.dl20.jsonl, qrels/dl20.tsv, and downloading is off"
    ):
        load("trec-dl-2020", [tmp_path], download=False)
    own = tmp_path / "trec-dl-2020"
    (own / "qrels").mkdir(parents=True)
    (own / "queries.dl20.jsonl").write_text('{"_id": "x", "text": "only 2020 asks this"}\n')
    (own / "qrels" / "dl20.tsv").write_text("query-id\tcorpus-id\tscore\nx\td2\t3\n")
    three = [load(name, [tmp_path]) for name in groups()["msmarco"]]
    assert len({dataset.collection_fingerprint() for dataset in three}) == 1
    assert len({dataset.facts()["queries_sha256"] for dataset in three}) == 2
    assert three[2].queries() == [("x", "only 2020 asks this")] and three[2].relevance_level == 2
    assert load("msmarco-dev@train", [tmp_path]).name == "msmarco-dev@train"
    with pytest.raises(HarnessError, match=r"holds several datasets; name one \(msmarco-dev, trec-dl-2019"):
        load(str(tmp_path / "msmarco"))


def test_collections_that_the_table_does_not_know(tmp_path: Path) -> None:
    collection(tmp_path / "mine", splits=["dev"])
    for name in ("mine", str(tmp_path / "mine")):
        dataset = load(name, [tmp_path])
        assert (dataset.name, dataset.split, dataset.measure, dataset.unit) == ("mine", "dev", "ndcg@10", "mine")
        assert not dataset.exclude_self and dataset.row is None
    collection(tmp_path / "two", splits=["dev", "train"])
    with pytest.raises(HarnessError, match=r"no judgments qrels/test.tsv; there is dev, train; write two@SPLIT"):
        load("two", [tmp_path])
    assert load("two@train", [tmp_path]).name == "two@train"
    assert load(f"{tmp_path / 'two'}@train").split == "train"


def test_a_folder_named_as_in_the_table_is_that_dataset(tmp_path: Path, toy_row: dataset_table.Row) -> None:
    assert load(str(collection(tmp_path / "scifact"))).row == toy_row
    with pytest.raises(HarnessError, match="but arguana has 1,406"):
        load(str(collection(tmp_path / "arguana")))


def test_a_folder_whose_name_has_an_at_sign(tmp_path: Path) -> None:
    assert load(str(collection(tmp_path / "v1@home"))).name == "v1@home"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("scifct", "unknown dataset 'scifct'; did you mean 'scifact'"),
        ("mime", "did you mean 'mine'"),
        ("beir", "'beir' stands for 29 datasets; name one of them"),
        ("@train", "write name@split"),
        ("", "unknown dataset ''"),
        ("./absent", "there is no corpus.jsonl"),
        ("scifact", "scifact is not here and downloading is off"),
        ("bioasq", "register at http://www.bioasq.org/"),
        ("robust04", "ask NIST for TREC disks 4 and 5"),
    ],
)
def test_what_cannot_be_had_says_how(tmp_path: Path, name: str, said: str) -> None:
    collection(tmp_path / "mine")
    with pytest.raises(HarnessError) as caught:
        load(name, [tmp_path], download=False)
    assert said in str(caught.value)


def test_a_folder_is_named_as_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "linked").symlink_to(collection(tmp_path / "mine"))
    assert load(str(tmp_path / "linked" / "")).name == "linked"
    monkeypatch.chdir(tmp_path / "mine")
    assert [load(name).name for name in (".", "../mine", "..//linked", "qrels/..")] == ["mine", "mine", "mine", "mine"]


def test_a_data_folder_must_hold_datasets(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"the data folder .*absent does not exist"):
        load("scifact", [tmp_path / "absent"])
    with pytest.raises(HarnessError, match="mine is itself a dataset; give the folder that holds it"):
        load("mine", [collection(tmp_path / "mine")])


# --- what is checked


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"queries": 3}, "2 judged queries, but scifact has 3"),
        ({"qrels": 5}, "2 judgments, but scifact has 5"),
    ],
)
def test_judgments_are_counted_when_loaded(
    tmp_path: Path, toy_row: dataset_table.Row, monkeypatch: pytest.MonkeyPatch, change: dict[str, int], said: str
) -> None:
    collection(tmp_path / "scifact")
    load("scifact", [tmp_path]).facts()  # what is remembered is checked again
    _table(monkeypatch, lambda: {"scifact": replace(toy_row, **change)})
    with pytest.raises(HarnessError, match=said):
        load("scifact", [tmp_path])


def test_documents_are_counted_at_the_end_of_the_stream(tmp_path: Path, toy_row: dataset_table.Row) -> None:
    collection(tmp_path / "scifact", docs=4)
    dataset = load("scifact", [tmp_path])
    with pytest.raises(HarnessError, match="4 documents, but scifact has 3"):
        list(dataset.docs())
    with pytest.raises(HarnessError, match="4 documents, but scifact has 3"):
        dataset.facts()


def test_another_split_is_not_counted_against_the_table(tmp_path: Path, toy_row: dataset_table.Row) -> None:
    header = "query-id\tcorpus-id\tscore\n"
    collection(tmp_path / "scifact", **{"qrels/train.tsv": header + "q2\td2\t1\n"})
    assert [query.query_id for query in load("scifact@train", [tmp_path]).queries()] == ["q2"]
    assert load("scifact@test", [tmp_path]).name == "scifact"


def test_unknown_documents_are_counted_and_only_all_of_them_is_an_error(tmp_path: Path) -> None:
    header = "query-id\tcorpus-id\tscore\n"
    some = collection(tmp_path / "some", **{"qrels/test.tsv": header + "q0\td0\t1\nq0\tD7\t1\nq1\tD7\t0\n"})
    assert load(str(some)).facts()["unknown_docs"] == 1
    none = collection(tmp_path / "none", **{"qrels/test.tsv": header + "q0\tD0\t1\nq0\td1\t0\n"})
    with pytest.raises(BadInput, match=r"no relevant document is in .* for example 'D0'"):
        load(str(none)).facts()


def test_facts_are_remembered_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cache = collection(tmp_path / "mine"), tmp_path / "cache"
    facts = load(str(folder), cache=cache).facts()
    with monkeypatch.context() as patch:
        patch.setattr("harness.datasets.survey.survey", None)  # not called again
        assert load(str(folder), cache=cache).facts() == facts
    collection(folder, docs=4)
    changed = load(str(folder), cache=cache).facts()
    assert (facts["docs"], changed["docs"]) == (3, 4)
    assert changed["collection_sha256"] != facts["collection_sha256"]
    assert changed["queries_sha256"] == facts["queries_sha256"], "the fourth query is not judged"


def test_a_cache_that_cannot_be_written_or_read_breaks_nothing(tmp_path: Path) -> None:
    folder, cache = collection(tmp_path / "mine"), tmp_path / "cache"
    cache.write_text("a file where a folder should be")
    facts = load(str(folder), cache=cache).facts()
    cache.unlink()
    assert load(str(folder), cache=cache).facts() == facts
    (memory,) = (cache / "surveys").glob("*.json")
    memory.write_text("{")
    assert load(str(folder), cache=cache).facts() == facts


# --- real ones


@pytest.mark.parametrize(
    ("name", "docs", "queries", "qrels", "unknown_docs"),
    [
        ("scifact", 5183, 300, 339, 0),
        ("scifact@train", 5183, 809, 919, 0),
        ("cacm", 3204, 52, 796, 46),
        ("cisi", 1460, 76, 3114, 0),
        ("vaswani", 11429, 93, 2083, 0),
        ("medline-med", 1033, 30, 696, 0),
        ("cystic-fibrosis", 1239, 99, 4812, 0),
    ],
)
def test_real_collections(shared: Path, name: str, docs: int, queries: int, qrels: int, unknown_docs: int) -> None:
    dataset = load(name, [shared / "collections"])
    facts = dataset.facts()
    assert (facts["docs"], facts["queries"], facts["qrels"], facts["unknown_docs"]) == (
        docs,
        queries,
        qrels,
        unknown_docs,
    )
    assert len(list(dataset.docs())) == docs and len(dataset.queries()) == queries


def test_the_sample_is_in_the_package() -> None:
    facts = load("sample", download=False).facts()
    assert facts["docs"] >= 300 and facts["queries"] >= 50 and facts["unknown_docs"] == 0


def test_damaged_hashes_of_documents_are_found_again(tmp_path):
    toy.write(tmp_path / "data")
    corpus, cache = tmp_path / "data" / "corpus.jsonl", tmp_path / "cache"
    first = survey.id_hashes(cache, corpus)
    (kept,) = (cache / "surveys").glob("*.npy")
    whole = kept.read_bytes()
    for at in (-1, -len(first) * 8 - 1, 0):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        kept.write_bytes(damaged)
        assert survey.id_hashes(cache, corpus).tolist() == first.tolist()
        assert kept.read_bytes() == whole
    kept.write_bytes(whole[:-8])
    assert survey.id_hashes(cache, corpus).tolist() == survey.id_hashes(cache, corpus).tolist() == first.tolist()
