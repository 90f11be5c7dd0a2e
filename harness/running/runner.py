"""One system on one dataset, as a straight line: documents, index, search, run file, scores, manifest."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness import plugins, runs
from harness import results as stored
from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.host import environment, integrity, locks, log, progress
from harness.host.costs import metered, percentiles
from harness.measures import ahead as measures
from harness.records import Query
from harness.results import Result, manifest
from harness.results.alike import difference
from harness.retriever import Retriever
from harness.running import indexes, strangers
from harness.running.known import Systems
from harness.running.prepared import Prepared, deepest_input, prepare, required_runs, run_of
from harness.running.publish import publish, settle
from harness.running.suites import System

LATENCY_QUERIES, LATENCY_SECONDS = 50, 10.0  # single-query searches timed for the percentiles: at most so many, so long

INPUT = re.compile(r"^state\.runs\.runs/(.+?)\.trec\.gz: ")  # where a fingerprint has the hash of another's run


@dataclass(frozen=True)
class Attempted:
    """What became of one system on one dataset: `done`, `reused` (nothing to do) or `failed` with the message.

    `needs` is the tag of a system whose run it takes and which has to be made again.
    """

    tag: str
    dataset: str
    status: str
    result: Result | None = None
    message: str = ""
    needs: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it, with the manifest of the result."""
        result = self.result.manifest if self.result else None
        return {
            "manifest" if name == "result" else name: value for name, value in (vars(self) | {"result": result}).items()
        }


def run(
    system: System,
    dataset: Dataset,
    k: int,
    results: Path,
    cache: Path,
    overwrite: bool = False,
    ahead: Callable[[], None] | None = None,
    known: Systems | None = None,
) -> Attempted:
    """Evaluate `system` on `dataset` to depth `k`; a whole result with an equal fingerprint is kept as it is.

    `ahead` is called where there is an index to be made, just before; it may make parts of it in other processes.
    `known` remembers systems from pair to pair: a model is not loaded again to see that a result is there.

    Raises HarnessError where a result of the same tag was made differently and `overwrite` is not set; whatever the
    retriever raises passes through.
    """
    place = manifest.folder(results, system.tag, dataset.name)
    if not overwrite and known and (before := known.seen(system)):
        _refuse_itself(system, before)
        expected = before.result_key(dataset, required_runs(before.requires, dataset, results), k)
        there, wrong = _found(place, expected, before)
        if there and not wrong:
            return Attempted(system.tag, dataset.name, "reused", there)
    prepared, retriever = known.take(system) if known else prepare(system)
    _refuse_itself(system, prepared)
    inputs = required_runs(prepared.requires, dataset, results)
    most = min(k, deepest_input(prepared.requires, dataset, results)) if inputs else k
    expected = prepared.result_key(dataset, inputs, k)
    place.mkdir(parents=True, exist_ok=True)
    what = f"{system.tag} on {dataset.name}"
    with locks.held(place / ".lock", f"the result of {what}"), ExitStack() as stack:
        settle(place)
        if kept := _kept(place, expected, overwrite, prepared):
            return Attempted(system.tag, dataset.name, "reused", kept)
        key = prepared.index_key(dataset, inputs)
        older = prepared.index_key(dataset, inputs, located=True)
        if indexes.complete(cache, prepared.plugin.name, older):  # of a version that knew a checkpoint by its place
            key = older
        in_use = indexes.home(cache, prepared.plugin.name, key) / indexes.USED
        stack.enter_context(locks.shared(in_use, f"the index of {what}"))
        environment.note()
        measures.start()
        total = dataset.facts()["docs"]
        with log.stage("index"), progress.working(f"{what}: index", total) as shown:
            folder, made = indexes.ensure(
                cache,
                prepared.plugin.name,
                key,
                retriever,
                dataset,
                inputs,
                shown,
                partial(_advise, prepared.plugin, retriever, total or 0, ahead),
                {"tag": system.tag, "arguments": plugins.shown(prepared.passed)},
            )
        del retriever  # one instance at a time holds a model
        searcher = plugins.make(prepared.plugin.cls, prepared.passed)
        with log.stage("load"), metered() as loading:
            searcher.load(folder)
        prepared.refuse_changed(searcher)
        queries = dataset.queries()
        depth = k + dataset.spare()
        with log.stage("search"), metered() as searching:
            hits = progress.over_queries(
                runs.stream(searcher.search(iter(queries), depth)), f"{what}: search", len(queries)
            )
            found = runs.order(hits, queries, k, dataset.exclude_self, dataset.excluded())
        searching.wall_s += getattr(searcher, "earlier_s", 0.0)
        facts = prepared.plugin.facts(searcher)
        notes = list(facts.pop("notes", ()))
        body = {
            "retriever": {
                **prepared.plugin.identity,
                "arguments": plugins.shown(prepared.passed),
                "all_arguments": plugins.shown(prepared.all_arguments),
            },
            "facts": facts,
            "notes": [*notes, *strangers.notes(found, dataset)],
            "k": k,
            "costs": {
                "index": made,
                "load": loading.record(),
                "search": searching.record()
                | {"queries_per_s": round(len(queries) / max(searching.wall_s, 1e-9), 2)}
                | latency(searcher, queries, depth)
                | prepared.plugin.billed(searcher),
            },
            "fingerprint": expected,
            **(
                {"inputs": {tag: integrity.text_sha256(folder / run_of(tag)) for tag in prepared.requires}}
                if inputs
                else {}
            ),
        }
        dataset.refuse_changed()
        with log.stage("publish"):
            return Attempted(system.tag, dataset.name, "done", publish(found, dataset, place, system.tag, most, body))


