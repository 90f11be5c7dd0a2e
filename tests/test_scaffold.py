"""`beir-harness new`: what it writes works as it stands, and it never overwrites."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import HarnessError
from harness.plugins import scaffold


def test_what_is_written_passes_check_and_its_own_test(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my_own"]) == 0
    commands = [line.strip() for line in capsys.readouterr().out.splitlines()[1:]]
    assert commands == [
        "beir-harness check ./my_own.py:MyOwn",
        "python -m pytest test_my_own.py",
        "beir-harness run ./my_own.py:MyOwn --dataset sample",
    ]
    assert main(commands[0].split()[1:]) == 0
    assert "21 pass, 2 skip\n" in capsys.readouterr().out
    ran = subprocess.run([sys.executable, *commands[1].split()[1:]], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "22 passed, 2 skipped" in ran.stdout, ran.stdout


def test_it_is_short(tmp_path):
    code, _ = scaffold.write("quite_short", tmp_path)
    lines = code.read_text().splitlines()
    body = [line for line in lines if line.strip() and not line.startswith(("import", "from", '"'))]
    assert len(body) <= 33 and max(map(len, lines)) <= 120


@pytest.mark.parametrize("there", ["mine.py", "test_mine.py"])
def test_nothing_is_overwritten(there, tmp_path):
    (tmp_path / there).write_text("precious")
    with pytest.raises(HarnessError, match=f"{there} is there already"):
        scaffold.write("mine", tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "precious")]


BAD = ["", "Mine", "my-own", "my own", "../mine", "mine.py", "1st", "class", "größe", "_", "exception"]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_is_refused(name, tmp_path):
    with pytest.raises(HarnessError, match=r"cannot be the name|a word of Python|would hide"):
        scaffold.write(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["numpy", "json", "harness"])
def test_an_installed_module_is_not_hidden(name, tmp_path):
    with pytest.raises(HarnessError, match="would hide"):
        scaffold.write(name, tmp_path)


@pytest.mark.parametrize(
    ("code", "spec"),
    [("mine.py", "./mine.py:Mine"), ("sub/my_own.py", "./sub/my_own.py:MyOwn"), ("/a/mine.py", "/a/mine.py:Mine")],
)
def test_spec(code, spec):
    assert scaffold.spec(Path(code)) == spec
