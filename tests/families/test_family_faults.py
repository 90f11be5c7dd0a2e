"""What holds of dense retrievers holds of every family: kill -9, damage, devices and Ray change no byte of a result."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import jobs
from families import tiny
from families.test_api import Server
from harness.running import ray_executor, suites
from harness.running.suites import System
from test_ray import cluster  # noqa: F401 - a fixture

HERE = Path(__file__).parent
OVERLAP = suites.system(f"{HERE.parent / 'overlap.py'}:Overlap", {}, "words")
CPU = {"device": "cpu"}

MADE: dict[str, tuple[str, Callable[[Path, Server], dict[str, Any]]]] = {
    "sparse": ("SmallSparse", lambda folder, _: {"model": str(tiny.sparse(folder)), **CPU}),
    "multi-vector": ("SmallMultiVector", lambda folder, _: {"model": str(tiny.multi_vector(folder)), **CPU}),
    "over": ("SmallMultiVector", lambda folder, _: {"model": str(tiny.multi_vector(folder)), "over": "words", **CPU}),
    "rerank": ("Shared", lambda folder, _: {"system": "words", "depth": 30}),
    "api": ("SmallApi", lambda folder, server: {"url": server.url, "model": "letters", "tries": 2}),
}  # fmt: skip


class Case(NamedTuple):
    """A system with those it needs, and the results and cache of a run of them."""

    kind: str
    systems: list[System]
    place: Path


def run(systems: list[System], place: Path, **more: Any) -> dict[str, bytes]:
    """Scores and runs by their place below the results folder."""
    outcomes = jobs.run_all(
        systems, ["sample"], k=100, results=place / "results", cache=place / "cache", data_dirs=[], **more
    )
    assert not [each.message for each in outcomes if each.status == "failed"]
    return outputs(place)


def outputs(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted((place / "results").rglob("*.gz"))}


def facts(place: Path, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "results" / "runs" / kind / "sample" / "manifest.json").read_bytes())
    return found["facts"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture(scope="module", params=MADE)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: Server) -> Case:
    kind = request.param
    place = tmp_path_factory.mktemp(kind)
    made = system(kind, place / "model", server)
    systems = [OVERLAP, made] if kind in ("over", "rerank") else [made]
    run(systems, place)
    return Case(kind, systems, place)


def system(kind: str, folder: Path, server: Server) -> System:
    name, arguments = MADE[kind]
    return suites.system(f"{HERE / 'dying.py'}:{name}", arguments(folder, server), kind)


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_and_ends_in_the_same_bytes(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIES_ONCE", str(tmp_path / "once"))  # for both: an index rests on what its code asks for
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    lines = ['datasets = ["sample"]']
    for one in case.systems:
        given = ", ".join(f"{name} = {json.dumps(value)}" for name, value in one.arguments.items())
        lines += ["[[system]]", f'retriever = "{one.spec}"', f'tag = "{one.tag}"', f"arguments = {{ {given} }}"]
    (tmp_path / "suite.toml").write_text("\n".join(lines))
    words = ["run", "--suite", str(tmp_path / "suite.toml"), "--k", "100", "--results", str(tmp_path / "results")]
    killed = subprocess.run([sys.executable, "-m", "harness", *words], check=False, capture_output=True)
    assert (tmp_path / "once").exists(), killed.stderr[-2000:]
    assert not list((tmp_path / "results" / "runs" / case.kind).glob("*/manifest.json"))
    assert run(case.systems, tmp_path) == outputs(case.place)
    if case.kind != "rerank":  # whose kept scores test_rerank counts
        assert facts(tmp_path, case.kind)["docs_encoded"] < facts(tmp_path, case.kind)["docs"]


def test_damage_of_an_index_is_told_and_mended(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    whole = outputs(case.place)
    (index,) = (case.place / "cache" / "indexes").glob("dying-*/index")
    kept = [path for path in sorted(index.rglob("*")) if path.is_file() and path.stat().st_size]
    by_kind = {(path.parent.name, path.name.partition(".")[2]): path for path in kept}
    for path in by_kind.values():
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        result = case.place / "results" / "runs" / case.kind / "sample"
        (result / "manifest.json").unlink()
        assert run(case.systems, case.place) == whole, path.name
        said = capsys.readouterr().err
        assert path.parent.name == "scored" or ("damaged" in said and path.name in said), path.name
        if case.kind == "rerank" and path.parent.name != "scored":  # scores of pairs outlive what is beside them
            assert "pairs_per_s" not in facts(case.place, case.kind), path.name


@pytest.mark.slow
def test_two_devices_give_the_same_bytes(case: Case, tmp_path: Path) -> None:
    if case.kind == "rerank":
        pytest.skip("its index is a copy of texts")
    systems = [  # one that names its device stays there
        replace(one, arguments={name: value for name, value in one.arguments.items() if name != "device"})
        for one in case.systems
    ]
    assert run(systems, tmp_path, devices=("cpu", "cpu")) == outputs(case.place)
    if case.kind != "over":  # what needs runs of others is made in one go
        assert facts(tmp_path, case.kind)["docs_encoded"] == 0  # the parts have made everything


@pytest.mark.slow
def test_a_ray_cluster_gives_the_same_bytes(cluster: Any, case: Case, tmp_path: Path) -> None:  # noqa: F811
    found = run(case.systems, tmp_path, do=ray_executor.run_all, address=cluster.address)
    assert found == outputs(case.place)