def _advise(plugin: plugins.Plugin, made: Retriever, docs: int, ahead: Callable[[], None] | None) -> None:
    if advice := plugin.advice(made, docs):
        progress.say(advice)
    if ahead:
        ahead()


def latency(searcher: Retriever, queries: list[Query], k: int) -> dict[str, Any]:
    """Percentiles of the wall time of single-query searches, over queries spread evenly through the set.

    They are timed in an order of their own, so that those of a search too slow for all of them are spread out, too.
    """
    seconds, end = [], time.perf_counter() + LATENCY_SECONDS
    for at in spread(len(queries), LATENCY_QUERIES):
        query = queries[at]
        start = time.perf_counter()
        for _ in searcher.search(iter([query]), k):
            pass
        seconds.append(time.perf_counter() - start)
        if time.perf_counter() > end:
            break
    return {"latency": {**percentiles(seconds), "queries": len(seconds)}}


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` places, evenly spaced from the middle of the first stretch to that of the last.

    Every beginning of the list is spread as well as it can be: halves, then quarters (van der Corput's sequence).

    >>> spread(99, 4), spread(3, 50)
    ([12, 61, 37, 86], [0, 2, 1])
    """
    used = min(count, most)
    places = [(2 * at + 1) * count // (2 * used) for at in range(used)]
    bits = max(1, (used - 1).bit_length())
    reversed_ = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1 << bits))
    return [places[at] for at in reversed_ if at < used]


def _refuse_itself(system: System, prepared: Prepared) -> None:
    if system.tag in prepared.requires:
        raise HarnessError(
            f"{system.tag} would be made of its own run: it names itself as its input; give it another --tag, or name"
            " another system"
        )


def _kept(place: Path, expected: dict[str, Any], overwrite: bool, prepared: Prepared) -> Result | None:
    """The finished equal result; None where the work is to be done."""
    if overwrite:
        return None
    found, wrong = _found(place, expected, prepared)
    if wrong:
        _strike(place, wrong)
        return None
    return found


def _found(place: Path, expected: dict[str, Any], prepared: Prepared) -> tuple[Result | None, str]:
    """The finished equal result, and what is damaged of it. Raises HarnessError where it is not equal."""
    try:
        found = stored.at(place)
    except manifest.Damaged as error:
        return None, str(error)
    if found is None:
        return None, ""
    made = dict(found.fingerprint)
    if isinstance(made.get("arguments"), dict):
        made["arguments"] = prepared.plugin.without_places(made["arguments"])
    if changes := difference(made, expected):
        listed = "\n  ".join(INPUT.sub(r"the run of \1: ", line) for line in changes)
        raise HarnessError(
            f"{place} holds a result that was made differently:\n  {listed}\n"
            "--overwrite replaces it, --tag files the new one under another name"
        )
    return found, found.damage()


def _strike(place: Path, what: str) -> None:
    """A damaged result is no result any more."""
    message = f"damaged, so the result is made again: {what}"
    progress.say(message)
    log.event("damaged", message=message)
    (place / manifest.NAME).unlink(missing_ok=True)
