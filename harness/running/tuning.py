"""Choosing a retriever's arguments by judgments: on a split that is for training, and on no other.

This module knows no fusion. A retriever that can be tuned has a method `trials`, which yields arguments worth trying,
each with a retriever that is ready to search with them. Where it can't be made before its parameters are known, its
class has a class method `untuned`, which takes the arguments that are not looked for and gives a `Tunable` that needs
nothing but the runs of its inputs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from harness import plugins, runs
from harness.datasets import Dataset, dataset_table
from harness.errors import HarnessError
from harness.measures import evaluation, parse_measure
from harness.plugins.constructor import checked
from harness.records import Qrel
from harness.retriever import Retriever
from harness.running import indexes
from harness.running.prepared import prepare, required_runs
from harness.running.suites import System

DEPTH = 1000  # documents scored where the measure looks at the whole ranking

Trials = Iterator[tuple[dict[str, Any], Retriever]]


class Tunable(Protocol):
    """`trials` yields arguments worth trying, each with a retriever ready to search with them."""

    def load(self, folder: Path) -> None: ...

    def trials(self, qrels: Iterable[Qrel], relevance_level: int) -> Trials: ...


@dataclass(frozen=True)
class Tuned:
    """The best arguments found, and the score of all that were tried, in the order tried."""

    arguments: dict[str, Any]
    score: float
    tried: Sequence[tuple[dict[str, Any], float]]


def refuse_evaluation(dataset: Dataset) -> None:
    """Raise HarnessError where any result is reported on the split of `dataset`: tuned there, a score means nothing."""
    name = dataset.name.rpartition("@")[0] or dataset.name
    reported = sorted(
        row.name
        for row in dataset_table.rows().values()
        if dataset.row and row.folder == dataset.row.folder and row.split == dataset.split
    )
    if reported or dataset.name == name or dataset.split == "test":
        whose = " and ".join(reported) or name
        raise HarnessError(
            f"{dataset.split!r} is the split that {whose} is evaluated on, and what is tuned on the judgments it is "
            f"scored by looks better than it is; tune on another split, such as {name}@train or {name}@dev"
        )


def tune(
    spec: str,
    arguments: dict[str, Any],
    dataset: Dataset,
    results: Path,
    cache: Path,
    measure: str,
    progress: Callable[[Trials], Trials] = iter,
) -> Tuned:
    """Try what the retriever offers on `dataset`, a training split whose runs of other systems lie in `results`.

    Indexes lie in `cache`, as those of any run. Of equal scores the one tried first is kept. Raises HarnessError for an
    evaluation split, for a missing run, and for a retriever or an argument that leaves nothing to tune.
    """
    refuse_evaluation(dataset)
    cutoff = parse_measure(measure).cutoff or DEPTH
    queries, qrels = dataset.queries(), dataset.qrels()
    tried: list[tuple[dict[str, Any], float]] = []
    try:
        tunable = _loaded(spec, arguments, dataset, results, cache)
        for found, trial in progress(tunable.trials(qrels, dataset.relevance_level)):
            hits = trial.search(iter(queries), cutoff + dataset.spare())
            run = runs.order(hits, queries, cutoff, dataset.exclude_self, dataset.excluded())
            scores = evaluation.score(run, qrels, [measure], dataset.relevance_level)
            tried.append((found, scores.means()[measure]))
    except ValueError as error:  # a plugin's way to say what the user can mend
        raise HarnessError(str(error)) from error
    if not tried:
        raise HarnessError(f"{spec} offers nothing to try with these arguments")
    best = max(tried, key=lambda pair: pair[1])  # the first of equals
    return Tuned(*best, tried)


def _loaded(spec: str, arguments: dict[str, Any], dataset: Dataset, results: Path, cache: Path) -> Tunable:
    plugin = plugins.describe(plugins.find(spec))
    if not plugin.has_trials:
        raise HarnessError(f"{spec} has nothing that could be tuned here: it offers no `trials`, as fusion does")
    if plugin.untuned:
        ready = checked(plugin.cls, arguments)
        tunable: Tunable = plugin.untuned(**ready)
        inputs = required_runs(plugin.inputs(plugin.arguments(ready)), dataset, results)
        with TemporaryDirectory() as folder:  # that holds nothing but the runs
            for relative, source in inputs.items():
                (Path(folder) / relative).parent.mkdir(exist_ok=True)
                (Path(folder) / relative).symlink_to(source.resolve())
            tunable.load(Path(folder))
        return tunable
    prepared, retriever = prepare(System(spec, arguments, "tune"))
    inputs = required_runs(prepared.requires, dataset, results)
    key = prepared.index_key(dataset, inputs)
    index, _ = indexes.ensure(cache, prepared.plugin.name, key, retriever, dataset, inputs, iter)
    searcher: Any = plugins.make(plugin.cls, prepared.passed)
    searcher.load(index)
    return searcher
