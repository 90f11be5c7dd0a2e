"""The forecast: too small a disk stops a run before it starts, with the cure; what is there already is not counted."""

from pathlib import Path

import pytest

import toy
from harness import paths
from harness.cli import main
from harness.running import cache_entries, forecast, suites
from harness.running.plan import Pair
from jobs import job
from retrievers.encoders import widths

PLUGIN = (
    Path(__file__).with_name("overlap.py").read_text()
    + """
    @classmethod
    def needs(cls, docs, arguments):
        return NEEDS
"""
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    toy.write(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(place: Path, needs: str, *more: str) -> list[str]:
    (place / "needy.py").write_text(PLUGIN.replace("NEEDS", needs))
    return ["run", "./needy.py:Overlap", "--tag", "needy", "--dataset", "./toy", *more]


def test_a_disk_that_is_too_small_stops_the_run_with_a_cure(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(place, '{"disk": 1e18}')) == 2
    said = capsys.readouterr().err
    assert "needs 1000000000.0 GB in the cache" in said and "GB free in" in said
    assert "the index of needy on ./toy" in said and "BEIR_HARNESS_CACHE" in said and "--no-forecast" in said
    assert not (place / "results").exists()
    assert main(words(place, '{"disk": 1e18}', "--no-forecast")) == 0
    assert main(words(place, '{"disk": 1e18}')) == 0  # done already: nothing is needed


def test_too_little_memory_is_a_warning(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(place, '{"memory": 1e18}')) == 0
    assert "warning: needs about 1000000000" in capsys.readouterr().err


def of(name: str, retriever: str = "bm25", **arguments: object) -> forecast.Forecast:
    return forecast.of([Pair(name, suites.system(retriever, arguments, "x"))], job(Path("results"), paths.cache_dir()))


def test_a_download_and_an_index_of_ms_marco(place: Path) -> None:
    found = of("msmarco-dev").cache
    assert set(found) == {"the documents of msmarco", "the index of x on msmarco-dev"}
    assert 2e9 < found["the index of x on msmarco-dev"] < 3e9


def test_datasets_that_share_an_index_need_it_once(place: Path) -> None:
    pairs = [Pair(name, suites.system("bm25", {}, "x")) for name in ("msmarco-dev", "trec-dl-2019", "trec-dl-2020")]
    found = forecast.of(pairs, job(Path("results"), paths.cache_dir()))
    assert len(found.cache) == 2


def test_an_index_that_is_there_is_not_counted(place: Path) -> None:
    assert set(of("sample").cache) == {"the index of x on sample"}
    assert main(["run", "bm25", "--dataset", "sample", "--tag", "before"]) == 0
    assert of("sample").cache == {}
    assert of("sample", stemmer="none").cache != {}
    assert len(cache_entries.indexes(paths.cache_dir())) == 1


def test_what_nobody_knows_is_left_out_until_one_was_made(place: Path) -> None:
    plugin = f"{Path(__file__).with_name('overlap.py')}:Overlap"
    assert of("sample", plugin).unknown == {"x"}
    assert main(["run", plugin, "--dataset", "./toy", "--tag", "measured"]) == 0
    found = of("sample", plugin)
    assert found.unknown == set() and found.cache["the index of x on sample"] > 357 * 10


@pytest.mark.parametrize(("config", "width"), [('{"hidden_size": 384}', 384), ("{}", 768), (None, 768)])
def test_the_width_of_a_checkpoint_in_a_folder(place: Path, config: str | None, width: int) -> None:
    if config:
        (place / "config.json").write_text(config)
    assert widths.guess({"checkpoint": str(place)}) == width
