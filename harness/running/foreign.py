"""A run file from elsewhere becomes a result like any other."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness import files, runs
from harness import results as stored
from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.host import locks
from harness.results import Result, manifest, tags
from harness.running import strangers
from harness.running.publish import publish
from harness.runs.run_files import named_in

ENDINGS = re.compile(r"(\.(gz|bz2|xz|trec|run|res|txt|tsv|json))+$|_predictions\.json(\.gz)?$")


def files_of(given: Iterable[Path]) -> list[Path]:
    """The run files that are meant: of a folder all that are in it, of a pattern with * or ? those that it fits.

    Raises HarnessError for a folder or pattern without any.
    """
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
        elif not path.exists() and re.search(r"[*?\[]", str(path)):
            inside = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        else:
            inside = [path]
        if not inside:
            raise HarnessError(f"there is no run file in {path}")
        found += inside
    return list(dict.fromkeys(found))


def tags_of(paths: Sequence[Path], by: str) -> dict[Path, str]:
    """Path -> tag, from the "file"'s name without its endings, or from its sixth "column" (MTEB's: the model's name).

    Raises HarnessError where a tag can't be one, and where two files would have the same.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = ENDINGS.sub("", path.name) if by == "file" else named_in(path)
        if by == "column" and not name:
            raise HarnessError(f"{path}: nothing in it names its system; take the file's name with --tags file")
        try:
            tag = tags.check(re.sub(r"[^\w.=+-]+", "-", name).strip("-."))
        except HarnessError as error:
            other = "column" if by == "file" else "file"
            raise HarnessError(f"{path}: {error}; name it with --tag, or all by --tags {other}") from None
        if tag in found:
            raise HarnessError(f"{found[tag]} and {path} would both be {tag}; name one of them with --tag, alone")
        found[tag] = path
    return {path: tag for tag, path in found.items()}


def score_file(path: Path, dataset: Dataset, tag: str, k: int, results: Path, overwrite: bool = False) -> Result:
    """Read a TREC run file, put it into the total order, score it and file it under `tag`; returns the result.

    The dataset's rules hold for it too: own documents are dropped where the dataset says so, depth is cut at `k`.
    Raises BadInput for a file that is not a run of this dataset.
    """
    found = runs.read(path, dataset.queries(), k, dataset.exclude_self, dataset.excluded())
    strange = strangers.notes(found, dataset)  # what is refused leaves no folder, which tables would call unfinished
    place = manifest.folder(results, tag, dataset.name)
    place.mkdir(parents=True, exist_ok=True)
    with locks.held(place / ".lock", f"the result of {tag} on {dataset.name}"):
        source = {"file": path.name, "sha256": files.sha256(path), "k": k}
        old = stored.at(place)
        if old and old.fingerprint.get("run_file") != source and not overwrite:
            raise HarnessError(f"{place} holds another result; --overwrite replaces it, --tag names this one otherwise")
        identity = {"name": "run file", "class": None, "distribution": None, "version": None}
        body: dict[str, Any] = {
            "retriever": {**identity, "arguments": {"file": path.name}, "all_arguments": {"file": path.name}},
            "facts": {},
            "notes": strange,
            "k": k,
            "costs": {},
            "fingerprint": {"run_file": source},
        }
        if found.header:
            body["ir_metadata"] = found.header
        return publish(found, dataset, place, tag, k, body)
