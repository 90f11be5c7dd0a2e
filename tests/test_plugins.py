"""Retrievers by name, file and module: what is found, what is refused and with which cure, who they are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness import plugins
from harness.errors import BadInput, HarnessError

RETRIEVER = """
class Mine:
    runtime = frozenset({"threads"})
    def __init__(self, k1: float = 0.9, threads: int = 2):
        if k1 < 0:
            raise ValueError("k1 must not be negative")
        self.k1 = k1
    def index(self, docs, folder): ...
    def load(self, folder): ...
    def search(self, queries, k): return iter(())
"""
ENCODER = """
class Encoder:
    def encode_queries(self, texts): ...
    def encode_docs(self, texts): ...
"""
ADAPTER = """
def from_other(cls): return None
def from_encoder(cls):
    if not hasattr(cls, "encode_docs"):
        return None
    if hasattr(cls, "crooked"):
        raise TypeError("takes *arguments: name them")
    return type(f"Dense{cls.__name__}", (), dict(index=print, load=print, search=print))
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions: `site(name, version, group, {entry: value}, {file: source})` adds one."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(name: str, version: str, group: str, points: dict[str, str], files: dict[str, str]) -> None:
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()))
        for file, source in files.items():
            (tmp_path / file).write_text(source)

    yield install
    for module in [name for name, found in sys.modules.items() if str(tmp_path) in str(getattr(found, "__file__", ""))]:
        del sys.modules[module]


def test_an_entry_point_is_listed_without_import_and_found_by_name(site):
    site("shout", "2.5", "beir_harness.retrievers", {"shout": "shout_plugin:Mine"}, {"shout_plugin.py": RETRIEVER})
    assert plugins.names()["shout"] == "shout_plugin:Mine"
    assert "shout_plugin" not in sys.modules
    cls = plugins.find("shout")
    assert plugins.describe(cls).identity == {
        "name": "shout", "class": "shout_plugin:Mine", "distribution": "shout", "version": "2.5"
    }  # fmt: skip
    assert plugins.find("shout_plugin:Mine") is cls


def test_listing_names_imports_no_plugin():
    code = "import sys; from harness import plugins; plugins.names(); print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "bm25" in plugins.names()
    assert not loaded & {"retrievers", "numpy", "torch", "pyserini", "ranx", "pandas"}


def test_a_file_is_found_named_and_known_by_its_bytes(tmp_path, monkeypatch):
    file = tmp_path / "mine.py"
    file.write_text(RETRIEVER)
    path_before = list(sys.path)
    first = plugins.find(f"{file}:Mine")
    assert plugins.describe(first).identity["name"] == "mine"
    assert plugins.describe(first).identity["class"] == "mine.py:Mine"
    assert plugins.find(f"{file}:Mine") is first
    monkeypatch.chdir(tmp_path)
    assert plugins.find("./mine.py:Mine") is first is plugins.find("mine.py:Mine")
    assert sys.path == path_before and not (tmp_path / "__pycache__").exists()

    file.write_text(RETRIEVER.replace("k1 < 0", "k1 < 1"))  # same size, same second
    second = plugins.find("./mine.py:Mine")
    assert second is not first
    hashes = {plugins.describe(cls).identity["source_sha256"] for cls in (first, second)}
    assert len(hashes) == 2 and all(len(found) == 64 for found in hashes)


def test_the_name_says_the_class_where_the_file_does_not(tmp_path):
    (tmp_path / "lab.py").write_text(RETRIEVER)
    assert plugins.describe(plugins.find(f"{tmp_path}/lab.py:Mine")).identity["name"] == "lab-Mine"


def test_a_module_outside_any_distribution_is_known_by_its_source(site, tmp_path):
    (tmp_path / "loose.py").write_text(RETRIEVER)
    found = plugins.describe(plugins.find("loose:Mine")).identity
    assert found["distribution"] is None and len(found["source_sha256"]) == 64


def test_an_editable_package_is_known_by_its_code_too(site, tmp_path):
    """Its version says nothing of what was edited since."""
    files = {"edited_plugin.py": "import edited_part\n" + RETRIEVER, "edited_part.py": "ONE = 1"}
    site("edited", "1", "beir_harness.retrievers", {"edited": "edited_plugin:Mine"}, files)
    assert "source_sha256" not in plugins.describe(plugins.find("edited")).identity
    about = '{"url": "file:///there", "dir_info": {"editable": true}}'
    (tmp_path / "edited-1.dist-info" / "direct_url.json").write_text(about)
    found = []
    for text in ("ONE = 1", "ONE = 2"):
        (tmp_path / "edited_part.py").write_text(text)
        for name in ("edited_plugin", "edited_part"):
            sys.modules.pop(name, None)
        found.append(plugins.describe(plugins.find("edited")).identity)
    assert found[0]["version"] == "1" and found[0]["source_sha256"] != found[1]["source_sha256"]


