"""Results behind a URL: the mirror and the store are the same after a pull and a push, and never half the same."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from harness import files
from harness.errors import HarnessError
from harness.results import manifest
from harness.results.remote.mirror import Mirror
from harness.results.remote.store import Store
from harness.running import cache_entries

URL = "memory://bucket/results"


@pytest.fixture(autouse=True)
def memory() -> Iterator[Any]:
    """An empty store in memory."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield store


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Mirror]:
    """A mirror of the store on one of several machines."""
    return lambda name, url=URL: Mirror(url, tmp_path / name)


def make(mirror: Mirror, tag: str, score: float = 0.5, created: str | None = None) -> Path:
    """A result as small as it can be; `created` replaces the time."""
    place = manifest.folder(mirror.folder, tag, "toy")
    (place / manifest.NAME).unlink(missing_ok=True)
    files.write_bytes(place / manifest.RUN, f"run of {score}".encode())
    files.write_bytes(place / manifest.SCORES, f"scores of {score}".encode())
    facts = {name: {"bytes": (place / name).stat().st_size, "sha256": files.sha256(place / name)}
             for name in (manifest.RUN, manifest.SCORES)}  # fmt: skip
    body = manifest.write(place, {"tag": tag, "dataset": "toy", "scores": {"ndcg@10": score}, "files": facts})
    if created:
        body = {name: value for name, value in body.items() if name != manifest.CHECKSUM} | {"created": created}
        files.write_json(place / manifest.NAME, body | {manifest.CHECKSUM: files.sha256_json(body)})
    return place


def tree(mirror: Mirror) -> dict[str, bytes]:
    """What is visible in a mirror."""
    found = {path.relative_to(mirror.folder).as_posix(): path for path in mirror.folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if "/." not in name}


def writes(monkeypatch: pytest.MonkeyPatch, stop_at: int | None = None) -> list[str]:
    """What is written to stores from now on, by name; before number `stop_at` the process is as if killed."""
    done: list[str] = []

    def counting(method: str, original: Callable[..., None]) -> Callable[..., None]:
        def counted(store: Store, *words: Any) -> None:
            if len(done) == stop_at:
                raise KeyboardInterrupt
            done.append(f"{method} {str(words[-1]).rpartition('/')[2]}")
            original(store, *words)

        return counted

    for method in ("put", "remove"):
        monkeypatch.setattr(Store, method, counting(method, getattr(Store, method)))
    return done


def test_pull_after_push_is_the_same_tree(machine: Callable[..., Mirror]) -> None:
    here, there = machine("a"), machine("b")
    place = make(here, "one")
    make(here, "two")
    files.write_bytes(here.folder / "log/0001-x-1.jsonl", b"{}\n")
    files.write_bytes(here.folder / "means/three/toy.json", b"{}")
    everything = tree(here)
    for name in (".lock", ".run.trec.gz.host.1.tmp", "failure.txt"):  # these stay on their machine
        (place / name).write_text("mine")
    here.push()
    assert there.pull() == []
    assert tree(there) == everything
    make(there, "one", 0.75)
    there.push()
    assert here.pull() == []
    assert (place / manifest.SCORES).read_bytes() == b"scores of 0.75"


