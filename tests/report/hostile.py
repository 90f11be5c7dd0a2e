"""A collection whose texts and ids try to become markup, and results of three systems on it."""

import json
import random
from pathlib import Path

from harness import datasets
from harness.running.foreign import score_file

SCRIPT = "<script>window.pwned='text'</script><img src=x onerror=\"window.pwned='image'\">"
DOCS = {
    "d1": ("</title></script><script>window.pwned='title'</script>", SCRIPT),
    "d2": ("שלום עולם", "مرحبا بالعالم 🦊🇪🇺 \u2028 \u202e reversed"),
    '"><script>window.pwned="id"</script>': ("An id that is markup", "&lt;b&gt; {{ 7 * 7 }} {% raw %} ${1}"),
    "__proto__": ("constructor", "javascript:alert(1)"),
    "long": ("A long one", "word " * 40_000),
    **{f"e{number}": (f"Document {number}", f"text of document {number}") for number in range(20)},
}
QUERIES = {
    "q1": SCRIPT,
    "q2": "\N{FOX FACE} שאלה בעברית with English",
    "q3": "megabyte " * 120_000,
    "__proto__": "</script><script>window.pwned='query'</script>",
    **{f"p{number}": f"plain question {number}" for number in range(9)},
}


def collection(folder: Path) -> Path:
    """Write it in BEIR layout: four graded documents per query, one of them judged not relevant."""
    (folder / "qrels").mkdir(parents=True)
    lines = [json.dumps({"_id": name, "title": title, "text": text}) for name, (title, text) in DOCS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = [json.dumps({"_id": name, "text": text}) for name, text in QUERIES.items()]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with open(folder / "qrels" / "test.tsv", "w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for at, query in enumerate(QUERIES):
            for grade, doc in zip((2, 1, 1, 0), judged(at), strict=True):
                quoted = '"' + doc.replace('"', '""') + '"'
                file.write(f"{query}\t{quoted}\t{grade}\n")
    return folder


def judged(at: int) -> list[str]:
    """The documents judged for query number `at`."""
    names = list(DOCS)
    return [names[(at + step) % len(names)] for step in (0, 5, 9, 13)]


def score(collection_folder: Path, results: Path, work: Path, systems: dict[str, float], seed: int = 0) -> None:
    """File a run of each system `tag -> how often chance misplaces a document` through `score`, as a user would."""
    dataset = datasets.load(f"{collection_folder}/")
    for tag, noise in systems.items():
        chance = random.Random(f"{seed} {tag}")
        lines = []
        for at, query in enumerate(QUERIES):
            names = [name for name in DOCS if chance.random() < 0.9]
            ranked = sorted(
                names, key=lambda name: (chance.random() < noise or name not in judged(at), chance.random())
            )
            lines += [f"{query} Q0 {name} {rank} {99 - rank} {tag}\n" for rank, name in enumerate(ranked, 1)]
        work.mkdir(parents=True, exist_ok=True)
        (work / f"{tag}.trec").write_text("".join(lines), encoding="utf-8")
        score_file(work / f"{tag}.trec", dataset, tag, 1000, results)
