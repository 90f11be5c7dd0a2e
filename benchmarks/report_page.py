"""The report for 30 systems on 31 datasets: how long to make, how large, how soon Chromium paints it from disk.

    python benchmarks/report_page.py [--systems 30] [--measures 1] [--rounds 5] [--keep FOLDER]

Scores are made up, query counts are those of the real collections (about 54,000 queries a system). First contentful
paint and the end of all scripts are Chromium's own figures (`performance`), a fresh context each round, with its
processor slowed 1, 4 and 6 times in turn (6 is what Lighthouse takes for a cheap phone); medians. Needs playwright and
Chromium.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from harness.datasets import dataset_table
from harness.files import write_json
from harness.measures.scores import Scores, write_scores
from harness.views.report import site

SLOWED = (1, 4, 6)
PAINT = """() => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    const load = performance.getEntriesByType("navigation")[0];
    return [paint ? paint.startTime : NaN, load.loadEventEnd];
}"""


def made_results(folder: Path, systems: int, measures: list[str]) -> None:
    """A finished result of each system on every dataset of the table but the sample."""
    generator = np.random.default_rng(0)
    skill = np.sort(generator.normal(0, 0.06, systems))
    for name, row in dataset_table.rows().items():
        if name == "sample":
            continue
        queries = row.queries or 100
        base = generator.beta(1.2, 1.5, (queries, 1))
        for system in range(systems):
            shift = skill[system] + generator.normal(0, 0.02) + generator.normal(0, 0.15, (queries, 1))
            values = np.clip(base + shift + generator.normal(0, 0.03, (queries, len(measures))), 0, 1).round(6)
            scores = Scores(tuple(f"q{at}" for at in range(queries)), tuple(measures), values, answered=queries)
            place = folder / "runs" / f"system-{system:02}" / name
            write_scores(scores, place / "scores.tsv.gz")
            write_json(place / "manifest.json", manifest(f"system-{system:02}", row, scores, generator))


def manifest(tag: str, row: dataset_table.Row, scores: Scores, generator: np.random.Generator) -> dict[str, Any]:
    """What `run` would write, as far as the report reads it."""
    latency = {"p50_ms": round(float(generator.uniform(1, 300)), 3), "queries": 50}
    index = {"wall_s": 60.0, "index_bytes": int(generator.integers(10**6, 10**10)), "docs": row.docs}
    return {
        "schema": 1, "tag": tag, "dataset": row.name, "unit": row.unit, "split": row.split, "k": 1000,
        "retriever": {"name": "made-up", "class": "made:Up", "arguments": {"seed": 1}, "all_arguments": {"seed": 1}},
        "costs": {"index": index, "search": {"wall_s": 1.0, "latency": latency}},
        "fingerprint": {"relevance_level": 1, "exclude_self": False},
        "data": {"qrels_sha256": "0" * 64, "queries_sha256": "1" * 64, "collection_sha256": "2" * 64},
        "primary_measure": scores.measures[0], "scores": scores.means(),
        "queries": {"judged": scores.judged, "answered": scores.judged},
        "versions": {"ranx": "0"}, "machine": {"processor": "made up", "cores": 2}, "git": None, "complete": True,
    }  # fmt: skip


def painted(page: Path, rounds: int) -> dict[int, list[tuple[float, float]]]:
    """Slow-down -> (first contentful paint, end of load) in milliseconds, of each round."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    found: dict[int, list[tuple[float, float]]] = {factor: [] for factor in SLOWED}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(rounds + 1):  # the first round is warm-up
            for factor in SLOWED:
                context = browser.new_context(viewport={"width": 1280, "height": 800})
                tab = context.new_page()
                context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": factor})
                tab.goto(page.as_uri(), wait_until="load")
                tab.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
                found[factor].append(tuple(tab.evaluate(PAINT)))
                context.close()
        browser.close()
    return {factor: timings[1:] for factor, timings in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=30)
    parser.add_argument("--measures", type=int, default=1, choices=range(1, 5))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="leave the site here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measures = ["ndcg@10", "mrr@10", "map", "recall@100"][: arguments.measures]
        made_results(Path(scratch) / "results", arguments.systems, measures)
        output = arguments.keep or Path(scratch) / "site"
        start = time.perf_counter()
        done = site.write(Path(scratch) / "results", output, measures, most_queries=100)
        print(f"made in {time.perf_counter() - start:.1f} s: {len(measures)} measures, {len(done.written)} files")
        sizes = {name: (output / name).stat().st_size for name in ("index.html", "data/board-0.js")}
        sizes["assets of a page"] = sum(path.stat().st_size for path in (output / "assets").iterdir())
        sizes["whole site"] = sum(path.stat().st_size for path in done.written)
        for name, size in sizes.items():
            print(f"  {name:<18}{size:>12,} bytes")
        for factor, timings in painted(done.index, arguments.rounds).items():
            paint, load = (median(column) for column in zip(*timings, strict=True))
            print(f"processor / {factor}: first paint {paint:.0f} ms, loaded {load:.0f} ms (medians of {len(timings)})")


if __name__ == "__main__":
    main()
