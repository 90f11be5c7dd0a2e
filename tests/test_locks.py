"""Locks between processes: who waits is told for whom; a lock ends with its process."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.host import locks, processes

HOLD = "import sys; from pathlib import Path; from harness.host import locks\n"


def holder(path: Path, how: str = "held") -> subprocess.Popen:
    """Another process that holds the lock until it is killed."""
    code = f"{HOLD}with locks.{how}(Path({str(path)!r}), 'x'): print('got it', flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "got it\n"
    return child


def end(child: subprocess.Popen) -> None:
    child.kill()
    child.communicate()


def test_who_waits_says_for_whom_and_a_killed_holder_holds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a" / ".lock"
    child = holder(path)
    threading.Timer(0.5, child.kill).start()
    with locks.held(path, "the thing"):
        assert locks.owner(path)["pid"] == processes.me()["pid"]
    end(child)
    said = capsys.readouterr().err
    assert f"waiting for the thing: process {child.pid} on " in said and "which has had it for" in said


@pytest.mark.parametrize(("theirs", "free"), [("held", False), ("shared", False), (None, True)])
def test_an_attempt_does_not_wait(tmp_path: Path, theirs: str | None, free: bool) -> None:
    path = tmp_path / ".lock"
    child = holder(path, theirs) if theirs else None
    with locks.attempt(path) as got:
        assert got is free
    if child:
        end(child)


def test_many_may_share(tmp_path: Path) -> None:
    child = holder(tmp_path / ".lock", "shared")
    with locks.shared(tmp_path / ".lock", "x"):
        pass
    end(child)


def test_a_removed_file_locks_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with locks.held(path, "x"):
        path.unlink()
        with locks.attempt(path) as got:  # the file of that name is another one now
            assert got


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        ('{"pid": 1, "host": "elsewhere", "since": 99999999999}', "process 1 on elsewhere, which has had it for 0 s"),
        ("", "another process"),
        ("no JSON", "another process"),
    ],
)
def test_a_holder_with_a_wrong_clock_or_without_a_name(tmp_path: Path, signature: str, said: str) -> None:
    (tmp_path / ".lock").write_text(signature)
    assert locks.described(tmp_path / ".lock") == said
