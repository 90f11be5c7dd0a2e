"""The whole site: pages, data and assets into one folder, in which nothing else may lie."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from harness import files, results
from harness.errors import BadInput, HarnessError, unknown
from harness.host import integrity
from harness.leaderboard import Leaderboard, build, costs
from harness.leaderboard.holes import with_holes
from harness.measures import display, parse
from harness.published import reproduction
from harness.results import Result
from harness.results import means as known_means
from harness.results.provenance import command, facts
from harness.views.report import page, queries, script
from harness.views.report.board_data import board_data

HERE = Path(__file__).parent
MARKER = ".beir-harness-report.json"  # lists what was written, so that the next report may clear it away


@dataclass(frozen=True)
class Site:
    """What was written: the page to open, the files, and what a reader of the terminal should know."""

    index: Path
    written: tuple[Path, ...]
    notes: tuple[str, ...]


def write(
    results_folder: Path,
    output: Path,
    measures: Sequence[str] = (),
    datasets: Sequence[str] = (),
    systems: Sequence[str] = (),
    test: str = "t",
    alpha: float = 0.05,
    data_dirs: Sequence[Path] = (),
    most_queries: int = 300,
    baseline: str | None = None,
    correction: str = "holm",
    margin: float | None = None,
) -> Site:
    """Write the site of `results_folder` to `output`, a new or empty folder, or one that holds an earlier report.

    Without `measures` every one that was scored gets a page. `most_queries` bounds the per-query browser for each
    dataset; 0 leaves it out. Each page opens compared with `baseline`, where one is given; with `margin` it says which
    differences are shown to be within it. `correction` is one that ranks rest on too, "holm" or "maxt". Raises
    HarnessError for results that can't be read or compared, an unknown name, and a folder that holds something else.
    """
    found, notes = results.read(results_folder)
    found = results.select(found, datasets, systems)
    notes = results.about_shown(notes, found, bool(datasets), bool(systems))
    means, unread = known_means.read(results_folder)
    means = [one for one in means if not systems or one.tag in systems]
    notes += unread
    if baseline is not None and baseline not in {result.tag for result in found}:
        raise unknown("baseline", baseline, {result.tag for result in found})
    scored = dict.fromkeys(measure for result in found for measure in result.measures)
    primary = found[0].primary_measure
    names = list(dict.fromkeys(measures or [primary, *scored]))
    built = (build(found, measure, None, test, correction, alpha, notes, margin) for measure in names)
    boards = [with_holes(board, found) for board in built]
    _clear(output)
    files.write_json(output / MARKER, {"files": {}})  # what is here from now on is a report's, should this one stop
    written = _assets(output)
    tags = sorted({result.tag for result in found})
    for at, tag in enumerate(tags):
        mine = [result for result in found if result.tag == tag]
        written.append(script.write(output / "data" / f"made-{at}.js", f"made:{tag}", _made(mine)))
    browsed, made = _browser(output, found, data_dirs, most_queries, baseline)
    written += made
    shared = {
        "measures": [
            {"name": name, "display": display(name), "file": _file(at, name)} for at, name in enumerate(names)
        ],
        "made": tags,
        "baseline": baseline,
        "browsed": [{"number": one.number, "dataset": one.dataset, "tags": one.tags} for one in browsed],
    }
    verdicts = reproduction.verify(found)
    environment = _environment()
    for at, board in enumerate(boards):
        written += _measure_page(output, at, board, found, means, verdicts, shared, environment)
    if browsed:
        written.append(script.write(output / "data" / "site.js", "site", shared))
        text = environment.get_template("queries.html.jinja").render(shared=shared)
        written.append(_write(output / "queries.html", text))
    recorded = {path.relative_to(output).as_posix(): integrity.facts(path) for path in sorted(written)}
    files.write_json(output / MARKER, {"files": recorded})
    return Site(output / "index.html", tuple(written), (*notes, *_once(browsed)))


def _measure_page(
    output: Path,
    at: int,
    board: Leaderboard,
    found: Sequence[Result],
    means: Sequence[known_means.MeansOnly],
    verdicts: Sequence[reproduction.Verdict],
    shared: dict[str, Any],
    environment: jinja2.Environment,
) -> list[Path]:
    shown = board.groups()
    data = board_data(board, shown, found, means) | shared
    context = page.context(board, data, verdicts, shared) | {"machines": costs.machines(found), "number": at}
    text = environment.get_template("measure.html.jinja").render(context)
    return [
        script.write(output / "data" / f"board-{at}.js", "board", data),
        _write(output / _file(at, board.measure), text),
    ]


def _file(at: int, measure: str) -> str:
    """The first measure is what opens; `recall_cap@100` would be an odd address, so it is recall_cap-100.html."""
    return "index.html" if at == 0 else f"{parse(measure).slug.replace('@', '-')}.html"


def _made(mine: Sequence[Result]) -> list[Any]:
    """[dataset, command, facts] of one system's results."""
    return [[result.dataset, command(result), facts(result)] for result in mine]


def _browser(
    output: Path, found: Sequence[Result], data_dirs: Sequence[Path], most: int, baseline: str | None
) -> tuple[list[queries.Browsed], list[Path]]:
    if most < 1:
        return [], []
    by_dataset: dict[str, list[Result]] = {}
    for result in found:
        by_dataset.setdefault(result.dataset, []).append(result)
    browsed, written = [], []
    for at, group in enumerate(by_dataset.values()):
        one, made = queries.write(output / "queries", at, group, data_dirs, most, baseline)
        browsed.append(one)
        written += made
    return browsed, written


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= page.FILTERS
    return environment


def _assets(output: Path) -> list[Path]:
    written = []
    for source in sorted((HERE / "static").iterdir()):
        target = output / "assets" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        written.append(Path(shutil.copyfile(source, target)))
    return written


def _write(path: Path, text: str) -> Path:
    files.write_bytes(path, text.encode())
    return path


def _clear(output: Path) -> None:
    """Remove the files of an earlier report that are as they were written, and nothing else.

    Raises HarnessError for a folder that holds other things, or links, through which a report would be written
    elsewhere, and BadInput for a marker that no report has written.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    marker, cure = output / MARKER, "name a new folder with --output"
    if not marker.is_file():
        raise HarnessError(f"{output} is not empty and holds no earlier report; {cure}")
    try:
        body = files.read_json(marker)
    except (OSError, ValueError) as error:
        raise BadInput(marker, None, f"is not the record of a report ({error}); {cure}") from error
    recorded: Any = body.get("files") if isinstance(body, dict) else body
    if wrong := integrity.malformed(recorded):
        raise BadInput(marker, None, f"is not the record of a report ({wrong}); {cure}")
    if links := [path for path in output.rglob("*") if path.is_symlink()]:
        raise BadInput(links[0], None, f"is a link, which no report has made; {cure}")
    for name in recorded.keys() - integrity.damage(output, recorded).keys():
        (output / name).unlink()


def _once(browsed: Sequence[queries.Browsed]) -> list[str]:
    """What is said of the queries of some datasets: each sentence once, named where it isn't about all."""
    said: dict[str, list[str]] = {}
    for one in browsed:
        for note in one.notes:
            said.setdefault(note, []).append(one.dataset)
    return [note if len(names) == len(browsed) else f"{', '.join(names)}: {note}" for note, names in said.items()]