FAULTS = [
    ("text", "spec", "message"),
    ("", "bm52", r"unknown retriever 'bm52'; did you mean 'bm25'\?"),
    ("", "mine.py", r"name its class too: mine.py:Mine"),
    ("", "./none.py:Mine", r"cannot read .*none.py: No such file"),
    ("", "no_such_module:Mine", r"there is no module 'no_such_module'; .*\./no_such_module.py:Mine"),
    ("", "./mine.py:Mine", r"unknown class of ./mine.py 'Mine'"),
    ("class Mind: ...", "./mine.py:Mine", r"did you mean 'Mind'"),
    ("def Mine(): ...", "./mine.py:Mine", r"is no class"),
    ("class Mine:\n  def load(self, f): ...", "./mine.py:Mine", r"no retriever: it has no index and no search"),
    ("import faiss_not_here", "./mine.py:Mine", r"needs the package 'faiss_not_here'.*pip install faiss_not_here"),
    ("raise ModuleNotFoundError('x', name='sklearn')", "./mine.py:Mine", r"pip install scikit-learn"),
    ("raise ImportError('needs Java 21')", "./mine.py:Mine", r"cannot be imported: needs Java 21"),
    ("import numpy.not_a_part", "./mine.py:Mine", r"another version of numpy"),
    ("import beside", "./mine.py:Mine", r"imports beside, the file beside it, but a file is read alone"),
    ("x = 1\nclass (", "./mine.py:Mine", r"mine.py:2: is not Python"),
]


@pytest.mark.parametrize(FAULTS[0], FAULTS[1:])
def test_what_cannot_be_found_says_why_and_the_cure(text, spec, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(text)
    (tmp_path / "beside.py").write_text("")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    with pytest.raises(HarnessError, match=message):
        plugins.find(spec)


def test_a_syntax_error_names_file_and_line(tmp_path):
    (tmp_path / "mine.py").write_text("x = 1\nclass (")
    with pytest.raises(BadInput) as caught:
        plugins.find(f"{tmp_path}/mine.py:Mine")
    assert (caught.value.path, caught.value.line) == (tmp_path / "mine.py", 2)


def test_what_failed_is_tried_again(site, tmp_path):
    (tmp_path / "mine.py").write_text("import comes_later" + RETRIEVER)
    with pytest.raises(HarnessError, match="comes_later"):
        plugins.find(f"{tmp_path}/mine.py:Mine")
    (tmp_path / "comes_later.py").write_text("")
    assert plugins.find(f"{tmp_path}/mine.py:Mine")


@pytest.mark.parametrize("source", ["import harness.no_such_part", "1 / 0"])
def test_a_bug_keeps_its_traceback(source, tmp_path):
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises((ModuleNotFoundError, ZeroDivisionError)):
        plugins.find(f"{tmp_path}/mine.py:Mine")


def test_a_distribution_without_its_module_is_not_whole(site):
    site("hollow", "1", "beir_harness.retrievers", {"hollow": "hollow_plugin:Mine"}, {})
    with pytest.raises(HarnessError, match="no module 'hollow_plugin'; hollow is not whole: install it again"):
        plugins.find("hollow")


def test_one_name_offered_twice_is_refused(site):
    site("one", "1", "beir_harness.retrievers", {"same": "one_plugin:Mine"}, {"one_plugin.py": RETRIEVER})
    site("two", "1", "beir_harness.retrievers", {"same": "two_plugin:Mine"}, {"two_plugin.py": RETRIEVER})
    with pytest.raises(HarnessError, match=r"offered by one \(one_plugin:Mine\) and two \(two_plugin:Mine\)"):
        plugins.find("same")
    assert plugins.find("two_plugin:Mine").__name__ == "Mine"


def test_adapters_are_tried_in_order_until_one_knows_the_class(site, tmp_path):
    points = {"a-other": "adapt_dense:from_other", "b-encoder": "adapt_dense:from_encoder"}
    site("dense", "3.1", "beir_harness.adapters", points, {"adapt_dense.py": ADAPTER})
    (tmp_path / "tiny.py").write_text(ENCODER + "class Neither: ...\nclass Crooked(Encoder): crooked = 1")
    cls = plugins.find(f"{tmp_path}/tiny.py:Encoder")
    assert cls.__name__ == "DenseEncoder" and plugins.find(f"{tmp_path}/tiny.py:Encoder") is cls
    found = plugins.describe(cls).identity
    assert (found["name"], found["class"]) == ("tiny-Encoder", "tiny.py:Encoder")
    assert found["adapter"] == {"function": "adapt_dense:from_encoder", "distribution": "dense", "version": "3.1"}
    assert len(found["source_sha256"]) == 64
    with pytest.raises(HarnessError, match="Neither is no retriever: it has no index and no load and no search"):
        plugins.find(f"{tmp_path}/tiny.py:Neither")
    with pytest.raises(HarnessError, match="Crooked: takes"):
        plugins.find(f"{tmp_path}/tiny.py:Crooked")


def test_make_checks_then_constructs_and_reports_what_the_plugin_says(tmp_path):
    (tmp_path / "mine.py").write_text(RETRIEVER)
    spec = f"{tmp_path}/mine.py:Mine"
    made = plugins.make(spec, {"k1": 1})
    assert type(made.k1) is float
    assert plugins.describe(type(made)).defaults == {"k1": 0.9, "threads": 2}
    assert plugins.describe(type(made)).runtime == {"threads"}
    with pytest.raises(HarnessError, match="did you mean 'threads'"):
        plugins.make(spec, {"thread": 1})
    with pytest.raises(HarnessError, match="mine: k1 must not be negative"):
        plugins.make(spec, {"k1": -1.0})


def test_every_identity_is_json(tmp_path):
    (tmp_path / "mine.py").write_text(RETRIEVER)
    found = plugins.describe(plugins.find(f"{tmp_path}/mine.py:Mine")).identity
    assert json.loads(json.dumps(found)) == found
    assert str(Path(tmp_path)) not in json.dumps(found)  # where a file lies is not who it is
