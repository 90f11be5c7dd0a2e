"""One system on one dataset, as a straight line: documents, index, search, run file, scores, manifest."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness import files, manifest, plugins, runs
from harness.arguments import checked
from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.records import Query
from harness.retriever import Retriever
from harness.running import fingerprint, indexes, progress
from harness.running.measuring import measure, percentiles
from harness.running.publish import publish
from harness.suites import System

LATENCY_QUERIES, LATENCY_SECONDS = 50, 10.0  # single-query searches timed for the percentiles: at most so many, so long


@dataclass(frozen=True)
class Outcome:
    """What became of one system on one dataset: `done`, `reused` (nothing to do) or `failed` with the message."""

    tag: str
    dataset: str
    status: str
    manifest: dict[str, Any] | None = None
    message: str = ""


def run(system: System, dataset: Dataset, k: int, results: Path, cache: Path, overwrite: bool = False) -> Outcome:
    """Evaluate `system` on `dataset` to depth `k`; a result with an equal fingerprint is kept as it is.

    Raises HarnessError where a result of the same tag was made differently and `overwrite` is not set; whatever the
    retriever raises passes through.
    """
    plugin = plugins.find(system.spec)
    runtime = plugins.runtime(plugin)
    search_only: frozenset[str] = getattr(plugin, "search_only", frozenset())
    passed = checked(plugin, system.arguments)
    identity, all_arguments = plugins.identity(plugin), plugins.arguments(plugin) | passed
    retriever = plugins.make(plugin, passed)
    inputs = required_runs(getattr(retriever, "requires", ()), dataset, results)
    state = retriever.fingerprint() if hasattr(retriever, "fingerprint") else None
    if inputs:
        state = {"own": state, "runs": {name: files.sha256(path) for name, path in inputs.items()}}
    shaping = {name: value for name, value in all_arguments.items() if name not in runtime}
    expected = fingerprint.of_result(dataset, identity, shaping, state, k)
    place = manifest.folder(results, system.tag, dataset.name)
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / ".lock"):
        if kept := _kept(place, expected, overwrite):
            return Outcome(system.tag, dataset.name, "reused", kept)
        what = f"{system.tag} on {dataset.name}"
        indexing = {name: value for name, value in shaping.items() if name not in search_only}
        folder, made = indexes.ensure(
            cache,
            identity["name"],
            fingerprint.of_index(dataset, identity, indexing, state),
            retriever,
            dataset,
            inputs,
            lambda docs: progress.over(docs, f"{what}: index", "docs", dataset.facts()["docs"]),
        )
        searcher = plugins.make(plugin, passed)
        with measure() as loading:
            searcher.load(folder)
        queries = dataset.queries()
        depth = k + dataset.exclude_self
        with measure() as searching:
            hits = progress.over_queries(searcher.search(iter(queries), depth), f"{what}: search", len(queries))
            found = runs.order(hits, queries, k, dataset.exclude_self)
        body = {
            "retriever": {**identity, "arguments": passed, "all_arguments": all_arguments},
            "facts": searcher.facts() if hasattr(searcher, "facts") else {},
            "k": k,
            "costs": {
                "index": made,
                "load": loading.record(),
                "search": searching.record()
                | {"queries_per_s": round(len(queries) / max(searching.wall_s, 1e-9), 2)}
                | latency(searcher, queries, depth),
            },
            "fingerprint": expected,
        }
        return Outcome(system.tag, dataset.name, "done", publish(found, dataset, place, system.tag, body))


def required_runs(tags: Sequence[str], dataset: Dataset, results: Path) -> dict[str, Path]:
    """The run files of other systems on the same dataset, by the place they get in the index folder.

    Raises HarnessError where one is missing, with the command that makes it.
    """
    inputs = {}
    for tag in tags:
        place = manifest.folder(results, tag, dataset.name)
        if manifest.read(place) is None or not (place / manifest.RUN).is_file():
            raise HarnessError(
                f"there is no run of {tag!r} on {dataset.name} in {results}; make it first: "
                f"beir-harness run RETRIEVER --tag {tag} --dataset {dataset.name}"
            )
        inputs[f"runs/{tag}.trec.gz"] = place / manifest.RUN
    return inputs


def latency(searcher: Retriever, queries: list[Query], k: int) -> dict[str, Any]:
    """Percentiles of the wall time of single-query searches, over queries spread evenly through the set."""
    step = max(1, len(queries) // LATENCY_QUERIES)
    sample, seconds, end = queries[::step][:LATENCY_QUERIES], [], time.perf_counter() + LATENCY_SECONDS
    for query in sample:
        start = time.perf_counter()
        for _ in searcher.search(iter([query]), k):
            pass
        seconds.append(time.perf_counter() - start)
        if time.perf_counter() > end:
            break
    return {"latency": {**percentiles(seconds), "queries": len(seconds)}}


def _kept(place: Path, expected: dict[str, Any], overwrite: bool) -> dict[str, Any] | None:
    """The manifest of a finished equal result; None where the work is to be done. The manifest goes first."""
    if overwrite:
        (place / manifest.NAME).unlink(missing_ok=True)
        return None
    found = manifest.read(place)
    if found is None:
        return None
    if changes := fingerprint.difference(found.get("fingerprint"), expected):
        listed = "\n  ".join(changes)
        raise HarnessError(
            f"{place} holds a result that was made differently:\n  {listed}\n"
            "--overwrite replaces it, --tag files the new one under another name"
        )
    return found
