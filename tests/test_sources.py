"""Collections of other libraries: ir_datasets' own API, parquet, the hub by a real server, entry points of others."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import rmtree
from threading import Thread
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import toy
from harness import datasets
from harness.cli import main
from harness.datasets.sources import source
from harness.errors import BadInput, HarnessError
from harness.records import Doc, Qrel, Query

TEXTS = {"d6": "東京の空は青い", "d7": "القاهرة مدينة كبيرة", "d8": 'a "quoted" word'}
DOCS = [*toy.DOCS, *({"_id": name, "title": "", "text": text} for name, text in TEXTS.items())]
QUERIES = {**toy.QUERIES, "日本": "東京 空"}
QRELS = [*toy.QRELS, ("日本", "d6", 1)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Parquet as MTEB has it, with the records of the toy collection and some that are no English."""
    return parquet(tmp_path / "parquet" / "toys")


def parquet(folder: Path, extra: dict | None = None, **columns: str) -> Path:
    tables = {
        "corpus/corpus-00000-of-00001": {"_id": [d["_id"] for d in DOCS], "title": [d["title"] for d in DOCS],
                                         "text": [d["text"] for d in DOCS]},
        "queries/queries-00000-of-00001": {"_id": list(QUERIES), "text": list(QUERIES.values()), **(extra or {})},
        "data/test-00000-of-00001": {"query-id": [q for q, _, _ in QRELS], "corpus-id": [d for _, d, _ in QRELS],
                                     "score": [float(g) for _, _, g in QRELS]},
    }  # fmt: skip
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({columns.get(key, key): value for key, value in table.items()}), path)
    return folder


@pytest.fixture
def irds(tmp_path: Path) -> Iterator[str]:
    """A collection registered with ir_datasets itself, with a document that is never a result, as BRIGHT marks it."""
    ir_datasets = pytest.importorskip("ir_datasets")
    from ir_datasets.datasets.base import Dataset
    from ir_datasets.formats import TrecQrels, TrecScoredDocs, TsvDocs, TsvQueries
    from ir_datasets.util import LocalDownload

    lines = {
        "docs": ["\t".join((d["_id"], " ".join((d["title"], d["text"])).strip())) for d in DOCS],
        "queries": [f"{name}\t{text}" for name, text in QUERIES.items()],
        "qrels": [*(f"{q} 0 {d} {g}" for q, d, g in QRELS), "q1 0 d8 -100"],
        "scored": ["q1 Q0 d1 1 1.5 x", "q1 Q0 d2 1 2.5 x", "q2 Q0 d3 1 0.25 x"],
    }
    paths = {}
    for name, rows in lines.items():
        paths[name] = tmp_path / f"{name}.txt"
        paths[name].write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    docs, queries = TsvDocs(LocalDownload(paths["docs"])), TsvQueries(LocalDownload(paths["queries"]))
    judged = Dataset(docs, queries, TrecQrels(LocalDownload(paths["qrels"]), {0: "no", 1: "yes", -100: "excluded"}))
    kept = dict(ir_datasets.registry._registered)
    ir_datasets.registry.register("toys", Dataset(docs))
    ir_datasets.registry.register("toys/test", judged)
    scored = TrecScoredDocs(LocalDownload(paths["scored"]))
    ir_datasets.registry.register("toys/scored", Dataset(judged, scored))
    yield "irds:toys/test"
    ir_datasets.registry._registered.clear()
    ir_datasets.registry._registered.update(kept)


def test_a_folder_of_parquet_is_the_collection_that_it_holds(folder: Path, tmp_path: Path) -> None:
    found = datasets.load(str(folder))
    assert [(doc.doc_id, doc.title, doc.text) for doc in found.docs()] == [
        (d["_id"], d["title"], d["text"]) for d in DOCS
    ]
    assert {query.query_id: query.text for query in found.queries()} == QUERIES
    assert found.qrels() == QRELS and found.name == "toys" == datasets.name_of(str(folder))
    laid = toy.write(tmp_path / "toys")
    with open(laid / "corpus.jsonl", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(doc) + "\n" for doc in DOCS[len(toy.DOCS) :])  # escaped: other bytes, same records
    ours, theirs = found.facts(), datasets.load(str(laid)).facts()
    assert ours["records_sha256"] == theirs["records_sha256"]
    assert ours["collection_sha256"] != theirs["collection_sha256"]
    assert ours["source"] == str(folder)


def test_it_is_read_once_and_again_when_it_has_changed(folder: Path) -> None:
    first, second = datasets.load(str(folder)), datasets.load(str(folder))
    assert first.folder == second.folder
    parquet(folder, {"note": ["x"] * len(QUERIES)})
    assert datasets.load(str(folder)).folder != first.folder


def test_ir_datasets(irds: str) -> None:
    found = datasets.load(irds)
    assert found.name == "irds-toys-test" == datasets.name_of(irds)
    assert [doc.text for doc in found.docs()][-3:] == list(TEXTS.values())
    assert {query.query_id: query.text for query in found.queries()} == QUERIES
    assert found.qrels() == QRELS
    assert found.excluded() == {"q1": {"d8"}} and found.spare() == 1
    assert found.facts()["source"] == irds and found.facts()["excluded_sha256"]


