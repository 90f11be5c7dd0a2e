"""A system before it meets a dataset: its class, its arguments, what they point at; the keys of its index and results.

Making one makes the retriever, which may load a model. Its keys then cost next to nothing, for any number of datasets.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from harness import files, plugins
from harness import results as stored
from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.host import integrity, locks
from harness.plugins import Plugin
from harness.plugins.constructor import checked
from harness.results import manifest
from harness.results.alike import difference
from harness.retriever import Retriever
from harness.running import fingerprint, watch
from harness.running.suites import System


class RunNeeded(HarnessError):
    """The run of the system `tag` is not there, or not as it was written: it has to be made first."""

    def __init__(self, tag: str, what: str) -> None:
        self.tag = tag
        super().__init__(what)

    def __reduce__(self) -> tuple[type["RunNeeded"], tuple[str, str]]:
        return RunNeeded, (self.tag, str(self))


@dataclass(frozen=True)
class Prepared:
    """`passed` are the arguments that were given, `requires` the tags of systems whose runs it needs."""

    plugin: Plugin
    passed: dict[str, Any]
    requires: tuple[str, ...]
    state: Any
    sources: list[watch.Entry] | None = None  # what it all rests on, see `looks`; None where nobody can tell

    @property
    def all_arguments(self) -> dict[str, Any]:
        """With the defaults."""
        return self.plugin.arguments(self.passed)

    @property
    def index_arguments(self) -> dict[str, Any]:
        """What an index depends on beside the documents, where no runs of others are needed."""
        arguments = self.plugin.shaping(self.all_arguments, index=True)
        identity = self.plugin.identity
        return {"retriever": identity, "arguments": arguments, "state": self.state, "requires": self.requires}

    def index_key(self, dataset: Dataset, inputs: dict[str, Path], located: bool = False) -> dict[str, Any]:
        """What an index of the dataset depends on; `inputs` are the runs that it needs, `located` as in `shaping`."""
        arguments = self.plugin.shaping(self.all_arguments, index=True, located=located)
        return fingerprint.of_index(dataset, self.plugin.identity, arguments, self._state(inputs))

    def result_key(self, dataset: Dataset, inputs: dict[str, Path], k: int) -> dict[str, Any]:
        """What a result on the dataset depends on."""
        arguments = self.plugin.shaping(self.all_arguments)
        return fingerprint.of_result(dataset, self.plugin.identity, arguments, self._state(inputs), k)

    def refuse_changed(self, made: Retriever) -> None:
        """Raise HarnessError where what the arguments point at is not what it was when the keys were made."""
        if changes := difference(self.state, self.plugin.state(made, self.all_arguments)):
            listed = "\n  ".join(changes)
            raise HarnessError(
                f"what {self.plugin.name} rests on was changed while it was being used, so its index and its queries"
                f" would be of two models:\n  {listed}\nnothing was filed; run it again"
            )

    def _state(self, inputs: dict[str, Path]) -> Any:
        if not inputs:
            return self.state
        return {"own": self.state, "runs": {name: files.sha256(path) for name, path in inputs.items()}}


def prepare(system: System) -> tuple[Prepared, Retriever]:
    """The system, and a retriever made from it that is ready for `index`.

    One whose files change meanwhile is made once more: its state is to be that of what it has loaded.
    """
    begun = time.time_ns()
    prepared, retriever = _made(system)
    if prepared.sources and not watch.settled(prepared.sources, begun):
        del retriever
        prepared, retriever = _made(system)
    if prepared.sources and not watch.settled(prepared.sources, watch.BEGUN):  # nobody can tell what was read
        prepared = replace(prepared, sources=None)
    return prepared, retriever


def _made(system: System) -> tuple[Prepared, Retriever]:
    plugin = plugins.describe(plugins.find(system.spec))
    plugin.identity  # noqa: B018 - of the code as it was imported: to make one may take long
    passed = checked(plugin.cls, system.arguments)
    retriever = plugins.make(plugin.cls, passed)
    arguments = plugin.arguments(passed)
    requires = plugin.inputs(arguments, retriever)
    state, offered = plugin.state(retriever, arguments), plugin.sources(retriever, arguments)
    sources = None if offered is None else watch.watched(system.spec, plugin, offered)
    return Prepared(plugin, passed, requires, state, sources), retriever


def required_runs(tags: Sequence[str], dataset: Dataset, results: Path) -> dict[str, Path]:
    """The run files of other systems on the same dataset, by the place they get in the index folder.

    Raises RunNeeded, with the command that makes it, where one is missing, and where one is not the run that its
    manifest is about, after striking out that result.
    """
    inputs = {}
    for tag in tags:
        place = manifest.folder(results, tag, dataset.name)
        cure = f"beir-harness run RETRIEVER --tag {tag} --dataset {dataset.name}"
        made = stored.at(place)
        if made is None or not (place / manifest.RUN).is_file():
            here = sorted(one.parent.parent.name for one in results.glob(f"runs/[!.]*/{dataset.name}/{manifest.NAME}"))
            near = get_close_matches(tag, here, n=1, cutoff=0.5)
            meant = f" (did you mean {near[0]!r}?)" if near else f" (here are {', '.join(here[:12])})" if here else ""
            what = f"there is no run of {tag!r} on {dataset.name} in {results}{meant}"
            raise RunNeeded(tag, f"{what}; make it first: {cure}")
        with locks.shared(place / ".lock", f"the run of {tag} on {dataset.name}"):  # nobody writes it meanwhile
            expected = (stored.at(place) or made).run_sha256
            if expected and integrity.text_sha256(place / manifest.RUN) != expected:
                (place / manifest.NAME).unlink(missing_ok=True)
                what = "is damaged: its sha256 is not that of its manifest; it has to be made again"
                raise RunNeeded(tag, f"{place / manifest.RUN} {what}: {cure}")
        inputs[run_of(tag)] = place / manifest.RUN
    return inputs


def deepest_input(tags: Sequence[str], dataset: Dataset, results: Path) -> int:
    """How deep the deepest of these systems' runs goes: what is made of them finds nothing further down."""
    found = (stored.at(manifest.folder(results, tag, dataset.name)) for tag in tags)
    return max((one and one.depth) or 0 for one in found)


def run_of(tag: str) -> str:
    """Where the run of a system lies in the index folder of one that needs it."""
    return f"runs/{tag}.trec.gz"
