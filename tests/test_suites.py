"""Suites: the ones shipped are valid, and a wrong one says what is wrong."""

from pathlib import Path

import pytest

from harness import datasets
from harness.errors import HarnessError
from harness.running import suites
from harness.running.plan import plan

ASKING = 'datasets = ["scifact"]\n[[system]]\nretriever = "bm25"\n'


def test_shipped_suites_name_known_datasets() -> None:
    built_in = suites.built_in()
    assert "full" in built_in
    for suite in built_in.values():
        assert datasets.expand(suite.datasets)
        assert len({system.tag for system in suite.systems}) == len(suite.systems)
        for system in suite.systems:
            assert system.datasets is None or datasets.expand(system.datasets)


def test_the_full_suite_covers_everything() -> None:
    names = datasets.expand(suites.load("full").datasets)
    units = {datasets.rows()[name].unit for name in names}
    assert {"msmarco-dev", "trec-dl-2019", "trec-dl-2020"} <= units
    assert len(units) == 18 + 3


def test_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"{ASKING}arguments = {{k1 = 0.82}}\nresources = {{cpus = 4}}\n")
    suite = suites.load(str(path))
    assert suite.datasets == ("scifact",)
    assert suite.systems[0].tag == "bm25-k1=0.82"
    assert suite.systems[0].resources == {"cpus": 4.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datasets = [", "not TOML"),
        ("", "'system' must be a list"),
        ('[[system]]\nretriever = "bm25"\n', "'datasets' must be a list"),
        ('datasets = "scifact"\n[[system]]\nretriever = "bm25"\n', "'datasets' must be a list"),
        ('datasets = ["scifact"]\n[[system]]\ntag = "x"\n', "needs retriever"),
        ('datasets = ["scifact"]\n[[system]]\nretriver = "x"\n', "did you mean 'retriever'"),
        ('datasets = ["scifact"]\n[[system]]\nretriever = "x"\ntag = "../up"\n', "tag '../up'"),
        (f"{ASKING}resources = 4\n", "resources is a table"),
        (f"{ASKING}resources = {{gpu = 1}}\n", "did you mean 'gpus'"),
        (f'{ASKING}resources = {{gpus = "1"}}\n', "'1' is not a number of gpus"),
        (f"{ASKING}resources = {{cpus = nan}}\n", "nan is not a number of cpus"),
        (f"{ASKING}resources = {{cpus = -1}}\n", "-1 is not a number of cpus"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(HarnessError, match=message):
        suites.load(str(tmp_path / "x.toml"))


@pytest.mark.parametrize("name", ["ful", "../suites/full", "nowhere.toml"])
def test_unknown_suites(name: str) -> None:
    with pytest.raises(HarnessError):
        suites.load(name)


INSTRUCT = """
datasets = ["scifact", "nfcorpus", "sample"]
[[system]]
retriever = "bm25"
tag = "one"
arguments = { fields = "flat", k1 = 0.9 }
[system.on.nfcorpus]
k1 = 1.2
"""


def test_a_system_may_have_other_arguments_on_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(INSTRUCT)
    suite = suites.load(str(tmp_path / "s.toml"))
    pairs = plan(suite.systems, suite.datasets)
    assert {pair.name: pair.system.arguments["k1"] for pair in pairs} == {
        "scifact": 0.9,
        "nfcorpus": 1.2,
        "sample": 0.9,
    }
    assert {pair.system.tag for pair in pairs} == {"one"} and all(not pair.system.on for pair in pairs)


def test_the_task_of_a_dataset_goes_into_arguments() -> None:
    suite = suites.load("instruct")
    pairs = plan(suite.systems, ["scifact", "arguana", "cqadupstack-tex"])
    prompts = {pair.name: pair.system.arguments["query_prompt"] for pair in pairs}
    assert prompts["scifact"].startswith("Instruct: Given a scientific claim, retrieve") and "\n" in prompts["scifact"]
    assert "duplicates" in prompts["cqadupstack-tex"] and "{task}" not in "".join(prompts.values())
    with pytest.raises(HarnessError, match=r"the task of sample.*\[system\.on\.sample\]"):
        plan(suite.systems, ["sample"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (INSTRUCT.replace("on.nfcorpus", "on.nfcorpsu"), "did you mean 'nfcorpus'"),
        (INSTRUCT.replace("[system.on.nfcorpus]\nk1 = 1.2", "on = 3"), "is a table of arguments"),
    ],
)
def test_arguments_for_no_dataset_are_refused(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(HarnessError, match=what):
        suites.load(str(tmp_path / "s.toml"))
