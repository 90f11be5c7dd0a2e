"""Results that get another name, or go: their folders, their means, the folders of failed attempts."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from harness import results as stored
from harness.errors import HarnessError, unknown
from harness.host import locks
from harness.results import Result, manifest, means, tags
from harness.running.publish import RENAMED
from harness.runs import run_files, write


def places(results: Path, tag: str, datasets: Sequence[str] = ()) -> list[Path]:
    """What is filed under a tag: folders of runs, finished or not, and files of means; of these datasets or of all.

    Raises HarnessError for a tag or a dataset under which nothing is filed, with the nearest one suggested.
    """
    filed = [path for path in results.glob("runs/[!.]*/[!.]*") if path.is_dir()]
    filed += results.glob(f"{means.FOLDER}/[!.]*/[!.]*.json")
    mine = {path: path.stem if path.is_file() else path.name for path in filed if path.parent.name == tag}
    if link := next((one for path in mine for one in (path.parent, path) if one.is_symlink()), None):
        raise HarnessError(f"{link} is a link to {link.resolve()}: remove or rename the link, or what is there")
    if not filed:
        raise HarnessError(f"nothing is filed in {results}")
    if not mine:
        raise unknown("system", tag, {path.parent.name for path in filed})
    for name in datasets:
        if name not in mine.values():
            raise unknown(f"dataset of {tag}", name, mine.values())
    return sorted(path for path, name in mine.items() if not datasets or name in datasets)


def remove(results: Path, tag: str, datasets: Sequence[str] = ()) -> tuple[list[Path], list[str]]:
    """Remove what `places` names; returns it, and notes. Raises HarnessError, leaving all, where a run is at work."""
    found = places(results, tag, datasets)
    made_of = _made_of(results, tag, found)
    with ExitStack() as stack:
        _hold(stack, found)
        for path in found:
            if path.is_dir():
                (path / manifest.NAME).unlink(missing_ok=True)  # first: what is left of a kill is no result
                shutil.rmtree(path)
            else:
                path.unlink()
    _clear(found)
    return found, [f"made of {tag}, which is gone: {made_of}; this stays, but can't be made again"] if made_of else []


def rename(results: Path, tag: str, new: str, datasets: Sequence[str] = ()) -> tuple[list[Path], list[str]]:
    """File what `places` names under another tag; returns the new places, and notes.

    The tag is in every line of a run, so the runs get another sha256. Where it was killed, the same call goes on.
    Raises HarnessError where something else of the new name is there, and where a run is at work; then all of it stays.
    """
    tags.check(new)
    found = places(results, tag, datasets)
    targets = [path.parent.parent / new / path.name for path in found]
    for path, target in zip(found, targets, strict=True):
        if target.exists() and (new == tag or not _moved(path, target)):
            raise HarnessError(f"{target} is there already; remove it first, or choose another name")
    made_of = _made_of(results, tag, found)
    with ExitStack() as stack:
        _hold(stack, found)
        for path, target in zip(found, targets, strict=True):
            if path.is_file():
                means.refile(path, target, new)
                continue
            if (result := stored.at(path)) and not target.exists():
                _copy(result, target, new)
            (path / manifest.NAME).unlink(missing_ok=True)  # first: what is left of a kill is no result
            shutil.rmtree(path)
    _clear(found)
    notes = [f"made of {tag}, and still naming it: {made_of}; run this again"] if made_of else []
    return [path for path in targets if path.exists()], notes


def _made_of(results: Path, tag: str, found: Sequence[Path]) -> str:
    """The systems that were made of a tag's runs at `found`."""
    touched = {path.name for path in found if path.is_dir()}
    resting = {one.tag for one in stored.glance(results) if tag in {made.tag for made in one.inputs}
               and one.folder.name in touched}  # fmt: skip
    return ", ".join(sorted(resting))


def _moved(path: Path, target: Path) -> bool:
    """Whether a killed rename has put at `target` what lay at `path`, so that only `path` is left to be removed."""
    if path.is_file():
        return target.is_file() and means.same_but_tag(means.read_one(path), means.read_one(target))
    if (old := stored.at(path)) is None:
        return not (path / manifest.FAILURE).exists()
    now = stored.at(target)
    return now is not None and old.same_but_tag(now)


def _copy(result: Result, target: Path, tag: str) -> None:
    """The files of a result under another tag: made in its own folder and moved in one step, so there is never half."""
    new = result.folder / RENAMED
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    for path in result.folder.iterdir():
        if path.is_file() and not path.name.startswith(".") and path.name not in (manifest.NAME, manifest.RUN):
            shutil.copyfile(path, new / path.name)
    run = result.folder / manifest.RUN
    digest = write(run_files.read_run(run), new / manifest.RUN, tag) if run.is_file() else None
    result.refile(new, tag, digest)
    target.parent.mkdir(exist_ok=True)
    new.rename(target)


def _hold(stack: ExitStack, found: Sequence[Path]) -> None:
    for path in found:
        if path.is_dir() and not stack.enter_context(locks.attempt(path / ".lock")):
            raise HarnessError(f"{path} is being written: {locks.described(path / '.lock')}; nothing was changed")


def _clear(found: Sequence[Path]) -> None:
    for folder in {path.parent for path in found}:
        if not any(folder.iterdir()):
            folder.rmdir()
