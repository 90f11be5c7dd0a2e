"""Several devices: an index in parts, by processes of their own, gives the bytes that one process gives."""

import json
from pathlib import Path

import pytest

from harness import cli
from harness.errors import HarnessError
from harness.running import devices, parts, suites
from jobs import run_all

DIVIDED = f"{Path(__file__).with_name('divided.py')}:Divided"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", ["cuda:0"]), ("0,1", ["cuda:0", "cuda:1"]), ("cpu, cpu", ["cpu", "cpu"]), ("cuda:3,mps", ["cuda:3", "mps"])],
)
def test_devices_are_numbers_or_names(text: str, expected: list[str]) -> None:
    assert list(devices.parse(text)) == expected


@pytest.mark.parametrize("text", ["", "0,", ",", "0,,1"])
def test_a_device_needs_a_name(text: str) -> None:
    with pytest.raises(HarnessError, match="--devices"):
        devices.parse(text)


@pytest.mark.parametrize(
    ("spec", "docs", "pieces"), [(DIVIDED, 357, 9), (DIVIDED, 40, 1), (DIVIDED, 41, 2), ("bm25", 357, 1)]
)
def test_pieces_of_an_index(spec: str, docs: int, pieces: int) -> None:
    assert parts.pieces(suites.system(spec, {}), docs) == pieces


@pytest.mark.parametrize(
    ("spec", "given", "expected"),
    [(DIVIDED, {}, {"device": "cuda:1"}), (DIVIDED, {"device": "cpu"}, {"device": "cpu"}), ("bm25", {}, {})],
)
def test_a_system_runs_on_the_first_device_unless_it_names_its_own(spec: str, given: dict, expected: dict) -> None:
    assert devices.first(suites.system(spec, given), ["cuda:1", "cuda:2"]).arguments == expected


def outputs(results: Path) -> dict[str, bytes]:
    return {str(path.relative_to(results)): path.read_bytes() for path in sorted(results.rglob("*.gz"))}


def manifest(results: Path) -> dict:
    (path,) = results.rglob("manifest.json")
    return json.loads(path.read_bytes())


def run(place: Path, name: str, used: tuple[str, ...] = (), **arguments: object) -> Path:
    """Results of Divided on the sample, with a cache of their own."""
    (outcome,) = run_all(
        [suites.system(DIVIDED, arguments, "divided")], ["sample"], k=100, results=place / name,
        cache=place / f"{name}-cache", data_dirs=[], devices=used,
    )  # fmt: skip
    assert outcome.status == "done", outcome.message
    return place / name


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("alone"), "results")


@pytest.mark.slow
@pytest.mark.parametrize("used", [("cpu", "cpu"), ("cpu",) * 3])
def test_the_same_bytes(alone: Path, tmp_path: Path, used: tuple[str, ...]) -> None:
    results = run(tmp_path, "results", used)
    assert outputs(results) == outputs(alone)
    assert {Path(name).name for name in outputs(results)} >= {"run.trec.gz", "scores.tsv.gz"}
    made = manifest(results)
    assert made["facts"]["docs_encoded"] == 0  # the parts have made everything
    assert made["retriever"]["arguments"] == {"device": "cpu"}
    assert made["fingerprint"] == manifest(alone)["fingerprint"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "told"),
    [("kill", "was killed by signal 9 and is begun again"), ("exit", "exit status 3"), ("raise", "exit status 1")],
)
def test_a_part_that_dies_is_told_and_costs_no_result(
    alone: Path, tmp_path: Path, capfd: pytest.CaptureFixture, how: str, told: str
) -> None:
    results = run(tmp_path, "results", ("cpu", "cpu"), once=str(tmp_path / "once"), how=how)
    assert outputs(results) == outputs(alone)
    printed = capfd.readouterr().err
    assert told in printed
    assert "divided on sample (cpu)" in printed
    encoded = manifest(results)["facts"]["docs_encoded"]
    assert encoded == 0 if how == "kill" else encoded > 0


@pytest.mark.slow
def test_the_command(alone: Path, tmp_path: Path) -> None:
    words = ["run", DIVIDED, "--tag", "divided", "--dataset", "sample", "--k", "100", "--devices", "cpu,cpu"]
    assert cli.main([*words, "--results", str(tmp_path)]) == 0
    assert outputs(tmp_path) == outputs(alone)
