"""A package from outside is built, installed and used for real: the visitors' door is open."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("outside_package")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run Python in an environment in which the outside package is installed, outside the checkout."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    built = subprocess.run(
        [sys.executable, *install, "--target", folder / "site", folder / "source"], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    assert (folder / "site" / "trigram_retriever.py").is_file()
    environment = os.environ | {"PYTHONPATH": str(folder / "site"), "BEIR_HARNESS_CACHE": str(folder / "cache")}

    def python(*arguments):
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    return python


def test_it_is_listed_by_its_name(run):
    listed = run("-m", "harness", "list", "retrievers", "--json")
    assert {"retriever": "trigram", "class": "trigram_retriever:Trigram"} in json.loads(listed.stdout)


def test_it_is_found_and_known_by_its_distribution(run):
    code = (
        "import json; from harness.plugins import describe, find; print(json.dumps(describe(find('trigram')).identity))"
    )
    assert json.loads(run("-c", code).stdout) == {
        "name": "trigram", "class": "trigram_retriever:Trigram",
        "distribution": "trigram-retriever", "version": "1.2.3",
    }  # fmt: skip


def test_an_unknown_name_suggests_it(run):
    failed = run("-m", "harness", "check", "trigramm")
    assert failed.returncode == 2 and "did you mean 'trigram'?" in failed.stderr


def test_it_keeps_the_laws(run):
    checked = run("-m", "harness", "check", "trigram", "--set", "buckets=512", "--json")
    body = json.loads(checked.stdout)
    assert checked.returncode == 0, [outcome for outcome in body["checks"] if outcome["status"] == "fail"]
    assert (body["pass"], body["fail"], body["skip"]) == (len(body["checks"]) - 2, 0, 2)  # it has no index_part


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("bucket=3", "unknown argument of Trigram 'bucket'; did you mean 'buckets'?"),
        ("buckets=many", "argument 'buckets' of Trigram takes a whole number, not \"many\""),
        ("buckets=0", "trigram: buckets=0: at least 1"),
    ],
)
def test_a_wrong_argument_is_told(run, pair, message):
    failed = run("-m", "harness", "check", "trigram", "--set", pair)
    assert failed.returncode == 2 and message in failed.stderr and "Traceback" not in failed.stderr


def test_its_own_tests_pass_where_it_is_installed(run):
    ran = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "source/test_trigram.py")
    assert ran.returncode == 0, ran.stdout


@pytest.mark.slow
def test_it_runs_on_a_dataset(run, tmp_path):
    ran = run("-m", "harness", "run", "trigram", "--dataset", "sample", "--results", tmp_path)
    assert ran.returncode == 0, ran.stderr
    manifest = json.loads((tmp_path / "runs" / "trigram" / "sample" / "manifest.json").read_text())
    assert manifest["retriever"]["distribution"] == "trigram-retriever"
    assert manifest["scores"]["ndcg@10"] > 0.3
