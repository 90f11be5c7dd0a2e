"""The line that a table carries so that its numbers can be made again (after sacreBLEU, Post 2018)."""

from collections.abc import Sequence

from harness.leaderboard.columns import Column
from harness.results import Result
from harness.statistics.max_t import DRAWS as FLIPS
from harness.statistics.permutation import DRAWS


def of(
    results: Sequence[Result],
    columns: Sequence[Column],
    measure: str,
    test: str,
    correction: str,
    alpha: float,
    family: int,
) -> str:
    """`ndcg@10|test:t,holm|family:12|alpha:0.05|n:300|ranx:0.3.21|commit:…`; n is the number of queries.

    Versions and commits are those that scored the runs, as their manifests say, not those that draw the table.
    """
    datasets = [matrix for column in columns for matrix in column.matrices]
    drawn = f"flips({FLIPS})" if correction == "maxt" else f"{test}({DRAWS})" if test == "permutation" else test
    parts = [measure, f"test:{drawn},{correction}", f"family:{family}", f"alpha:{alpha:g}"]
    parts.append(f"n:{sum(len(matrix.query_ids) for matrix in datasets)}")
    if len(datasets) > 1:
        parts.append(f"datasets:{len(datasets)}")
    shown = {(tag, matrix.dataset) for matrix in datasets for tag in matrix.tags}
    made = [one for result in results if (result.tag, result.dataset) in shown for one in result.members]
    parts.append(f"ranx:{_listed({one.ranx for one in made})}")
    parts.append(f"commit:{_listed({one.commit for one in made})}")
    return "|".join(parts)


def _listed(values: set[str]) -> str:
    return ",".join(sorted(values)) if len(values) < 4 else f"{len(values)} different"
