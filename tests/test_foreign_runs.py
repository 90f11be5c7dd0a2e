"""Run files from elsewhere: what they may look like, and what is said where their numbers would mislead."""

import bz2
import gzip
import json
import lzma
import re
from pathlib import Path

import pytest

import toy
from harness import datasets, results
from harness.cli import main
from harness.errors import BadInput, HarnessError
from harness.leaderboard import build
from harness.records import Query
from harness.runs import order
from harness.runs.run_files import read_line_by_line, read_run
from harness.views.tables.rendering import render

TREC = "q1 Q0 d2 1 3 t\nq1 Q0 d1 2 2 t\nq2 Q0 d3 1 1 t\n"
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


# --- scoring them


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    toy.write(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def score(place: Path, text: str, *more: str, tag: str = "mine", dataset: str = "toy/") -> int:
    (place / f"{tag}.trec").write_text(text)
    return main(["score", f"{tag}.trec", "--tag", tag, "--dataset", dataset, "--results", "results", *more])


def notes(tag: str = "mine", dataset: str = "toy") -> list[str]:
    return json.loads(Path("results", "runs", tag, dataset, "manifest.json").read_text())["notes"]


@pytest.mark.parametrize("k", ["0", "-5"])
def test_a_depth_has_a_range_wherever_it_is_used(place: Path, k: str, capsys: pytest.CaptureFixture) -> None:
    assert score(place, TREC, "--k", k) == 2
    assert f"a depth of {k}: keep at least 1 document a query" in capsys.readouterr().err
    assert not list(place.glob("results/runs/*/*/manifest.json"))
    with pytest.raises(HarnessError, match="a depth of"):
        order([], [Query("q", "")], int(k))


def test_the_header_s_fields_are_in_the_manifest(place: Path) -> None:
    assert score(place, SAME["with a header"]) == 0
    body = json.loads(Path("results/runs/mine/toy/manifest.json").read_text())
    assert body["ir_metadata"] == {"tag": "mine"}
    assert (body["relevance_level"], body["exclude_self"]) == (1, False)


def test_distances_in_place_of_scores_get_a_note(place: Path) -> None:
    upside = "q1 Q0 d2 1 0.1 t\nq1 Q0 d1 2 0.5 t\nq2 Q0 d3 1 0.2 t\nq2 Q0 d1 2 0.9 t\n"
    assert score(place, upside) == 0 and "are these distances?" in notes()[0]
    assert score(place, upside.replace(" t\n", "  t\n"), "--overwrite") == 0 and "are these distances?" in notes()[0]
    one_right = upside + "q3 Q0 d5 1 5 t\nq3 Q0 d4 2 4 t\n"
    assert score(place, one_right, "--overwrite") == 0 and not notes()
    no_ranks = upside.replace(" 2 0", " 1 0")
    assert score(place, no_ranks, "--overwrite") == 0 and not notes()


def zeros(folder: Path, count: int) -> None:
    """A collection of documents 00, 01, … of which one is relevant for each query 0, 1, …"""
    (folder / "qrels").mkdir(parents=True)
    ids = [f"{number:03d}" for number in range(count)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"_id": one, "text": "x"}) + "\n" for one in ids))
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": f"q{one}", "text": "x"}) + "\n" for one in ids))
    rows = "".join(f"q{one}\t{one}\t1\n" for one in ids)
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)


def zeros_run(lost: float, count: int = 120) -> str:
    """The perfect run of `zeros`, in which a share of the documents lost its leading zeros."""
    lines = []
    for number in range(count):
        doc_id = str(number) if number < lost * count else f"{number:03d}"
        lines.append(f"q{number:03d} Q0 {doc_id} 1 1 t")
    return "\n".join(lines) + "\n"