def test_excluded_documents_are_never_a_result(irds: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["q1 Q0 d8 1 3 x", "q1 Q0 d2 2 2 x", "q2 Q0 d8 1 2 x", "q2 Q0 d3 2 1 x"]
    Path("run").write_text("".join(f"{line}\n" for line in lines))
    assert main(["score", "run", "--dataset", irds, "--tag", "theirs"]) == 0
    body = json.loads(Path("results/runs/theirs/irds-toys-test/manifest.json").read_text())
    assert body["run"]["documents"] == 3 and body["run"]["dropped_self"] == 1 and body["scores"]["mrr@10"] == 1.5 / 4
    assert main(["run", "bm25", "--dataset", irds, "--set", "language=ja"]) == 0
    assert main(["compare", "theirs", "bm25-language=ja", "--dataset", irds, "--measure", "P@1"]) == 0


def test_a_run_that_a_collection_carries_is_scored_and_fused(
    irds: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["score", "--carried", "--dataset", "irds:toys/scored", "--tag", "first"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if "MRR@10" in line]
    assert line.split()[1] == "0.5000"  # d2 above d1, and d3, of four queries
    assert main(["run", "bm25", "--dataset", "irds:toys/scored"]) == 0
    assert main(["run", "fusion", "--set", 'systems=["bm25", "first"]', "--dataset", "irds:toys/scored"]) == 0
    assert main(["score", "--carried", "--dataset", irds]) == 2
    assert "irds-toys-test carries no run" in capsys.readouterr().err
    assert main(["score", "--dataset", irds]) == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "irds:toys",
            r"irds:toys has no judgments, so there is nothing to evaluate on; these below it have them: toys/test",
        ),
        ("irds:toys/tset", r"ir_datasets has no 'toys/tset'; did you mean .*toys/test"),
        ("ird:toys/test", r"unknown source of datasets 'ird'; did you mean 'irds'"),
        ("hf:scifact", r"a name is owner/name, then @revision"),
    ],
)
def test_what_is_no_collection(irds: str, name: str, says: str) -> None:
    with pytest.raises(HarnessError, match=says):
        datasets.load(name)


def test_offline_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ir_datasets")
    with pytest.raises(HarnessError, match="irds:vaswani is not here whole and downloading is off"):
        datasets.load("irds:vaswani", download=False)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"text": "body"}, r"queries-00000-of-00001.parquet: has no column .text. .*; there is _id, body"),
        ({"score": "points"}, r"test-00000-of-00001.parquet: has no column 'score' \(nor relevance, label, grade\)"),
        ({"corpus-id": "document"}, r"lacks qrels among"),
    ],
)  # fmt: skip
def test_a_parquet_without_a_column(tmp_path: Path, columns: dict, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        datasets.load(str(parquet(tmp_path / "odd", **columns)))
    assert not list(tmp_path.rglob("*.tmp"))  # nothing half made is left


def test_a_cut_parquet_and_a_grade_that_is_none(folder: Path) -> None:
    path = folder / "data" / "test-00000-of-00001.parquet"
    pq.write_table(pa.table({"query-id": ["q1"], "corpus-id": ["d1"], "score": [0.5]}), path)
    with pytest.raises(BadInput, match=r"the grade 0.5 of 'q1' is no whole number"):
        datasets.load(str(folder))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadInput, match="is no parquet file"):
        datasets.load(str(folder))


def test_splits_of_parquet(folder: Path) -> None:
    other = folder / "data" / "dev-00000-of-00001.parquet"
    pq.write_table(pa.table({"query-id": ["q1"], "corpus-id": ["d1"], "score": [1]}), other)
    assert len(datasets.load(str(folder)).qrels()) == len(QRELS)
    dev = datasets.load(f"{folder}@dev")
    assert dev.name == "toys@dev" and len(dev.qrels()) == 1
    with pytest.raises(BadInput, match="has judgments of dev, test; write NAME#SPLIT"):
        datasets.load(f"{folder}@train")


def test_excluded_ids_of_brights_queries(tmp_path: Path) -> None:
    ids = [["d5"], ["N/A"], [], ["d1", "d2"]]
    assert datasets.load(str(parquet(tmp_path / "bright", {"excluded_ids": ids}))).excluded() == {
        "q1": {"d5"},
        "日本": {"d1", "d2"},
    }


