"""--results with a URL, through the commands: file:// everywhere, S3 where moto and s3fs are installed."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import toy
from harness.cli import main
from harness.errors import HarnessError
from harness.results.remote.store import Store

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one", "two"):
        toy.write(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(url: str, *more: str, tag: str = "overlap") -> int:
    return main(["run", OVERLAP, "--dataset", "./one", "--dataset", "./two", "--tag", tag, "--results", url, *more])


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_run_is_read_on_another_machine(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"file://{place / 'store'}"
    words = ["run", OVERLAP, "--dataset", "./one", "--dataset", "./two", "--tag", "overlap", "--results", url]
    subprocess.run([sys.executable, "-m", "harness", *words], check=True)
    stored = names(place / "store")
    assert [name for name in stored if not name.startswith("log/")] == [
        f"runs/overlap/{dataset}/{name}"
        for dataset in ("one", "two")
        for name in ("judged.tsv.gz", "manifest.json", "run.trec.gz", "scores.tsv.gz", "top.trec.gz")
    ]
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(place / "another cache"))
    assert main(["list", "results", "--json", "--results", url]) == 0
    assert [row["dataset"] for row in json.loads(capsys.readouterr().out)] == ["one", "two"]
    assert main(["status", "--json", "--results", url]) == 0
    assert json.loads(capsys.readouterr().out)[0]["counts"]["done"] == 2
    assert run(url, "--json") == 0  # the results are there already, and are not made again
    assert {one["status"] for one in json.loads(capsys.readouterr().out)} == {"reused"}
    monkeypatch.setenv("BEIR_HARNESS_RESULTS", url)
    for words in (["leaderboard"], ["verify"], ["compare", "overlap", "overlap", "--dataset", "one"]):
        main(words)
    assert "overlap" in capsys.readouterr().out
    assert not list(place.glob("file:*")) and not (place / "results").exists()


def test_commands_that_write_push_and_those_that_read_do_not(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"file://{place / 'store'}"
    assert run(url) == 0
    text = place / "mine.trec"
    text.write_text("q1 Q0 d1 1 0.5 mine\nq1 Q0 d2 2 0.4 mine\nq2 Q0 d3 1 0.5 mine\nq3 Q0 d5 1 0.5 mine\n")
    assert main(["score", str(text), "--dataset", "./one", "--tag", "mine", "--results", url]) == 0
    assert "runs/mine/one/manifest.json" in names(place / "store")
    assert main(["leaderboard", "--tables", "--results", url]) == 0
    assert any(name.startswith("tables/") for name in names(place / "store"))
    for method in ("put", "remove"):
        monkeypatch.setattr(Store, method, lambda *_: pytest.fail("this command only reads"))
    read: list[list[str]] = [
        ["list", "results"],
        ["status"],
        ["cache", "list"],
        ["leaderboard"],
        ["compare", "overlap", "mine", "--dataset", "one"],
        ["export", "--format", "trec", "--output", "trec"],
        ["report", "--queries", "0"],
        ["plot", "leaderboard", "--output", "board.svg"],
    ]
    for words in read:
        assert main([*words, "--results", url]) == 0, words
    assert (place / "trec/mine").is_dir() and (place / "site/index.html").is_file()


def test_what_cannot_be_pushed_is_kept_told_and_pushed_by_the_next_run(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"file://{place / 'store'}"

    def refuse(store: Store, path: Path, name: str) -> None:
        raise HarnessError(f"{store.url}: no")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", refuse)
        assert run(url) == 1
    printed = capsys.readouterr()
    assert "2 done, 0 there already, 0 failed" in printed.out
    assert printed.err.count(f"NOT PUSHED: {url}: no; results are kept in ") == 3  # after each pair, and in the end
    assert names(place) and not (place / "store").exists()
    assert main(["leaderboard", "--results", url]) == 0  # of what is kept here
    assert f"note: not at {url} yet, only here: " in capsys.readouterr().err
    assert run(url) == 0
    assert "0 done, 2 there already, 0 failed" in capsys.readouterr().out
    assert sum(name.endswith("manifest.json") for name in names(place / "store")) == 2


def test_a_store_that_cannot_be_read_is_2_before_any_work(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "store").write_text("a file")
    assert run(f"file://{place / 'store'}") == 2
    assert "cannot lie in a results folder" in capsys.readouterr().err
    assert run("nothing://bucket/results") == 2
    assert "nothing://bucket/results: Protocol not known: nothing" in capsys.readouterr().err


def test_fsspec_is_imported_for_a_url_only() -> None:
    code = (
        "import sys; from harness.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print([one for one in sys.modules if one.startswith(('fsspec', 'harness.results.remote'))], file=sys.stderr)"
    )
    for words in (["run", "--help"], ["list", "results", "--results", "nowhere"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A client of a real S3 server on this machine, which has the bucket `bench`."""
    pytest.importorskip("moto", reason="a server that speaks S3: pip install 'moto[server]'")
    pytest.importorskip("s3fs")
    import boto3

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "FSSPEC_S3_ENDPOINT_URL": address,
    }.items():
        monkeypatch.setenv(name, value)
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while server.poll() is None:
                with socket.socket() as attempt:
                    if attempt.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            client = boto3.client("s3", endpoint_url=address)
            client.create_bucket(Bucket="bench")
            yield client
        finally:
            server.kill()


@pytest.mark.slow
def test_s3(s3: Any, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    url = "s3://bench/some/results/"

    def command(*words: str) -> "subprocess.CompletedProcess[str]":
        line = [sys.executable, "-m", "harness", *words]
        return subprocess.run(line, capture_output=True, text=True, check=False, env=dict(os.environ))

    first = ["run", OVERLAP, "--dataset", "./one", "--dataset", "./two", "--tag", "overlap", "--results"]
    done = command(*first, url)
    assert done.returncode == 0, done.stderr
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="bench")["Contents"]]
    assert sum(key.startswith("some/results/runs/") for key in keys) == 6 and len(keys) == 7  # and a log
    before = s3.list_objects_v2(Bucket="bench", Prefix="some/results/runs")["Contents"]
    s3.put_object(Bucket="bench", Key="some/results/runs/", Body=b"")  # how the console draws a folder
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(place / "another cache"))
    done = command(*first, url, "--json")
    assert {one["status"] for one in json.loads(done.stdout)} == {"reused"}
    after = s3.list_objects_v2(Bucket="bench", Prefix="some/results/runs/overlap")["Contents"]
    assert [one["LastModified"] for one in before] == [one["LastModified"] for one in after]
    assert "overlap" in command("leaderboard", "--results", url).stdout
    done = command(*first, "s3://no-such-bucket/results")
    assert done.returncode == 2
    assert "s3://no-such-bucket/results: there is no such bucket, folder or file" in done.stderr
    s3.put_object(Bucket="bench", Key="some/results/runs/../../../up", Body=b"x")
    done = command("leaderboard", "--results", url)
    assert done.returncode == 2 and "cannot lie in a results folder" in done.stderr
    s3.delete_object(Bucket="bench", Key="some/results/runs/../../../up")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = command("leaderboard", "--results", url)
    assert done.returncode == 2 and "access is refused; give s3fs credentials" in done.stderr
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    done = command("leaderboard", "--results", url)
    assert done.returncode == 2 and "it cannot be reached; look at the network" in done.stderr
