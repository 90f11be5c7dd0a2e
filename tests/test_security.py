"""Attacks by what others send: archives, names, checkpoints, results folders, temporary files."""

import json
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import hostile_files
import toy
from harness import datasets, files, plugins, results
from harness.datasets.sources.archives import unpack
from harness.errors import BadInput, HarnessError
from harness.plugins import trust
from harness.results import tags
from harness.running import suites
from harness.running.foreign import score_file
from retrievers.encoders import checkpoint, sentence_modules

RUN = "q1 Q0 d2 1 2 t\nq2 Q0 d3 1 1 t\n"


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


# --- names


@pytest.mark.parametrize("tag", ["../x", "/x", "a/b", "..", ".x", "-x", "a b", "a\nb", "a\x1b[31m", "", "x" * 81, "é"])
def test_a_tag_cannot_leave_the_results_folder(tmp_path: Path, tag: str) -> None:
    with pytest.raises(HarnessError, match="use a letter or digit"):
        tags.check(tag)
    with pytest.raises(BadInput, match="use a letter or digit"):
        path = tmp_path / "suite.toml"
        path.write_text(f'datasets = ["scifact"]\n[[system]]\nretriever = "bm25"\ntag = {json.dumps(tag)}\n')
        suites.read(path)


@pytest.mark.parametrize("name", [".hidden", "new\nline", "red\x1b[31m", "n" * 201])
def test_a_dataset_folder_of_such_a_name_is_refused(tmp_path: Path, name: str) -> None:
    toy.write(tmp_path / name)
    with pytest.raises(HarnessError, match="cannot name a dataset"):
        datasets.load(str(tmp_path / name))


