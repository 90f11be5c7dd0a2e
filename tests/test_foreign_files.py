"""Run files from elsewhere: what they may look like, and what is no run."""

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest

from foreign import TREC
from harness.errors import BadInput
from harness.runs.run_files import read_line_by_line, read_run

SAME = {
    "trec": TREC,
    "with a header": "# ir_metadata.start\n# tag: mine\n# ir_metadata.end\n" + TREC,
    "with comments between": TREC.replace("q2 Q0", "# and now another\nq2 Q0"),
    "json": json.dumps({"q1": {"d1": 2, "d2": 3.0}, "q2": {"d3": 1}}),
    "json on lines": json.dumps({"q1": {"d1": 2, "d2": 3.0}, "q2": {"d3": 1}}, indent=2),
    "json that begins with six words": '{ "q1": {"d1": 2, "d2": 3.0},\n"q2": {"d3": 1}}',
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
@pytest.mark.parametrize(
    ("ending", "pack"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_every_form_is_the_same_run(tmp_path: Path, text: str, ending: str, pack) -> None:
    (tmp_path / "plain").write_text(TREC)
    path = tmp_path / f"run{ending}"
    path.write_bytes(pack(text.encode()))
    assert read_run(path) == read_run(tmp_path / "plain")


def test_ms_marco_s_three_columns_are_ranks(tmp_path: Path) -> None:
    (tmp_path / "run.tsv").write_text("# of mine\n1\t10\t2\n1\t11\t1\n2\t10\t1\n1\t9\t3\n")
    run = read_run(tmp_path / "run.tsv")
    assert [(query, ids, scores.tolist()) for query, ids, scores in run] == [
        ("1", ["11", "10", "9"], [-1.0, -2.0, -3.0]), ("2", ["10"], [-1.0]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a", bz2.compress(TREC.encode()), "bzip2 data in a file that is not named .bz2; rename it"),
        ("a", lzma.compress(TREC.encode()), "xz data in a file that is not named .xz; rename it"),
        ("a", b"PK\x03\x04 and so on", "zip data is not read here; unpack it"),
        ("a.zst", b"\x28\xb5\x2f\xfd and so on", "zstd data is not read here; unpack it"),
        ("a.xz.gz", gzip.compress(lzma.compress(TREC.encode())), "xz data in a file that is not named .xz; rename it"),
        ("a.bz2", bz2.compress(TREC.encode())[:-9], "not a whole bzip2 file|cannot be read"),
        ("a.xz", lzma.compress(TREC.encode())[:-9], "not a whole xz file"),
        ("a.bz2", TREC.encode(), "cannot be read"),
        ("a", b'{"q1": {"d1": 1', "begins as JSON and can't be read as such"),
        ("a", b'{"q1": {"d1": NaN}}', "the score nan of document 'd1' of query 'q1' is no finite float32"),
        ("a", b'{"q1": {"d1": "2"}}', "the score '2' of document 'd1'"),
        ("a", b'{"q1": {"d1": 1, "d1": 2}}', "'d1' is there twice"),
        ("a", b'{"q1": {"d 1": 1}}', "an id is empty or has white space"),
        ("a", b'{"q1": {"d\\u0000": 1}}', "or a control character, which no run file can carry"),
        ("a", b'{"q1\\u0007": {"d": 1}}', "or a control character, which no run file can carry"),
        ("a", b'{"q1": {"d\\ud800": 1}}', "no run file can carry"),  # half of a surrogate pair
        ("a", b'{"q1": {"d": 1' + b"0" * 400 + b"}}", "is no finite float32"),
        ("a", b'{"q1": {"d": 1e39}}', "is no finite float32"),
        ("a", b'["q1"]', "is JSON, but no run"),
        ("a", b'[{"qid": "1", "docid": "d", "score": 1.0}]', "is JSON, but no run"),
        ("a", b'{"q1": {}}', "no query has a document"),
        ("a", b"1\t10\t1\n1\t11\t1\n", ":2: rank 1 of query '1' is there a second time"),
        ("a", b"1\t10\t1\n1\t10\t2\n", ":2: document '10' of query '1' is there a second time"),
        ("a", b"1\t10\t1\n1\t11\t0.5\n", ":2: is not query_id, doc_id and rank"),
        # whole numbers that may be scores, of which the highest is the best
        ("a", b"1\t10\t30\n1\t11\t20\n1\t12\t10\n", "third column of query '1' is not the ranks 1 to 3; if it holds"),
        ("a", b"1\t10\t3\n1\t11\t1\n", "is not the ranks 1 to 2"),
        ("a", b"1\t10\t0\n1\t11\t1\n", "is not the ranks 1 to 2"),
        ("a", TREC.replace(" ", ",").encode(), ":1: 1 column, .* blanks or tabs stand between them, not ','"),
        ("a", TREC.replace(" ", "|").encode(), "not '|'"),
        ("a", b"#1 Q0 d1 1 2 t\n#2 Q0 d1", ":2: 3 columns, not the six"),  # cut short, and no comment
        ("a", b"# only\n# comments\n", "an empty run file"),
    ],
)
def test_what_is_no_run_is_named(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=says):
        read_run(tmp_path / name)


HEADERS = {
    "# ir_metadata.start\n# platform:\n#   cores: 2\n# ir_metadata.end\n": {"platform": {"cores": "2"}},
    "# tag: without marks\n": {"tag": "without marks"},
    "# just a remark\n": {"unread": "just a remark"},
    "#my run of bm25 by me\n": {"unread": "my run of bm25 by me"},  # six words
    "# ir_metadata.start\n# a: &x [1]\n# b: [*x, *x]\n# ir_metadata.end\n": {"unread": "a: &x [1]\nb: [*x, *x]"},
    "# ir_metadata.start\n# date: 2026-01-01\n# run: !!python/object/apply:os.system [ls]\n# ir_metadata.end\n": ...,
}  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_the_fields_of_a_header_are_kept_as_text(tmp_path: Path, header: str) -> None:
    (tmp_path / "run").write_text(header + TREC)
    expected = HEADERS[header]
    for read in (read_run, read_line_by_line):
        found = read(tmp_path / "run").header
        json.dumps(found)  # it goes into the manifest
        assert expected is ... or found == expected


def test_a_query_whose_id_begins_like_a_comment_stays_one(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("#1 Q0 d1 1 2 t\n# Q0 d1 1 2 t\n#2 Q0 d1 1 2 t\n")
    for read in (read_run, read_line_by_line):
        assert read(tmp_path / "run").query_ids == ("#1", "#", "#2")
        assert not read(tmp_path / "run").header
