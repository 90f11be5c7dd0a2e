"""The critical-difference diagram (Demšar, JMLR 7, 2006)."""

from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.leaderboard import Leaderboard
from harness.measures import display
from harness.statistics.cliques import cliques
from harness.views.plots.style import BETTER, INK, NEUTRAL, ROW, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def critical_difference(board: Leaderboard) -> "Figure":
    """Mean ranks over datasets, best on the left; a bar joins systems that Nemenyi's test can't tell apart.

    Raises HarnessError for fewer than 3 systems or 2 datasets, which have no such test.
    """
    over = board.over
    if over is None or over.critical_difference is None:
        raise HarnessError(
            f"a critical-difference diagram needs 3 systems with 2 datasets in common; "
            f"here are {len(board.tags)} systems with {len(board.shared)}"
        )
    ranked = sorted(zip(over.mean_ranks, over.tags, strict=True))
    bars = cliques([rank for rank, _ in ranked], over.critical_difference)
    n = len(ranked)
    half = (n + 1) // 2
    first = 1.2 + 0.35 * len(bars)  # lines below the axis where the names begin
    with styled(0.8 + ROW * (first + half + 1)) as (figure, axes):
        axes.axis("off")
        reach = (n - 1) * 0.55
        axes.set_xlim(1 - reach, n + reach)
        axes.set_ylim(first + half, -2.2)
        axes.hlines(0, 1, n, color=INK, lw=1)
        for tick in range(1, n + 1, max(1, n // 10)):
            axes.vlines(tick, -0.25, 0, color=INK, lw=1)
            axes.text(tick, -0.4, str(tick), ha="center", va="bottom", color=INK)
        end = min(1 + over.critical_difference, n + reach)
        axes.hlines(-1.5, 1, end, color=BETTER, lw=2)
        said = f"CD = {over.critical_difference:.2f} (alpha {board.alpha:g})"
        if not over.separable:
            said += f": beyond all gaps, {len(over.datasets)} datasets are too few"
        axes.text((1 + end) / 2, -1.65, said, ha="center", va="bottom", color=BETTER)
        for at, (low, high) in enumerate(bars):
            axes.hlines(0.6 + 0.35 * at, ranked[low][0] - 0.04, ranked[high][0] + 0.04, color=INK, lw=2.5)
        for place, (rank, tag) in enumerate(ranked):
            left = place < half
            y = first + (place if left else n - 1 - place)
            edge = 1 - 0.05 * n if left else n + 0.05 * n
            axes.plot((rank, rank, edge), (0, y, y), color=NEUTRAL, lw=0.7)
            label = f"{tag}  {rank:.2f}" if left else f"{rank:.2f}  {tag}"
            axes.text(edge - 0.02 * n * (1 if left else -1), y, label, ha="right" if left else "left", va="center")
        axes.set_title(
            f"Mean ranks of {n} systems by {display(board.measure)} over {len(over.datasets)} datasets\n"
            "a bar below the scale joins what Nemenyi's test can't tell apart"
        )
        return figure
