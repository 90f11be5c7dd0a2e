"""One system on one dataset: what it leaves, when it is done, what it reuses."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import toy
from harness import cli, datasets
from harness.errors import HarnessError
from harness.host import environment
from harness.results import manifest
from harness.running import indexes, publish, runner, suites

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    toy.write(tmp_path / "toy")
    return tmp_path


def run(place: Path, arguments: dict[str, Any] | None = None, tag: str = "overlap", **options: Any) -> runner.Attempted:
    dataset = datasets.load(str(place / "toy"))
    system = suites.system(OVERLAP, arguments or {}, tag)
    return runner.run(system, dataset, options.pop("k", 1000), place / "results", place / "cache", **options)


def made(place: Path, tag: str = "overlap") -> Path:
    return manifest.folder(place / "results", tag, "toy")


def test_scores_worked_out_by_hand(place: Path) -> None:
    outcome = run(place)
    assert outcome.status == "done"
    assert outcome.result is not None
    # q1: d2 (2 words, grade 2), then the tie d4 before d1 (ids descending; grades 0 and 1). q2: d3. q3: nothing found.
    ideal = 2 + 1 / 1.584962500721156
    assert outcome.result.recorded_means["ndcg@10"] == pytest.approx(((2 + 1 / 2) / ideal + 1 + 0) / 3, abs=1e-9)
    assert (outcome.result.judged, outcome.result.answered) == (3, 2)
    lines = gzip.decompress((made(place) / manifest.RUN).read_bytes()).decode().splitlines()
    assert [line.split()[:4] for line in lines[:3]] == [
        ["q1", "Q0", "d2", "1"], ["q1", "Q0", "d4", "2"], ["q1", "Q0", "d1", "3"],
    ]  # fmt: skip


def test_the_manifest_tells_how_it_was_made(place: Path) -> None:
    body = run(place, {"lower": False}).result.manifest
    assert body is not None
    assert body["retriever"]["arguments"] == {"lower": False}
    assert body["retriever"]["all_arguments"] == {"lower": False, "bonus": 0.0, "pause": 0.0}
    assert body["data"]["docs"] == 5
    assert body["costs"]["index"]["docs"] == 5
    assert body["costs"]["index"]["index_bytes"] > 0
    assert body["costs"]["search"]["latency"]["queries"] == 3
    assert json.loads((made(place) / manifest.NAME).read_text()) == body


@pytest.mark.skipif(environment.git() is None, reason="the harness does not run from a checkout")
def test_the_commit_is_that_of_the_code_that_was_loaded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["loaded", "", "moved on", ""])
    monkeypatch.setattr(environment, "_git", lambda *_: next(said))
    environment.git.cache_clear()
    try:
        order = runner.runs.order
        monkeypatch.setattr(runner.runs, "order", lambda *given: (environment.note(), order(*given))[1])
        for tag in ("overlap", "later"):
            body = run(place, tag=tag).result.manifest
            assert body is not None
            assert body["git"] == {"commit": "loaded", "dirty": False}
    finally:
        environment.git.cache_clear()


def test_a_finished_result_is_kept(place: Path) -> None:
    run(place)
    before = (made(place) / manifest.NAME).stat().st_mtime_ns
    assert run(place, {"pause": 1.0}).status == "reused"  # a runtime argument changes no number
    assert (made(place) / manifest.NAME).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "options", "difference"),
    [
        ({"lower": False}, {}, "arguments.lower: True -> False"),
        ({"bonus": 1.0}, {}, "arguments.bonus: 0.0 -> 1.0"),
        ({}, {"k": 10}, "k: 1000 -> 10"),
    ],
)
def test_a_different_result_is_not_overwritten_unasked(
    place: Path, arguments: dict[str, Any], options: dict[str, Any], difference: str
) -> None:
    run(place)
    with pytest.raises(HarnessError, match=difference):
        run(place, arguments, **options)
    assert run(place, arguments, **options, overwrite=True).status == "done"


def test_changed_judgments_are_noticed(place: Path) -> None:
    run(place)
    with (place / "toy/qrels/test.tsv").open("a") as qrels:
        qrels.write("q3\td1\t1\n")
    with pytest.raises(HarnessError, match="qrels"):
        run(place)


def test_a_file_that_merely_exists_proves_nothing(place: Path) -> None:
    run(place)
    (made(place) / manifest.NAME).unlink()
    assert run(place).status == "done"


def test_arguments_of_search_alone_share_the_index(place: Path) -> None:
    run(place)
    other = run(place, {"bonus": 1.0}, tag="bonus").result.manifest
    assert other is not None
    assert other["costs"]["index"]["reused"] is True
    different = run(place, {"lower": False}, tag="cased").result.manifest
    assert different is not None
    assert different["costs"]["index"]["reused"] is False


def test_a_half_made_index_is_made_again(place: Path) -> None:
    run(place)
    for complete in (place / "cache").rglob("complete.json"):
        complete.write_text('{"key": ')
    again = run(place, tag="again").result.manifest
    assert again is not None
    assert again["costs"]["index"]["reused"] is False


def test_overwriting_leaves_the_old_result_until_the_new_one_is_whole(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(place)

    def state() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in made(place).iterdir() if path.name != ".lock"}

    before = state()
    for target in ("harness.running.runner.runs.order", "harness.running.publish.manifest.write"):
        with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="as it was told"):
            patch.setattr(target, fails)
            run(place, {"bonus": 1.0}, overwrite=True)
        assert state() == before
    assert run(place).status == "reused"
    assert run(place, {"bonus": 1.0}, overwrite=True).status == "done"
    assert not (made(place) / ".new").exists()


def fails(*_: Any, **__: Any) -> None:
    raise RuntimeError("as it was told")


@pytest.mark.parametrize(("count", "most"), [(0, 50), (1, 50), (49, 50), (50, 50), (99, 50), (300, 50), (6980, 50)])
def test_latency_is_of_queries_from_the_whole_set(count: int, most: int) -> None:
    places = runner.spread(count, most)
    assert len(set(places)) == len(places) == min(count, most)
    for first in range(4, len(places) + 1):  # a search too slow for all of them is timed on as even a part
        gaps = [b - a for a, b in zip([0, *sorted(places[:first])], [*sorted(places[:first]), count], strict=True)]
        assert max(gaps) <= 4 * count / first


COUNTED = """
from pathlib import Path