@pytest.mark.parametrize("name", ["..", "../..", "/", "x@..", "x@../../y", "../x@test", "~root", "\x00", "a\x00b"])
def test_a_dataset_name_leads_nowhere(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data" / "inner")
    before = everything(tmp_path)
    with pytest.raises((HarnessError, ValueError)):
        datasets.load(name, [tmp_path / "data"], tmp_path / "cache", download=False)
    assert everything(tmp_path) == before


def test_ids_are_no_paths(tmp_path: Path) -> None:
    folder = toy.write(tmp_path / "data" / "toy")
    for file in folder.rglob("*.*"):
        file.write_text(file.read_text().replace("d2", "../../d2").replace("q1", "/etc/q1"))
    (tmp_path / "run.trec").write_text(RUN.replace("d2", "../../d2").replace("q1", "/etc/q1"))
    before = everything(tmp_path)
    score_file(tmp_path / "run.trec", datasets.load(str(folder)), "mine", 10, tmp_path / "results")
    new = everything(tmp_path) - before
    assert all(name.split("/")[0] == "results" for name in new) and "results/runs/mine/toy/manifest.json" in new


def test_a_suite_writes_below_the_results_folder_only(tmp_path: Path) -> None:
    toy.write(tmp_path / "elsewhere" / "toy")
    (tmp_path / "work").mkdir()
    suite = tmp_path / "work" / "suite.toml"
    suite.write_text(
        'datasets = ["../elsewhere/toy"]\n[[system]]\nretriever = "bm25"\narguments = { index = "../../x" }\n'
    )
    before = everything(tmp_path)
    words = [sys.executable, "-m", "harness", "run", "--suite", "suite.toml"]
    environment = os.environ | {"BEIR_HARNESS_CACHE": str(tmp_path / "cache")}
    ran = subprocess.run(words, cwd=suite.parent, capture_output=True, text=True, env=environment)
    assert ran.returncode != 0 and "unknown argument" in ran.stdout + ran.stderr
    assert all(name.split("/")[0] in ("cache", "work") for name in everything(tmp_path) - before)


@pytest.mark.parametrize("what", ["tag", "dataset"])
@pytest.mark.parametrize(
    "name", ["../../x", "/etc", "a/../../x", "..", "a b; reboot", "x\x1b[31m", "a\nmove it to /", "", "-rf"]
)
def test_a_manifest_does_not_decide_where_it_belongs(tmp_path: Path, what: str, name: str) -> None:
    path = hostile_files.manifest(tmp_path, **{what: name})
    with pytest.raises(BadInput, match="these are no names of a result, so remove it") as caught:
        results.read(tmp_path, strict=True)
    assert path.is_file() and "move it to runs" not in str(caught.value) and "\x1b" not in str(caught.value)


def test_a_result_in_the_wrong_folder_is_sent_to_its_own(tmp_path: Path) -> None:
    hostile_files.manifest(tmp_path, tag="bm25-k1=0.9", dataset="cqadupstack-gis")
    with pytest.raises(BadInput, match=r"; move it to runs/bm25-k1=0\.9/cqadupstack-gis$"):
        results.read(tmp_path, strict=True)


# --- archives


@pytest.mark.parametrize("name", ["link/x.txt", "link"])
def test_no_member_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    archive = hostile_files.zip_with_link(tmp_path / "a.zip", "link", str(tmp_path / "out"), name)
    with pytest.raises(BadInput, match="is a link or a device"):
        unpack(archive, tmp_path / "in", lambda member: True)
    assert everything(tmp_path) == {"in", "a.zip"}


def test_more_than_the_dataset_can_have_is_not_unpacked(tmp_path: Path) -> None:
    archive = hostile_files.zip_of(tmp_path / "a.zip", {"a.txt": os.urandom(2000)})
    with pytest.raises(BadInput, match="would swell to 2,000 bytes, more than the 1,000 that its dataset can have"):
        unpack(archive, tmp_path, lambda member: True, most=1000)


def test_a_tar_is_no_archive_here(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.zip", "w") as tar:
        tar.add(__file__, "../x.py")
    with pytest.raises(BadInput, match="not a sound zip file"):
        unpack(tmp_path / "a.zip", tmp_path, lambda member: True)


# --- code


class Attack:
    """What a malicious pickle holds: unpickled, it runs a command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.mark}",)


def test_a_pickle_among_the_weights_does_not_run(tmp_path: Path) -> None:
    mark, folder = tmp_path / "pwned", tmp_path / "model"
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Attack(mark)}))
    with pytest.raises((pickle.UnpicklingError, RuntimeError, ValueError)):
        checkpoint.tensors(folder)
    assert not mark.exists()
    with pytest.raises(Exception):  # noqa: B017 - whatever transformers says
        plugins.make("retromae", {"checkpoint": str(hostile_files.bert_folder(folder))})
    assert not mark.exists()


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    import numpy as np

    from retrievers.search import vector_store

    mark = tmp_path / "pwned"
    np.save(tmp_path / "00000.vectors.npy", np.array([Attack(mark)], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"allow_pickle|Python objects"):
        vector_store.field(tmp_path, 0, "vectors")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ([{"path": "", "type": "modeling.Evil"}], "no part of sentence-transformers: look at its code"),
        ([{"path": "../../secret", "type": "sentence_transformers.models.Transformer"}], "leads out of the folder"),
        ([{"path": 1, "type": "sentence_transformers.models.Transformer"}], "no list of modules"),
        ([], "no list of modules"),
        ("x", "no list of modules"),
    ],
)
def test_code_beside_a_model_runs_only_when_asked(tmp_path: Path, modules: object, said: str) -> None:
    mark = tmp_path / "pwned"
    (tmp_path / "modeling.py").write_text(f"import os\nos.mknod({str(mark)!r})\nclass Evil:\n    load = None\n")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(HarnessError, match=said):
        plugins.make("sentence-transformer", {"model": str(tmp_path)})
    assert not mark.exists()


def test_when_it_is_asked_the_list_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text('[{"path": "", "type": "modeling.Mine"}]')
    assert sentence_modules.folders(tmp_path, trust_remote_code=True) == [tmp_path]


def test_a_file_is_said_to_be_code_once_for_each_version(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "mine.py"
    source = "class Mine:\n    def index(self): ...\n    def load(self): ...\n    def search(self): ...\n"
    told = []
    for text in (source, source, source + "# edited\n", source):
        path.write_text(text)
        sys.modules.pop(plugins.find(f"{path}:Mine").__module__)  # as a new process would
        told.append(capsys.readouterr().err)
    assert [f"{path} is code and runs with your rights" in line for line in told] == [True, False, True, False]


def test_a_cache_that_cannot_be_written_says_it_again(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        trust.tell(tmp_path / "mine.py", "0" * 64)
    assert capsys.readouterr().err.count("runs with your rights") == 2


# --- temporary files


def test_nobody_makes_us_write_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f".value.json.{os.uname().nodename}.{os.getpid()}.tmp").symlink_to(victim)
    files.write_json(tmp_path / "value.json", {"a": 1})
    assert victim.read_text() == "mine" and not (tmp_path / "value.json").is_symlink()


def test_no_shell_and_no_name_in_tmp_of_our_own_making() -> None:
    root = Path(files.__file__).parents[1]
    for path in [*root.glob("harness/**/*.py"), *root.glob("retrievers/**/*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in ("shell=True", "os.system(", "os.popen(", "mktemp(", '"/tmp')), path


def test_a_record_of_an_index_removes_nothing_outside_it(tmp_path):
    from harness.running import indexes

    class InPieces:
        index_part = None

    (tmp_path / "place" / "index").mkdir(parents=True)
    (tmp_path / "place" / "complete.json").write_text("{}")
    victims = [tmp_path / "victim", tmp_path / "place" / "begun"]
    own = tmp_path / "place" / "index" / "0001.bin"
    for path in (*victims, own):
        path.write_text("mine")
    (tmp_path / "place" / "index" / "link").symlink_to(victims[0])
    wrong = dict.fromkeys(["../../victim", str(victims[0]), "../begun", "link", "0001.bin"], "other bytes")
    indexes._clear(tmp_path / "place", wrong, InPieces())
    assert all(path.read_text() == "mine" for path in victims) and not own.exists()
