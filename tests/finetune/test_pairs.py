"""Training queries from judgments and from documents: evaluation queries stay outside, in every way there is."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import datasets
from harness.errors import BadInput
from retrievers.training.examples.pairs import judged_examples, training_dataset
from retrievers.training.examples.pairs_documents import document_pairs, pair_of
from retrievers.training.examples.pairs_negatives import hard_negatives

Tune = Callable[..., dict[str, Any]]


def toy(collections: Path) -> datasets.Dataset:
    return training_dataset("toy", "train", [collections], download=False)


def test_queries_come_with_their_relevant_documents(collections: Path) -> None:
    made = judged_examples(toy(collections), {}, " ")
    assert made.query_ids == [f"t{at}" for at in range(1, 21)]
    assert [[made.doc_ids[doc] for doc in docs] for docs in made.positives[:2]] == [["d1", "d21"], ["d2", "d22"]]
    assert made.facts[0]["left_out"] == {"also evaluation queries": 0, "relevant documents not in the collection": 0}
    doc = next(doc for doc in toy(collections).docs() if doc.doc_id == "d1")
    assert made.docs[0] == f"{doc.title} {doc.text}"
    assert judged_examples(toy(collections), {}, None).docs[0] == doc.text


@pytest.mark.parametrize("name", ["toy@test", "scifact@test", "harness/sample"])
def test_evaluation_splits_are_refused(name: str, collections: Path, shared: Path) -> None:
    split = "test" if "@" not in name else "train"
    name = name.replace("harness/sample", str(Path(datasets.__file__).parent / "sample"))
    with pytest.raises(ValueError, match="never enter training"):
        training_dataset(name, split, [collections, shared / "collections"], download=False)


def test_the_command_refuses_them_too(tune: Tune) -> None:
    with pytest.raises(ValueError, match=r"'test' is what this collection is evaluated on"):
        tune("--split", "test")


def test_evaluation_queries_hidden_in_the_training_split_are_left_out(collections: Path, tmp_path: Path) -> None:
    """One by its id, one by its text in other letters."""
    folder = tmp_path / "data" / "toy"
    shutil.copytree(collections / "toy", folder)
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    text = {query["_id"]: query["text"] for query in queries}
    queries.append({"_id": "t99", "text": f"  {text['e2'].upper()} "})
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    with (folder / "qrels" / "train.tsv").open("a") as file:
        file.write("e1\td41\t1\nt99\td42\t1\n")
    made = judged_examples(toy(folder.parent), {}, " ")
    assert made.facts[0]["left_out"]["also evaluation queries"] == 2
    assert {"e1", "t99"}.isdisjoint(made.query_ids) and len(made.queries) == 20


def test_no_text_of_an_evaluation_query_of_scifact_enters(shared: Path) -> None:
    where = [shared / "collections"]
    made = judged_examples(training_dataset("scifact", "train", where, False), {}, " ")
    test = datasets.load("scifact", where).queries()
    assert len(test) == 300 and len(made.queries) == 807
    assert {query.query_id for query in test}.isdisjoint(made.query_ids)
    assert {query.text.lower() for query in test}.isdisjoint(query.lower() for query in made.queries)


def test_negatives_are_the_ranks_asked_for_without_the_relevant(collections: Path, run_file: Path) -> None:
    dataset = toy(collections)
    mined = hard_negatives([run_file], dataset.queries(), (1, 3), False)
    assert mined["t1"] == ["d1", "d22", "d23"]
    made = judged_examples(dataset, mined, " ")
    assert [made.doc_ids[doc] for doc in made.negatives[0]] == ["d22", "d23"]
    assert made.negatives[19] == []  # t20 is not in the run
    assert hard_negatives([run_file], dataset.queries(), (3, 4), False)["t1"] == ["d23", "d24"]
    assert len(hard_negatives([run_file, run_file], dataset.queries(), (1, 3), False)["t1"]) == 3


@pytest.mark.parametrize("end", ["", ".gz"])
def test_an_unknown_negative_is_an_error_with_its_line(
    end: str, collections: Path, run_file: Path, tmp_path: Path, tune: Tune
) -> None:
    path = tmp_path / f"run.trec{end}"
    text = run_file.read_text().replace("t3 Q0 d26", "t3 Q0 d777").encode()
    path.write_bytes(gzip.compress(text) if end else text)
    with pytest.raises(BadInput, match=r"run\.trec(\.gz)?:24: document 'd777' of query 't3' is not in toy"):
        tune("--negatives", str(path))


def test_a_run_of_other_queries_is_refused(tmp_path: Path, tune: Tune) -> None:
    path = tmp_path / "run.trec"
    path.write_text("e1 Q0 d1 1 2.0 x\ne2 Q0 d1 1 2.0 x\n")
    with pytest.raises(BadInput, match="of another dataset"):
        tune("--negatives", str(path))


LONG = "One two three. Four five six seven eight nine ten eleven."


@pytest.mark.parametrize(
    ("kind", "title", "text", "expected"),
    [
        ("title", "A title here", LONG, ("A title here", LONG)),
        ("title", "One two three.", LONG, ("One two three.", "Four five six seven eight nine ten eleven.")),
        ("title", "", LONG, None),
        ("title", "A title", LONG, None),
        ("first-sentence", "ignored", LONG, ("One two three.", "Four five six seven eight nine ten eleven.")),
        ("first-sentence", "", "No second sentence here at all", None),
        ("first-sentence", "", "One two three. Four.", None),
        ("qa", "", LONG, None),
        ("qa", "", LONG.replace("three.", "three?"), ("One two three?", "Four five six seven eight nine ten eleven.")),
        ("qa", "What is it?", LONG, ("What is it?", LONG)),
    ],
)  # fmt: skip
def test_pairs_of_documents(kind: Any, title: str, text: str, expected: Any) -> None:
    assert pair_of(kind, title, text) == expected


def test_pairs_of_a_collection_leave_its_evaluation_queries_out(collections: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "toy"
    shutil.copytree(collections / "toy", folder)
    queries = (folder / "queries.jsonl").read_text().replace('"e1"', '"e0"').splitlines()
    queries.append(json.dumps({"_id": "e1", "text": "what IS a lung"}))
    (folder / "queries.jsonl").write_text("\n".join(queries))
    docs = [
        {"_id": "x", "title": "What is a lung", "text": LONG},
        {"_id": "y", "title": "What is a liver", "text": LONG},
    ]
    with (folder / "corpus.jsonl").open("a") as file:
        file.write("".join(json.dumps(doc) + "\n" for doc in docs))
    made = document_pairs("title", ["toy"], [], [folder.parent], False)
    assert made.query_ids == ["y"]
    assert made.facts[0]["left_out"] == {"also evaluation queries": 1}
    assert (made.facts[0]["pairs"], made.facts[0]["documents"]) == ("title", 62)


def test_pairs_of_text_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{LONG}\n\nshort\n")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write(json.dumps({"title": "ignored here", "text": LONG}) + "\n")
    made = document_pairs("first-sentence", [], [str(tmp_path / "a.txt"), str(tmp_path / "b.jsonl.gz")], [], False)
    assert made.doc_ids == ["a.txt:1", "b.jsonl.gz:1"]
    assert made.positives == [[0], [1]]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", "x", "unknown kind"),
        ("a.jsonl", '{"text": 1}', r"a.jsonl:1: expected"),
        ("a.jsonl", '{"text": "x"}\nnonsense', r"a.jsonl:2: expected"),
        ("a.txt", "nothing much", "gives such a pair"),
    ],
)
def test_text_that_gives_no_pairs(name: str, content: str, what: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=what):
        document_pairs("title", [], [str(tmp_path / name)], [], False)


def test_a_text_file_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        document_pairs("title", [], ["nowhere.txt"], [], False)
