"""Other sources of collections: the hub by a real server, entry points of others, and how results are filed."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import rmtree
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

import toy
from harness import datasets
from harness.datasets.sources import source
from harness.records import Doc, Qrel, Query
from toy_sources import DOCS, QRELS, parquet


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
