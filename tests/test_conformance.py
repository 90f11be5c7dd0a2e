"""The conformance suite: a retriever that keeps every law passes, one that breaks a single law fails that check."""

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest

from harness import plugins
from harness.conformance import CHECKS, Broken, check
from harness.conformance.collection import ODD_DOCS
from harness.conformance.law import difference
from harness.records import ScoredDoc


class Overlap:
    """Counts the words that query and document share, and a bit for those near the start; keeps every law."""

    runtime = frozenset({"threads"})

    def __init__(self, weight: float = 1.0, threads: int = 1):
        self.weight = weight

    def index(self, docs, folder: Path):
        with open(folder / "docs.jsonl", "w", encoding="utf-8") as file:
            for doc in docs:
                file.write(json.dumps([doc.doc_id, doc.default_text().lower().split()[:300]]) + "\n")

    def load(self, folder: Path):
        lines = (folder / "docs.jsonl").read_text(encoding="utf-8").splitlines()
        self.docs = [json.loads(line) for line in lines]

    def search(self, queries, k: int):
        for query in queries:
            words = set(query.text.lower().split())
            scored = [(self.weight * len(words & set(text)) / (1 + len(text)), doc_id) for doc_id, text in self.docs]
            for score, doc_id in sorted(scored, reverse=True)[:k]:
                if score > 0:
                    yield ScoredDoc(query.query_id, doc_id, score)


BROKEN = {}  # name of the check -> classes that break this law and no other


def breaks(law):
    def note(cls):
        BROKEN.setdefault(law, []).append(cls)
        return cls

    return note


@breaks("works")
class DoesNotIndex(Overlap):
    def index(self, docs, folder): ...


@breaks("works")
class FindsNothing(Overlap):
    def search(self, queries, k):
        return iter(())


@breaks("works")
class YieldsIds(Overlap):
    def search(self, queries, k):
        return (hit.doc_id for hit in super().search(queries, k))


@breaks("streams_are_read_once")
class ReadsTwice(Overlap):
    def index(self, docs, folder):
        sum(1 for _ in docs)
        super().index(docs, folder)


@breaks("streams_are_read_once")
class CountsQueries(Overlap):
    def search(self, queries, k):
        return super().search(queries[: len(queries)], k) if isinstance(queries, list | tuple) else iter(())


@breaks("fresh_instance_loads")
class KeepsItOnSelf(Overlap):
    def index(self, docs, folder):
        docs = list(docs)
        super().index(docs, folder)
        super().load(folder)

    def load(self, folder):
        self.docs = getattr(self, "docs", [])


@breaks("fresh_instance_loads")
class RemembersThePath(Overlap):
    def index(self, docs, folder):
        super().index(docs, folder)
        (folder / "where").write_text(str(folder.resolve()))

    def load(self, folder):
        super().load(Path((folder / "where").read_text()))


@breaks("interrupted_index_is_finished")
class Appends(Overlap):
    def index(self, docs, folder):
        with open(folder / "docs.jsonl", "a", encoding="utf-8") as file:
            for doc in docs:
                file.write(json.dumps([doc.doc_id, doc.default_text().lower().split()[:300]]) + "\n")


@breaks("interrupted_index_is_finished")
class Swallows(Overlap):
    def index(self, docs, folder):
        def calm():
            try:
                yield from docs
            except ConnectionError:
                return

        super().index(calm(), folder)


@breaks("interrupted_index_is_finished")
class TakesAHalfForAWhole(Overlap):
    def index(self, docs, folder):
        if (folder / "docs.jsonl").exists():
            for _ in docs:
                pass
        else:
            super().index(docs, folder)


@breaks("index_stays_in_its_folder")
class WritesWhereItStands(Overlap):
    def index(self, docs, folder):
        super().index(docs, folder)
        if Path.cwd().name == "elsewhere":  # the test's own folder stays clean
            Path("log.txt").write_text("done")


@breaks("index_stays_in_its_folder")
class WritesBeside(Overlap):
    def index(self, docs, folder):
        super().index(docs, folder)
        (folder.parent / f"{folder.name}.done").write_text("")


@breaks("inputs_are_not_changed")
class EmptiesDocs(Overlap):
    def index(self, docs, folder):
        super().index(docs, folder)
        if isinstance(docs, list):
            docs.clear()


@breaks("inputs_are_not_changed")
class SortsQueries(Overlap):
    def search(self, queries, k):
        yield from super().search(list(queries), k)
        if isinstance(queries, list):
            queries.sort()


@breaks("one_query")
class SqueezesOne(Overlap):
    def search(self, queries, k):
        queries = list(queries)
        found = super().search(queries, k)
        return iter(()) if len(queries) == 1 and k == 5 else found


@breaks("no_queries")
class FailsWithoutQueries(Overlap):
    def search(self, queries, k):
        queries = list(queries)
        yield from super().search([queries[0], *queries[1:]], k)


@breaks("k_beyond_the_collection")
class NeedsSmallK(Overlap):
    def search(self, queries, k):
        if k > 1000:
            raise IndexError("kth out of bounds")
        return super().search(queries, k)


@breaks("at_most_k")
class OneMore(Overlap):
    def search(self, queries, k):
        return super().search(queries, k + 1)


