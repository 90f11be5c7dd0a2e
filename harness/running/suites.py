"""A suite: systems times datasets, written in TOML. `full.toml` is the whole benchmark.

about = "BM25 on two collections"
datasets = ["scifact", "nfcorpus"]

[[system]]
retriever = "bm25"            # a plugin's name, package.module:Class or ./file.py:Class
tag = "bm25"                  # optional
arguments = { fields = "flat" }   # optional
datasets = ["scifact"]        # optional: only these of the suite's datasets
resources = { cpus = 4, gpus = 1 }   # optional: what a task of it gets on a cluster
[system.on.scifact]           # optional: other arguments there
k1 = 1.2

`{task}` in an argument stands for what a query of the dataset asks for, as the table of datasets has it.
"""

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.datasets import dataset_table
from harness.errors import BadInput, HarnessError, unknown
from harness.plugins.constructor import survives_json
from harness.results import tags

FOLDER = Path(__file__).parent / "suites"
LARGEST = 1 << 16  # bytes; the suite of the whole benchmark has a hundredth
MOST_RESOURCES = 100_000  # CPUs or GPUs; more is a slip of the keyboard
TASK = "{task}"
MOST_DOTS = 200  # in a line; the time that tomllib takes for a dotted key grows with the cube of its parts


@dataclass(frozen=True)
class System:
    """A retriever, its arguments and the name under which its results are filed."""

    spec: str
    arguments: dict[str, Any]
    tag: str
    datasets: tuple[str, ...] | None = None  # None: all of the suite's
    resources: dict[str, float] = field(default_factory=dict)  # "cpus", "gpus" of one task on a cluster
    on: dict[str, dict[str, Any]] = field(default_factory=dict)  # dataset -> arguments that it has there alone

    def meant_for(self, dataset: str) -> "System":
        """The system with its arguments on `dataset`, a name of results. Raises HarnessError for an unknown task."""
        own = self.on.get(dataset, self.on.get(dataset.partition("@")[0], {}))
        arguments = {name: _filled(value, dataset) for name, value in (self.arguments | own).items()}
        return self if arguments == self.arguments and not self.on else replace(self, arguments=arguments, on={})


@dataclass(frozen=True)
class Suite:
    """Systems times datasets; `datasets` may name groups."""

    systems: tuple[System, ...]
    datasets: tuple[str, ...]
    about: str = ""


def _filled(value: Any, dataset: str) -> Any:
    if not isinstance(value, str) or TASK not in value:
        return value
    row = dataset_table.rows().get(dataset.partition("@")[0])
    if not row or not row.task:
        raise HarnessError(
            f"{value!r} wants the task of {dataset}, and the table of datasets has none; write it into the suite:"
            f" [system.on.{dataset.partition('@')[0]}]"
        )
    return value.replace(TASK, row.task)


def system(spec: str, arguments: dict[str, Any], tag: str | None = None) -> System:
    """A system under its tag, or under one made of its name and arguments."""
    place, _, label = spec.rpartition(":")
    stem = place.rpartition("/")[2].removesuffix(".py").rpartition(".")[2]
    name = f"{stem}-{label}" if stem and stem.replace("_", "").lower() != label.lower() else stem or label
    return System(spec, arguments, tags.check(tag) if tag is not None else tags.default(name, arguments))


def built_in() -> dict[str, Suite]:
    """The suites that come with the package, by name."""
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.toml"))}


def load(name_or_path: str) -> Suite:
    """A suite of the package by name, or one of the user's by the path of its TOML file."""
    if name_or_path.endswith(".toml"):
        return read(Path(name_or_path))
    path = FOLDER / f"{name_or_path}.toml"
    if path.parent != FOLDER or not path.is_file():
        raise unknown("suite", name_or_path, (found.stem for found in FOLDER.glob("*.toml")))
    return read(path)


def read(path: Path) -> Suite:
    """Read one TOML file; raises BadInput for what is not a suite."""
    try:
        with open(path, "rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise BadInput(path, None, f"has more than {LARGEST >> 10} kB; a suite is a short list of systems")
        for number, line in enumerate(text.split(b"\n"), 1):
            if line.count(b".") > MOST_DOTS:
                raise BadInput(path, number, f"has more than {MOST_DOTS} dots; put values on lines of their own")
        body = tomllib.loads(text.decode())
    except FileNotFoundError:
        raise HarnessError(f"{path}: there is no such suite file") from None
    except (ValueError, RecursionError) as error:  # ValueError: not TOML, not UTF-8, a number of thousands of digits
        raise BadInput(path, None, f"is not TOML: {error}") from error
    _only(path, body, {"about", "datasets", "system"}, "the suite")
    systems = tuple(_system(path, entry) for entry in _list(path, body, "system", dict))
    names = tuple(_list(path, body, "datasets", str))
    known = {name.partition("@")[0] for name in dataset_table.expand(names)} | set(names)
    for one in systems:
        for name in one.on.keys() - known:
            raise BadInput(
                path, None, f"[system.on.{name}] of {one.tag}: {unknown('dataset of the suite', name, known)}"
            )
    return Suite(systems=systems, datasets=names, about=str(body.get("about", "")))


def _system(path: Path, entry: dict[str, Any]) -> System:
    _only(path, entry, {"retriever", "tag", "arguments", "datasets", "resources", "on"}, "a [[system]]")
    spec, arguments, tag = entry.get("retriever"), entry.get("arguments", {}), entry.get("tag")
    if not isinstance(spec, str) or not isinstance(arguments, dict) or not isinstance(tag, str | None):
        raise BadInput(path, None, 'a [[system]] needs retriever = "…"; arguments is a table, tag a string')
    if not survives_json(arguments):
        what = "arguments can be text, numbers, true or false, lists and tables, as JSON has them"
        raise BadInput(path, None, f"{what}, not {arguments!r}")
    try:
        made = system(spec, arguments, tag)
    except HarnessError as error:
        raise BadInput(path, None, str(error)) from error
    only = tuple(_list(path, entry, "datasets", str)) if "datasets" in entry else None
    on = _on(path, entry.get("on", {}))
    return System(made.spec, made.arguments, made.tag, only, _resources(path, entry.get("resources", {})), on)


def _on(path: Path, tables: Any) -> dict[str, dict[str, Any]]:
    """[system.on.DATASET]: arguments by dataset."""
    if not isinstance(tables, dict) or not all(isinstance(one, dict) and survives_json(one) for one in tables.values()):
        raise BadInput(path, None, "[system.on.DATASET] is a table of arguments, for each dataset one")
    return tables


def _resources(path: Path, asked: Any) -> dict[str, float]:
    if not isinstance(asked, dict):
        raise BadInput(path, None, "resources is a table, such as { cpus = 4, gpus = 1 }")
    _only(path, asked, {"cpus", "gpus"}, "resources")
    for name, amount in asked.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount <= MOST_RESOURCES:
            raise BadInput(path, None, f"resources: {name} = {amount!r} is not a number of {name}")
    return {name: float(amount) for name, amount in asked.items()}


def _list(path: Path, table: dict[str, Any], key: str, kind: type) -> list[Any]:
    value = table.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(item, kind) for item in value):
        raise BadInput(path, None, f"{key!r} must be a list of at least one {kind.__name__}")
    return value


def _only(path: Path, table: dict[str, Any], known: set[str], what: str) -> None:
    for key in table.keys() - known:
        raise BadInput(path, None, f"{what}: {unknown('key', key, known)}")
