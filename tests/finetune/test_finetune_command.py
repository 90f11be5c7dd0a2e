"""`beir-harness finetune` from the command's own module: arguments, errors as messages, a real run."""

import argparse
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness.errors import HarnessError
from retrievers.commands import finetune


def run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    finetune.add_arguments(parser)
    return finetune.main(parser.parse_args(argv))


def test_a_run_says_what_it_made_and_how_to_use_it(
    command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command("--representation", "joint")) == 0
    said = capsys.readouterr().out
    assert "joint, stage 1, 20 queries, 4 steps" in said and "run dupmae --set checkpoint=" in said


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--split", "test"], "never enter training"),
        (["--split", "nothing"], "there are no judgments qrels/nothing.tsv"),
        (["--dataset", "scifac"], "did you mean 'scifact'"),
        (["--negatives", "nowhere.trec"], "no such run file"),
        (["--title"], None),
    ],
)
def test_what_the_user_got_wrong_is_a_message(
    arguments: list[str], what: str | None, command: Callable[..., list[str]]
) -> None:
    with pytest.raises((HarnessError, SystemExit), match=what or "2"):
        run(command(*arguments))


def test_a_checkpoint_that_is_not_there(command: Callable[..., list[str]], tmp_path) -> None:
    with pytest.raises(HarnessError, match="nowhere"):
        run(command(checkpoint=tmp_path / "nowhere"))


def test_naming_the_arguments_loads_nothing_heavy() -> None:
    script = (
        "import argparse, sys; from retrievers.commands import finetune;"
        "finetune.add_arguments(argparse.ArgumentParser());"
        "print([name for name in ('torch', 'numpy', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
