"""Downloads from a real HTTP server on this machine, which cuts, stalls, lies and refuses as it is told."""

import hashlib
import io
import json
import multiprocessing
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness import datasets
from harness.datasets import dataset_table
from harness.datasets.dataset_table import File, rows
from harness.datasets.sources.acquire import fetch_archive, fetch_files
from harness.datasets.sources.download import download
from harness.errors import BadInput, HarnessError
from test_locks import end, holder

BODY = bytes(range(256)) * 4096  # 1 MiB
MD5 = hashlib.md5(BODY).hexdigest()
PATIENCE = {"attempts": 3, "pause": 0.01, "timeout": 0.5}


@dataclass
class Server:
    """`script` says what befalls the first requests; later ones are served well. `ranges`: what they asked for."""

    url: str = ""
    body: bytes = BODY
    script: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            deed = server.script.pop(0) if server.script else "serve"
            server.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and "anew" not in deed else 0
            body = server.body[start:]
            if deed == "late":
                time.sleep(1.5)
            if deed.isdigit():
                self.send_error(int(deed))
                return
            if start >= len(server.body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.body)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
            if deed != "no length":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if deed in ("cut", "stall", "cut anew") else body)
            self.wfile.flush()
            if deed == "stall":
                time.sleep(1.5)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    state = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(state)) as http:
        http.daemon_threads = True
        state.url = f"http://127.0.0.1:{http.server_address[1]}/file.zip"
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield state
        http.shutdown()


HALF, LAST = len(BODY) // 2, len(BODY) // 2 + len(BODY) // 4


@pytest.mark.parametrize(
    ("script", "ranges"),
    [
        ([], [""]),
        (["no length"], [""]),
        (["cut"], ["", f"bytes={HALF}-"]),
        (["stall"], ["", f"bytes={HALF}-"]),
        (["cut", "cut"], ["", f"bytes={HALF}-", f"bytes={LAST}-"]),
        (["cut", "anew"], ["", f"bytes={HALF}-"]),
        (["503", "429", "cut", "500"], ["", "", "", f"bytes={HALF}-", f"bytes={HALF}-"]),
    ],
)
def test_a_download_gets_through(tmp_path: Path, server: Server, script: list[str], ranges: list[str]) -> None:
    server.script = script
    download(server.url, tmp_path / "file", MD5, **PATIENCE)
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges == ranges
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("part", "ranges"),
    [
        (BODY[:1000], ["bytes=1000-"]),  # what an earlier process left
        (BODY, [f"bytes={len(BODY)}-"]),  # whole, but not yet verified
        (b"x" * 1000, ["bytes=1000-", ""]),  # of another file: begun anew
        (BODY + b"x", [f"bytes={len(BODY) + 1}-", ""]),  # of a longer one
    ],
)
def test_a_download_continues_in_another_process(
    tmp_path: Path, server: Server, part: bytes, ranges: list[str]
) -> None:
    (tmp_path / "file.part").write_bytes(part)
    download(server.url, tmp_path / "file", MD5, **PATIENCE)
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.ranges == ranges


@pytest.mark.parametrize(
    ("script", "said", "requests"),
    [
        (["404"], "the server answers 404 Not Found; use --data-dir", 1),
        (["403"], "the server answers 403 Forbidden; use --data-dir", 1),
        (["503"] * 9, "the server answers 503 Service Unavailable; use --data-dir", 3),
        (["cut", "404"], "404", 2),
    ],
)
def test_a_refusal_is_told(tmp_path: Path, server: Server, script: list[str], said: str, requests: int) -> None:
    server.script = script
    with pytest.raises(HarnessError) as caught:
        download(server.url, tmp_path / "file", MD5, cure="use --data-dir", **PATIENCE)
    assert server.url in str(caught.value) and said in str(caught.value)
    assert len(server.ranges) == requests and not (tmp_path / "file").exists()


@pytest.mark.parametrize(("trouble", "said"), [("503", "503"), ("cut anew", "cut after 524,288 of 1,048,576 bytes")])
def test_after_some_attempts_without_progress_it_is_given_up(
    tmp_path: Path, server: Server, trouble: str, said: str
) -> None:
    server.script = ["cut", *[trouble] * 9]
    with pytest.raises(HarnessError, match=said):
        download(server.url, tmp_path / "file", MD5, **PATIENCE | {"timeout": 30})  # none of these waits for it
    assert (tmp_path / "file.part").stat().st_size == HALF, "what came is kept for the next time"
    assert len(server.ranges) == PATIENCE["attempts"]


def test_a_wrong_file_is_refused_with_both_sums(tmp_path: Path, server: Server) -> None:
    server.body = b"<html>please log in</html>"
    with pytest.raises(HarnessError) as caught:
        download(server.url, tmp_path / "file", MD5, **PATIENCE)
    assert MD5 in str(caught.value) and hashlib.md5(server.body).hexdigest() in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_offline(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is this machine offline\\?\\); use --data-dir"):
        download("http://127.0.0.1:1/file.zip", tmp_path / "file", MD5, cure="use --data-dir", **PATIENCE)