from overlap import Overlap

HERE = Path(__file__).parent


class Counted(Overlap):
    alive = 0

    def __init__(self) -> None:
        super().__init__()
        Counted.alive += 1
        with open(HERE / "instances", "a") as file:
            file.write(str(Counted.alive))

    def __del__(self) -> None:
        Counted.alive -= 1
"""


@pytest.mark.parametrize(("words", "instances"), [([], "11"), (["--overwrite"], "11")])
def test_two_instances_are_made_and_never_two_at_a_time(
    place: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], instances: str
) -> None:
    (place / "counted.py").write_text(COUNTED)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    arguments = [
        "run",
        f"{place / 'counted.py'}:Counted",
        "--dataset",
        f"{place / 'toy'}/",
        "--results",
        str(place / "r"),
    ]
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(place / "cache"))
    assert cli.main([*arguments, *words]) == 0
    assert (place / "instances").read_text() == instances


def test_an_input_that_is_replaced_between_check_and_copy_is_noticed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(place, tag="part")
    copy = indexes.copyfile

    def replaced(source: Path, target: Path) -> None:
        run(place, {"bonus": 1.0}, tag="part", overwrite=True)
        copy(source, target)

    monkeypatch.setattr(indexes, "copyfile", replaced)
    fusion = suites.system("fusion", {"systems": ["part"]}, "fused")
    with pytest.raises(HarnessError, match="was replaced while it was being used; start again"):
        runner.run(fusion, datasets.load(str(place / "toy")), 10, place / "results", place / "cache")


@pytest.mark.parametrize("steps", range(7))
def test_a_kill_while_the_new_result_takes_the_place_of_the_old_loses_neither(place: Path, steps: int) -> None:
    """After however many steps: the next run ends what was begun, and does no work again."""
    run(place)
    elsewhere = place / "elsewhere"
    system = suites.system(OVERLAP, {"bonus": 1.0}, "overlap")
    runner.run(system, datasets.load(str(place / "toy")), 1000, elsewhere, place / "cache")
    written = manifest.folder(elsewhere, "overlap", "toy")
    names = [manifest.RUN, manifest.SCORES, manifest.JUDGED, manifest.TOP, manifest.NAME]
    (made(place) / publish.NEW).mkdir()
    for name in names:
        (written / name).replace(made(place) / publish.NEW / name)
    if steps:
        (made(place) / manifest.NAME).unlink()
    for name in names[: max(0, steps - 1)]:
        (made(place) / publish.NEW / name).replace(made(place) / name)
    outcome = run(place, {"bonus": 1.0})
    assert outcome.status == "reused" and outcome.result is not None and not outcome.result.damage()
    assert outcome.result.manifest["retriever"]["arguments"] == {"bonus": 1.0}
    assert not (made(place) / publish.NEW).exists()


def test_an_error_while_the_new_result_takes_the_place_of_the_old_leaves_it_to_the_next_run(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(place)
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        if path.name == manifest.SCORES and path.parent.name == publish.NEW and Path(target).parent == made(place):
            raise OSError(28, "No space left on device")
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            run(place, {"bonus": 1.0}, overwrite=True)
    assert run(place, {"bonus": 1.0}).status == "reused"
