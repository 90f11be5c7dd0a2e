"""The results as DataFrames, for notebooks: five functions, each reads what the commands wrote and changes nothing.

    from harness import frames

    frames.results()                                  # one row per system and dataset
    frames.scores("ndcg@10", datasets=["scifact"])    # one row per system, dataset and query
    frames.leaderboard("ndcg@10", baseline="bm25")    # systems by datasets
    frames.compare("bm25", "dupmae", "scifact")       # one row per query, the largest gain first
    frames.run("bm25", "scifact", depth=10)           # what was retrieved

`folder` is the results folder everywhere, or a URL; None is the default one. What a table claims beyond its cells
(tests, signature, notes) is in its `attrs`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import leaderboard as boards
from harness import paths
from harness import results as stored
from harness.measures import parse
from harness.results.remote import mirror

if TYPE_CHECKING:
    import pandas as pd


def results(folder: Path | str | None = None) -> "pd.DataFrame":
    """One row per finished result: system, dataset, the mean of each measure, what it cost, when it was made.

    The cost of a fusion is that of its parts and of fusing; a cost that is not known is missing.
    """
    import pandas as pd

    from harness.leaderboard.costs import AXES

    costs = {{"latency": "latency_p50_ms"}.get(axis.name, axis.name): axis for axis in AXES}

    found, notes = stored.read(_folder(folder))
    rows = []
    for result in found:
        seconds = result.cost("query_s")
        rows.append(
            {
                "system": result.tag,
                "dataset": result.dataset,
                **result.means,
                "queries": result.judged,
                **{name: result.cost(axis.name) for name, axis in costs.items()},
                "queries_per_s": None if seconds is None else 1 / seconds,
                "created": result.created,
            }
        )
    frame = pd.DataFrame(rows)
    frame.attrs["notes"] = notes
    return frame


def scores(
    measure: str = "ndcg@10",
    datasets: Sequence[str] = (),
    systems: Sequence[str] = (),
    folder: Path | str | None = None,
) -> "pd.DataFrame":
    """One row per system, dataset and judged query: system, dataset, query_id, score. Names may be groups."""
    import pandas as pd

    measure = str(parse(measure))
    chosen = stored.select(stored.read(_folder(folder))[0], datasets, systems)
    frames = [
        pd.DataFrame(
            {"system": result.tag, "dataset": result.dataset, "query_id": list(found), "score": found.values()}
        )
        for result in chosen
        if (found := result.scores(measure))
    ]
    return pd.concat(frames, ignore_index=True)


def leaderboard(
    measure: str = "ndcg@10",
    datasets: Sequence[str] = (),
    systems: Sequence[str] = (),
    baseline: str | None = None,
    test: str = "t",
    correction: str = "holm",
    alpha: float = 0.05,
    folder: Path | str | None = None,
) -> "pd.DataFrame":
    """Systems from best to worst by datasets, then average and the ranks that the tests leave open.

    `attrs` has what is printed below the table: `comparisons`, a record for every tested pair, `signature` and `notes`.
    """
    found, notes = stored.read(_folder(folder))
    chosen = stored.select(found, datasets, systems)
    notes = stored.about_shown(notes, chosen, bool(datasets), bool(systems))
    board = boards.build(chosen, measure, baseline, test, correction, alpha, notes)
    frame = board.frame()
    comparisons = [dict(vars(one)) for one in board.family]
    frame.attrs = {"comparisons": comparisons, "signature": board.signature, "notes": list(board.notes)}
    return frame


def compare(
    first: str, second: str, dataset: str, measure: str | None = None, folder: Path | str | None = None
) -> "pd.DataFrame":
    """One row per judged query: its id, both scores, `difference`; first where `first` gains most.

    The measure is the dataset's own unless given; `attrs` has it, and the test: difference, interval, p, wins, losses.
    """
    import pandas as pd

    from harness.leaderboard.columns import join
    from harness.leaderboard.comparison import compare as compared
    from harness.leaderboard.comparison import pick

    found, _ = stored.read(_folder(folder))
    pair = [pick(found, tag, dataset) for tag in (first, second)]
    chosen = str(parse(measure or pair[0].primary_measure))
    matrix = join(pair, chosen)
    frame = pd.DataFrame({"query_id": matrix.query_ids, first: matrix.scores[:, 0], second: matrix.scores[:, 1]})
    frame["difference"] = frame[first] - frame[second]
    frame = frame.sort_values(["difference", "query_id"], ascending=[False, True], ignore_index=True)
    frame.attrs.update(measure=chosen, **vars(compared(pair[0], pair[1], [chosen])[0].comparison))
    return frame


def run(
    tag: str,
    dataset: str,
    depth: int = 10,
    data_dirs: Sequence[Path | str] = (),
    folder: Path | str | None = None,
) -> "pd.DataFrame":
    """What was retrieved: query_id, rank, doc_id, score, and `relevance`, the grade or <NA> where nobody judged.

    Without the judgments that were used at hand (nothing is downloaded) the column `relevance` is missing and
    `attrs["notes"]` says why.
    Raises HarnessError where the run file is not in the results folder.
    """
    import pandas as pd

    from harness.errors import HarnessError
    from harness.leaderboard.comparison import pick
    from harness.views import query_browser

    result = pick(stored.read(_folder(folder))[0], tag, dataset)
    rows = [
        (query_id, rank, doc_id, float(score))
        for query_id, doc_ids, scored in query_browser.read_run(result)
        for rank, (doc_id, score) in enumerate(zip(doc_ids[:depth], scored[:depth], strict=True), 1)
    ]
    frame = pd.DataFrame(rows, columns=["query_id", "rank", "doc_id", "score"])
    try:
        folders = [*map(Path, data_dirs), *paths.data_dirs()]
        judged = query_browser.judgments(query_browser.dataset_of(result, folders, dataset, texts=False)).by_query
    except HarnessError as error:
        frame.attrs["notes"] = [f"no relevance: {error}"]
        return frame
    grades = [judged.get(query_id, {}).get(doc_id) for query_id, _, doc_id, _ in rows]
    frame["relevance"] = pd.array(grades, dtype="Int64")
    return frame


def _folder(folder: Path | str | None) -> Path:
    return mirror.folder(paths.results_dir() if folder is None else paths.place(str(folder)))
