"""The two small retrievers in retrievers/mini, which `make quickstart` runs: from all-MiniLM-L6-v2, an hour each.

    python experiments/mini.py --collections COLLECTIONS --text TEXT --minilm MODEL --work /big/disk/mini
    python experiments/mini.py … --method retromae       the other one
    python experiments/mini.py … --from text             without the documents of any collection; not shipped
    python experiments/mini.py … --seed 1                another order, masks and made queries, in its own --work

All six layers of MiniLM and 16,000 pieces of general English; pre-training; then two rounds on queries made of
documents, in which the dense vector learns MiniLM's, DupMAE's vocabulary vector BM25's, and all together to find the
document. No judgment of any collection is read, and no query but to leave out what is also an evaluation query. Every
step is a command of the harness and is resumed by running this again.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from duplex import HARNESS, Step

from harness.files import write_json

COLLECTIONS = ("cacm", "cisi", "cystic-fibrosis", "medline-med", "scifact", "vaswani")
TEXTS = ("abc_news", "biomed_ner_corpora", "medquad_answers", "wikitext2_valid_test")
SAME = ("--dropout", "0", "--precision", "bf16", "--threads", "1")
ROUNDS = {  # documents of a source, seed of the queries, and how they are learned
    "first": (1800, 1, ["--max-length", "128", "--steps", "509"]),
    "second": (1100, 2, ["--max-length", "144", "--steps", "240", "--export-dtype", "int8"]),
}
WEIGHTS = {  # of the losses in a round: the teacher's vectors, BM25's
    "first": {"embedding": "4", "lexical": "1"},
    "second": {"embedding": "6", "lexical": "0.5"},
}
SHIPPED = Path(__file__).resolve().parents[1] / "retrievers" / "mini"
DENSE_WEIGHT = 1.5  # against the vocabulary vector; SciFact's training queries find 1.25 to 3 alike
LENGTH = 256  # tokens of a document that the retriever reads: more than in training, and the better for it
LEFT_OUT = ("checkpoints", "run.json", "losses.jsonl")


def steps(a: argparse.Namespace) -> Iterator[Step]:
    """Every command, in order."""
    module = [sys.executable, "-m"]
    where = ["--data-dir", str(a.collections)]
    data = [part for name in COLLECTIONS for part in ("--dataset", name)] + where
    if a.source == "text":
        data = []
    same = [*SAME, "--seed", str(a.seed), "--cache", str(a.work / "cache")]
    start, before = a.work / "start", a.work / a.method / "pretrained"
    yield Step(
        start / "trimmed.json",
        [*module, "retrievers.training.trim", str(a.minilm), "--layers", "0,1,2,3,4,5", "--pieces", "16000",
         "--positions", "256", "--balance", "--text", str(a.text), *data, "--output", str(start)],
    )  # fmt: skip
    yield Step(
        before / "training.json",
        [HARNESS, "pretrain", a.method, "--init", str(start), "--text", str(a.text), *data, "--max-length", "112",
         "--batch-size", "24", "--steps", "400", "--learning-rate", "2e-4", *same, "--output", str(before)],
    )  # fmt: skip
    for name, (limit, seed, budget) in ROUNDS.items():
        made, after = a.work / "data" / f"made-{name}", a.work / a.method / name
        texts = [part for text in TEXTS for part in ("--text", str(a.text / f"{text}.txt.gz"))]
        each = limit if data else limit * (len(TEXTS) + len(COLLECTIONS)) // len(TEXTS)  # as many documents in all
        yield Step(
            made / "made.json",
            [*module, "retrievers.training.queries", *data, *texts, "--limit", str(each), "--seed",
             str(seed + len(ROUNDS) * a.seed), "--output", str(made)],
        )  # fmt: skip
        weights = ["--embedding-weight", WEIGHTS[name]["embedding"], "--ranking-weight", "0.25"]
        kind = ["--representation", "cls"]
        if a.method == "dupmae":
            weights += ["--lexical-weight", WEIGHTS[name]["lexical"]]
            kind = ["--representation", "joint", "--dim", "384", "--k", "192"]
        yield Step(
            after / "training.json",
            [HARNESS, "finetune", str(before), "--dataset", made.name, "--data-dir", str(made.parent), "--offline",
             *kind, "--query-max-length", "48", "--embedding-teacher", str(a.minilm), "--batch-size", "32",
             "--warmup", "0.05", "--learning-rate", "2e-4", *weights, *budget, *same, "--output", str(after)],
        )  # fmt: skip
        before = after


def without_folders(value: Any) -> Any:
    """A record whose absolute paths are their last part."""
    if isinstance(value, dict):
        return {key: without_folders(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_folders(one) for one in value]
    return Path(value).name if isinstance(value, str) and value.startswith("/") else value


def ship(trained: Path, folder: Path) -> None:
    """Put the retriever into `folder`, its dense half weighed by DENSE_WEIGHT, documents read to LENGTH tokens."""
    from safetensors.torch import load_file, save_file

    from retrievers.training.model_card import model_card

    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    record = json.loads((folder / "training.json").read_text())
    if (folder / "projection.safetensors").exists():
        for path in (folder / "projection.safetensors", folder / "2_Dense" / "model.safetensors"):
            tensors = load_file(path)
            save_file({name: value * DENSE_WEIGHT**0.5 for name, value in tensors.items()}, path, {"format": "pt"})
        record["dense_weight"] = DENSE_WEIGHT
    record["settings"]["max_length"] = LENGTH
    record["embedding_teacher"]["name"] = "all-MiniLM-L6-v2"  # a folder may be called anything
    own = next(path.name for path in (folder / "dupmae.json", folder / "retromae.json") if path.exists())
    for name, key in ((own, "max_length"), ("sentence_bert_config.json", "max_seq_length")):
        write_json(folder / name, json.loads((folder / name).read_text()) | {key: LENGTH})
    write_json(folder / "training.json", without_folders(record))
    (folder / "README.md").write_text(model_card(without_folders(record)), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--collections", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument("--text", type=Path, required=True, help="folder of text files")
    parser.add_argument("--minilm", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints and caches")
    parser.add_argument("--method", choices=("dupmae", "retromae"), default="dupmae")
    parser.add_argument("--from", dest="source", choices=("all", "text"), default="all", help="documents to learn from")
    parser.add_argument("--seed", type=int, default=0, help="of order, masks, new weights and made queries (0)")
    parser.add_argument("--ship", action="store_true", help="replace retrievers/mini/METHOD-mini by the result")
    a = parser.parse_args()
    for step in steps(a):
        if not step.done.exists():
            print(*step.command, flush=True)
            subprocess.run(step.command, check=True)
    if a.ship:
        ship(a.work / a.method / "second", SHIPPED / f"{a.method}-mini")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
