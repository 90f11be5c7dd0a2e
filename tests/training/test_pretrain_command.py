"""`beir-harness pretrain` from the command's own module: arguments, errors as messages, a real run."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from retrievers.commands import pretrain


def run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    pretrain.add_arguments(parser)
    return pretrain.main(parser.parse_args(argv))


def test_a_run_says_what_it_made(command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command("dupmae", "--steps", "2")) == 0
    assert "dupmae, 2 steps" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--text", "nowhere.txt"], "no such file"),
        (["--dataset", "scifac", "--text", "nowhere.txt"], "no such file"),
        (["--dataset", "scifac"], "did you mean 'scifact'"),
        ([], "give --text PATH or --dataset NAME"),
    ],
)
def test_what_the_user_got_wrong_is_a_message(arguments: list[str], what: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=what):
        run(["mlm", "--output", str(tmp_path / "out"), "--device", "cpu", *arguments])
    assert not (tmp_path / "out").exists()


def test_naming_the_arguments_loads_nothing_heavy() -> None:
    script = (
        "import argparse, sys; from retrievers.commands import pretrain;"
        "pretrain.add_arguments(argparse.ArgumentParser());"
        "print([name for name in ('torch', 'numpy', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
