"""The conformance suite: a retriever that keeps every law passes, one that breaks a single law fails that check."""

import pytest

from broken_pieces import InPieces
from broken_retrievers import DoesNotIndex, FailsWithoutQueries, NeedsAnArgument
from harness import plugins
from harness.conformance import CHECKS, Broken, check
from harness.conformance.law import difference
from lawful import BROKEN, Overlap

OPTIONAL = ("parts_change_nothing", "missing_files_are_made_again")


def test_a_retriever_that_keeps_every_law_passes_every_check(tmp_path):
    outcomes = check(InPieces, tmp_path)
    assert [(outcome.name, outcome.status, outcome.message) for outcome in outcomes] == [
        (law.__name__, "pass", "") for law in CHECKS
    ]
    assert all(outcome.law for outcome in outcomes)


def test_laws_of_pieces_are_skipped_where_there_are_none(tmp_path):
    outcomes = {outcome.name: (outcome.status, outcome.message) for outcome in check(Overlap, tmp_path)}
    assert {name: outcomes.pop(name) for name in OPTIONAL} == dict.fromkeys(
        OPTIONAL, ("skip", "index_part is not offered, so an index is always made in one go")
    )
    assert set(outcomes.values()) == {("pass", "")}


def _maker(cls):
    return (lambda: cls(1.0)) if cls is NeedsAnArgument else cls


CASES = [(law, cls) for law, classes in BROKEN.items() for cls in classes]


@pytest.mark.parametrize(("law", "cls"), CASES, ids=[cls.__name__ for _, cls in CASES])
def test_a_broken_law_fails_its_own_check_alone(law, cls, tmp_path):
    checks = [found for found in CHECKS if found.__name__ != "import_does_nothing"]  # has a table of its own below
    failed = [outcome for outcome in check(_maker(cls), tmp_path, checks) if outcome.status == "fail"]
    assert [outcome.name for outcome in failed] == [law], failed
    assert failed[0].message and failed[0].cure


def test_every_law_has_a_retriever_that_breaks_it():
    assert BROKEN.keys() | {"import_does_nothing"} == {law.__name__ for law in CHECKS}


IMPORTS = [
    ("print('hello')", "printed 'hello'"),
    ("import sys; sys.stderr.write('hm')", "printed 'hm'"),
    ("open('log.txt', 'w')", "wrote log.txt"),
    ("import pathlib; (pathlib.Path.home() / 'cache').mkdir()", "wrote cache"),
    ("import os; os.environ['TOKENIZERS_PARALLELISM'] = 'false'", "changed environment variables"),
    ("import os; os.chdir('/')", "changed the working folder"),
    ("import logging; logging.basicConfig()", "changed handlers or level of logging"),
    ("import sys; sys.path.append('/x')", "changed sys.path"),
    ("import threading, time; threading.Thread(target=time.sleep, args=(.5,)).start()", "changed threads"),
]


@pytest.mark.parametrize(("line", "message"), IMPORTS)
def test_import_does_nothing(line, message, tmp_path, monkeypatch):
    here, law = tmp_path / "here", CHECKS[1]
    here.mkdir()
    source = "class Mine:\n  def index(self, docs, folder): ...\n  load = search = index\n"
    guard = "import sys\nif len(sys.argv) == 4 and sys.argv[2] == 'file':\n  "  # only in the new interpreter
    for name, text in {"good": source, "bad": f"{source}{guard}{line}\n"}.items():
        (here / f"{name}.py").write_text(text)
        (tmp_path / name).mkdir()
    law(plugins.find(f"{here}/good.py:Mine"), tmp_path / "good")
    with pytest.raises(Broken, match=message):
        law(plugins.find(f"{here}/bad.py:Mine"), tmp_path / "bad")


def test_where_nothing_works_the_rest_is_skipped(tmp_path):
    first, *rest = check(DoesNotIndex, tmp_path)
    assert (first.name, first.status) == ("works", "fail")
    assert {(outcome.status, outcome.message) for outcome in rest} == {("skip", "works comes first")}


def test_what_the_retriever_raises_is_reported_with_its_place(tmp_path):
    failed = check(FailsWithoutQueries, tmp_path, [law for law in CHECKS if law.__name__ == "no_queries"])
    assert failed[0].message.startswith("IndexError (broken_retrievers.py:")


def test_two_runs_differ_only_beyond_a_tie_at_the_cut():
    first = {"q": {"a": 2.0, "b": 1.0}}
    assert difference(first, {"q": {"a": 2.0, "c": 1.0}}) == ""
    assert "has now document 'c'" in difference(first, {"q": {"c": 2.0, "a": 2.0}})
    assert "scores 1.1 instead of 1.0" in difference(first, {"q": {"a": 2.0, "b": 1.1}})
    assert "1 documents instead of 2" in difference(first, {"q": {"a": 2.0}})
    assert "0 documents instead of 2" in difference(first, {})