def test_documents_foreign_to_the_collection_are_counted_or_refused(place: Path, capsys: pytest.CaptureFixture) -> None:
    zeros(place / "zeros", 120)
    assert score(place, zeros_run(0.0), dataset="zeros/") == 0 and notes(dataset="zeros") == []
    assert score(place, zeros_run(0.5), "--overwrite", dataset="zeros/") == 0
    assert notes(dataset="zeros") == [
        "60 of the run's 120 documents are not in the collection, '0' for one; they count as not relevant"
    ]
    before = Path("results/runs/mine/zeros/manifest.json").read_bytes()
    # ids from 100 on have no zero to lose
    lost = zeros_run(1.0).replace("q100 Q0 100", "q100 Q0 x100").replace("Q0 11", "Q0 y11").replace("Q0 10", "Q0 y10")
    assert score(place, lost, "--overwrite", dataset="zeros/") == 2
    assert score(place, lost, tag="new", dataset="zeros/") == 2 and not Path("results/runs/new").exists()
    said = capsys.readouterr().err
    assert "documents are not in the collection" in said
    assert "its ids are like '0', and those of the judgments like '000': did they lose zeros" in said
    assert Path("results/runs/mine/zeros/manifest.json").read_bytes() == before


def test_a_retriever_s_documents_are_looked_at_too(place: Path, capsys: pytest.CaptureFixture) -> None:
    zeros(place / "zeros", 120)
    (place / "plugin.py").write_text(
        "from harness.records import ScoredDoc\n"
        "class IntIds:\n"
        "    def index(self, docs, folder): (folder / 'ids').write_text(' '.join(doc.doc_id for doc in docs))\n"
        "    def load(self, folder): self.ids = [int(one) for one in (folder / 'ids').read_text().split()][:100]\n"
        "    def search(self, queries, k):\n"
        "        for query in queries:\n"
        "            yield from (ScoredDoc(query.query_id, str(one), 1.0) for one in self.ids[:k])\n"
    )
    assert main(["run", "./plugin.py:IntIds", "--dataset", "zeros/", "--results", "results"]) == 1
    assert "100 of the run's 100 documents are not in the collection, '0' for one" in capsys.readouterr().err


# --- without documents


@pytest.fixture
def judged_only(place: Path) -> Path:
    zeros(place / "zeros", 120)
    (place / "zeros" / "corpus.jsonl").unlink()
    return place


def test_a_run_is_scored_where_only_queries_and_judgments_are(judged_only: Path, capsys: pytest.CaptureFixture) -> None:
    where = ["--data-dir", "."]
    for tag, dataset in (("mine", "zeros/"), ("other", "zeros")):
        assert score(judged_only, zeros_run(0.25), *where, tag=tag, dataset=dataset) == 0
    body = json.loads(Path("results/runs/mine/zeros/manifest.json").read_text())
    assert (body["data"]["docs"], body["data"]["collection_sha256"], body["scores"]["ndcg@10"]) == (None, None, 0.75)
    assert body["data"]["unknown_docs"] is None
    assert body["notes"] == [  # most of a sound run is not judged; that no document of a query is, is rarer
        "the collection is not at hand, so ids can't be checked, such as '0': 90 of the run's 120 documents are judged "
        "for some query, and in 30 of its 120 queries none is"
    ]
    for words in ("leaderboard", "compare mine other --dataset zeros/", "report --output site", "verify"):
        assert main([*words.split(), "--results", "results", *(where if words[0] in "cr" else [])]) == 0
    assert (
        main(["compare", "mine", "other", "--dataset", "zeros", "--query", "q000", "--results", "results", *where]) == 0
    )
    assert "1 ? 0" in capsys.readouterr().out  # it lost its zeros, and there are no documents to say more
    assert "alone are shown" in (judged_only / "site" / "data").parent.joinpath("queries", "0", "index.js").read_text()


