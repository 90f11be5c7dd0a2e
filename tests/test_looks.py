"""A finished pair is told without its code only while that code and what it rests on are what they were."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import toy
from harness.running import watch

PLUGIN = """
from pathlib import Path
class Mine:
    def __init__(self, folder: str = ""): self.folder = folder
    def fingerprint(self): return {"sign": (Path(self.folder) / "part/weights").read_text() if self.folder else ""}
    def sources(self): return [Path(self.folder)] if self.folder else []
    def index(self, docs, folder): (folder / "ids").write_text(" ".join(doc.doc_id for doc in docs))
    def load(self, folder): self.ids = (folder / "ids").read_text().split()
    def search(self, queries, k):
        for query in queries:
            for rank, doc_id in enumerate(ORDER(self.ids)):
                yield query.query_id, doc_id, -float(rank)
"""
FORWARD, BACKWARD = PLUGIN + "ORDER = list\n", PLUGIN + "ORDER = reversed\n"
CHANGED = "holds a result that was made differently"


class Place:
    """A folder to work in, with a collection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        toy.write(folder / "data" / "one")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, spec: str, *more: str, path: str = "") -> str:
        """What `run` says of the retriever, with these folders on Python's path."""
        time.sleep(2 * watch.TICK_NS / 1e9)  # what was just written is not relied upon
        words = ["run", spec, "--tag", "t", "--dataset", "data/one", "--results", "results", *more]
        places = os.pathsep.join(str(self.folder / one) for one in path.split() or ["."])
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join([places, str(Path(__file__).parents[1])]),
            "BEIR_HARNESS_CACHE": str(self.folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        program = [sys.executable, "-c", "from harness.cli import main; import sys; sys.exit(main(sys.argv[1:]))"]
        done = subprocess.run(
            [*program, *words], capture_output=True, text=True, cwd=self.folder, env=environment, check=False
        )
        return done.stdout + done.stderr


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_same_words_on_another_path(place: Place) -> None:
    place.write("a/mine.py", FORWARD)
    place.write("b/mine.py", BACKWARD)
    assert "done t" in place.run("mine:Mine", path="a")
    assert "reused t" in place.run("mine:Mine", path="a")
    assert CHANGED in place.run("mine:Mine", path="b")


def test_a_module_that_comes_before_it(place: Place) -> None:
    (place.folder / "b").mkdir()
    place.write("a/mine/__init__.py", "")
    place.write("a/mine/r.py", FORWARD)
    assert "done t" in place.run("mine.r:Mine", path="b a")
    assert "reused t" in place.run("mine.r:Mine", path="b a")
    place.write("b/mine/__init__.py", "")
    place.write("b/mine/r.py", BACKWARD)
    assert CHANGED in place.run("mine.r:Mine", path="b a")


def test_a_link_that_leads_elsewhere(place: Place) -> None:
    place.write("forward.py", FORWARD)
    place.write("backward.py", BACKWARD)
    link = place.folder / "mine.py"
    link.symlink_to("forward.py")
    assert "done t" in place.run("./mine.py:Mine")
    assert "reused t" in place.run("./mine.py:Mine")
    link.unlink()
    link.symlink_to("backward.py")
    assert CHANGED in place.run("./mine.py:Mine")


def test_a_file_beside_it_in_its_package(place: Place) -> None:
    """Also an index is made anew: it may depend on that file."""
    place.write("mine/__init__.py", "")
    place.write("mine/r.py", "from .order import ORDER" + PLUGIN)
    order = place.write("mine/order.py", "ORDER = list")
    assert "done t" in place.run("mine.r:Mine")
    assert "reused t" in place.run("mine.r:Mine")
    order.write_text("ORDER = reversed")
    assert CHANGED in place.run("mine.r:Mine")
    assert "done t" in place.run("mine.r:Mine", "--overwrite")
    assert len(list((place.folder / "cache" / "indexes").iterdir())) == 2


def test_a_file_behind_a_link_in_a_folder_of_its_sources(place: Place) -> None:
    place.write("mine.py", FORWARD)
    weights = place.write("elsewhere/weights", "one")
    (place.folder / "model").mkdir()
    (place.folder / "model" / "part").symlink_to("../elsewhere")
    (place.folder / "model" / "circle").symlink_to(".")
    words = ("./mine.py:Mine", "--set", "folder=model")
    assert "done t" in place.run(*words)
    assert "reused t" in place.run(*words)
    before = weights.stat()
    weights.write_text("two")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert CHANGED in place.run(*words)


def test_judgments_of_the_same_size_and_time(place: Place) -> None:
    place.write("mine.py", FORWARD)
    judged = place.folder / "data/one/qrels/test.tsv"
    assert "done t" in place.run("./mine.py:Mine")
    before = judged.stat()
    judged.write_text(judged.read_text().replace("d3\t1", "d3\t0"))
    os.utime(judged, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert CHANGED in place.run("./mine.py:Mine")


def test_other_words_for_the_same(place: Place) -> None:
    place.write("mine.py", FORWARD.replace("Mine:", "Mine:\n    runtime = frozenset({'depth'})").replace(
        "folder: str = \"\"):", "folder: str = '', depth: int = 3, b: float = 1):"))  # fmt: skip
    assert "done t" in place.run("./mine.py:Mine", "--set", "depth=3", "--set", "b=1")
    for words in (["--set", "b=1.0", "--set", "depth=3"], ["--set", "depth=4"], []):
        assert "reused t" in place.run("./mine.py:Mine", *words), words
    assert CHANGED in place.run("./mine.py:Mine", "--set", "b=2")
    assert "takes a whole number" in place.run("./mine.py:Mine", "--set", 'depth="3"')


def test_a_kept_look_of_another_version_or_a_damaged_one(place: Place) -> None:
    place.write("mine.py", FORWARD)
    assert "done t" in place.run("./mine.py:Mine")
    kept = list((place.folder / "cache" / "looks").iterdir())
    for text in ("", "{}", "[]", kept[0].read_text().replace('"identity"', '"who"'), "\0" * 99):
        for path in kept:
            path.write_text(text)
        assert "reused t" in place.run("./mine.py:Mine"), text
