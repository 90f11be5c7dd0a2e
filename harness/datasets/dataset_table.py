"""The table of test collections, `datasets.toml`, as rows; reading it takes milliseconds. It opens no other file."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NewType

from harness.errors import HarnessError

Unit = NewType("Unit", str)  # what counts as one dataset in averages; never the key of a column or a result
TABLE = Path(__file__).with_name("datasets.toml")
COLLECTIONS = Path(__file__).with_name("collections.toml")


@dataclass(frozen=True)
class File:
    """A file that is no part of an archive: `path` below the archive's folder, its source, its md5 as served."""

    path: str
    url: str
    md5: str


@dataclass(frozen=True)
class Row:
    """One dataset of the table, joined with its archive; the columns are explained in `datasets.toml`.

    `group` is "beir", "msmarco" or "" (in no group); `url` and `md5` are empty where a licence forbids free download.
    """

    name: str
    archive: str
    folder: str
    unit: Unit
    version: str
    licence: str
    split: str = "test"
    docs: int | None = None
    queries: int | None = None
    qrels: int | None = None
    relevance_level: int = 1
    exclude_self: bool = False
    measure: str = "ndcg@10"
    group: str = ""
    task: str = ""
    url: str = ""
    md5: str = ""
    obtain: str = ""
    files: tuple[File, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that hold the dataset."""
        return tuple(name for name, members in groups().items() if self.name in members)

    @property
    def folders(self) -> tuple[str, ...]:
        """Where the dataset may lie below a data folder: under its own name, or as BEIR's archive has it."""
        return tuple(dict.fromkeys((self.name, self.folder)))

    def check(self, column: str, found: int, path: Path) -> None:
        """Compare a number counted in `path` with the table's `docs`, `queries` or `qrels`; raises HarnessError."""
        expected = getattr(self, column)
        if expected is not None and found != expected:
            noun = {"docs": "documents", "queries": "judged queries", "qrels": "judgments"}[column]
            raise HarnessError(
                f"{path}: {found:,} {noun}, but {self.name} has {expected:,} ({self.version}); the file is cut short "
                "or another version: fetch it again, or give the folder a name of its own to load it unchecked"
            )


@cache
def rows() -> Mapping[str, Row]:
    """Every dataset of the table by name, in the order of the table."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return MappingProxyType({name: _row(name, line, table["archive"]) for name, line in table["dataset"].items()})


def _row(name: str, line: dict[str, Any], archives: dict[str, dict[str, Any]]) -> Row:
    archive = line.get("archive", name)
    files = tuple(File(**file) for file in line.get("files", ()))
    derived = {"archive": archive, "folder": archive, "unit": name}
    return Row(name=name, **{**derived, **archives[archive], **line, "files": files})


@dataclass(frozen=True)
class Sourced:
    """A dataset that comes through another library, as `collections.toml` has it; its group is what one asks for."""

    name: str
    source: str
    group: str
    about: str
    measure: str
    relevance_level: int = 1
    exclude_self: bool = False


@cache
def collections() -> Mapping[str, Sourced]:
    """Every dataset that comes through another library, by name."""
    table = tomllib.loads(COLLECTIONS.read_text(encoding="utf-8"))
    found: dict[str, Sourced] = {}
    for group, body in table.items():
        rules = {key: value for key, value in body.items() if key != "datasets"}
        found |= {name: Sourced(name=name, group=group, **rules | line) for name, line in body["datasets"].items()}
    return MappingProxyType(found)


TOGETHER = {  # groups of groups
    "lotte": ("lotte-search", "lotte-forum"),
    "trec": ("trec-dl-2019", "trec-dl-2020", "trec-dl-v2", "trec-tot", "neuclir"),
}


def unit_of(dataset: str) -> Unit:
    """What a dataset counts as in averages: a forum of CQADupStack as that, all else, other splits too, as itself."""
    row = rows().get(dataset)
    return row.unit if row else Unit(dataset)


@cache
def groups() -> Mapping[str, tuple[str, ...]]:
    """What stands for several datasets: beir, beir-public, msmarco, all, each unit of several (cqadupstack), and those
    that come through other libraries: nano, bright, lotte, miracl, mr-tydi, trec, and parts of them.
    """
    table = rows().values()
    found = {
        "beir": [row.name for row in table if row.group == "beir"],
        "beir-public": [row.name for row in table if row.group == "beir" and row.url],
        "msmarco": [row.name for row in table if row.group == "msmarco"],
        "all": [row.name for row in table if row.group],
    }
    for row in table:
        if row.unit != row.name:
            found.setdefault(row.unit, []).append(row.name)
    for one in collections().values():
        found.setdefault(one.group, []).append(one.name)
    for name, parts in TOGETHER.items():
        found[name] = [member for part in parts for member in found.get(part, [part])]
    return MappingProxyType({name: tuple(members) for name, members in found.items()})


def expand(names: Iterable[str]) -> list[str]:
    """Replace groups by their datasets: first those of the table in its order, then the others as given; no repeats."""
    given = dict.fromkeys(member for name in names for member in groups().get(name, (name,)))
    return [name for name in rows() if name in given] + [name for name in given if name not in rows()]
