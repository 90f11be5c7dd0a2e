"""Systems of which only means are known: no query, no test. They lie apart from the runs, in `results`/means.

Nothing is claimed about them: a table shows their means without marks, ranks or a place among the best.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import BadInput, HarnessError, printable
from harness.measures import parse_measure
from harness.results import mteb, schema, tags

SCHEMA = 1
FOLDER = "means"


@dataclass(frozen=True)
class MeansOnly:
    """The means of one system on one dataset, measure -> value, and the file they came from."""

    tag: str
    dataset: str
    scores: dict[str, float]
    source: dict[str, Any]


def read(results: Path) -> tuple[list[MeansOnly], list[str]]:
    """Everything below `results`/means, by tag and dataset, and a note for each file that is not as written here."""
    found, notes = [], []
    for path in sorted((results / FOLDER).glob("[!.]*/[!.]*.json")):
        try:
            found.append(read_one(path))
        except BadInput as error:
            notes.append(f"{printable(f'{path.parent.name} on {path.stem}')} is left out: {printable(str(error))}")
    return found, notes


def import_mteb(path: Path, tag: str, results: Path, overwrite: bool = False) -> list[MeansOnly]:
    """File the means of an MTEB result under `tag`; the datasets that were in it.

    Raises HarnessError where the tag has a run or other means there already, and BadInput for a file that is no result.
    """
    tags.check(tag)
    own = {place.parent.name for place in (results / "runs").glob("[!.]*/[!.]*/manifest.json")}
    task, about, by_dataset = mteb.read(path, own)
    source = {"file": path.name, "sha256": files.sha256(path), "task": task, **about}
    found = [MeansOnly(tag, dataset, scores, source) for dataset, scores in by_dataset.items()]
    for one in found:
        place = _place(results, one)
        if (results / "runs" / tag / one.dataset / "manifest.json").is_file():
            raise HarnessError(f"{tag} has a run on {one.dataset}, which says more than means; choose another --tag")
        if place.is_file() and read_one(place).source["sha256"] != source["sha256"] and not overwrite:
            raise HarnessError(f"{place} holds other means; --overwrite replaces it, --tag names these otherwise")
    for one in found:
        files.write_json(_place(results, one), {"schema": SCHEMA, **vars(one)})
    return found


def refile(path: Path, target: Path, tag: str) -> None:
    """File the means of a system under another tag."""
    one = read_one(path)
    files.write_json(target, {"schema": SCHEMA, **vars(one), "tag": tag})
    path.unlink()


def same_but_tag(one: MeansOnly, other: MeansOnly) -> bool:
    """Whether `refile` makes one of the other."""
    return replace(one, tag=other.tag) == other


def _place(results: Path, one: MeansOnly) -> Path:
    return results / FOLDER / one.tag / f"{one.dataset}.json"


def read_one(path: Path) -> MeansOnly:
    """One file of means; raises BadInput for one that is not as written here."""
    try:
        body = files.read_json(path)
        schema.check(path, body["schema"], SCHEMA)
        scores = {str(parse_measure(name)): _mean(value) for name, value in body["scores"].items()}
        found = MeansOnly(tags.check(body["tag"]), str(body["dataset"]), scores, dict(body["source"]))
    except BadInput:
        raise
    except (HarnessError, ValueError, LookupError, TypeError, AttributeError) as error:
        cure = "delete it and import the result again"
        raise BadInput(path, None, f"is not what `beir-harness import` writes ({error!r}); {cure}") from error
    if (found.tag, found.dataset) != (path.parent.name, path.stem):
        what = f"is about {found.tag} on {found.dataset}, which is not where it lies; import the result again"
        raise BadInput(path, None, what)
    return found


def _mean(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"the mean {value!r} is no number between 0 and 1")
    return float(value)
