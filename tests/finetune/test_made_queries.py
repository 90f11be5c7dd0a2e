"""Queries made of documents: what each kind is, and a collection that fine-tuning takes."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from finetune.conftest import QUICK, parse
from retrievers.training import queries
from retrievers.training.examples.made_queries import KINDS, document_frequencies, made_query, words_of
from retrievers.training.finetune import finetune

TITLE = "Lobsters of the northern seas"
TEXT = (
    "The closest relative of the lobster is the American lobster. Hybrids of both are unlikely in the wild, as their"
    " ranges do not overlap at all. In 1908 29 5 29 29 5 29 29 5 29 29."
)
OTHERS = ["Hybrids of wheat are grown in the northern plains of many countries.", "Crabs and the lobster share a range"]


def made(kind: Any, seed: int = 0, title: str = TITLE, text: str = TEXT) -> str | None:
    frequencies, count = document_frequencies([f"{title} {text}", *OTHERS, *["the of and in is"] * 50])
    return made_query(kind, "d1", title, text, frequencies, count, seed)


@pytest.mark.parametrize("seed", range(5))
def test_each_kind_is_made_of_the_document(seed: int) -> None:
    own = words_of(f"{TITLE} {TEXT}")
    for kind in KINDS:
        query = made(kind, seed)
        assert query is not None or kind == "span"  # a span of numbers is none
        assert query is None or (set(words_of(query)) <= set(own) and query == made(kind, seed))
    assert made("title") == TITLE
    assert made("sentence", seed) in TEXT
    found = words_of(made("keywords", seed) or "")
    assert 3 <= len(found) <= 6 and "the" not in found and "american" not in found


def test_numbers_and_scraps_are_asked_by_nobody() -> None:
    assert made("title", title="Lobsters") is None
    assert made("span", text="29 5 29 29 5 29 29 5 29 29 and of") is None
    assert made("sentence", text="Too short.") is None


def test_a_collection_for_fine_tuning(tmp_path: Path, pretrained: Path) -> None:
    text = tmp_path / "lobsters.jsonl"
    titles = [f"{TITLE} of kind {'abcdefghij'[at]}" for at in range(10)]
    text.write_text("".join(json.dumps({"title": title, "text": TEXT}) + "\n" for title in titles))
    folder = tmp_path / "data" / "made"
    argv = ["--text", str(text), "--kind", "title", "--limit", "8", "--output", str(folder)]
    assert queries.main(argv) == 0
    first = (folder / "corpus.jsonl.gz").read_bytes()
    assert queries.main(argv) == 0 and (folder / "corpus.jsonl.gz").read_bytes() == first
    rows = gzip.decompress((folder / "queries.jsonl.gz").read_bytes()).decode().splitlines()
    assert len(rows) == 8 and json.loads(rows[0])["_id"].endswith(":title")
    assert json.loads((folder / "made.json").read_text())["sources"][0]["of"] == 10
    given = parse([str(pretrained), "--dataset", "made", "--data-dir", str(folder.parent), *QUICK,
                   "--output", str(tmp_path / "out")])  # fmt: skip
    assert finetune(given)["trainable_queries"] == 8


def test_an_evaluation_query_is_never_made(tmp_path: Path, collections: Path) -> None:
    from harness.datasets import load

    dataset = load("toy@test", [collections])
    asked = next(iter(dataset.queries())).text
    held: set[str] = set()
    list(queries.sources(["toy@test"], [], [collections], held))
    assert queries.plain(asked) in held
    docs = [queries.Made("d", f"{asked} {asked} more", TEXT), queries.Made("e", "These are the words", TEXT)]
    _, found, facts = queries.collection(iter([({}, docs)]), None, ["title"], 1, 0, {"these are the words"})
    assert [query_id for query_id, *_ in found] == [] or all("words" not in text for _, text, _ in found)
    assert facts["left_out"] == {"also evaluation queries": 1}
