"""The tables in results/ are made of the scores beside them, and of nothing else."""

from pathlib import Path

import pytest

from harness.views.tables.rendering import write_tables

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("place", "seeds"), [("results", ""), ("results/duplex", "--seeds"), ("results/distilled", "--seeds")]
)
def test_the_committed_tables_are_those_of_the_committed_scores(tmp_path: Path, place: str, seeds: str) -> None:
    folder = REPOSITORY / place
    if not any(folder.glob("runs/*/*/manifest.json")):
        pytest.skip("this checkout has no results")
    made = write_tables(folder, tmp_path, merge_seeds=bool(seeds))
    assert {path.name for path in made} == {path.name for path in (folder / "tables").iterdir()} - {"README.md"}
    for path in made:
        cure = f"{path.name}: run leaderboard --results {place} {seeds} --tables"
        assert path.read_bytes() == (folder / "tables" / path.name).read_bytes(), cure
