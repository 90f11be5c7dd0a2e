"""Files are whole or absent, and the same content gives the same bytes."""

import gzip
import math
import time
from pathlib import Path

import pytest

from harness import files


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "value.txt"
    files.write_bytes(path, b"old")
    with pytest.raises(RuntimeError), files.atomic_path(path) as temporary:
        temporary.write_bytes(b"half of the ne")
        raise RuntimeError("cut off")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["value.txt"]


def test_a_new_file_appears_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "value.txt"
    with files.atomic_path(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """A write to a full disk fails without saying of which file: /dev/full does, and always."""
    with pytest.raises(OSError, match="No space left") as told, files.atomic_path(tmp_path / "a.txt"):
        Path("/dev/full").write_bytes(b"x")
    assert told.value.filename == str(tmp_path / "a.txt")


def test_gzip_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    made = []
    for name in ("a.gz", "b.gz"):
        with files.atomic_gzip(tmp_path / name) as stream:
            stream.write(b"content")
        made.append((tmp_path / name).read_bytes())
        time.sleep(1.1)  # gzip's own time stamp counts in seconds
    assert made[0] == made[1]
    assert gzip.decompress(made[0]) == b"content"


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    files.write_json(path, {"b": 1, "a": "é"})
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(path, {"b": math.nan})
    assert path.read_text() == '{\n  "b": 1,\n  "a": "é"\n}\n'


def test_keys_do_not_depend_on_dict_order() -> None:
    assert files.sha256_json({"a": 1, "b": [2]}) == files.sha256_json({"b": [2], "a": 1})
    assert files.sha256_json({"a": 1}) != files.sha256_json({"a": 2})


@pytest.mark.parametrize(("name", "packed"), [("x.txt", False), ("x.txt.gz", True)])
def test_opens_plain_and_packed(tmp_path: Path, name: str, packed: bool) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"text") if packed else b"text")
    with files.open_maybe_gzip(tmp_path / name) as stream:
        assert stream.read() == b"text"
