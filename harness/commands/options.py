"""Command-line options that several commands share, and where they lead."""

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness import paths
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.results.remote.mirror import Mirror


def add_results(parser: argparse.ArgumentParser) -> None:
    """--results"""
    parser.add_argument(
        "--results", metavar="DIR", type=paths.place, help="results folder, or a URL such as s3://… (default: results)"
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data-dir, --offline"""
    parser.add_argument(
        "--data-dir", metavar="DIR", type=Path, action="append", default=[],
        help="folder of dataset folders in BEIR layout, looked in before the cache and the network; may be repeated",
    )  # fmt: skip
    parser.add_argument("--offline", action="store_true", help="never download")


def add_measures(parser: argparse.ArgumentParser, default: str) -> None:
    """--measure, as often as one likes"""
    parser.add_argument(
        "--measure", metavar="M", action="append", default=[],
        help=f"any of ranks and grades: ndcg@20, RBP(p=.8), AP(rel=2), …; may be repeated (default: {default})",
    )  # fmt: skip


def measures(args: argparse.Namespace, default: Iterable[str] = ()) -> list[str]:
    """What was asked for by --measure, else `default`, in the spelling that is used everywhere; raises HarnessError."""
    from harness.measures import parse

    given = [args.measure] if isinstance(args.measure, str) else args.measure
    return list(dict.fromkeys(str(parse(text)) for text in given or default))


def refuse(
    args: argparse.Namespace,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    names: Iterable[str],
    why: str,
) -> None:
    """Raise HarnessError where one of these options was given: in this combination it would do nothing.

    `add_arguments` are the command's own, which know what an option is where it is not given.
    """
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    given = [name for name in names if getattr(args, name) != parser.get_default(name)]
    if given:
        listed = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise HarnessError(f"{listed}: {why}")


def results_folder(args: argparse.Namespace) -> Path:
    """The results folder that was asked for, else the default one, to be read; of a URL, its mirror.

    Raises HarnessError for a file in its place.
    """
    place = args.results or paths.results_dir()
    if isinstance(place, Path):
        if place.exists() and not place.is_dir():
            raise HarnessError(f"the results folder {place} is a file; name a folder with --results")
        return place
    from harness.results.remote import mirror

    return mirror.folder(place)


def results_mirror(args: argparse.Namespace) -> "Mirror | None":
    """The mirror of the results, pulled, where they lie behind a URL; for commands that write there."""
    place = args.results or paths.results_dir()
    if isinstance(place, Path):
        return None
    from harness.results.remote.mirror import Mirror

    mirror = Mirror(place)
    mirror.pull()
    return mirror


@contextmanager
def results_written(args: argparse.Namespace) -> Iterator[Path]:
    """The results folder for a command that writes there; behind a URL it is pushed in the end."""
    mirror = results_mirror(args)
    yield mirror.folder if mirror else results_folder(args)
    if mirror:
        mirror.push()


def data_folders(args: argparse.Namespace) -> list[Path]:
    """The data folders of the command line, then those of the environment."""
    return [*(folder.expanduser() for folder in args.data_dir), *paths.data_dirs()]