# --- from archive to dataset


def archive(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zip_file:
        for name, content in members.items():
            zip_file.writestr(name, content)
    return buffer.getvalue()


TOY = {
    "scifact/corpus.jsonl": "".join(json.dumps({"_id": f"d{i}", "text": "x"}) + "\n" for i in range(3)),
    "scifact/queries.jsonl": '{"_id": "q", "text": "x"}\n',
    "scifact/qrels/test.tsv": "query-id\tcorpus-id\tscore\nq\td1\t1\n",
    "scifact/extra/huge.bin": "not needed",
}


@pytest.fixture
def toy_row(server: Server) -> dataset_table.Row:
    server.body = archive(TOY)
    md5 = hashlib.md5(server.body).hexdigest()
    return replace(rows()["scifact"], url=server.url, md5=md5, docs=3, queries=1, qrels=1)


def test_load_downloads_once(
    tmp_path: Path, server: Server, toy_row: dataset_table.Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "rows", lambda: {"scifact": toy_row})
    for _ in range(2):
        dataset = datasets.load("scifact", cache=tmp_path)
        assert len(list(dataset.docs())) == 3
    assert dataset.folder == tmp_path / "datasets" / "scifact"
    assert len(server.ranges) == 1
    found = {path.name for path in (tmp_path / "datasets").rglob("*") if path.is_file()}
    assert found == {"corpus.jsonl", "queries.jsonl", "test.tsv", ".scifact.lock"}


def test_two_processes_download_once(tmp_path: Path, server: Server, toy_row: dataset_table.Row) -> None:
    server.script = ["late"]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fetch_archive, args=(toy_row, tmp_path)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(server.ranges) == 1


def test_who_waits_for_a_download_is_told_for_whom(
    tmp_path: Path, server: Server, toy_row: dataset_table.Row, capsys: pytest.CaptureFixture[str]
) -> None:
    child = holder(tmp_path / ".scifact.lock")
    threading.Timer(0.3, child.kill).start()
    fetch_archive(toy_row, tmp_path)
    end(child)
    assert f"waiting for the download of scifact: process {child.pid} on " in capsys.readouterr().err


def test_a_killed_unpacking_leaves_no_folder(tmp_path: Path, server: Server, toy_row: dataset_table.Row) -> None:
    rubbish = tmp_path / ".scifact.tmp" / "scifact"
    rubbish.mkdir(parents=True)
    (rubbish / "corpus.jsonl").write_text("half a li")
    assert (fetch_archive(toy_row, tmp_path) / "corpus.jsonl").read_text() == TOY["scifact/corpus.jsonl"]
    assert not (tmp_path / ".scifact.tmp").exists()


def test_an_archive_of_something_else(tmp_path: Path, server: Server, toy_row: dataset_table.Row) -> None:
    server.body = archive({"other/corpus.jsonl": ""})
    row = replace(toy_row, md5=hashlib.md5(server.body).hexdigest())
    with pytest.raises(BadInput, match="there is no folder scifact in it"):
        fetch_archive(row, tmp_path)


def test_a_cache_that_is_a_file(tmp_path: Path, toy_row: dataset_table.Row) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(HarnessError, match=r"cannot take the download.*\$BEIR_HARNESS_CACHE"):
        fetch_archive(toy_row, tmp_path / "cache")


@pytest.mark.parametrize(
    ("path", "served", "written"),
    [
        (
            "queries.dl20.jsonl",
            "23\twho is\u00e9 it\r\n7\ta\tb\n",
            '{"_id": "23", "text": "who isé it"}\n{"_id": "7", "text": "a\\tb"}\n',
        ),
        ("qrels/dl20.tsv", "23 0 4711 2\n23 Q0 12 0\n", "query-id\tcorpus-id\tscore\n23\t4711\t2\n23\t12\t0\n"),
    ],
)
def test_what_an_archive_lacks_is_converted(
    tmp_path: Path, server: Server, path: str, served: str, written: str
) -> None:
    server.body = served.encode()
    file = File(path, server.url, hashlib.md5(server.body).hexdigest())
    row = replace(rows()["trec-dl-2020"], files=(file,))
    for _ in range(2):
        assert (fetch_files(row, tmp_path) / path).read_text(encoding="utf-8") == written
    assert len(server.ranges) == 1


@pytest.mark.parametrize(("path", "served"), [("queries.jsonl", "no tab\n"), ("qrels/x.tsv", "1 0 d\n")])
def test_what_cannot_be_converted(tmp_path: Path, server: Server, path: str, served: str) -> None:
    server.body = served.encode()
    row = replace(rows()["trec-dl-2020"], files=(File(path, server.url, hashlib.md5(server.body).hexdigest()),))
    with pytest.raises(BadInput, match=":1: "):
        fetch_files(row, tmp_path)
