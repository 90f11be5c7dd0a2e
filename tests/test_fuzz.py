"""Spoiled files: every parser reads or refuses them by name. The long runs are `python -m fuzz.run`."""

import gzip
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutation import spoiled, strike
from fuzz.targets import TARGETS, refused
from harness import lines
from harness.datasets.sources.beir_format import read_docs
from harness.errors import BadInput
from harness.files import read_json
from harness.running.suites import read as read_suite
from harness.runs.run_files import read_run

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # zipfile's, of a member that is there twice


def place(folder: Path, parser: str) -> Path:
    path = folder / TARGETS[parser].file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("parser", TARGETS)
def test_what_the_fuzzer_starts_from_is_valid(tmp_path: Path, parser: str) -> None:
    path = place(tmp_path, parser)
    read = 0
    for seed in TARGETS[parser].seeds():
        path.write_bytes(gzip.compress(seed) if TARGETS[parser].packed else seed)
        read += not refused(TARGETS[parser], path)
    assert read >= 1


@pytest.mark.parametrize("parser", TARGETS)
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_spoiled_files_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, parser: str, seed: int) -> None:
    target, path = TARGETS[parser], place(tmp_path_factory.getbasetemp() / f"fuzz-{parser}", parser)
    path.write_bytes(spoiled(random.Random(seed), target.seeds(), target.packed))
    refused(target, path)


@pytest.mark.parametrize("parser", TARGETS)
@settings(max_examples=30)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, parser: str, data: bytes) -> None:
    path = place(tmp_path_factory.getbasetemp() / f"fuzz-{parser}", parser)
    path.write_bytes(data)
    refused(TARGETS[parser], path)


def test_the_same_seed_spoils_in_the_same_way() -> None:
    seeds = TARGETS["corpus"].seeds()
    assert [strike(random.Random(n), seeds[0]) for n in range(9)] == [
        strike(random.Random(n), seeds[0]) for n in range(9)
    ]


def test_a_line_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 20)
    for name, pack in (("corpus.jsonl", bytes), ("corpus.jsonl.gz", gzip.compress)):
        path = tmp_path / name
        path.write_bytes(pack(b'{"_id": "a", "text": "x"}\n' + b"x" * (20 << 20)))
        tracemalloc.start()
        with pytest.raises(BadInput, match=r":2: the line has more than 1 MB"):
            list(read_docs(path))
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
        tracemalloc.stop()


def test_a_run_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    path.write_bytes(b"q Q0 d 1 1 t\n" + b"x" * (9 << 20))
    with pytest.raises(BadInput, match=r":2: the line has more than 1 MB"):
        read_run(path)


@pytest.mark.parametrize(
    ("name", "read"), [("run.trec.gz", read_run), ("corpus.jsonl.gz", lambda p: list(read_docs(p)))]
)
def test_a_gzip_bomb(tmp_path: Path, name: str, read) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress((b" " * 65535 + b"\n") * 1616))
    with pytest.raises(BadInput, match="swells more than 200 times"):
        read(path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5000, "digits"),
        (b'"\\ud800"', "surrogates not allowed"),
        (b"\xff", "decode"),
        (b"", "Expecting value"),
    ],
)
def test_json_that_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(ValueError, match=said):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".".join("a" * 30_000) + " = 1", "more than 200 dots"),  # tomllib would take a minute and a half
        ("a = " + "[" * 20_000, "is not TOML"),
        ("a = " + "9" * 5000, "is not TOML"),
        ("#" * 70_000, "more than 64 kB"),
        ('datasets = ["x"]\n[[system]]\nretriever = "r"\narguments = {a = 1979-05-27}', "as JSON has them"),
        ('datasets = ["x"]\n[[system]]\nretriever = "r"\ntag = "../x"', "tag '../x': use a letter"),
    ],
)
def test_suites_that_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=said) as caught:
        read_suite(path)
    assert str(path) in str(caught.value)


def test_a_message_steers_no_terminal_and_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "test.json"
    path.write_text('{"task_name": "\\u001b[2J\\u202e' + "x" * 5000 + '", "scores": {}}')
    with pytest.raises(BadInput) as caught:
        TARGETS["mteb"].read(path)
    assert "\\x1b[2J\\u202e" in str(caught.value) and len(str(caught.value)) < 1400
