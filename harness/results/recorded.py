"""What the manifest of a result says, with types. The dict is opened in this room and nowhere else.

Where an old manifest is silent, a property is None, empty, or what the dataset table says.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from harness.datasets import dataset_table
from harness.datasets.dataset_table import Unit
from harness.host import integrity
from harness.measures import parse_measure
from harness.results import manifest

T = TypeVar("T", int, bool)


class Data(NamedTuple):
    """A collection and its judgments: counts and hashes; None where an old manifest is silent."""

    docs: int | None
    qrels: int | None
    collection_sha256: str | None
    queries_sha256: str | None
    qrels_sha256: str | None
    url: str | None
    records_sha256: str | None  # of the documents' ids, titles and texts, however a file spells them
    excluded_sha256: str | None  # of documents that are never a result of a query, where the dataset has such
    source: str | None  # where a collection of another library came from


@dataclass(frozen=True)
class Recorded:
    """One system (`tag`) on one dataset, as its manifest in `folder` has it."""

    folder: Path
    tag: str
    dataset: str
    manifest: dict[str, Any]

    @property
    def unit(self) -> Unit:
        """What the dataset counts as in averages."""
        return dataset_table.unit_of(self.dataset)

    def is_on(self, name: str) -> bool:
        """Whether `name` means its dataset: by its name, or by its name with the split that is its own."""
        return name in (self.dataset, f"{self.dataset}@{self.split}")

    @property
    def measures(self) -> list[str]:
        """The measures that were scored, as ranx strings, in the order of the manifest."""
        return list(self.manifest["scores"])

    @property
    def split(self) -> str | None:
        """The split of the dataset; None where an old manifest is silent."""
        return self.manifest.get("split")

    @property
    def data(self) -> Data:
        """What is known of the collection and its judgments."""
        recorded = self.manifest.get("data") or {}
        return Data(*(recorded.get(name) for name in Data._fields))

    @property
    def primary_measure(self) -> str:
        """The dataset's own measure; where a manifest is silent, the first that was scored."""
        return str(self.manifest.get("primary_measure") or next(iter(self.measures), ""))

    @property
    def relevance_level(self) -> int:
        """The grade from which a document counts as relevant; where an old manifest is silent, that of the table."""
        row = dataset_table.rows().get(self.dataset) or dataset_table.collections().get(self.dataset)
        return self._rule("relevance_level", row.relevance_level if row else 1)

    @property
    def exclude_self(self) -> bool:
        """Whether a query's own document was dropped; likewise."""
        row = dataset_table.rows().get(self.dataset) or dataset_table.collections().get(self.dataset)
        return self._rule("exclude_self", row.exclude_self if row else False)

    @property
    def k(self) -> int | None:
        """How many documents a query were asked for."""
        return self.manifest.get("k")

    @property
    def depth(self) -> int | None:
        """How many documents a query could have; None where the manifest is silent."""
        return manifest.depth(self.manifest)

    def reach(self, measure: str) -> float | None:
        """How far the measure sees into this run: to its cutoff, or to the end of the run, if that comes first."""
        return None if self.depth is None else min(self.depth, parse_measure(measure).cutoff or math.inf)

    def _rule(self, name: str, default: T) -> T:
        said = self.manifest.get(name, self.fingerprint.get(name))
        return said if type(said) is type(default) else default

    @property
    def judged(self) -> int | None:
        """How many queries were judged, which is how many count in a mean."""
        return self._table("queries").get("judged")

    @property
    def answered(self) -> int | None:
        """For how many of them anything was found."""
        return self._table("queries").get("answered")

    @property
    def dropped_self(self) -> int | None:
        """How many queries' own documents were dropped from the run."""
        return self._table("run").get("dropped_self")

    @property
    def run_sha256(self) -> str | None:
        """Of the text of the run file."""
        return self._table("run").get("sha256")

    @property
    def retriever(self) -> str:
        """The name of the plugin; `run file` for what came from elsewhere."""
        return str(self._table("retriever").get("name", ""))

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The retriever's arguments, defaults included."""
        made = self._table("retriever")
        return made.get("all_arguments") or made.get("arguments") or {}

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """What the result depends on: equal ones mean that the work need not be done again."""
        return self._table("fingerprint")

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the retriever said of its loaded state."""
        return self._table("facts")

    @property
    def notes(self) -> Sequence[str]:
        """What is worth knowing of it, in sentences."""
        return self.manifest.get("notes") or []

    @property
    def created(self) -> str | None:
        """When it was made, as ISO 8601."""
        return self.manifest.get("created")

    @property
    def ranx(self) -> str:
        """The version of the library that scored it."""
        return str(self._table("versions").get("ranx", "unknown"))

    @property
    def commit(self) -> str:
        """The first seven digits, with + where there were uncommitted changes; `none` outside a checkout."""
        git = self.manifest.get("git")
        return f"{str(git['commit'])[:7]}{'+' if git.get('dirty') else ''}" if git else "none"

    @property
    def measured_on(self) -> str:
        """The processor that its costs were measured on; empty where there are none."""
        machine = self._table("machine")
        there = f"{machine.get('processor', 'unknown')}, {machine.get('cores', '?')} cores"
        return there if self.manifest.get("costs") else ""

    @property
    def recorded_means(self) -> Mapping[str, float]:
        """The means as they were printed when it was made; reads no scores."""
        return self._table("scores")

    def damage(self) -> str:
        """What of its files is not as it was written; empty where all is. A run may be absent: it is not shared."""
        recorded = dict(self._table("files"))
        if not (self.folder / manifest.RUN).exists():
            recorded.pop(manifest.RUN, None)
        wrong = integrity.damage(self.folder, recorded)
        return "; ".join(f"{self.folder / name}: {what}" for name, what in wrong.items())

    def same_but_tag(self, other: "Recorded") -> bool:
        """Whether `refile` makes one of the other."""
        return manifest.same_but_tag(self.manifest, other.manifest)

    def refile(self, place: Path, tag: str, digest: str | None) -> None:
        """Write its manifest into `place` under another tag; `digest` is the sha256 of its run, if that is here."""
        manifest.refile(self.manifest, place, tag, digest)

    def _table(self, name: str) -> dict[str, Any]:
        return self.manifest.get(name) or {}
