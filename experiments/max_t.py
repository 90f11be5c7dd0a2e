"""Family-wise error and power of step-down max-T beside Holm, on equal and on unequal systems.

    python experiments/max_t.py [--trials 1000] [--draws 2000]

Systems share the difficulty of queries; "alike" systems share part of their noise too, as fusions of one retriever do.
For each case: how often a table has any false mark (aim: at most .05), and the share of true differences that it marks.
"""

import argparse
from itertools import combinations

import numpy as np

from harness.statistics.max_t import Block, max_t
from harness.statistics.significance import correct, paired_t

SYSTEMS, ALPHA = 8, 0.05
LEFT, RIGHT = (list(side) for side in zip(*combinations(range(SYSTEMS), 2), strict=True))
SHIFTS = {
    "all equal": np.zeros(SYSTEMS),
    "one better": np.array([0.05, *[0] * (SYSTEMS - 1)]),
    "two groups": np.repeat([0.04, 0.0], SYSTEMS // 2),
    "all unequal": np.linspace(0.08, 0.0, SYSTEMS),
}
CASES = [(queries, alike) for queries in (50, 300) for alike in (0.0, 0.8)]


def table(generator: np.random.Generator, queries: int, alike: float, shift: np.ndarray) -> np.ndarray:
    """Scores (queries, systems) like nDCG: between 0 and 1, many at either end; halves share `alike` of the noise."""
    difficulty = generator.normal(0.5, 0.35, (queries, 1))
    halves = np.repeat(generator.normal(0, 1, (queries, 2)), SYSTEMS // 2, axis=1)
    own = generator.normal(0, 1, (queries, SYSTEMS))
    noise = 0.15 * (np.sqrt(alike) * halves + np.sqrt(1 - alike) * own)
    return np.clip(np.round(difficulty + noise, 3), 0, 1) + shift


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=2000)
    arguments = parser.parse_args()
    heads = f"{'false: Holm':>11} {'max-T':>6}  {'found: Holm':>11} {'max-T':>6}"
    print(f"{'systems':<12} {'queries':>7} {'alike':>5}  {heads}")
    for name, shift in SHIFTS.items():
        true = np.abs(shift[LEFT] - shift[RIGHT]) > 0
        for queries, alike in CASES:
            false, found = np.zeros(2), np.zeros(2)
            for trial in range(arguments.trials):
                scores = table(np.random.default_rng([trial, queries, round(10 * alike)]), queries, alike, shift)
                holm = correct(paired_t(scores, LEFT, RIGHT), "holm") <= ALPHA
                step = max_t([Block(scores, LEFT, RIGHT, trial)], arguments.draws).corrected <= ALPHA
                false += [holm[~true].any(), step[~true].any()]
                found += [holm[true].mean(), step[true].mean()] if true.any() else [0, 0]
            rates = [*(false / arguments.trials), *(found / arguments.trials)]
            shown = [f"{rate:.3f}" if true.any() or at < 2 else "–" for at, rate in enumerate(rates)]
            print(
                f"{name:<12} {queries:>7} {alike:>5}  {shown[0]:>11} {shown[1]:>6}  {shown[2]:>11} {shown[3]:>6}",
                flush=True,
            )


if __name__ == "__main__":
    main()
