"""The plan of a run: each pair once, inputs first, for every executor."""

import json
from pathlib import Path
from typing import Any

import pytest

import toy
from harness import cli
from harness.errors import HarnessError
from harness.running import suites
from harness.running.plan import in_order, plan, rows
from jobs import run_all

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"


def system(tag: str, *needs: str, only: tuple[str, ...] | None = None) -> suites.System:
    if needs:
        return suites.System("fusion", {"systems": list(needs)}, tag, only)
    return suites.System(OVERLAP, {}, tag, only)


@pytest.mark.parametrize(
    ("systems", "expected"),
    [
        ([system("f", "a", "b"), system("a"), system("b")], ["a", "b", "f"]),
        ([system("g", "f", "a"), system("f", "a"), system("a")], ["a", "f", "g"]),
        ([system("a"), system("b"), system("f", "elsewhere")], ["a", "b", "f"]),
        (
            [system("b"), system("f", "g"), system("g", "f"), system("a")],
            ["b", "f", "g", "a"],
        ),  # a circle does not wait
    ],
)
def test_what_others_need_comes_first_and_else_the_given_order(systems: list, expected: list[str]) -> None:
    assert [one.tag for _, one in plan(systems, ["scifact"])] == expected


def test_dataset_by_dataset_each_once() -> None:
    found = plan(
        [system("f", "a"), system("a"), system("s", only=("scifact@test",))], ["msmarco", "scifact", "scifact@test"]
    )
    names = list(dict.fromkeys(name for name, _ in found))
    assert names == ["msmarco-dev", "trec-dl-2019", "trec-dl-2020", "scifact"]
    assert [one.tag for name, one in found if name == "scifact"] == ["a", "f", "s"]
    assert [one.tag for name, one in found if name == "msmarco-dev"] == ["a", "f"]


def test_one_tag_may_be_other_systems_on_other_datasets_but_not_on_one() -> None:
    apart = [system("x", only=("scifact",)), suites.System(OVERLAP, {"lower": False}, "x", ("nfcorpus",))]
    assert [(name, one.arguments) for name, one in plan(apart, ["scifact", "nfcorpus"])] == [
        ("scifact", {}), ("nfcorpus", {"lower": False}),
    ]  # fmt: skip
    with pytest.raises(HarnessError, match="two systems are called x on scifact; give one of them another tag"):
        plan([*apart, system("x")], ["scifact"])


def test_every_tag_is_there_once_whatever_needs_what() -> None:
    assert sorted(in_order({"a": ["b", "b", "a"], "b": ["a"], "c": ["c", "d"]})) == ["a", "b", "c"]


SUITE = """
datasets = ["toy"]
[[system]]
retriever = "fusion"
tag = "both"
arguments = { systems = ["one", "two"] }
[[system]]
retriever = "OVERLAP"
tag = "one"
[[system]]
retriever = "OVERLAP"
tag = "two"
arguments = { lower = false }
"""


def test_a_fusion_named_before_its_parts_succeeds_at_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    toy.write(tmp_path / "toy")
    (tmp_path / "suite.toml").write_text(SUITE.replace("OVERLAP", OVERLAP))
    words = ["run", "--suite", str(tmp_path / "suite.toml"), "--data-dir", str(tmp_path), "--json"]
    assert cli.main([*words, "--results", str(tmp_path / "results")]) == 0
    found = [(one["tag"], one["status"]) for one in json.loads(capsys.readouterr().out)]
    assert found == [("one", "done"), ("two", "done"), ("both", "done")]


def test_a_tag_twice_in_a_suite_is_refused_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    toy.write(tmp_path / "toy")
    (tmp_path / "suite.toml").write_text(SUITE.replace("OVERLAP", OVERLAP).replace('"two"\n', '"one"\n'))
    words = ["run", "--suite", str(tmp_path / "suite.toml"), "--data-dir", str(tmp_path)]
    for extra in ([], ["--no-forecast"]):
        assert cli.main([*words, *extra, "--results", str(tmp_path / "results")]) == 2
        assert "two systems are called one on toy" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


TOLD_LATE = """
from collections import deque


class Late:
    runtime = frozenset()

    def __init__(self) -> None:
        self.requires = ["part"]  # and nothing in the class says so

    def index(self, docs, folder):
        deque(docs, maxlen=0)
        assert (folder / "runs" / "part.trec.gz").is_file()

    def load(self, folder): ...

    def search(self, queries, k):
        return iter(())
"""


def run(place: Path, systems: list[suites.System], **options: Any) -> list[tuple[str, str]]:
    outcomes = run_all(
        systems, ["toy"], k=10, results=place / "results", cache=place / "cache", data_dirs=[place], **options
    )
    return [(one.tag, one.status) for one in outcomes]


def test_what_only_an_instance_knows_to_need_is_made_in_between(tmp_path: Path) -> None:
    toy.write(tmp_path / "toy")
    (tmp_path / "late.py").write_text(TOLD_LATE)
    late = suites.System(f"{tmp_path / 'late.py'}:Late", {}, "late")
    assert run(tmp_path, [late, system("part")]) == [("late", "done"), ("part", "reused")]


def test_a_part_that_has_failed_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.write(tmp_path / "toy")
    (tmp_path / "broken.py").write_text(
        "class Broken:\n    def index(self, docs, folder):\n        open(folder.parents[3] / 'tries', 'a').write('x')\n"
        "        raise RuntimeError('no')\n    def load(self, folder): ...\n    def search(self, queries, k): ...\n"
    )
    broken = suites.System(f"{tmp_path / 'broken.py'}:Broken", {}, "part")
    assert run(tmp_path, [system("both", "part"), broken]) == [("part", "failed"), ("both", "failed")]
    assert (tmp_path / "tries").read_text() == "x"


def test_arguments_that_stand_for_several_rows_become_systems() -> None:
    spec = "retrievers.rerank:Rerank"
    given = suites.system(spec, {"system": "bm25", "depth": [20, 100]})
    made = rows([given, suites.system("bm25", {})])
    assert [system.arguments.get("depth") for system in made] == [100, 20, None]
    assert [system.tag for system in made] == [
        "rerank-depth=100-system=bm25", "rerank-depth=20-system=bm25", "bm25",
    ]  # fmt: skip
    named = rows([suites.system(spec, {"system": "bm25", "depth": [20, 100]}, "mine")])
    assert [system.tag for system in named] == ["mine-depth=100", "mine-depth=20"]
    alone = suites.system(spec, {"system": "bm25", "depth": 50}, "mine")
    assert rows([alone]) == [alone]
