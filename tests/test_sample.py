"""The sample collection is sound, and its card tells the truth about it."""

import json
import re
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

from harness import datasets

FOLDER = Path(datasets.__file__).parent / "sample"


def records(name: str) -> list[dict[str, str]]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


DOCS = records("corpus.jsonl")
QUERIES = records("queries.jsonl")
HEADER, *ROWS = [line.split("\t") for line in (FOLDER / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()]
JUDGMENTS = [(query_id, doc_id, int(grade)) for query_id, doc_id, grade in ROWS]
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")
DOC_IDS = [doc["_id"] for doc in DOCS]
QUERY_IDS = [query["_id"] for query in QUERIES]


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def test_fields_are_those_of_beir() -> None:
    assert {tuple(doc) for doc in DOCS} == {("_id", "title", "text")}
    assert {tuple(query) for query in QUERIES} == {("_id", "text")}
    assert HEADER == ["query-id", "corpus-id", "score"]


def test_ids_are_unique_and_fit_a_trec_run_file() -> None:
    assert len(set(DOC_IDS)) == len(DOC_IDS)
    assert len(set(QUERY_IDS)) == len(QUERY_IDS)
    assert [i for i in DOC_IDS if not re.fullmatch(r"[a-z]+-\d\d", i)] == []
    assert [i for i in QUERY_IDS if not re.fullmatch(r"q\d\d", i)] == []


def test_files_are_in_one_order() -> None:
    place = {doc_id: n for n, doc_id in enumerate(DOC_IDS)}
    theme = [doc_id.split("-")[0] for doc_id in DOC_IDS]
    assert [t for n, t in enumerate(theme) if n == 0 or theme[n - 1] != t] == list(dict.fromkeys(theme))
    for name in set(theme):
        mine = [doc_id for doc_id in DOC_IDS if doc_id.startswith(name + "-")]
        assert mine == sorted(mine)
    assert sorted(QUERY_IDS) == QUERY_IDS
    assert sorted(JUDGMENTS, key=lambda j: (QUERY_IDS.index(j[0]), -j[2], place[j[1]])) == JUDGMENTS


def test_files_are_plain_text_with_unix_lines() -> None:
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "README.md"):
        content = (FOLDER / name).read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")
        assert not content.startswith(b"\xef\xbb\xbf")


def test_documents_are_short_and_say_something() -> None:
    length = {doc["_id"]: len(doc["text"].split()) for doc in DOCS}
    assert {i: n for i, n in length.items() if not 30 <= n <= 90} == {}
    assert f"({min(length.values())} to {max(length.values())} words)" in CARD
    assert [
        doc["_id"] for doc in DOCS if doc["text"] != doc["text"].strip() or doc["title"] != doc["title"].strip()
    ] == []
    assert sum(not doc["title"] for doc in DOCS) >= len({i.split("-")[0] for i in DOC_IDS})


def test_no_two_documents_are_nearly_the_same() -> None:
    bags = {doc["_id"]: words(doc["text"]) for doc in DOCS}
    alike = [(a, b) for a, b in combinations(DOC_IDS, 2) if len(bags[a] & bags[b]) > 0.6 * len(bags[a] | bags[b])]
    assert alike == []


def test_judgments_name_known_queries_and_documents_once() -> None:
    pairs = [(query_id, doc_id) for query_id, doc_id, _ in JUDGMENTS]
    assert len(set(pairs)) == len(pairs)
    assert {query_id for query_id, _ in pairs} == set(QUERY_IDS)
    assert {doc_id for _, doc_id in pairs} <= set(DOC_IDS)
    assert {grade for _, _, grade in JUDGMENTS} == {0, 1, 2, 3}


def test_collection_is_as_large_as_promised() -> None:
    assert len(DOCS) >= 300
    assert len(QUERIES) >= 50
    assert len(JUDGMENTS) >= 450


def test_every_query_has_answers_and_judged_non_answers() -> None:
    grades = defaultdict(list)
    for query_id, _, grade in JUDGMENTS:
        grades[query_id].append(grade)
    assert [q for q in QUERY_IDS if max(grades[q]) < 2] == []
    assert [q for q in QUERY_IDS if sum(grade > 0 for grade in grades[q]) < 2] == []
    assert [q for q in QUERY_IDS if 0 not in grades[q]] == []


def test_card_states_the_counts_of_the_files() -> None:
    stated = {name: int(number) for name, number in re.findall(r"^\| ([^|]+?) \| (\d+) \|$", CARD, flags=re.MULTILINE)}
    by_grade = Counter(grade for _, _, grade in JUDGMENTS)
    assert stated == {
        "documents": len(DOCS),
        "documents without a title": sum(not doc["title"] for doc in DOCS),
        "themes": len({doc_id.split("-")[0] for doc_id in DOC_IDS}),
        "queries": len(QUERIES),
        "judgments": len(JUDGMENTS),
        **{f"grade {grade}": by_grade[grade] for grade in (3, 2, 1, 0)},
    }
