"""TREC run files: written so that reading gives the same run, read so that nothing doubtful passes."""

import gzip
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import runs
from harness.errors import BadInput, HarnessError
from harness.records import Query, ScoredDoc
from harness.runs.regular_runs import read_regular
from harness.runs.run_files import read_line_by_line, read_run, write

ids = st.text(st.characters(min_codepoint=33, exclude_categories=["Cs"]), min_size=1, max_size=12)
float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
many = st.dictionaries(ids, st.dictionaries(ids, float32, min_size=1, max_size=8), min_size=1, max_size=5)


def make(ranked):
    yielded = [ScoredDoc(query, doc, score) for query, docs in ranked.items() for doc, score in docs.items()]
    return runs.order(yielded, [Query(query, "") for query in ranked], 1000)


@given(ranked=many)
def test_what_is_written_is_read_as_the_same_run(ranked, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.trec.gz"
    run = make(ranked)
    digest = write(run, path, "mine")
    text = gzip.decompress(path.read_bytes())
    assert digest == hashlib.sha256(text).hexdigest()
    assert read_run(path) == run
    assert read_line_by_line(path) == run  # the patient reader and the fast one agree


def test_the_text_of_a_run_file(tmp_path):
    path = tmp_path / "run.trec.gz"
    run = make({"q1": {"b": 0.1, "a/“é”": 0.1, "c": 12345678.0}, "q2": {"b": -1e-30}})
    write(run, path, "bm25-k1=0.9")
    assert gzip.decompress(path.read_bytes()).decode().splitlines() == [
        "q1 Q0 c 1 12345678 bm25-k1=0.9",
        "q1 Q0 b 2 0.100000001 bm25-k1=0.9",
        "q1 Q0 a/“é” 3 0.100000001 bm25-k1=0.9",
        "q2 Q0 b 1 -1e-30 bm25-k1=0.9",
    ]


def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = make({"q1": {"a": 1.0, "b": 2.0}})
    one, two = tmp_path / "one.trec.gz", tmp_path / "other" / "two.trec.gz"
    assert write(run, one, "mine") == write(run, two, "mine")
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("tag", ["", "two words", "tab\there", "line\n", "schön", "\x00"])
def test_a_tag_that_cannot_stand_in_a_file_is_refused(tmp_path, tag):
    with pytest.raises(HarnessError, match="tag"):
        write(make({"q1": {"a": 1.0}}), tmp_path / "run.trec.gz", tag)
    assert list(tmp_path.iterdir()) == []


def test_a_run_file_is_always_compressed(tmp_path):
    with pytest.raises(ValueError, match=r"should end in \.gz"):
        write(make({"q1": {"a": 1.0}}), tmp_path / "run.trec", "mine")


REGULAR = "q1 Q0 a 1 2.5 t\nq1 Q0 b 2 1.5 t\nq2 Q0 a 1 7 t\n"


@pytest.mark.parametrize(
    ("text", "fast"),
    [
        (REGULAR, True),
        (REGULAR.rstrip("\n"), True),  # no newline at the end
        (REGULAR.replace(" ", "\t"), True),
        (REGULAR.replace("2.5 t\n", "2.5 t\n\n"), True),  # a blank line
        ("\ufeff" + REGULAR, True),
        ("q1 Q0 b 1 1.5 t\nq1 Q0 a 2 2.5 t\nq2 Q0 a 1 7 t\n", True),  # scores decide, not the order of lines
        (REGULAR.replace("a 1 2.5", "a 9 2.5"), True),  # nor the rank column
        (REGULAR.replace("Q0", "0"), True),
        (REGULAR.replace("2.5", "25e-1"), True),
        (REGULAR.replace(" ", "  "), False),
        (REGULAR.replace("q1 Q0", "q1\tQ0"), False),  # blanks and tabs mixed
        (REGULAR.replace("\n", "\r\n"), False),
        (REGULAR.replace("\n", " \n"), False),
        ("  " + REGULAR, False),
        (REGULAR.replace("a 1 2.5", "a first 2.5"), False),
        (REGULAR.replace("2.5", "+2.5"), True),
        ("q1 Q0 b 2 1.5 t\nq2 Q0 a 1 7 t\nq1 Q0 a 1 2.5 t\n", False),  # a query in two pieces
    ],
)
def test_every_shape_of_one_run_is_read_alike(tmp_path, text, fast):
    path = tmp_path / "run.trec"
    path.write_bytes(text.encode())
    assert read_run(path) == make({"q1": {"a": 2.5, "b": 1.5}, "q2": {"a": 7.0}})
    assert (read_regular(path) is not None) == fast


def test_quotes_slashes_and_other_letters_are_part_of_an_id(tmp_path):
    doc_ids = ['"a"', "'b", "<dbpedia:Zürich>", "c/d", "e,f", "\\g", "中文", "#h", "nan", "NULL", "1.0", "\u00a0"]
    path = tmp_path / "run.trec"
    path.write_text("".join(f"q1 Q0 {doc} 1 {100 - n} t\n" for n, doc in enumerate(doc_ids)), encoding="utf-8")
    assert read_run(path)["q1"][0] == doc_ids
    assert read_line_by_line(path) == read_run(path)


def test_ties_in_a_file_are_put_in_the_total_order(tmp_path):
    path = tmp_path / "run.trec"
    path.write_text("q1 Q0 a 1 1.00000001 t\nq1 Q0 c 2 1 t\nq1 Q0 b 3 1.0 t\n")  # one float32
    assert read_run(path)["q1"][0] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "empty run file"),
        ("\n \n", None, "empty run file"),
        ("q1 Q0 a 1 2.5\n", 1, "5 columns, not the six"),
        (REGULAR + "q2 Q0 b 2 1.0 t extra\n", 4, "7 columns"),
        (REGULAR + "q2 Q0 b 2 1.0\n", 4, "5 columns"),
        (REGULAR + "q2  b 2 1.0 t\n", 4, "5 columns"),  # a doubled blank is no column
        (REGULAR + "q2 Q0 b 2 1.0 \n", 4, "5 columns"),
        (REGULAR.replace(" 1.5", " NaN"), 2, "score 'NaN' of document 'b' of query 'q1' is no finite float32"),
        (REGULAR.replace(" 1.5", " inf"), 2, "score 'inf'"),
        (REGULAR.replace(" 1.5", " -Infinity"), 2, "score '-Infinity'"),
        (REGULAR.replace(" 1.5", " 1e39"), 2, "score '1e39'"),
        (REGULAR.replace(" 1.5", " high"), 2, "score 'high'"),
        (REGULAR.replace(" 1.5", " 1_5"), 2, "score '1_5'"),
        (REGULAR.replace(" 1.5", " 0x1"), 2, "score '0x1'"),
        (REGULAR.replace(" 1.5", " 1,5"), 2, "score '1,5'"),
        (REGULAR + "q1 Q0 a 3 0.5 t\n", 4, "document 'a' of query 'q1' is there a second time; the first is on line 1"),
        (REGULAR + "q2 Q0 a 3 7 t\n", 4, "document 'a' of query 'q2' is there a second time"),
        (REGULAR.replace("7 t", "7 u"), 3, "tag 'u' after 't': two runs in one file"),
        (REGULAR.replace(" b ", " b\x01 "), 2, "control character"),
        (REGULAR.replace(" b ", " b\x00 "), 2, "control character"),
    ],
)
def test_a_fault_is_named_with_file_and_line(tmp_path, text, line, message):
    path = tmp_path / "bad.trec"
    path.write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        read_run(path)
    assert (caught.value.path, caught.value.line) == (path, line)


