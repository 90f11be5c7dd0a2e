"""What a run will need on disk and in memory, said before it starts: from counts of documents, roughly.

What a retriever needs it says itself (`needs`, see `harness.retriever`), or an index of it that is in the cache tells.
What neither says is left out, so the forecast errs on the low side; a disk that it finds too small is too small.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import datasets, plugins
from harness.datasets import dataset_table, survey
from harness.errors import HarnessError, counted
from harness.files import existing
from harness.host import progress
from harness.plugins import Plugin
from harness.records import Doc
from harness.results import manifest
from harness.running import cache_entries
from harness.running.job import Job
from harness.running.plan import Pair

DOC_BYTES = 600  # of a document in corpus.jsonl, on average over BEIR
ZIPPED = 0.4  # its share in an archive, which is there until it is unpacked
LINE_BYTES = 24  # of a line of run.trec.gz; BM25's on BEIR take 15 to 22
FRAME = 36  # bytes of a line beside its values: {"_id": "", "title": "", "text": ""}
SAMPLE = 500  # documents that are looked at for what is sent to servers
HIT_BYTES = 150  # of a hit while a run is put into order


@dataclass
class Forecast:
    """Bytes still to be written into the cache and the results, by what they are for, and the most memory at once."""

    cache: dict[str, float] = field(default_factory=dict)
    results: float = 0.0
    memory: float = 0.0
    unknown: set[str] = field(default_factory=set)  # systems whose index is left out
    sent: dict[str, tuple[float, float, str]] = field(default_factory=dict)  # tokens, their price in USD, how known


def sizes(pairs: Sequence[Pair], data_dirs: Sequence[Path], cache: Path) -> list[dict[str, Any]]:
    """The pairs as JSON, each with the number of its documents where that is known."""
    docs = {name: _docs(name, data_dirs, cache) for name in dict.fromkeys(name for name, _ in pairs)}
    return [{"system": system.tag, "dataset": name, "docs": docs[name]} for name, system in pairs]


def of(todo: Sequence[Pair], job: Job) -> Forecast:
    """What is needed for the pairs that are not done. Raises HarnessError where a retriever cannot be found."""
    found, (folders, k, overwrite, _, _) = Forecast(), job
    cache, data_dirs = folders.cache, folders.data_dirs
    there = cache_entries.indexes(cache)
    planned: set[str] = set()
    for name, system in todo:
        place = folders.result(system.tag, name)
        if (place / manifest.NAME).exists() and not overwrite:
            continue
        row = dataset_table.rows().get(name.partition("@")[0])
        docs = _docs(name, data_dirs, cache)
        queries = (row.queries if row else None) or 1000
        found.results += queries * k * LINE_BYTES
        found.memory = max(found.memory, queries * k * HIT_BYTES)
        if docs is None:
            continue
        if row and row.url and not _here(row, [*data_dirs, cache / "datasets"]):
            found.cache[f"the documents of {row.archive}"] = docs * DOC_BYTES * (1 + ZIPPED)
        plugin = plugins.describe(plugins.find(system.spec))
        arguments = plugin.arguments(system.arguments)
        shaping = plugin.shaping(arguments, index=True)
        identity = f"{plugin.identity['class']} {sorted(shaping.items(), key=str)} {docs}"
        needs = plugin.needs(docs, arguments)
        needs = _measured(plugin, docs, there) if needs is None else needs
        found.memory = max(found.memory, needs.get("memory", 0) + queries * k * HIT_BYTES)
        if identity in planned or _made(plugin, shaping, docs, there):
            continue
        planned.add(identity)
        if "tokens" in needs:
            found.sent[f"{system.tag} on {name}"] = _sent(plugin, arguments, needs, docs, name, data_dirs, cache)
        if "disk" not in needs:
            found.unknown.add(system.tag)
            continue
        begun = sum(entry.bytes for entry in there if not entry.complete and _same(entry, plugin, shaping, name))
        found.cache[f"the index of {system.tag} on {name}"] = max(0.0, needs["disk"] - begun)
    return found


def warn(todo: Sequence[Pair], job: Job) -> None:
    """Make the forecast of a run and say what is worth saying; raises HarnessError where a disk is too small."""
    for note in check(of(todo, job), job.folders.results, job.folders.cache):
        progress.say(note)


def check(found: Forecast, results: Path, cache: Path) -> list[str]:
    """What is worth saying before the start. Raises HarnessError where a disk is too small, with the cure."""
    import psutil

    notes, cures = [], "free some, set $BEIR_HARNESS_CACHE or --results to a larger disk, or go on with --no-forecast"
    need = sum(found.cache.values())
    places = {"in the cache": (need, existing(cache)), "for the results": (found.results, existing(results))}
    if places["in the cache"][1].stat().st_dev == places["for the results"][1].stat().st_dev:
        places = {"in the cache and for the results": (need + found.results, existing(cache))}
    for what, (bytes_, folder) in places.items():
        free = shutil.disk_usage(folder).free
        if bytes_ > free:
            largest = sorted(found.cache.items(), key=lambda item: -item[1])[:3] if "cache" in what else []
            mostly = "; ".join(f"{name}: {_gb(size)}" for name, size in largest)
            raise HarnessError(
                f"needs {_gb(bytes_)} {what}, {_gb(free)} free in {folder}{f' ({mostly})' if mostly else ''}; {cures}"
            )
    if need > 1e9:
        notes.append(f"forecast: {_gb(need)} in the cache, {_gb(found.results)} of results")
    if found.unknown and notes:
        notes[-1] += f"; not counted, as nothing is known of them: {', '.join(sorted(found.unknown))}"
    for what, (tokens, usd, how) in found.sent.items():
        price = f", {usd:.2f} USD" if usd else "; set price=USD for a million tokens to see what that costs"
        notes.append(f"forecast: {what} sends about {tokens / 1e6:.3g} million tokens to a server ({how}){price}")
    available = psutil.virtual_memory().available
    if found.memory > available:
        notes.append(f"warning: needs about {_gb(found.memory)} of memory, {_gb(available)} free; it may be killed")
    return notes


def _docs(name: str, data_dirs: Sequence[Path], cache: Path) -> int | None:
    """Documents of a dataset: as the table or an earlier survey says, or guessed from the size of the file."""
    row = dataset_table.rows().get(name.partition("@")[0])
    if row and row.docs:
        return row.docs
    try:
        dataset = datasets.find(name, data_dirs, cache, download=False)
        assert dataset.corpus_file
        return _surveyed(dataset, cache) or counted_by_size(dataset.corpus_file)
    except (HarnessError, OSError, KeyError):
        return None  # what is wrong with it is told when its turn comes


def _surveyed(dataset: datasets.Dataset, cache: Path) -> int | None:
    files = (dataset.corpus_file, dataset.queries_file, dataset.qrels_file)
    if facts := survey.remembered(survey.memory(cache, files)):
        return int(facts["docs"])
    return dataset.row.docs if dataset.row else None


def counted_by_size(corpus: Path, some: Sequence[Doc] = ()) -> int:
    """About how many documents a file holds; `some` of them, up to SAMPLE, make it a better guess."""
    if some and len(some) < SAMPLE and corpus.stat().st_size < SAMPLE * DOC_BYTES:
        return max(1, len(some))
    mean = sum(FRAME + sum(len(part.encode("utf-8", "replace")) for part in doc) for doc in some) / max(1, len(some))
    return max(1, round(corpus.stat().st_size * (3 if corpus.suffix == ".gz" else 1) / (mean or DOC_BYTES)))


def _sent(
    plugin: Plugin,
    arguments: dict[str, Any],
    needs: dict[str, float],
    docs: int,
    name: str,
    data_dirs: Sequence[Path],
    cache: Path,
) -> tuple[float, float, str]:
    """Tokens, their price and how they are known: from a sample of the collection, where it is here."""
    some: list[Doc] = []
    with suppress(HarnessError, OSError):
        dataset = datasets.find(name, data_dirs, cache, download=False)
        if (some := dataset.sample(SAMPLE)) and dataset.corpus_file:
            docs = _surveyed(dataset, cache) or counted_by_size(dataset.corpus_file, some)
    if some and (of_sample := plugin.sends(some, arguments)):
        share = docs / len(some)
        how = f"measured on {counted(len(some), 'document')} {of_sample['how']}"
        return of_sample["tokens"] * share, of_sample["usd"] * share, how
    how = f"guessed at {needs['tokens'] / docs:.0f} tokens a document, as the collection is not here yet"
    return needs["tokens"], needs.get("usd", 0.0), how


def _here(row: dataset_table.Row, places: Sequence[Path]) -> bool:
    files = ("corpus.jsonl", "corpus.jsonl.gz")
    return any((place / folder / file).is_file() for place in places for folder in row.folders for file in files)


def _measured(plugin: Plugin, docs: int, there: Sequence[cache_entries.Index]) -> dict[str, float]:
    """From the largest index of the same class in the cache."""
    same = [entry for entry in there if entry.complete and entry.docs and entry.key_class == plugin.identity["class"]]
    if not same:
        return {}
    largest = max(same, key=lambda entry: entry.docs or 0)
    return {"disk": docs * largest.bytes / (largest.docs or 1)}


def _made(plugin: Plugin, shaping: dict[str, Any], docs: int, there: Sequence[cache_entries.Index]) -> bool:
    return any(entry.complete and entry.docs == docs and _same(entry, plugin, shaping) for entry in there)


def _same(entry: cache_entries.Index, plugin: Plugin, shaping: dict[str, Any], dataset: str | None = None) -> bool:
    alike = entry.key_class == plugin.identity["class"] and entry.key.get("arguments") == shaping
    return alike and (dataset is None or entry.dataset == dataset)


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
