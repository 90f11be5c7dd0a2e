"""Streaming a corpus.jsonl: this project's reader against BEIR's loader, and the bytes that each holds per document.

    python benchmarks/load_corpus.py                  # 200 MB, about a minute
    python benchmarks/load_corpus.py --size-mb 1024   # the figure of the README; BEIR's loader needs some 2.5 GB

Both sides read the same synthetic file in turns, in one process each so that neither inherits the other's memory. Ours
is consumed as an indexer would, document by document; BEIR's returns a dictionary of everything. As in SciFact, about a
fifth of the documents hold letters beyond ASCII. Speed is MB per CPU second, so that other work on the machine counts
for neither; the file is in the page cache.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = [
    f"{stem}{ending}"
    for stem in ("retriev", "quer", "docum", "rank", "cell", "protein")
    for ending in ("al", "y", "ed")
]


def write_corpus(path: Path, megabytes: int) -> int:
    """Write about `megabytes` of documents like BEIR's, a title and 20 to 250 words; returns their number."""
    dice = random.Random(0)
    count = written = 0
    with open(path, "w", encoding="utf-8") as file:
        while written < megabytes << 20:
            text = " ".join(dice.choices(WORDS, k=dice.randint(20, 250)))
            text += " – naïve “α”" if count % 5 == 0 else '\n"plain"'
            doc = {"_id": f"doc-{count}", "title": text[:40], "text": text, "metadata": {}}
            written += file.write(json.dumps(doc, ensure_ascii=count % 2 == 0) + "\n")
            count += 1
    return count


def peak() -> int:
    """The most bytes of memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(side: str, path: Path) -> tuple[int, float, int]:
    """Read `path` in this process: documents, CPU seconds, and bytes by which its memory grew at its peak."""
    import psutil

    process = psutil.Process()
    if side == "ours":
        import numpy  # noqa: F401  as the reader would, for its search for repeated ids

        from harness.datasets.sources.beir_format import read_docs

        before, start = process.memory_info().rss, time.process_time()
        count = 0
        for count, _ in enumerate(read_docs(path), 1):  # noqa: B007
            pass
        return count, time.process_time() - start, peak() - before
    from beir.datasets.data_loader import GenericDataLoader

    loader = GenericDataLoader(corpus_file=str(path), query_file="", qrels_file="")
    before, start = process.memory_info().rss, time.process_time()
    corpus = loader.load_corpus()
    return len(corpus), time.process_time() - start, peak() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--side", choices=("ours", "beir"), help="measure one side once, on --file (used by the script itself)"
    )
    parser.add_argument("--file", type=Path)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(measure(arguments.side, arguments.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.jsonl"
        count = write_corpus(path, arguments.size_mb)
        megabytes = path.stat().st_size / 1e6
        figures: dict[str, list[tuple[int, float, int]]] = {"ours": [], "beir": []}
        for _ in range(arguments.rounds):
            for side, found in figures.items():
                command = [sys.executable, __file__, "--side", side, "--file", str(path)]
                result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
                found.append(json.loads(result.stdout.splitlines()[-1]))
                assert found[-1][0] == count, f"{side} read {found[-1][0]} of {count} documents"
    print(f"{count:,} documents, {megabytes:,.0f} MB, {arguments.rounds} rounds, medians (lowest to highest)")
    speeds = {side: [megabytes / seconds for _, seconds, _ in found] for side, found in figures.items()}
    for side, found in figures.items():
        held = statistics.median(grown / count for _, _, grown in found)
        low, high = min(speeds[side]), max(speeds[side])
        speed = f"{statistics.median(speeds[side]):6.0f} MB/CPU s ({low:.0f} to {high:.0f})"
        print(f"{side:5} {speed}, {held:7.1f} bytes held per document")
    ratios = sorted(ours / beir for ours, beir in zip(speeds["ours"], speeds["beir"], strict=True))
    print(f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
