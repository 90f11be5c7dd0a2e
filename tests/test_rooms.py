"""The house: which room of `harness` may import which, lazy imports counted; no circle, no arrow up, none to plugins.

A room is a folder of harness/; a module at its root is a leaf, but for the doors, which may import anything.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
DOORS = {"harness", "harness.__main__", "harness.cli", "harness.frames"}
LEAVES = {"errors", "files", "lines", "paths", "records", "retriever", "work"}
BELOW: dict[str, set[str]] = {  # room -> the rooms that it may import, beside leaves; each is above all of these
    "host": set(),
    "runs": set(),
    "statistics": {"host"},
    "measures": {"host", "runs"},
    "datasets": {"host", "measures", "runs"},
    "plugins": set(),
    "conformance": {"plugins", "runs"},
    "results": {"datasets", "host", "measures", "runs"},
    "running": {"datasets", "host", "measures", "plugins", "results", "runs"},
    "leaderboard": {"datasets", "measures", "results", "statistics"},
    "published": {"datasets", "results"},
    "views": {"datasets", "host", "leaderboard", "measures", "published", "results", "runs", "statistics"},
}

FACES: dict[str, set[str]] = {  # room -> its modules that others may import beside its door; none: the door alone
    "host": {
        "console", "costs", "environment", "integrity", "locks", "log", "processes", "progress", "ranx_door",
        "recalled", "signals", "workers",
    },
    "runs": {"rankings", "run_files", "text_hashes"},
    "statistics": {
        "across_datasets", "cliques", "fixed_point", "intervals", "macro_average", "matrix", "max_t", "pairwise",
        "permutation", "power", "significance", "ties",
    },
    "measures": {"ahead", "evaluation", "from_ir_measures", "holes", "judged", "made", "scores"},
    "datasets": {"dataset_table", "places", "sources.beir_format", "sources.source", "survey"},
    "plugins": {"constructor", "importing", "scaffold"},
    "conformance": set(),
    "results": {
        "alike", "exchange", "manifest", "means", "provenance", "remote.mirror", "remote.units", "seeds", "tags",
    },
    "running": {  # for commands, which say which executor, cache or suite is meant
        "cache_entries", "devices", "executor", "explained", "filing", "folders", "forecast", "foreign", "job", "known",
        "looks", "plan", "prepared", "ray_executor", "status", "suites", "tuning",
    },
    "leaderboard": {"columns", "comparison", "costs", "holes", "spread", "summary"},
    "published": {"reproduction"},
    "views": {  # a command a view
        "plots.costs", "plots.lists", "plots.over", "plots.pairs", "plots.style", "pooling", "query_browser",
        "query_text", "report.site", "tables.captions", "tables.grid", "tables.paper", "tables.rendering",
        "tables.tables", "tables.tables_json", "tables.wording",
    },
}  # fmt: skip


def imports() -> dict[str, set[str]]:
    """Module -> modules of the project that it imports, at any place of its file."""
    files = {
        ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__"): path
        for package in ("harness", "retrievers")
        for path in sorted((TOP / package).rglob("*.py"))
    }
    return {name: {one for one in _targets(path, files) if one != name} for name, path in files.items()}


def _targets(path: Path, files: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in files or node.module in files:
                    yield full if full in files else node.module


ARROWS = imports()


def room(module: str) -> str:
    """harness.running.plan is of `running`, harness.files of the leaf `files`."""
    return module.split(".")[1] if "." in module else ""


def test_every_room_is_in_the_table_and_the_table_has_no_circle() -> None:
    rooms = {path.name for path in (TOP / "harness").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert rooms == BELOW.keys() | {"commands"}
    roots = {path.stem for path in (TOP / "harness").glob("*.py")}
    assert roots == LEAVES | {name.rpartition(".")[2] for name in DOORS - {"harness"}} | {"__init__"}
    known: set[str] = set()
    for name, below in sorted(BELOW.items(), key=lambda item: len(item[1])):
        assert name not in below
    while known != BELOW.keys():
        ready = {name for name, below in BELOW.items() if below <= known} - known
        assert ready, f"a circle among {sorted(BELOW.keys() - known)}"
        known |= ready


@pytest.mark.parametrize("module", [name for name in ARROWS if name.startswith("harness.") and name not in DOORS])
def test_no_arrow_leads_up(module: str) -> None:
    here = room(module)
    if here == "commands":
        return
    allowed = LEAVES if here in LEAVES else LEAVES | BELOW[here] | {here}
    wrong = {one for one in ARROWS[module] if one.startswith("harness.") and room(one) not in allowed}
    assert not wrong, f"{module} is of {here}, which may not import {sorted(wrong)}"
    assert not ARROWS[module] & DOORS - {"harness"}


def test_no_import_goes_past_a_door() -> None:
    """A room shows its `__init__` and the modules named as its faces; the others are its own business."""
    shown = {f"harness.{name}.{face}" for name, faces in FACES.items() for face in faces}
    past = {
        f"{module} imports {one}"
        for module, ones in ARROWS.items()
        for one in ones - shown
        if one.startswith("harness.") and one.count(".") > 1
        if room(one) != room(module) or not module.startswith("harness.")
    }
    assert not past


def test_no_arrow_leads_to_the_plugins() -> None:
    assert not {name for name, ones in ARROWS.items() if name.startswith("harness") and any(
        one.startswith("retrievers") for one in ones
    )}  # fmt: skip


def test_no_circle_of_files() -> None:
    """Also in retrievers/, by files and by folders."""
    files = {name: ones - DOORS for name, ones in ARROWS.items() if name not in DOORS}
    folders: dict[str, set[str]] = {}
    for name, ones in files.items():
        for one in ones:
            if name.startswith("retrievers.") and _folder(one) != _folder(name):
                folders.setdefault(_folder(name), set()).add(_folder(one))
    for graph in (files, folders):
        assert not _circles(graph)


PASSES_ON = {"harness/commands/run.py", "harness/commands/score.py", "harness/running/runner.py"}  # whole, as JSON
DICTS = {"manifest", "body"}  # of a Result


def test_the_dict_of_a_manifest_is_opened_in_its_room_only() -> None:
    """Elsewhere a result has typed properties."""
    for path in sorted((TOP / "harness").rglob("*.py")):
        place = path.relative_to(TOP).as_posix()
        if place.startswith("harness/results/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            here = f"{place}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.value, ast.Attribute):
                assert node.value.attr not in DICTS, here
            if isinstance(node, ast.Attribute) and node.attr in DICTS:
                assert place in PASSES_ON, here
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "manifest":
                assert node.attr not in ("read", "depth"), here


OPTIONAL = {
    "runtime", "content", "search_only", "shard_docs", "index_part", "requires", "inputs", "needs", "facts",
    "mends", "sends", "billed", "sources",
}  # fmt: skip


def test_what_a_plugin_may_offer_is_read_in_one_place() -> None:
    """And where the laws of `check` try it."""
    for path in sorted((TOP / "harness").rglob("*.py")):
        place = path.relative_to(TOP).as_posix()
        if place == "harness/plugins/plugin.py" or place.startswith("harness/conformance/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("getattr", "hasattr")
            ):
                asked = node.args[1].value if isinstance(node.args[1], ast.Constant) else ""
                assert asked not in OPTIONAL | {"fingerprint", "trials", "untuned"}, f"{place}:{node.lineno}"


def _folder(module: str) -> str:
    path = TOP.joinpath(*module.split("."))
    return module if path.is_dir() or module.count(".") < 2 else module.rpartition(".")[0]


def _circles(graph: dict[str, set[str]]) -> list[str]:
    """What is left after everything that imports nothing left has been taken away, again and again."""
    left = {name: {one for one in ones if one in graph} for name, ones in graph.items()}
    while done := [name for name, ones in left.items() if not ones]:
        left = {name: ones - set(done) for name, ones in left.items() if name not in done}
    return sorted(left)
