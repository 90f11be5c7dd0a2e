"""For each law some retrievers that break it and no other."""

import json
import math
import random
from pathlib import Path

import numpy as np

from lawful import Overlap, breaks


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
        for hit in super().search(queries, k):
            yield hit._replace(doc_id="07") if hit.doc_id == "7.0" else hit


@breaks("doc_ids_are_known_and_unique")
class SaysItTwice(Overlap):
    def search(self, queries, k):
        for hit in super().search(queries, k):
            yield hit
            if k == 100 and hit.doc_id == "1":
                yield hit


@breaks("query_order_is_kept")
class SortsAnswers(Overlap):
    def search(self, queries, k):
        return iter(sorted(super().search(queries, k), key=lambda hit: hit.query_id))


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


@breaks("scores_are_finite")
class ScoresNanOnTop(Overlap):
    """A division by zero in the first place of a query, which a search that is left half-way has in its hands, too."""

    def search(self, queries, k):
        for hit in super().search(queries, k):
            yield hit._replace(score=float("nan")) if hit.doc_id == "1" else hit


@breaks("empty_text")
class DividesByLength(Overlap):
    def search(self, queries, k):
        queries = list(queries)
        [1 / len(query.text.split()) for query in queries]
        return super().search(queries, k)


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
