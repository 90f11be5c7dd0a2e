"""BEIR's three files, sound and unsound. Every unsound one is refused with its line and a cure."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.sources import beir_format
from harness.datasets.sources.beir_format import judged_queries, read_docs, read_queries
from harness.datasets.sources.qrels import read_qrels
from harness.errors import BadInput
from harness.records import Doc, Qrel, Query

BOM = b"\xef\xbb\xbf"
HEADER = "query-id\tcorpus-id\tscore\n"


def written(folder: Path, content: str | bytes, name: str = "corpus.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "docs"),
    [
        ('{"_id": "a", "title": "T", "text": "x"}\n', [Doc("a", "x", "T")]),
        ('{"_id": "a", "text": "x"}', [Doc("a", "x")]),  # no title, no newline at the end
        ('{"_id": "a", "title": null, "text": ""}\n', [Doc("a", "")]),
        ('{"_id": "a", "text": "x", "metadata": {"n": NaN}}\n', [Doc("a", "x")]),  # Python's JSON knows NaN
        ('{"_id": 7, "text": "x"}\n{"_id": "07", "text": "y"}\n', [Doc("7", "x"), Doc("07", "y")]),
        ('{"_id": "a", "text": "x"}\r\n\r\n{"_id": "b", "text": "y\\r"}\r\n', [Doc("a", "x"), Doc("b", "y\r")]),
        (BOM + b'{"_id": "a", "text": "x"}\n', [Doc("a", "x")]),
        ('{"_id": "<dbpedia:A/\\"B\\"_\u00e9>", "text": "\u2028"}\n', [Doc('<dbpedia:A/"B"_é>', "\u2028")]),
        ('{"_id": "a", "text": "half \\ud83d pair"}\n', [Doc("a", "half \ufffd pair")]),  # UTF-8 cannot carry it
        ('{"_id": "a", "text": "\\ud83d\\ude00"}\n', [Doc("a", "😀")]),
        ('{"_id": "a", "text": "x", "_id": "b"}\n', [Doc("b", "x")]),  # the last key counts, as in Python
    ],
)
def test_sound_documents(tmp_path: Path, content: str | bytes, docs: list[Doc]) -> None:
    assert list(read_docs(written(tmp_path, content))) == docs


A, B = '{"_id": "a", "text": "x"}\n', '{"_id": "b", "text": "y"}\n'


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (A + '{"_id": "b", "text": \n', 2, "broken JSON"),
        (A + '{"_id": "b", "text": "y"} {"_id": "c"}\n', 2, "broken JSON: Extra data"),
        (A + '["b", "y"]\n', 2, "a JSON object is needed"),
        (A + "3\n", 2, "a JSON object is needed"),
        (A + '{"id": "b", "text": "y"}\n', 2, "the field '_id' is missing; there is 'id', 'text'"),
        (A + '{"_id": "b", "contents": "y"}\n', 2, "the field 'text' is missing"),
        (A + '{"_id": "b", "text": null}\n', 2, 'write "" for an empty text'),
        (A + '{"_id": "b", "text": ["y"]}\n', 2, "'text' must be a string"),
        (A + '{"_id": "b", "text": "y", "title": 5}\n', 2, "'title' must be a string"),
        (A + '{"_id": 1.5, "text": "y"}\n', 2, "'_id' must be a string, not 1.5"),
        (A + '{"_id": true, "text": "y"}\n', 2, "'_id' must be a string, not true"),
        (A + '{"_id": "", "text": "y"}\n', 2, "_id is empty"),
        (A + '{"_id": "b c", "text": "y"}\n', 2, "white space ('b c'), which a TREC run file cannot carry"),
        (A + '{"_id": "b\\t", "text": "y"}\n', 2, "white space"),
        (A + '{"_id": "b\\u0000", "text": "y"}\n', 2, "a control character"),
        (A + '{"_id": "b\u00a0c", "text": "y"}\n', 2, "white space"),
        ((A + B).encode() + b'{"_id": "c", "text": "caf\xe9"}\n', 3, "byte 0xe9 at position 26 is not UTF-8"),
        ((A + B).encode("utf-16"), 1, "UTF-16"),
        (A + B + "\n" + A, 4, "the document id 'a' was already in line 1"),
        (A + '{"_id": 7, "text": "y"}\n{"_id": "7", "text": "y"}\n', 3, "id '7' was already in line 2"),
        ("", None, "holds no documents"),
        ("\n \n", None, "holds no documents"),
    ],
)
def test_unsound_documents(tmp_path: Path, content: str | bytes, line: int | None, said: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(BadInput) as caught:
        list(read_docs(path))
    assert caught.value.line == line and caught.value.path == path
    assert said in str(caught.value)


def test_documents_before_the_unsound_line_are_delivered(tmp_path: Path) -> None:
    stream = read_docs(written(tmp_path, A + "nonsense\n"))
    assert next(stream) == Doc("a", "x")
    with pytest.raises(BadInput):
        next(stream)


def test_ids_that_share_a_hash_are_no_repetition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beir_format, "hash", len, raising=False)
    assert [doc.doc_id for doc in read_docs(written(tmp_path, A + B))] == ["a", "b"]
    with pytest.raises(BadInput, match="already in line 1"):
        list(read_docs(written(tmp_path, A + B + A)))


def test_compressed_and_damaged_files(tmp_path: Path) -> None:
    content = gzip.compress((A + B).encode())
    assert len(list(read_docs(written(tmp_path, content, "corpus.jsonl.gz")))) == 2
    for damaged in (content[:-9], b"no gzip", content[:12] + b"\0\0\0" + content[15:]):
        with pytest.raises(BadInput, match="damaged"):
            list(read_docs(written(tmp_path, damaged, "corpus.jsonl.gz")))
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        list(read_docs(tmp_path / "absent.jsonl"))


@given(st.lists(st.tuples(st.text(min_size=1), st.text(), st.text()), min_size=1, unique_by=lambda doc: doc[0]))
def test_whatever_json_can_carry_comes_back(tmp_path_factory: pytest.TempPathFactory, docs: list[tuple]) -> None:
    import orjson

    docs = [Doc(*doc) for doc in docs if doc[0].split() == [doc[0]] and min(doc[0]) > " "] or [Doc("a", "")]
    lines = [orjson.dumps({"_id": doc.doc_id, "title": doc.title, "text": doc.text}) for doc in docs]
    path = written(tmp_path_factory.mktemp("corpus"), b"\n".join(lines))
    assert list(read_docs(path)) == docs


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (A + B + A, 3, "the query id 'a' was already in line 1"),
        (A + '{"_id": "b"}\n', 2, "the field 'text' is missing"),
        ("", None, "holds no queries"),
    ],
)
def test_unsound_queries(tmp_path: Path, content: str, line: int | None, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_queries(written(tmp_path, content, "queries.jsonl"))
    assert caught.value.line == line and said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "qrels"),
    [
        (HEADER + "q\td\t1\n", [Qrel("q", "d", 1)]),
        ("q\td\t1\nq\te\t0\n", [Qrel("q", "d", 1), Qrel("q", "e", 0)]),  # no header: nothing is lost
        ("query\td\t1\nquery\te\t0\n", [Qrel("query", "d", 1), Qrel("query", "e", 0)]),  # a query of that name
        ("\n" + HEADER + "q\td\t1\n", [Qrel("q", "d", 1)]),
        ("\ufeff" + HEADER + "q\td\t-1\r\n\r\nq\te\t2", [Qrel("q", "d", -1), Qrel("q", "e", 2)]),
        (HEADER + "q\td\t1\nq\td\t1\n", [Qrel("q", "d", 1)]),  # says the same twice
        (HEADER + 'q\t"<a:""B"">"\t1\nq\t<a:"C">\t1\n', [Qrel("q", '<a:"B">', 1), Qrel("q", '<a:"C">', 1)]),
    ],
)
def test_sound_judgments(tmp_path: Path, content: str, qrels: list[Qrel]) -> None:
    assert read_qrels(written(tmp_path, content, "test.tsv")) == qrels


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (HEADER + "q\td\t1\nq\te\t0.5\n", 3, "the grade '0.5' is not an integer"),
        (HEADER + "q\td\thigh\n", 2, "the grade 'high' is not an integer"),
        (HEADER + "q\td\n", 2, "2 columns instead of query-id, corpus-id, score"),
        ("1 0 d 1\n1 0 e 1\n", 1, "leave out the second"),  # TREC's format
        (
            "q1\td1\t1.0\nq1\td2\t1\n",
            1,
            "the grade '1.0' is not an integer; round or scale the grades; a header begins with query-id",
        ),
        ("a\tb\tc\nq1\td2\t1\n", 1, "a header begins with query-id"),
        (HEADER + "q\td\t1001\n", 2, "is beyond 1,000; scale the grades"),
        (HEADER + "q\td e\t1\n", 2, "corpus-id holds white space"),
        (HEADER + "q\td\x07\t1\n", 2, "corpus-id holds a control character"),
        (HEADER + "q\td\t1_0\n", 2, "the grade '1_0' is not an integer"),
        (HEADER + "q\td\t" + "1" * 5000 + "\n", 2, "is beyond 1,000; scale the grades"),
        ("\n" + HEADER + HEADER + "q\td\t1\n", 3, "the grade 'score' is not an integer; round or scale the grades"),
        ("query-id\tscore\tcorpus-id\nq\t1\t7\n", 1, "other columns than query-id, corpus-id, score, in this order"),
        (HEADER + "\td\t1\n", 2, "query-id is empty"),
        (HEADER + "q\td\t1\nq\te\t1\nq\td\t2\n", 4, "the grade 2 here and 1 in line 2"),
        (HEADER + 'q\t"d\t1\nq\te\t1\n', 2, "quotation mark"),
        (HEADER.encode() + b"q\t\xff\t1\n", 2, "not UTF-8"),
        (HEADER, None, "holds no judgments"),
        ("", None, "holds no judgments"),
    ],
)
def test_unsound_judgments(tmp_path: Path, content: str | bytes, line: int | None, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_qrels(written(tmp_path, content, "test.tsv"))
    assert caught.value.line == line and said in str(caught.value)


def test_only_judged_queries_are_asked_in_the_order_of_their_file(tmp_path: Path) -> None:
    queries = written(tmp_path, A + B + '{"_id": "c", "text": "z"}\n', "queries.jsonl")
    qrels = written(tmp_path, HEADER + "c\td\t0\na\td\t1\n", "test.tsv")
    assert judged_queries(queries, qrels) == [Query("a", "x"), Query("c", "z")]
    with pytest.raises(BadInput, match="'lost' is not in") as caught:
        judged_queries(queries, written(tmp_path, HEADER + "a\td\t1\nlost\td\t1\ngone\td\t1\n", "test.tsv"))
    assert caught.value.line == 3
