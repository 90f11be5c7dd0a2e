"""Give results of an earlier version their judged.tsv.gz and top.trec.gz, from the same runs made again.

    beir-harness run --suite results/suite.toml --data-dir COLLECTIONS --results again
    python experiments/add_judged.py again results [--near]

A result gets the files where the run made again is the same, byte by byte: its scores are then those of the files. With
`--near` also where the run differs and no stored score does by more than 1e-3, as on another processor, which rounds
otherwise; the manifest then says so in a note. What has judged.tsv.gz gets top.trec.gz from the same run alone, or from
one whose judged documents stand at the same ranks. Manifests keep all that they say; scores are not touched.
"""

import argparse
import gzip
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from harness import files
from harness.host import integrity
from harness.measures.scores import read_scores
from harness.results import manifest

NEAR = 1e-3


def add(again: Path, place: Path, near: bool) -> str:
    """What was done for one result; "" where it has the files, or there is no run of it to make them from."""
    old, new = manifest.read(place), manifest.read(again)
    if old is None or new is None:
        return ""
    missing = [
        name for name in (manifest.JUDGED, manifest.TOP) if name not in old["files"] and (again / name).is_file()
    ]
    if not missing:
        return ""
    if any(old["data"].get(name) != new["data"].get(name) for name in ("qrels_sha256", "queries_sha256")):
        return "other judgments"
    same = old["run"]["sha256"] == new["run"]["sha256"]
    ours, theirs = (read_scores(folder / manifest.SCORES) for folder in (place, again))
    apart = np.abs(ours.values - theirs.values)
    said = f"{np.count_nonzero(apart)} of {apart.size} scores differ, by at most {apart.max():.1e}"
    level = manifest.JUDGED in missing or _text(place / manifest.JUDGED) == _text(again / manifest.JUDGED)
    if not same and not (near and apart.max() <= NEAR and level):
        return f"left: {said}" + ("" if level else "; its judged documents stand elsewhere")
    for name in missing:
        shutil.copyfile(again / name, place / name)
        old["files"][name] = integrity.facts(place / name)
    if not same:
        which = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'}"
        _note(old, f"{which} of the same command on another processor, whose run rounds otherwise: {said}")
    old.pop(manifest.CHECKSUM, None)
    old[manifest.CHECKSUM] = files.sha256_json(old)
    files.write_json(place / manifest.NAME, old)
    return f"{', '.join(missing)}: " + ("the same run" if same else f"near: {said}")


def _text(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def _note(body: dict[str, Any], note: str) -> None:
    body["notes"] = [*body.get("notes", ()), note]


def main() -> None:
    """Print a line a result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("again", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--near", action="store_true")
    arguments = parser.parse_args()
    for place in sorted(arguments.results.glob("runs/*/*")):
        if said := add(arguments.again / place.relative_to(arguments.results), place, arguments.near):
            print(f"{place.parent.name} on {place.name}: {said}")


if __name__ == "__main__":
    main()
