"""Zip files that mean no good."""

import stat
import zipfile
from pathlib import Path

import pytest

from harness.datasets.sources.archives import unpack
from harness.errors import BadInput


def packed(folder: Path, *members: tuple[zipfile.ZipInfo | str, str]) -> Path:
    path = folder / "file.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zip_file:
        for info, content in members:
            zip_file.writestr(info, content)
    return path


def test_only_what_is_wanted_is_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path, ("a/", ""), ("a/b.txt", "text"), ("a/c.bin", "more"), ("a/..b.txt", "dots"))
    (tmp_path / "out").mkdir()
    unpack(path, tmp_path / "out", lambda member: member.suffix == ".txt")
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file()) == ["..b.txt", "b.txt"]
    assert (tmp_path / "out" / "a" / "b.txt").read_text() == "text"


@pytest.mark.parametrize(
    "name", ["../out.txt", "a/../../out.txt", "/out.txt", "C:/out.txt", "C:out.txt", "..\\out.txt", "\\\\host\\out.txt"]
)
def test_a_member_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path, ("good.txt", "x"), (name, "x"))
    (tmp_path / "in").mkdir()
    with pytest.raises(BadInput, match="leads out of the folder"):
        unpack(path, tmp_path / "in", lambda member: True)
    assert [p.name for p in tmp_path.rglob("*.txt")] == []


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (kind | 0o777) << 16
    with pytest.raises(BadInput, match="is a link or a device"):
        unpack(packed(tmp_path, (info, "/etc/passwd")), tmp_path, lambda member: True)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path, ("zeros", "0" * (101 << 20)))
    with pytest.raises(BadInput, match=r"would swell to 105,906,176"):
        unpack(path, tmp_path, lambda member: True)
    unpack(path, tmp_path, lambda member: False)


def test_a_member_twice_and_damage(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = packed(tmp_path, ("a.txt", "one"), ("a.txt", "two"))
    with pytest.raises(BadInput, match="not a sound zip file"):
        unpack(path, tmp_path, lambda member: True)
    content = packed(tmp_path, ("b.txt", "text " * 99)).read_bytes()
    for damaged in (content[:-30], content[:40] + b"\xff\xff" + content[42:], b"<html>"):
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match="not a sound zip file"):
            unpack(path, tmp_path, lambda member: True)
        (tmp_path / "b.txt").unlink(missing_ok=True)
