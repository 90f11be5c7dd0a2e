"""How often 95 % intervals of a mean hold the true mean: Student's t against three kinds of bootstrap.

    python benchmarks/interval_coverage.py [--trials 1500] [--resamples 1000]

Samples are made like scores of queries and like differences of two systems. Percentile and BCa intervals (Efron 1979,
1987) and the studentised bootstrap (Hall 1988) are made by hand, so that every kind sees the same resamples.
"""

import argparse

import numpy as np
from scipy import stats

TAILS = np.array([0.025, 0.975])
SIZES = (5, 7, 10, 20, 30, 50, 100, 300)


def samples(kind: str, generator: np.random.Generator, n: int) -> np.ndarray:
    """n values like: nDCG, its graded kind, scores near their ceiling, MRR of a poor system, or differences."""
    coin = generator.random(n)
    if kind == "nDCG":
        return np.where(coin < 0.25, 0, np.where(coin < 0.45, 1, generator.beta(1.2, 1, n)))
    if kind == "graded":
        return generator.beta(2, 2, n)
    if kind == "ceiling":
        return np.where(coin < 0.1, 0, np.where(coin < 0.75, 1, generator.beta(2, 1, n)))
    if kind == "poor MRR":
        return np.where(coin < 0.7, 0, 1 / generator.integers(1, 11, n))
    if kind == "differences":
        return np.where(coin < 0.4, 0, generator.normal(0.03, 0.2, n))
    return np.where(coin < 0.8, 0, generator.exponential(0.3, n))


def intervals(values: np.ndarray, resamples: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """(low, high) of each kind."""
    n, mean, spread = len(values), values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    if spread == 0:
        return dict.fromkeys(("t", "percentile", "BCa", "studentised"), np.array([mean, mean]))
    drawn = values[generator.integers(0, n, (resamples, n))]
    means, spreads = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(n)
    below = np.clip((means < mean).mean() + (means == mean).mean() / 2, 1 / resamples, 1 - 1 / resamples)
    bias, without = stats.norm.ppf(below), (values.sum() - values) / (n - 1)
    left_out = without.mean() - without
    moved = bias + stats.norm.ppf(TAILS)
    acceleration = (left_out**3).sum() / (6 * (left_out**2).sum() ** 1.5)
    studentised = ((means - mean) / np.where(spreads > 0, spreads, np.nan))[spreads > 0]
    return {
        "t": mean + stats.t.ppf(TAILS, n - 1) * spread,
        "percentile": np.quantile(means, TAILS),
        "BCa": np.quantile(means, stats.norm.cdf(bias + moved / (1 - acceleration * moved))),
        "studentised": mean - np.quantile(studentised, TAILS[::-1]) * spread,
    }


def main() -> None:
    """Print the share of intervals that hold the mean, for every kind of sample and of interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1500)
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args()
    generator = np.random.default_rng(7)
    print(f"{'values':<12} {'n':>4} {'t':>6} {'percentile':>11} {'BCa':>6} {'studentised':>12}")
    for kind in ("nDCG", "graded", "ceiling", "poor MRR", "differences", "rare gains"):
        truth = samples(kind, generator, 4_000_000).mean()
        for n in SIZES:
            held: dict[str, int] = {}
            for _ in range(arguments.trials):
                found = intervals(samples(kind, generator, n), arguments.resamples, generator)
                for name, (low, high) in found.items():
                    held[name] = held.get(name, 0) + bool(low <= truth <= high)
            t, percentile, bca, studentised = (count / arguments.trials for count in held.values())
            print(f"{kind:<12} {n:>4} {t:6.3f} {percentile:11.3f} {bca:6.3f} {studentised:12.3f}", flush=True)


if __name__ == "__main__":
    main()
