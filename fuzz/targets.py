"""The parsers that read other people's files, each with valid files to start from, and the law they are held to.

Law: a file is read, or refused by HarnessError or ValueError with its path in the message; nothing else is raised,
and no file appears outside the folder that was given.
"""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from harness.datasets.sources.archives import unpack
from harness.datasets.sources.beir_format import judged_queries, read_docs, read_queries
from harness.datasets.sources.qrels import read_qrels
from harness.errors import HarnessError
from harness.measures.scores import read_scores
from harness.results import manifest, mteb
from harness.results import means as imported
from harness.running import suites
from harness.runs.regular_runs import read_regular
from harness.runs.run_files import read_line_by_line, read_run
from retrievers.encoders.published import own_settings

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "tests" / "fixtures" / "results-v1"


class Broken(Exception):
    """A parser broke the law without raising: it disagrees with another, or wrote where it must not."""


class Target(NamedTuple):
    """`read` is called with the path of a file named `file`; `seeds` are valid contents, `packed` ones in gzip."""

    file: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[Path], Any]
    packed: bool = False


def refused(target: Target, path: Path) -> bool:
    """Whether `target` refused the file at `path`, as it may. Whatever else it raises passes; that is a finding."""
    try:
        target.read(path)
    except (HarnessError, ValueError) as error:
        if str(path) not in str(error):
            raise Broken(f"no path in the message: {type(error).__name__}: {error}") from error
        return True
    return False


def _lines(*records: Any) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def _corpus() -> list[bytes]:
    plain = {"_id": "d1", "title": "Tides", "text": "The moon pulls at the sea."}
    rare = {"_id": 7, "text": "“Größe” 🦊\u2028", "metadata": {"url": [1.5, None, True]}}
    return [
        _lines(plain, rare),
        _lines({"_id": "a", "text": ""}),
        b"\xef\xbb\xbf" + _lines(plain).replace(b"\n", b"\r\n"),
    ]


def _qrels() -> list[bytes]:
    return [
        b"query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td1\t-1\n",
        b'q1\t"<a:""B"">"\t1\r\nq1\td2\t1\r\n',
        b"\xef\xbb\xbfquery-id\tcorpus-id\tscore\nq\td\t1\nq\td\t1\n",
    ]


def _run() -> list[bytes]:
    return [
        b"q1 Q0 d2 1 2.5 bm25\nq1 Q0 d1 2 2.5 bm25\nq2 Q0 d1 1 -1e-3 bm25\n",
        "q1\tQ0\tdé\t1\t12345678\tt\nq1\tQ0\td1\t2\t0.1\tt\n".encode(),
        b"q2  Q0 d1 1 1 t\r\nq1 Q0 d1 1 1 t\r\n\r\nq2 Q0 d0 9 inf t\r\n",
    ]


def _suite() -> list[bytes]:
    written = (
        'about = "x"\ndatasets = ["scifact"]\n[[system]]\nretriever = "bm25"\narguments = { k1 = 0.9, a.b = [1] }\n'
    )
    return [written.encode(), *(path.read_bytes() for path in sorted(suites.FOLDER.glob("*.toml")))]


def _archive() -> list[bytes]:
    made = []
    for packing in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", packing) as file:
            for name in ("a/", "a/corpus.jsonl", "a/qrels/test.tsv", "é.txt"):
                file.writestr(name, "" if name.endswith("/") else "text " * 9)
        made.append(buffer.getvalue())
    return made


def _mteb() -> list[bytes]:
    entry = {
        "ndcg_at_10": 0.5,
        "map_at_1000": 0.4,
        "main_score": 0.5,
        "hf_subset": "default",
        "languages": ["eng-Latn"],
    }
    new = {"task_name": "SciFact", "mteb_version": "1.12", "dataset_revision": "a", "scores": {"test": [entry]}}
    old = {"mteb_dataset_name": "NFCorpus", "test": {"ndcg_at_10": 0.3, "recall_at_100": 1}}
    return [json.dumps(new).encode(), json.dumps(old).encode()]


def _means() -> list[bytes]:
    body = {
        "schema": 1,
        "tag": "tag",
        "dataset": "scifact",
        "scores": {"ndcg@10": 0.5, "map": 1},
        "source": {"file": "x"},
    }
    return [json.dumps(body).encode()]


def _settings() -> list[bytes]:
    own = {"max_length": 128, "query_max_length": 32, "title": " ", "similarity": "dot", "trained": {"steps": 10}}
    joint = {"d": 128, "k": 384, "activation": "log1p_relu", "include_sep": True}
    return [json.dumps({"schema": 1, **own}).encode(), json.dumps({"schema": 1, **joint, **own}).encode()]


def _queries_and_qrels(path: Path) -> None:
    read_queries(path)
    judgments = path.with_name("qrels.tsv")
    judgments.write_text("d1\td\t1\n")
    judged_queries(path, judgments)


def _runs(path: Path) -> None:
    """Both readers of run files: where the fast one does not decline, they agree."""
    fast = read_regular(path)
    if fast is not None and fast != read_line_by_line(path):
        raise Broken("the fast reader of run files and the patient one disagree")
    read_run(path)


def _unpacked(path: Path) -> None:
    """Unpack into `in`; nothing may appear beside it."""
    home = path.parent / "in"
    home.mkdir()
    before = set(path.parent.iterdir())
    try:
        unpack(path, home, lambda member: member.suffix in (".jsonl", ".tsv", ".txt"), 1 << 20)
        if found := [
            inner for inner in home.rglob("*") if inner.is_symlink() or not (inner.is_dir() or inner.is_file())
        ]:
            raise Broken(f"a link or a device was unpacked: {found[0]}")
    finally:
        _empty(home)
        if after := set(path.parent.iterdir()) - before:
            raise Broken(f"files outside the folder: {sorted(after)}")
        home.rmdir()


def _empty(folder: Path) -> None:
    for inner in sorted(folder.rglob("*"), reverse=True):
        inner.rmdir() if inner.is_dir() and not inner.is_symlink() else inner.unlink()


def _own_settings(path: Path) -> None:
    for kind in ("retromae", "dupmae"):
        own_settings(path.parent, kind, allow_pretrained=True)


def _fixture(name: str) -> Callable[[], list[bytes]]:
    return lambda: [path.read_bytes() for path in sorted(FIXTURES.rglob(name))]


def _scores() -> list[bytes]:
    return [gzip.decompress(data) for data in _fixture("scores.tsv.gz")()]


TARGETS = {
    "corpus": Target("corpus.jsonl", _corpus, lambda path: list(read_docs(path))),
    "corpus-gz": Target("corpus.jsonl.gz", _corpus, lambda path: list(read_docs(path)), packed=True),
    "queries": Target("queries.jsonl", _corpus, _queries_and_qrels),
    "qrels": Target("test.tsv", _qrels, read_qrels),
    "run": Target("run.trec", _run, _runs),
    "run-gz": Target("run.trec.gz", _run, _runs, packed=True),
    "scores": Target("scores.tsv.gz", _scores, read_scores, packed=True),
    "suite": Target("suite.toml", _suite, suites.read),
    "manifest": Target("manifest.json", _fixture("manifest.json"), lambda path: manifest.read(path.parent)),
    "archive": Target("archive.zip", _archive, _unpacked),
    "mteb": Target("result.json", _mteb, mteb.read),
    "means": Target("means/tag/scifact.json", _means, lambda path: imported.read(path.parents[2])),
    "settings": Target("dupmae.json", _settings, _own_settings),
}