@breaks("doc_ids_are_known_and_unique")
class MakesNumbersOfIds(Overlap):
    def search(self, queries, k):
        odd = {doc.doc_id for doc in ODD_DOCS} - {"7"}
        for hit in super().search(queries, k):
            yield hit._replace(doc_id=str(int(hit.doc_id))) if hit.doc_id in odd & {"07", "-1"} else hit


@breaks("doc_ids_are_known_and_unique")
class SaysItTwice(Overlap):
    def search(self, queries, k):
        for hit in super().search(queries, k):
            yield hit
            if k == 100 and hit.doc_id == "1":
                yield hit


@breaks("doc_ids_are_known_and_unique")
class GivesPositions(Overlap):
    def search(self, queries, k):
        for hit in super().search(queries, k):
            yield hit._replace(doc_id="12") if hit.doc_id == "11" else hit

    def index(self, docs, folder):
        super().index((doc._replace(text="x honey") if doc.doc_id == "11" else doc for doc in docs), folder)


@breaks("query_order_is_kept")
class SortsAnswers(Overlap):
    def search(self, queries, k):
        return iter(sorted(super().search(queries, k), key=lambda hit: hit.query_id))


@breaks("query_order_is_kept")
class Shuffles(Overlap):
    def search(self, queries, k):
        return iter(sorted(super().search(queries, k), key=lambda hit: hit.doc_id))


@breaks("scores_are_floats")
class GivesFloat32(Overlap):
    def search(self, queries, k):
        return (hit._replace(score=np.float32(hit.score)) for hit in super().search(queries, k))


@breaks("scores_are_floats")
class GivesInts(Overlap):
    def search(self, queries, k):
        return (hit._replace(score=round(1e6 * hit.score)) for hit in super().search(queries, k))


@breaks("scores_are_finite")
class ScoresNan(Overlap):
    def search(self, queries, k):
        for hit in super().search(queries, k):
            yield hit._replace(score=math.nan) if hit.doc_id == "10" else hit


@breaks("empty_text")
class DividesByLength(Overlap):
    def search(self, queries, k):
        queries = list(queries)
        [1 / len(query.text.split()) for query in queries]
        return super().search(queries, k)


@breaks("empty_text")
class NeedsText(Overlap):
    def index(self, docs, folder):
        super().index((doc for doc in docs if doc.text.split()[0]), folder)


@breaks("unicode_text")
class ReadsAscii(Overlap):
    def index(self, docs, folder):
        super().index((doc for doc in docs if doc.text.encode("latin-1") is not None), folder)


@breaks("unicode_text")
class ParsesQueries(Overlap):
    def search(self, queries, k):
        for query in queries:
            if "AND (" in query.text:
                raise SyntaxError("unbalanced parenthesis")
            yield from super().search([query], k)


@breaks("batch_does_not_matter")
class NormalisesOverTheBatch(Overlap):
    def search(self, queries, k):
        queries = list(queries)
        longest = max((len(query.text) for query in queries), default=1)
        return (hit._replace(score=hit.score / longest) for hit in super().search(queries, k))


@breaks("search_is_repeatable")
class Jitters(Overlap):
    def search(self, queries, k):
        self.count = getattr(self, "count", 0) + 1
        shift = 1e-6 * random.random() if k == 100 else 0.0
        return (hit._replace(score=hit.score + shift) for hit in super().search(queries, k))


@breaks("search_may_be_left")
class OneSearchAtATime(Overlap):
    def search(self, queries, k):
        self.waiting = list(queries)
        while self.waiting:
            yield from super().search([self.waiting.pop(0)], k)


@breaks("arguments_survive_json")
class TakesATuple(Overlap):
    def __init__(self, threads: int = 1, ngrams: tuple = (1, 2)):
        self.weight = 1.0


@breaks("arguments_survive_json")
class NeedsAnArgument(Overlap):
    def __init__(self, weight: float, threads: int = 1):
        self.weight = weight


@breaks("arguments_survive_json")
class NamesNoArgument(Overlap):
    runtime = frozenset({"treads"})


@breaks("arguments_survive_json")
class TellsPaths(Overlap):
    def facts(self):
        return {"folder": Path("x")}


def test_a_retriever_that_keeps_every_law_passes_every_check(tmp_path):
    outcomes = check(Overlap, tmp_path)
    assert [(outcome.name, outcome.status, outcome.message) for outcome in outcomes] == [
        (law.__name__, "pass", "") for law in CHECKS
    ]
    assert all(outcome.law for outcome in outcomes)


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
    assert failed[0].message.startswith("IndexError (test_conformance.py:")


def test_two_runs_differ_only_beyond_a_tie_at_the_cut():
    first = {"q": {"a": 2.0, "b": 1.0}}
    assert difference(first, {"q": {"a": 2.0, "c": 1.0}}) == ""
    assert "has now document 'c'" in difference(first, {"q": {"c": 2.0, "a": 2.0}})
    assert "scores 1.1 instead of 1.0" in difference(first, {"q": {"a": 2.0, "b": 1.1}})
    assert "1 documents instead of 2" in difference(first, {"q": {"a": 2.0}})
    assert "0 documents instead of 2" in difference(first, {})
