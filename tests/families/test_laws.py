"""Every family passes `check`, its inputs laid by the check itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from families import tiny
from harness import cli

SCORER = """class Shared:
    def score(self, queries, docs):
        return [float(len({*query.split()} & {*doc.split()})) for query, doc in zip(queries, docs)]
"""


def scorer(folder: Path) -> str:
    (folder / "mine.py").write_text(SCORER)
    return f"{folder}/mine.py:Shared"


CASES: dict[str, Callable[[Path], list[str]]] = {
    "sparse": lambda folder: ["sparse", "--set", f"model={tiny.sparse(folder)}"],
    "multi-vector": lambda folder: ["multi-vector", "--set", f"model={tiny.multi_vector(folder)}"],
    "over": lambda folder: ["multi-vector", "--set", f"model={tiny.multi_vector(folder)}", "--set", "over=first"],
    "rerank": lambda folder: ["rerank", "--set", f"model={tiny.cross_encoder(folder)}", "--set", "system=first"],
    "scorer": lambda folder: [scorer(folder), "--set", "system=first", "--set", "depth=5"],
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_check_passes(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["check", *CASES[case](tmp_path)])
    said = capsys.readouterr().out
    assert code == 0, "\n".join(line for line in said.splitlines() if line.startswith("fail"))
    assert "fail" not in said.splitlines()[-1]
