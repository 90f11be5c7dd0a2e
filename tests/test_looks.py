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


PLAIN = "\n".join(line for line in PLUGIN.splitlines() if "fingerprint" not in line and "sources" not in line) + "\n"
HERE = "import os\nfrom pathlib import Path\nHERE = Path(__file__).parent\nWAYS = {'f': list, 'b': reversed}\n"
READS = [
    pytest.param("ORDER = WAYS[(HERE / 'order.txt').read_text()]\n", "order.txt", id="beside"),
    pytest.param("ORDER = WAYS[(HERE / 'more' / 'order').read_text()]\n", "more/order", id="below"),
    pytest.param("ORDER = WAYS[open(os.path.join(HERE, 'more', 'a.json')).read()]\n", "more/a.json", id="joined"),
    pytest.param("ORDER = WAYS[open('ways/one.txt').read()]\n", "ways/one.txt", id="from the working folder"),
    pytest.param("ORDER = WAYS[next((HERE / 'model').iterdir()).read_text()]\n", "model/x", id="folder"),
]


@pytest.mark.parametrize("plugin", [PLAIN, PLUGIN], ids=["says nothing", "has a fingerprint"])
@pytest.mark.parametrize(("order", "name"), READS)
def test_a_file_that_its_code_reads(place: Place, plugin: str, order: str, name: str) -> None:
    place.write("mine.py", HERE + plugin + order)
    read = place.write(name, "f")
    assert "done t" in place.run("./mine.py:Mine")
    assert "reused t" in place.run("./mine.py:Mine")
    read.write_text("b")
    said = place.run("./mine.py:Mine")
    assert CHANGED in said and "state.reads." in said


@pytest.mark.parametrize("plugin", [PLAIN, PLUGIN], ids=["says nothing", "has a fingerprint"])
def test_a_variable_that_its_code_reads(place: Place, monkeypatch: pytest.MonkeyPatch, plugin: str) -> None:
    ask = "os.environ['MINE_KEY'] if 'MINE_KEY' in os.environ else os.getenv('OMP_NUM_THREADS')\n"
    place.write("mine.py", HERE + plugin + ask + "NAME = 'MINE_WAY'\nORDER = WAYS[os.environ.get(NAME, 'f')]\n")
    assert "done t" in place.run("./mine.py:Mine")
    monkeypatch.setenv("MINE_KEY", "secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert "reused t" in place.run("./mine.py:Mine")
    monkeypatch.setenv("MINE_WAY", "b")
    said = place.run("./mine.py:Mine")
    assert CHANGED in said and "environment" in said and "secret" not in said


def test_a_variable_that_only_its_fingerprint_tells(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("mine.py", HERE + FORWARD.replace('{"sign": ', '{"way": os.environ.get("MINE_WAY"), "sign": '))
    assert "done t" in place.run("./mine.py:Mine")
    monkeypatch.setenv("MINE_WAY", "b")
    assert CHANGED in place.run("./mine.py:Mine")


COMES = [
    pytest.param("mine.py", "try: from fast import ORDER\nexcept: ORDER = list\n", "fast.py", id="a module"),
    pytest.param("p/mine.py", "try: from .fast import ORDER\nexcept: ORDER = list\n", "p/fast.py", id="a part"),
    pytest.param("mine.py", "from late import ORDER\n", "early/late.py", id="one before it"),
    pytest.param("mine.py", "ORDER = list\nif (HERE / 'way.txt').exists(): ORDER = reversed\n", "way.txt", id="a file"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "order", "comes"), COMES)
def test_what_comes_to_be_read(place: Place, name: str, order: str, comes: str) -> None:
    (place.folder / "early").mkdir()
    place.write("last/late.py", "ORDER = list\n")
    place.write(name, HERE + PLAIN + order)
    spec = "p.mine:Mine" if name.startswith("p/") else f"./{name}:Mine"
    assert "done t" in place.run(spec, path="early last .")
    assert "reused t" in place.run(spec, path="early last .")
    place.write(comes, "ORDER = reversed\n")
    assert CHANGED in place.run(spec, path="early last .")


@pytest.mark.parametrize("way", ["importlib.import_module('helper')", "__import__('helper')", "by_path('helper.py')"])
def test_a_module_that_is_imported_by_its_name(place: Place, way: str) -> None:
    by_path = "import importlib, runpy\nby_path = lambda name: type('M', (), runpy.run_path(HERE / name))\n"
    place.write("mine.py", HERE + by_path + PLAIN + f"ORDER = {way}.ORDER\n")
    helper = place.write("helper.py", "ORDER = list\n")
    assert "done t" in place.run("./mine.py:Mine")
    assert "reused t" in place.run("./mine.py:Mine")
    helper.write_text("ORDER = reversed\n")
    assert CHANGED in place.run("./mine.py:Mine")


def test_files_in_a_list_of_an_argument(place: Place) -> None:
    place.write("mine.py", HERE + PLAIN.replace('folder: str = ""', "files: list = [], folder=''") + "ORDER = list\n")
    named = place.write("one.txt", "f")
    words = ("./mine.py:Mine", "--set", 'files=["none.txt", "one.txt"]')
    assert "done t" in place.run(*words)
    assert "reused t" in place.run(*words)
    named.write_text("b")
    assert CHANGED in place.run(*words)


def test_what_is_written_is_not_read(place: Place) -> None:
    writes = """
import time, sqlite3, logging
import numpy as np
open(HERE / 'log.txt', 'a').write('x')
OUT = HERE / "last.txt"
OUT.write_text(str(time.time()))
np.save(HERE / "kept.npy", np.array([time.time()]))
sqlite3.connect(HERE / "kept.db").execute(f"create table t{time.time_ns()} (a)")
logging.basicConfig(filename="mine.log")
logging.warning("%s", time.time())
(HERE / "made").mkdir(exist_ok=True)
(HERE / "made" / str(time.time_ns())).write_text("x")
open("/proc/uptime").read()
os.environ.get("SHLVL")
if __name__ == '__main__':
    (HERE / 'own.txt').read_text()
"""
    place.write("mine.py", HERE + FORWARD + writes)
    for expected in ("done t", "reused t", "reused t"):
        place.write("own.txt", expected * 2)
        assert expected in place.run("./mine.py:Mine")
        (place.folder / "cache" / "looks").rename(place.folder / f"looks{len(list(place.folder.iterdir()))}")
