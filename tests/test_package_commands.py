"""Commands of other packages join the command line by an entry point, and `harness` does without any of them."""

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import toy
from harness import cli
from harness.cli import main

ROOT = Path(__file__).resolve().parents[1]
GREET = """
HELP = "greets; 100 % of the time"
def add_arguments(parser): parser.add_argument("--name", default="you")
def main(arguments): print("hello", arguments.name); return 7
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a module with entry points of the group, in this process only."""

    def package(name: str, code: str, entry_points: str) -> None:
        (tmp_path / f"{name}.py").write_text(code.replace("100 %", "100 %%"))
        about = tmp_path / f"{name}-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (about / "entry_points.txt").write_text(f"[{cli.OFFERED}]\n{entry_points}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    return package


def test_a_command_of_a_package_is_listed_and_runs(install, capsys: pytest.CaptureFixture[str]) -> None:
    install("greeting", GREET, "greet = greeting")
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "greets; 100 % of the time" in capsys.readouterr().out
    assert main(["greet", "--name", "Ada"]) == 7
    assert capsys.readouterr().out == "hello Ada\n"


def test_one_that_cannot_be_loaded_says_why_and_the_others_work(install, capsys: pytest.CaptureFixture[str]) -> None:
    install("torn", "import a_module_that_is_nowhere", "torn = torn\nodd = torn:nothing")
    install("other", GREET, "odd = other")  # a name that two packages offer is one command
    assert main(["torn", "whatever", "--is", "given"]) == 2
    said = "cannot be loaded (No module named 'a_module_that_is_nowhere'); install torn again"
    assert f"beir-harness: this command {said}" in capsys.readouterr().err
    assert main(["list", "suites"]) == 0
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "odd" in (printed := " ".join(capsys.readouterr().out.split())) and said.split(" (")[0] in printed


def test_none_takes_the_place_of_ours(install, capsys: pytest.CaptureFixture[str]) -> None:
    install("thief", GREET, "list = thief")
    assert main(["list", "suites"]) == 0
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "greets" not in capsys.readouterr().out


def test_what_this_package_offers_is_there() -> None:
    offered = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][cli.OFFERED]
    assert sorted(offered) == ["finetune", "pretrain"]
    for name, place in offered.items():
        module = importlib.import_module(place)
        assert module.HELP and callable(module.main) and place.rpartition(".")[2] == name


def test_the_harness_names_no_plugin() -> None:
    """No import, early or late, by statement or by name."""
    found = []
    for path in sorted((ROOT / "harness").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                names += [ast.unparse(argument).strip("'\"f") for argument in node.args]
            found += [f"{path.name}:{node.lineno}" for name in names if name.partition(".")[0] == "retrievers"]
    assert found == []


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "retrievers":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from harness.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["list", "datasets"],
        ["score", "run.trec", "--dataset", "./toy", "--tag", "mine"],
        ["run", "./overlap.py:Overlap", "--dataset", "./toy"],
        ["leaderboard"],
        ["compare", "mine", "overlap", "--dataset", "toy"],
    ],
    ids=lambda words: words[0],
)
def test_every_command_of_ours_works_without_the_package_retrievers(tmp_path: Path, words: list[str]) -> None:
    toy.write(tmp_path / "toy")
    (tmp_path / "run.trec").write_text("q1 Q0 d2 1 2 t\nq1 Q0 d1 2 1 t\nq2 Q0 d3 1 1 t\n")
    (tmp_path / "overlap.py").write_text(Path(__file__).with_name("overlap.py").read_text())
    needs = [["score", "run.trec", "--dataset", "./toy", "--tag", "mine"],
             ["run", "./overlap.py:Overlap", "--dataset", "./toy", "--tag", "overlap"]]  # fmt: skip
    for each in [*(needs if words[0] in ("leaderboard", "compare") else []), words]:
        done = subprocess.run([sys.executable, "-c", WITHOUT, *each], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