def test_without_documents_a_run_of_none_that_is_judged_is_refused(
    judged_only: Path, capsys: pytest.CaptureFixture
) -> None:
    strange = zeros_run(0.0).replace(" Q0 ", " Q0 x")
    assert score(judged_only, strange, dataset="zeros/") == 2
    assert (
        "0 of the run's 120 documents are judged for some query, and in 120 of its 120 queries none is; its ids"
        in capsys.readouterr().err
    )
    few = "\n".join(strange.splitlines()[:70]) + "\n"
    assert score(judged_only, few, dataset="zeros/") == 0
    assert "'x000': 0 of the run's 70 documents are judged" in notes(dataset="zeros")[0]


def test_what_needs_documents_says_so(judged_only: Path, capsys: pytest.CaptureFixture) -> None:
    for dataset in ("zeros/", "zeros"):
        assert main(["run", "bm25", "--dataset", dataset, "--data-dir", ".", "--results", "results"]) == 1
        assert "there is no corpus.jsonl or corpus.jsonl.gz" in capsys.readouterr().err
    with pytest.raises(BadInput, match="the documents are needed here"):
        datasets.load("zeros/", documents=False).docs()


def test_the_judgments_of_the_table_s_datasets_are_enough(shared: Path, tmp_path: Path, monkeypatch) -> None:
    """Real judgments: nothing of scoring needs a document."""
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    folder = shared / "collections" / "queries-and-qrels-only" / "beir-fiqa"
    dataset = datasets.load(str(folder), documents=False)
    lines = [
        f"{qrel.query_id} Q0 {qrel.doc_id} 1 {n} t" for n, qrel in enumerate(dataset.qrels()) if qrel.relevance > 0
    ]
    (tmp_path / "run").write_text("\n".join(lines))
    words = ["score", str(tmp_path / "run"), "--tag", "perfect", "--dataset", str(folder), "--results", str(tmp_path)]
    assert main(words) == 0
    (one,), _ = results.read(tmp_path)
    assert one.means["ndcg@10"] == 1.0 and len(one.scores("ndcg@10")) == 648


# --- depth


def test_a_run_of_depth_ten_is_marked_and_not_tested_against_a_deeper_one(place: Path) -> None:
    zeros(place / "zeros", 120)

    def run(depth: int) -> str:
        names = [f"{number:03d}" for number in range(120)]
        return "".join(
            f"q{q} Q0 {d} 1 {200 - at} t\n" for q in names for at, d in enumerate([*names[60:], *names[:60]][:depth])
        )

    for tag, depth in (("ten", 10), ("deep", 119), ("all", 120)):
        assert score(place, run(depth), tag=tag, dataset="zeros/") == 0
    found, _ = results.read(place / "results")
    assert {one.tag: one.depth for one in found} == {"ten": 10, "deep": 119, "all": 1000}
    shallow = build(found, "recall@100", "deep")
    assert shallow.columns[0].shallow == {"ten": 10}
    assert [(c.first, c.second) for c in shallow.family] == [("all", "deep")]
    assert not shallow.cells["ten", "zeros"].level and shallow.cells["ten", "zeros"].depth == 10
    text = render([shallow], "md")
    assert (
        re.search(r"\| ten +\| +0\.0\d+§ \|", text)
        and "§ the run ends before R@100 does: not compared with deeper runs" in text
    )
    assert r"0.083\textsuperscript{\S{}}" in render([shallow], "latex")
    assert len(build(found, "precision@10", "deep").family) == 2  # all three are as deep as that looks
    for words in (["compare", "ten", "deep", "--dataset", "zeros", "--measure", "recall@100"],):
        assert main([*words, "--results", "results"]) == 2
    assert main(["report", "--results", "results", "--output", "site"]) == 0


def test_a_system_that_finds_little_is_no_run_cut_short(place: Path) -> None:
    zeros(place / "zeros", 120)
    text = "".join(f"q{q:03d} Q0 {d:03d} 1 {200 - d} t\n" for q in range(120) for d in range(1 + q % 40))
    assert score(place, text, dataset="zeros/") == 0
    assert results.read(place / "results")[0][0].depth == 1000
