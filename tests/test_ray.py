"""A Ray cluster of three nodes on this machine: the bytes of a local run, also when a node is lost in the middle."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import jobs
from harness.errors import HarnessError
from harness.running import executor, ray_executor, suites
from harness.running.plan import waits_for
from harness.running.ray_executor import needs, slots
from harness.running.ray_tasks import Look
from harness.running.runner import Attempted
from test_devices import DIVIDED, outputs

GPU, CPU = {"CPU": 8.0, "GPU": 2.0}, {"CPU": 4.0}


@pytest.mark.parametrize(
    ("takes", "nodes", "need", "at_once", "asked"),
    [
        ({}, [CPU], (1, 0), 4, {}),
        ({"threads": 2}, [CPU, CPU], (2, 0), 4, {}),
        ({"threads": 16}, [CPU, {"CPU": 2.0}], (4, 0), 1, {}),  # no more than a node has
        ({"threads": 0, "device": "auto"}, [CPU], (1, 0), 4, {}),
        ({"device": "auto"}, [GPU, CPU], (1, 1), 2, {}),
        ({"device": "cpu"}, [GPU, CPU], (1, 0), 12, {}),
        ({"threads": 2}, [GPU, CPU], (4, 1), 2, {"cpus": 4.0, "gpus": 1.0}),
        ({"device": "auto"}, [GPU, CPU], (6, 0), 1, {"cpus": 6.0}),
        ({}, [GPU, CPU], (1, 3), 0, {"gpus": 3.0}),
    ],
)
def test_what_a_task_needs(
    takes: dict, nodes: list, need: tuple[float, float], at_once: int, asked: dict[str, float]
) -> None:
    found = needs(Look((), "", 0, takes), nodes, asked)
    assert (found["num_cpus"], found["num_gpus"]) == need
    assert slots(found, nodes) == at_once


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        ({"a": [], "f": ["a"]}, {"a": [], "f": ["a"]}),
        ({"f": ["a", "elsewhere"], "a": []}, {"f": ["a"], "a": []}),
        ({"g": ["f"], "f": ["a"], "a": []}, {"g": ["f"], "f": ["a"], "a": []}),
        ({"f": ["f"]}, {"f": []}),
        ({"f": ["g"], "g": ["f"]}, {"f": [], "g": []}),
    ],
)
def test_what_waits_for_what(requires: dict, expected: dict) -> None:
    assert waits_for(requires) == expected


def test_ray_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(HarnessError, match="ray"), ray_executor.connected(None):
        pass


def started(start: Callable[[], Any], attempts: int = 4) -> Any:
    """Ray gives a node 30 s to start, which a busy machine may not be able to do."""
    for last in range(attempts):
        try:
            return start()
        except Exception:
            if last == attempts - 1:
                raise


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of three nodes with one CPU each; the first holds the cluster's state."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray", reason="needs ray: pip install 'beir-harness[ray]'")
    from ray.cluster_utils import Cluster

    one = {"num_cpus": 1, "object_store_memory": 80 << 20}
    made = started(lambda: Cluster(initialize_head=True, head_node_args={**one, "include_dashboard": False}))
    made.others = [started(lambda: made.add_node(**one)) for _ in range(2)]
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()


def systems(**arguments: object) -> list[suites.System]:
    """The fusion comes first, and has to wait."""
    return [
        suites.system("fusion", {"systems": ["divided", "bm25"]}, "rrf"),
        suites.system(DIVIDED, arguments, "divided"),
        suites.system("bm25", {"threads": 1}, "bm25"),
    ]


def run(place: Path, name: str, run_all: Any, order: list[suites.System], **more: Any) -> list[Attempted]:
    outcomes = jobs.run_all(
        order, ["sample"], do=run_all, k=100, results=place / name, cache=place / f"{name}-cache", data_dirs=[], **more
    )
    assert [outcome.status for outcome in outcomes] == ["done"] * len(order), [each.message for each in outcomes]
    return outcomes


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    place = tmp_path_factory.mktemp("local")
    run(place, "results", executor.run_all, systems()[1:] + systems()[:1])
    return outputs(place / "results")


@pytest.mark.slow
def test_three_nodes_give_the_same_bytes(cluster: Any, local: dict[str, bytes], tmp_path: Path) -> None:
    outcomes = run(tmp_path, "results", ray_executor.run_all, systems(), address=cluster.address)
    assert outputs(tmp_path / "results") == local
    assert len(local) == 6
    assert [outcome.tag for outcome in outcomes] == ["divided", "bm25", "rrf"]  # what others need comes first
    divided = outcomes[0].result
    assert divided and divided.facts["docs_encoded"] == 0  # the nodes have made it in parts
    again = jobs.run_all(
        systems(), ["sample"], do=ray_executor.run_all, k=100, results=tmp_path / "results",
        cache=tmp_path / "results-cache", address=cluster.address,
    )  # fmt: skip
    assert [outcome.status for outcome in again] == ["reused"] * 3


@pytest.mark.slow
def test_a_lost_node_costs_no_result(cluster: Any, local: dict[str, bytes], tmp_path: Path) -> None:
    cache = tmp_path / "results-cache"

    def lose_a_node() -> None:
        while not list(cache.rglob("index/0*.json")):  # encoding has begun
            time.sleep(0.05)
        cluster.remove_node(cluster.others[0], allow_graceful=False)

    thief = Thread(target=lose_a_node)
    thief.start()
    run(tmp_path, "results", ray_executor.run_all, systems(pause=2.0), address=cluster.address)
    thief.join()
    assert outputs(tmp_path / "results") == local


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced_and_a_hopeless_one_told(
    cluster: Any, local: dict[str, bytes], tmp_path: Path
) -> None:
    plugin = tmp_path / "hopeless.py"
    plugin.write_text("import os\nclass Hopeless:\n    index = load = search = lambda *_: os._exit(3)\n")
    run_on: dict[str, Any] = {"k": 100, "results": tmp_path / "results", "cache": tmp_path / "cache"}
    order = [
        suites.system(DIVIDED, {"once": str(tmp_path / "once")}, "divided"),
        suites.system(f"{plugin}:Hopeless", {}, "hopeless"),
        suites.system("bm25", {"threads": 1}, "bm25"),
    ]
    outcomes = jobs.run_all(order, ["sample", "nowhere"], do=ray_executor.run_all, **run_on, address=cluster.address)
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done", "failed", "failed", "failed"]
    assert (tmp_path / "once").exists()
    assert "process" in outcomes[1].message
    assert "nowhere" in outcomes[3].message
    mine = outputs(tmp_path / "results")
    assert mine == {name: data for name, data in local.items() if "rrf" not in name}


@pytest.mark.slow
def test_what_is_damaged_is_made_again_and_what_hangs_is_stopped(
    cluster: Any, local: dict[str, bytes], tmp_path: Path
) -> None:
    run(tmp_path, "results", ray_executor.run_all, systems(), address=cluster.address)
    for path in (tmp_path / "results" / "runs" / "bm25" / "sample", tmp_path / "results" / "runs" / "rrf" / "sample"):
        (path / "manifest.json").unlink() if path.parent.name == "rrf" else _spoil(path / "run.trec.gz")
    hangs = tmp_path / "hangs.py"
    hangs.write_text("import time\nclass Hangs:\n    index = load = search = lambda *_: time.sleep(600)\n")
    order = [*systems(), suites.system(f"{hangs}:Hangs", {}, "hangs")]
    told: list[Attempted] = []
    outcomes = jobs.run_all(
        order, ["sample"], do=ray_executor.run_all, k=100, results=tmp_path / "results",
        cache=tmp_path / "results-cache", address=cluster.address, timeout=60.0, finished=told.append,
    )  # fmt: skip
    ended = {outcome.tag: outcome for outcome in outcomes}
    assert (ended["rrf"].status, ended["hangs"].status) == ("done", "failed")
    assert "not done after 60 seconds" in ended["hangs"].message
    assert outputs(tmp_path / "results") == local
    assert {(outcome.tag, outcome.status) for outcome in told} >= {
        ("bm25", "done"),
        ("rrf", "done"),
        ("hangs", "failed"),
    }


def _spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