@pytest.mark.parametrize(
    ("name", "data", "line", "message"),
    [
        ("bad.trec", REGULAR.replace(" b ", " é ").encode("latin-1"), 2, "not UTF-8"),
        ("bad.trec", gzip.compress(REGULAR.encode()), None, r"not named \.gz"),
        ("bad.trec.gz", REGULAR.encode(), None, "not a whole gzip file"),
        ("bad.trec.gz", gzip.compress(REGULAR.encode())[:-12], None, "not a whole gzip file"),
        ("bad.trec.gz", gzip.compress(b""), None, "empty run file"),
    ],
)
def test_a_file_of_other_bytes_is_named(tmp_path, name, data, line, message):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadInput, match=message) as caught:
        read_run(path)
    assert caught.value.line == line


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match="no such run file"):
        read_run(tmp_path / "none.trec")
    with pytest.raises(BadInput, match="cannot be read"):
        read_run(tmp_path)


@pytest.mark.parametrize("score", ["3.4028234e38", "3.40282356e38", "3.402823567e38", "3.4028236e38", "1e-46"])
def test_both_readers_round_alike(tmp_path, score):
    path = tmp_path / "run.trec"
    path.write_text(REGULAR.replace(" 2.5", f" {score}"))
    with np.errstate(over="ignore"):
        value = np.float32(float(score))
    if np.isinf(value):
        assert read_regular(path) is None
        with pytest.raises(BadInput, match="no finite float32"):
            read_line_by_line(path)
    else:
        assert read_regular(path) == read_line_by_line(path)
