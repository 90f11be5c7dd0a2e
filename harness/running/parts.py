"""Parts of an index, made ahead of it by other processes: see `index_part` in `harness.retriever`.

Nothing depends on them but time: what a part left out, `index` makes. So a part may be lost, made twice, or by two
processes at once, and the index stays the same.
"""

from collections.abc import Callable, Iterable
from typing import Any

from harness import files, plugins
from harness.host import locks
from harness.host.costs import metered
from harness.records import Doc
from harness.running import indexes, part_costs
from harness.running.folders import Folders
from harness.running.prepared import prepare
from harness.running.suites import System

Watch = Callable[[Iterable[Doc]], Iterable[Doc]]


def pieces(system: System, docs: int) -> int:
    """Of how many pieces the index of that many documents consists; 1 where the retriever makes it whole.

    Raises HarnessError where the retriever cannot be found.
    """
    return plugins.describe(plugins.find(system.spec)).pieces(docs)


def make(
    system: System,
    name: str,
    part: int,
    parts: int,
    folders: Folders,
    *,
    watch: Watch = iter,
    elsewhere: bool = False,
) -> None:
    """Make part `part` of `parts` of the system's index of the dataset `name`, unless the index is complete.

    `watch` wraps the stream of documents. `elsewhere`: nobody waits for this process and sees what it costs, so it
    leaves a record. A system that needs the runs of others is left alone: they may not be there yet.
    """
    dataset = folders.dataset(name)
    prepared, retriever = prepare(system)
    if prepared.requires or not prepared.plugin.divided:
        return
    divided: Any = retriever
    key = prepared.index_key(dataset, {})
    place = indexes.home(folders.cache, prepared.plugin.name, key)
    (place / "index").mkdir(parents=True, exist_ok=True)
    with locks.shared(place / indexes.USED, f"the index of {system.tag} on {dataset.name}"):
        if (place / indexes.COMPLETE).exists():
            return
        if not (place / indexes.BEGUN).exists():
            files.write_json(place / indexes.BEGUN, {"key": key, "dataset": dataset.name})
        with metered() as cost:
            divided.index_part(watch(dataset.docs()), place / "index", part, parts)
        if elsewhere:
            part_costs.write(place, part, parts, cost)
