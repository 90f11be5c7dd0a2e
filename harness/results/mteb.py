"""MTEB's result format: the names of tasks and measures, and one JSON file per task, written and read.

Two forms are about: since mteb 1.11 `task_name` and `scores` by split; before, `mteb_dataset_name` with the splits
beside it. Both are read; what is written is the newer one and carries the older name too.
"""

import re
import zlib
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.datasets import dataset_table
from harness.errors import BadInput
from harness.files import open_maybe_gzip, read_json
from harness.measures import display, parse_measure

LANGUAGE = "eng-Latn"
MEASURES = {"ndcg": "ndcg", "mrr": "mrr", "recall": "recall", "precision": "precision", "map": "map"}
TASKS = {
    "arguana": "ArguAna",
    "climate-fever": "ClimateFEVER",
    "dbpedia-entity": "DBPedia",
    "fever": "FEVER",
    "fiqa": "FiQA2018",
    "hotpotqa": "HotpotQA",
    "nfcorpus": "NFCorpus",
    "nq": "NQ",
    "quora": "QuoraRetrieval",
    "scidocs": "SCIDOCS",
    "scifact": "SciFact",
    "trec-covid": "TRECCOVID",
    "webis-touche2020": "Touche2020",
    "msmarco-dev": "MSMARCO",
    "trec-dl-2019": "MSMARCO",
}
SPLITS = {("MSMARCO", "dev"): "msmarco-dev", ("MSMARCO", "test"): "trec-dl-2019"}  # BEIR's habit, which MTEB follows


def task_of(dataset: str) -> str:
    """MTEB's name of a dataset; one that MTEB does not have keeps its own."""
    if dataset.startswith("cqadupstack-"):
        return f"CQADupstack{dataset.removeprefix('cqadupstack-').capitalize()}Retrieval"
    return TASKS.get(dataset, dataset)


def base_of(dataset: str) -> str:
    """The dataset of the table that another split belongs to: scifact of scifact@train; other names as they are."""
    base = dataset.rpartition("@")[0]
    return base if base in dataset_table.rows() else dataset


def dataset_of(task: str, split: str, own: Collection[str] = ()) -> str | None:
    """Our name of a task's split; None for a task that is none of ours, or a split that is not evaluated here.

    `own` are collections that are no task of MTEB and go by their own name.
    """
    rows = dataset_table.rows()
    if named := next((name for name in (task, f"{task}@{split}") if name in own and name not in rows), None):
        return named
    if (task, split) in SPLITS:
        return SPLITS[task, split]
    names = [name for name in rows if task in (task_of(name), name)]
    return next((name for name in names if rows[name].split == split and TASKS.get(name) != "MSMARCO"), None)


def key_of(measure: str, k: int) -> str | None:
    """MTEB's key of a measure: `ndcg@10` -> ndcg_at_10; MAP of a whole run of k documents is map_at_k; else None."""
    name, cutoff, params = parse_measure(measure)
    return f"{MEASURES[name]}_at_{cutoff or k}" if name in MEASURES and not params else None


def measure_of(key: str) -> str | None:
    """Our name of MTEB's key, None for one without: ndcg_at_10 -> ndcg@10. map_at_1000 is MAP at our depth."""
    found = re.fullmatch(r"(ndcg|mrr|recall|precision)_at_([1-9][0-9]{0,8})", key)
    return f"{found[1]}@{found[2]}" if found else {"map_at_1000": "map"}.get(key)


def result(manifest: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """One result as MTEB has it, and which measures could not be said in it; `manifest` is a `Result.body`.

    MTEB counts grade 1 as relevant: where a dataset asks for more, only nDCG means the same in both.
    """
    level = manifest["relevance_level"]
    scores, left_out = {}, []
    for measure, value in manifest["scores"].items():
        key = key_of(measure, manifest["k"])
        beyond = parse_measure(measure).cutoff > manifest["k"]  # of the run, so that it is not what it is called
        if key is None or beyond or (level > 1 and not measure.startswith("ndcg")):
            left_out.append(display(measure))
        else:
            scores[key] = value
    main = key_of(manifest["primary_measure"], manifest["k"])
    base = base_of(manifest["dataset"])
    data, row, task = manifest.get("data") or {}, dataset_table.rows().get(base), task_of(base)
    body = {
        "dataset_revision": f"{row.version if row else 'none'}, qrels sha256 {data.get('qrels_sha256', 'unknown')}",
        "task_name": task,
        "mteb_dataset_name": task,
        "mteb_version": None,
        "scores": {
            manifest["split"]: [
                {**scores, "main_score": scores.get(main or ""), "hf_subset": "default", "languages": [LANGUAGE]}
            ]
        },
        "evaluation_time": _seconds(manifest.get("costs") or {}),
        "kg_co2_emissions": None,
    }
    return body, left_out


def read(path: Path, own: Collection[str] = ()) -> tuple[str, dict[str, Any], dict[str, dict[str, float]]]:
    """Task, what the file says about itself, and dataset -> measure -> mean, from a file in either form.

    `own` are collections of one's own. Splits that are not evaluated here are left out. Raises BadInput for a file that
    is no result of a task, and for a value that is no number between 0 and 1.
    """
    try:
        body = read_json(path)
    except FileNotFoundError:
        raise BadInput(path, None, "no such file") from None
    except ValueError as error:
        if _is_run(path):
            raise BadInput(path, None, "is a run file, not a result of MTEB; `beir-harness score` takes runs") from None
        raise BadInput(path, None, f"is not JSON ({error})") from None
    task = body.get("task_name") or body.get("mteb_dataset_name") if isinstance(body, dict) else None
    if not isinstance(task, str):
        raise BadInput(path, None, "is no MTEB result: neither task_name nor mteb_dataset_name is in it")
    splits = body["scores"] if isinstance(body.get("scores"), dict) else body
    about = {key: body.get(key) for key in ("dataset_revision", "mteb_version") if body.get(key)}
    found = {}
    for split, entry in splits.items():
        dataset = dataset_of(task, split, own)
        entry = entry[0] if isinstance(entry, list) and len(entry) == 1 else entry
        if dataset is not None and isinstance(entry, dict):
            scores = {measure: _value(path, key, entry[key]) for key in entry if (measure := measure_of(key))}
            if scores:
                found[dataset] = scores
    if not found:
        listed = ", ".join(list(splits)[:12])
        what = f"has no scores of a dataset known here: task {task}, splits {listed}"
        raise BadInput(path, None, f"{what}; of a collection of your own there has to be a result in --results first")
    return task, about, found


def _is_run(path: Path) -> bool:
    """Whether the first line has the six columns of a run."""
    with suppress(OSError, EOFError, zlib.error), open_maybe_gzip(path) as stream:
        columns = stream.readline(1000).split()
        return len(columns) == 6 and columns[1].upper() == b"Q0"
    return False


def _value(path: Path, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadInput(path, None, f"{key} is {value!r}, not a number between 0 and 1")
    return float(value)


def _seconds(costs: dict[str, Any]) -> float | None:
    parts = [(costs.get(stage) or {}).get("wall_s") for stage in ("index", "search")]
    return sum(parts) if all(isinstance(part, int | float) for part in parts) else None  # type: ignore[arg-type]
