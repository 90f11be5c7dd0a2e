"""Results for other tools: MTEB's JSON, TREC run files, and scores under the names of ir_measures."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import files
from harness.measures import parse
from harness.measures.from_ir_measures import name_of
from harness.results import Result, ir_metadata, manifest, mteb


def ir_measures_name(measure: str, relevance_level: int = 1) -> str | None:
    """The name in ir_measures, which `ir_measures.parse_measure` reads; None for one that it lacks.

    >>> ir_measures_name("mrr@10"), ir_measures_name("map", 2), ir_measures_name("recall_cap@100")
    ('RR@10', 'AP(rel=2)', None)
    """
    return name_of(parse(measure), relevance_level)


def export(
    results: Sequence[Result], form: str, output: Path, measures: Sequence[str] = ()
) -> tuple[list[Path], list[str]]:
    """Write each result in `form` ("mteb", "trec", "ir-measures") below `output`/<tag>; the files, and notes.

    Without `measures` those that were scored.
    """
    written, notes = [], []
    for result in results:
        path, said = FORMS[form](result, output / result.tag, measures or result.measures)
        written += [path] if path else []
        notes += [note for note in said if note not in notes]
    return written, notes


def _mteb(result: Result, folder: Path, measures: Sequence[str]) -> tuple[Path | None, list[str]]:
    body, left_out = mteb.result({**result.body, "scores": {name: result.mean(name) for name in measures}})
    # DL19 is a split of MTEB's MSMARCO; in a file of its own it can't overwrite the other one. So any other split.
    apart = result.dataset == "trec-dl-2019" or mteb.base_of(result.dataset) != result.dataset
    path = folder / f"{'-'.join([body['task_name'], *(body['scores'] if apart else ())])}.json"
    files.write_json(path, body)
    note = f"{result.dataset}: MTEB's format has no place for {', '.join(left_out)}"
    return path, [note] if left_out else []


def _trec(result: Result, folder: Path, _: Sequence[str]) -> tuple[Path | None, list[str]]:
    source = result.folder / manifest.RUN
    if not source.is_file():
        return None, [f"{result.tag} on {result.dataset}: {manifest.RUN} is not here; run the system again to have it"]
    path = folder / f"{result.dataset}.trec.gz"
    with files.atomic_path(path) as temporary:
        shutil.copyfile(source, temporary)
    return path, []


def _trec_with_metadata(result: Result, folder: Path, _: Sequence[str]) -> tuple[Path | None, list[str]]:
    """The run file behind a header of ir_metadata (Breuer et al., SIGIR 2022); trec_eval reads no comments."""
    source = result.folder / manifest.RUN
    if not source.is_file():
        return None, [f"{result.tag} on {result.dataset}: {manifest.RUN} is not here; run the system again to have it"]
    path = folder / f"{result.dataset}.trec.gz"
    with files.atomic_gzip(path) as stream, files.open_maybe_gzip(source) as run:
        stream.write("".join(f"{line}\n" for line in ir_metadata.lines(result)).encode())
        shutil.copyfileobj(run, stream)
    return path, []


def _predictions(result: Result, folder: Path, _: Sequence[str]) -> tuple[Path | None, list[str]]:
    """MTEB's `{task}_predictions.json`, which its own `prediction_folder` holds."""
    from harness.runs.run_files import read_run

    source = result.folder / manifest.RUN
    if not source.is_file():
        return None, [f"{result.tag} on {result.dataset}: {manifest.RUN} is not here; run the system again to have it"]
    scored = {name: dict(zip(ids, scores.tolist(), strict=True)) for name, ids, scores in read_run(source)}
    split = (result.split or "test").replace("dl20", "test")
    path = folder / f"{mteb.task_of(mteb.base_of(result.dataset))}_predictions.json"
    body = {"mteb_model_meta": {"model_name": result.tag, "revision": result.commit}, "default": {split: scored}}
    files.write_json(path, body)
    return path, []


def _ir_measures(result: Result, folder: Path, measures: Sequence[str]) -> tuple[Path | None, list[str]]:
    """query_id, measure, value as `ir_measures -q` prints them, and at the end the means under the query `all`."""
    named = {measure: ir_measures_name(measure, result.relevance_level) for measure in measures}
    columns = {measure: result.scores(measure) for measure, name in named.items() if name}
    lines = [
        f"{query_id}\t{named[measure]}\t{value!r}"
        for query_id in next(iter(columns.values()), {})
        for measure, value in ((measure, scores[query_id]) for measure, scores in columns.items())
    ]
    lines += [f"all\t{named[measure]}\t{result.mean(measure)!r}" for measure in columns]
    path = folder / f"{result.dataset}.tsv"
    files.write_bytes(path, "".join(line + "\n" for line in lines).encode())
    missing = [measure for measure, name in named.items() if name is None]
    return path, [f"ir_measures has no {', '.join(missing)}"] if missing else []


FORMS: dict[str, Callable[[Result, Path, Sequence[str]], tuple[Path | None, list[str]]]] = {
    "mteb": _mteb,
    "trec": _trec,
    "ir-measures": _ir_measures,
    "ir-metadata": _trec_with_metadata,
    "mteb-predictions": _predictions,
}