def test_two_sources_with_other_records_are_not_compared(folder: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run").write_text("q1 Q0 d2 1 3 x\n")
    assert main(["score", "run", "--dataset", str(folder), "--tag", "one"]) == 0
    table = pq.read_table(folder / "corpus" / "corpus-00000-of-00001.parquet").to_pylist()
    table[0]["text"] = "another text"
    pq.write_table(pa.Table.from_pylist(table), folder / "corpus" / "corpus-00000-of-00001.parquet")
    assert main(["score", "run", "--dataset", str(folder), "--tag", "two"]) == 0
    assert main(["leaderboard"]) == 2
    assert "one and two can't be compared on toys: documents" in capsys.readouterr().err
    assert main(["leaderboard", "--system", "one"]) == 0


def test_main_job(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "bm25", "--dataset", "sample", "--dataset", str(folder)]) == 0
    assert main(["leaderboard", "--measure", "RBP(p=.8)", "--measure", "nDCG@20"]) == 0
    said = capsys.readouterr().out
    assert "RBP(p=0.8) on 2 datasets" in said and "nDCG@20 on 2 datasets" in said


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as a download needs: what files a revision has, and the files."""

    home: Path  # of repositories
    commit = "0123456789abcdef0123456789abcdef01234567"

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        api = parts[:2] == ["api", "datasets"]
        folder = self.home / parts[3 if api else 2]
        if api and folder.is_dir():
            files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
            tree = [{"type": "file", "path": n, "size": (folder / n).stat().st_size, "oid": n} for n in files]
            about = {"id": f"owner/{folder.name}", "sha": self.commit, "siblings": [{"rfilename": n} for n in files]}
            return self.send(json.dumps(tree if "tree" in parts else about).encode(), body, "application/json")
        if folder.is_dir():
            return self.send((folder / "/".join(parts[5:])).read_bytes(), body, "application/octet-stream")
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, data: bytes, body: bool, kind: str) -> None:
        self.send_response(200)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(data))), ("ETag", f'"{hash(data)}"'),
                            ("X-Repo-Commit", self.commit)):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def test_the_hub(tmp_path: Path) -> None:
    Hub.home = tmp_path / "hub"
    parquet(Hub.home / "toys")
    toy.write(Hub.home / "old")  # BEIR's files in one repository
    parquet(Hub.home / "two")  # and in two
    (Hub.home / "two" / "data" / "test-00000-of-00001.parquet").unlink()
    toy.write(tmp_path / "whole")
    (tmp_path / "whole" / "qrels").rename(Hub.home / "two-qrels")
    toy.write(Hub.home / "texts")
    rmtree(Hub.home / "texts" / "qrels")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    code = (
        "import sys; from harness import datasets; from harness.errors import HarnessError\n"
        "for name, download in ((name, download) for name in sys.argv[1:] for download in (True, False)):\n"
        "    try:\n"
        "        found = datasets.load(name, download=download)\n"
        "        print(found.name, len(found.qrels()), len(list(found.docs())), found.folder.name)\n"
        "    except HarnessError as error: print('error:', error)\n"
    )
    environment = os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}", "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    names = ["hf:owner/toys@main", "hf:owner/old", "hf:owner/two", "hf:owner/none@main", "hf:owner/texts"]
    done = subprocess.run(
        [sys.executable, "-c", code, *names], env=environment, capture_output=True, text=True, check=False
    )
    server.shutdown()
    assert done.returncode == 0, done.stderr
    toys, again, old, old_again, two, two_again, none, _, texts, _ = done.stdout.splitlines()
    assert toys.startswith(f"hf-owner-toys {len(QRELS)} {len(DOCS)} ") and again == toys
    assert old.startswith(f"hf-owner-old {len(toy.QRELS)} {len(toy.DOCS)} ") and old_again == old
    assert two.startswith(f"hf-owner-two {len(toy.QRELS)} {len(DOCS)} ") and two_again == two
    assert none.startswith("error: hf:owner/none@main: the hub has no dataset 'owner/none'")
    assert texts.startswith("error: hf:owner/texts: the hub has no dataset 'owner/texts-qrels'")


def test_others_offer_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tiny:
        split = "test"

        def __init__(self, name: str, download: bool) -> None:
            self.name = name

        def stamp(self) -> str:
            return "1"

        def docs(self) -> list:
            return [Doc("d", self.name, "")]

        def queries(self) -> list:
            return [Query("q", "what")]

        def qrels(self) -> list:
            return [Qrel("q", "d", 1)]

        def excluded(self) -> dict:
            return {}

    class Point:
        name = "tiny"

        def load(self) -> type[Tiny]:
            return Tiny

    monkeypatch.setattr(source, "entry_points", lambda group: [Point()])
    assert [doc.text for doc in datasets.load("tiny:thing").docs()] == ["thing"]


@pytest.mark.parametrize(
    ("name", "filed"),
    [
        ("irds:beir/scifact/test", "scifact"),
        ("irds:beir/cqadupstack/android", "cqadupstack-android"),
        ("hf:mteb/scifact@main", "scifact"),
        ("hf:mteb/scifact@main#train", "hf-mteb-scifact@train"),
        ("hf:someone/scifact", "hf-someone-scifact"),
        ("irds:miracl/sw/dev", "irds-miracl-sw-dev"),
    ],
)
def test_names(name: str, filed: str) -> None:
    assert datasets.name_of(name) == filed
