"""A run file from elsewhere becomes a result like any other."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness import files, runs
from harness import results as stored
from harness.datasets import Dataset
from harness.errors import HarnessError, printable
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
            deeper = path.is_dir() and any(one.is_dir() for one in path.iterdir())
            cure = f", but folders; name one of them, or a pattern: '{path}/*/*'" if deeper else ""
            raise HarnessError(f"there is no run file in {path}{cure}")
        found += inside
    return list(dict.fromkeys(found))


def tags_of(paths: Sequence[Path], by: str) -> tuple[dict[Path, str], dict[Path, HarnessError]]:
    """Path -> tag, from the "file"'s name without its endings, or from its sixth "column" (MTEB's: the model's name);
    and path -> why, for those that have no name which can be a tag.

    Raises HarnessError where two files would have the same.
    """
    found: dict[str, Path] = {}
    refused: dict[Path, HarnessError] = {}
    for path in paths:
        try:
            tag = _tag(path, by)
        except HarnessError as error:
            refused[path] = error
            continue
        if tag in found:
            cure = f"name one of them with --tag, alone; or name all by --tags {_other(by)}"
            raise HarnessError(f"{found[tag]} and {path} would both be {tag}; {cure}")
        found[tag] = path
    return {path: tag for tag, path in found.items()}, refused


def _tag(path: Path, by: str) -> str:
    """The name of a run as a tag: no accents, hyphens for signs. Raises HarnessError where a letter would be lost."""
    name = ENDINGS.sub("", path.name) if by == "file" else named_in(path)
    if by == "column" and not name:
        raise HarnessError(f"{path}: nothing in it names its system; take the file's name with --tags file")
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    cure = f"name it with --tag, or all by --tags {_other(by)}"
    if lost := "".join(dict.fromkeys(filter(_lost, unicodedata.normalize("NFC", name)))):
        raise HarnessError(f"{path}: its name holds {printable(lost)}, and a tag has letters from a to z; {cure}")
    try:
        return tags.check(tags.tidy(plain))
    except HarnessError as error:
        raise HarnessError(f"{path}: {error}; {cure}") from None


def _other(by: str) -> str:
    return "column" if by == "file" else "file"


def _lost(sign: str) -> bool:
    """Whether it is a letter, or has one, that is none of a to z without its accents."""
    return any(part.isalnum() and not part.isascii() for part in unicodedata.normalize("NFKD", sign))


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