def test_what_is_the_same_does_not_travel(machine: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = machine("a"), machine("b")
    make(here, "one")
    here.push()
    there.pull()
    done = writes(monkeypatch)
    monkeypatch.setattr(Store, "get", lambda *_: pytest.fail("nothing is to be downloaded"))
    for mirror in (here, there):
        assert mirror.pull() == []
        mirror.push()
    assert done == []


def test_a_file_of_the_same_size_is_another(machine: Callable[..., Mirror]) -> None:
    here, there = machine("a"), machine("b")
    for word in (b"one", b"two"):
        files.write_bytes(here.folder / "means/x/toy.json", word)
        here.push()
        there.pull()
        assert tree(there) == {"means/x/toy.json": word}


def test_the_manifest_goes_first_and_comes_last(
    machine: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine("a")
    make(here, "one")
    here.push()
    done = writes(monkeypatch)
    make(here, "one", 0.75)
    here.push()
    assert done == ["remove manifest.json", "put run.trec.gz", "put scores.tsv.gz", "put manifest.json"]


@pytest.mark.parametrize("moment", range(5))
def test_killed_while_it_pushes(moment: int, machine: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = machine("a"), machine("b")
    make(here, "one")
    here.push()
    before = tree(here)
    there.pull()
    make(here, "one", 0.75)
    with monkeypatch.context() as patched:
        writes(patched, moment)
        if moment < 4:
            with pytest.raises(KeyboardInterrupt):
                here.push()
        else:
            here.push()
    there.pull()
    assert tree(there) == (before if moment == 0 else tree(here) if moment == 4 else {})
    assert machine("a").pull() == (["runs/one/toy"] if moment < 4 else [])  # a new process knows what is left
    assert here.finish()
    there.pull()
    assert tree(there) == tree(here)


def test_of_two_writers_nobody_sees_a_mixture(
    machine: Callable[..., Mirror], memory: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there, reader = machine("a"), machine("b"), machine("c")
    for mirror, score in ((here, 0.5), (there, 0.75)):
        make(mirror, "one", score)
        mirror.push()
    reader.pull()
    assert tree(reader) == tree(there)
    memory.pipe_file("/bucket/results/runs/one/toy/scores.tsv.gz", b"scores of 0.50")
    reader.pull()
    assert tree(reader) == {}
    assert "runs/one/toy is being written, or damaged, and left out: scores.tsv.gz: " in capsys.readouterr().err
    make(here, "one", 0.5)
    here.push()
    reader.pull()
    assert tree(reader) == tree(here)


@pytest.mark.parametrize("mine", [True, False])
def test_of_two_results_the_newer_stays(mine: bool, machine: Callable[..., Mirror]) -> None:
    here, there = machine("a"), machine("b")
    make(there, "one", 0.75, "2026-01-02T00:00:00+00:00")
    there.push()
    make(here, "one", 0.5, "2026-01-03T00:00:00+00:00" if mine else "2026-01-01T00:00:00+00:00")
    assert here.pull() == (["runs/one/toy"] if mine else [])
    here.push()
    there.pull()
    assert tree(here) == tree(there)
    assert tree(there)["runs/one/toy/scores.tsv.gz"] == (b"scores of 0.5" if mine else b"scores of 0.75")


def test_what_is_removed_there_is_removed_here(machine: Callable[..., Mirror], memory: Any) -> None:
    here, there = machine("a"), machine("b")
    make(here, "one")
    make(here, "two")
    here.push()
    there.pull()
    make(there, "three")
    memory.rm("/bucket/results/runs/one", recursive=True)
    assert there.pull() == ["runs/three/toy"]  # what is only here stays
    assert {name.split("/")[1] for name in tree(there)} == {"two", "three"}
    assert not (there.folder / "runs/one/toy").exists()


def test_a_mirror_that_was_damaged_or_lost_is_made_again(machine: Callable[..., Mirror]) -> None:
    here = machine("a")
    place = make(here, "one")
    here.push()
    before = tree(here)
    (place / manifest.NAME).unlink()  # as an interrupted `run --overwrite` does
    assert here.pull() == [] and tree(here) == before
    here.same.write_text("no JSON")
    assert here.pull() == [] and tree(here) == before


@pytest.mark.parametrize(
    "name", ["../up", "runs/../../up", "runs/./x/y/z", "runs//x/y", "runs/a/b/line\nbreak", "runs/a/b/\x1b[2J"]
)
def test_a_name_that_leaves_the_folder_is_refused(
    name: str, machine: Callable[..., Mirror], memory: Any, tmp_path: Path
) -> None:
    make(machine("a"), "one")
    machine("a").push()
    memory.store[f"/bucket/results/{name}"] = memory.store["/bucket/results/runs/one/toy/manifest.json"]
    with pytest.raises(HarnessError, match="cannot lie in a results folder") as raised:
        machine("b").pull()
    assert "\x1b" not in str(raised.value) and "\n" not in str(raised.value)
    assert tree(machine("b")) == {} and not list(tmp_path.glob("**/up"))


def test_names_outside_of_what_was_asked_for_are_refused(
    machine: Callable[..., Mirror], memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(memory), "find", lambda *_, **__: {"/etc/passwd": {"size": 1, "created": "now"}})
    with pytest.raises(HarnessError, match="'/etc/passwd', which cannot lie"):
        machine("a").pull()


def test_a_store_that_says_nothing_but_sizes_is_always_read(
    machine: Callable[..., Mirror], memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = type(memory).find
    bare = ("name", "size", "type")
    monkeypatch.setattr(
        type(memory), "find",
        lambda *a, **k: {path: {key: one[key] for key in bare} for path, one in find(*a, **k).items()},
    )  # fmt: skip
    here, there = machine("a"), machine("b")
    for score in (0.25, 0.75):
        make(here, "one", score)
        here.push()
        there.pull()
        assert tree(there) == tree(here)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://", "names no bucket or folder"),
        ("s4://bucket/x", "Protocol not known: s4"),
        ("adl://store/x", "pip install adlfs"),
    ],
)
def test_an_address_that_leads_nowhere(url: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Store(url)


def test_too_large_for_the_disk(machine: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine("a")
    make(here, "one")
    here.push()
    files_of = Store.files
    huge = 1 << 60
    monkeypatch.setattr(
        Store, "files", lambda *a: {name: one._replace(size=huge) for name, one in files_of(*a).items()}
    )
    with pytest.raises(HarnessError, match=r"too large for this disk.*\$BEIR_HARNESS_CACHE"):
        machine("b").pull()


def test_a_mirror_is_pruned_when_all_is_pushed(machine: Callable[..., Mirror], tmp_path: Path) -> None:
    mirror = machine("here")
    place = make(mirror, "bm25")
    (entry,) = cache_entries.entries(tmp_path / "here")
    assert entry.kind == "remote" and "runs/bm25/toy" in entry.busy
    mirror.push()
    (entry,) = cache_entries.entries(tmp_path / "here")
    assert not entry.busy
    make(mirror, "bm25", 0.7)
    assert cache_entries.entries(tmp_path / "here")[0].busy
    mirror.push()
    cache_entries.remove(entry, tmp_path / "here")
    assert not place.exists() and cache_entries.entries(tmp_path / "here") == []
    mirror.pull()
    assert manifest.read(place)
