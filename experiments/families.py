"""A small cross-encoder and a small ColBERT from all-MiniLM-L6-v2, on a CPU in twenty minutes each.

    python experiments/families.py --collections COLLECTIONS --minilm MODEL --work /big/disk/families
    beir-harness run rerank --set system=bm25 --set model=/big/disk/families/rerank …

Both learn by sentence-transformers' own trainers on queries made of the documents of six collections and on SciFact's
training queries; negatives are what BM25 finds for these. No evaluation query is read, but to leave it out. The
cross-encoder learns from lists (ListNet) whose target is MiniLM's cosine, the source document's raised; the ColBERT
from negatives of its batch and one of BM25. Every step is kept and is not done again.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from duplex import HARNESS
from mini import COLLECTIONS

from retrievers.training.examples.pairs import Examples, judged_examples, training_dataset
from retrievers.training.examples.pairs_negatives import hard_negatives

LISTED, LENGTH = 8, 128  # documents of a training list, the source among them; tokens of a pair or a document
SHARP, RAISED = 16.0, 3.0  # of the target: times the cosine, and what the source's gets more
DIM = 96  # of a token's vector
STEPS = {"rerank": (400, 4), "colbert": (200, 16)}  # and queries of a batch
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}  # attention with it is slow on a CPU


def examples(a: argparse.Namespace) -> Examples:
    """Training queries of both sources with what BM25 finds for them."""
    made = a.work / "made"
    if not (made / "made.json").exists():
        data = [part for name in COLLECTIONS for part in ("--dataset", name)] + ["--data-dir", str(a.collections)]
        module = [sys.executable, "-m", "retrievers.training.queries"]
        subprocess.run([*module, *data, "--limit", "1000", "--seed", "3", "--output", str(made)], check=True)
    found, places = Examples(), [a.collections, a.work]
    for name in ("made", "scifact"):
        where = [part for place in places for part in ("--data-dir", str(place))]
        results = ["--results", str(a.work / "results")]
        asked = ["run", "bm25", "--dataset", f"{name}@train", "--k", "40"]
        subprocess.run([HARNESS, *asked, *where, *results], check=True)
        dataset = training_dataset(name, "train", places, download=False)
        run = a.work / "results" / "runs" / "bm25" / dataset.name / "run.trec.gz"
        negatives = hard_negatives([run], dataset.queries(), (2, 40), dataset.exclude_self)
        found.add(judged_examples(dataset, negatives, " ", [run]))
    return found


def lists(given: Examples, seed: int) -> list[tuple[int, list[int]]]:
    """Number of a query, and the documents of its list: a relevant one and others that BM25 found."""
    rng = np.random.default_rng(seed)
    chosen = []
    for at in rng.permutation(len(given.queries)).tolist():
        if len(given.negatives[at]) >= LISTED - 1:
            others = rng.choice(given.negatives[at], LISTED - 1, replace=False).tolist()
            chosen.append((at, [int(rng.choice(given.positives[at])), *others]))
    return chosen


def rerank(given: Examples, a: argparse.Namespace) -> Any:
    """The trained cross-encoder."""
    from datasets import Dataset
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.losses import ListNetLoss

    steps, batch = STEPS["rerank"]
    chosen = lists(given, 0)[: steps * batch]
    teacher = SentenceTransformer(str(a.minilm), device="cpu", model_kwargs={"dtype": "bfloat16"})
    teacher.max_seq_length = LENGTH
    numbers = sorted({doc for _, docs in chosen for doc in docs})
    place = {doc: row for row, doc in enumerate(numbers)}
    options = {"normalize_embeddings": True, "convert_to_tensor": True, "show_progress_bar": True}
    vectors = teacher.encode([given.docs[doc] for doc in numbers], **options).float().numpy()
    asked = teacher.encode([given.queries[at] for at, _ in chosen], **options).float().numpy()
    targets = [
        (SHARP * vectors[[place[doc] for doc in docs]] @ query + RAISED * np.eye(LISTED)[0]).tolist()
        for (_, docs), query in zip(chosen, asked, strict=True)
    ]
    data = Dataset.from_dict({
        "query": [given.queries[at] for at, _ in chosen],
        "docs": [[given.docs[doc] for doc in docs] for _, docs in chosen],
        "labels": targets,
    })  # fmt: skip
    model = CrossEncoder(str(a.minilm), num_labels=1, max_length=LENGTH, device="cpu", config_kwargs=NO_DROPOUT)
    arguments = CrossEncoderTrainingArguments(**settings(a.work / "rerank-steps", batch, steps, 1e-4))
    CrossEncoderTrainer(model, arguments, data, loss=ListNetLoss(model)).train()
    return model


def colbert(given: Examples, a: argparse.Namespace) -> Any:
    """The trained late-interaction model."""
    from datasets import Dataset
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense
    from sentence_transformers.multi_vector_encoder import (
        MultiVectorEncoderTrainer,
        MultiVectorEncoderTrainingArguments,
    )
    from sentence_transformers.multi_vector_encoder.losses import MultiVectorMultipleNegativesRankingLoss
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
    from sentence_transformers.sentence_transformer.modules import Normalize, Transformer

    steps, batch = STEPS["colbert"]
    chosen = lists(given, 1)[: steps * batch]
    body = Transformer(str(a.minilm), max_seq_length=LENGTH, config_kwargs=NO_DROPOUT)
    down = Dense(384, DIM, bias=False, activation_function=_same(), module_input_name="token_embeddings")
    model = MultiVectorEncoder(
        modules=[body, down, MultiVectorMask(), Normalize(module_input_name="token_embeddings")], device="cpu"
    )
    data = Dataset.from_dict({
        "anchor": [given.queries[at] for at, _ in chosen],
        "positive": [given.docs[docs[0]] for _, docs in chosen],
        "negative": [given.docs[docs[1]] for _, docs in chosen],
    })  # fmt: skip
    arguments = MultiVectorEncoderTrainingArguments(**settings(a.work / "colbert-steps", batch, steps, 1e-4))
    loss = MultiVectorMultipleNegativesRankingLoss(model, scale=1.0)
    MultiVectorEncoderTrainer(model=model, args=arguments, train_dataset=data, loss=loss).train()
    return model


def _same() -> Any:
    import torch

    return torch.nn.Identity()


def settings(folder: Path, batch: int, steps: int, rate: float) -> dict[str, Any]:
    """Arguments that all of sentence-transformers' trainers take."""
    return {
        "output_dir": str(folder), "per_device_train_batch_size": batch, "max_steps": steps, "learning_rate": rate,
        "warmup_steps": steps // 10, "bf16": True, "use_cpu": True, "seed": 0, "logging_steps": 20,
        "save_strategy": "no", "report_to": [], "dataloader_num_workers": 0,
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collections", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument("--minilm", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="data, runs and models")
    parser.add_argument("--only", choices=STEPS, help="one of the two models")
    a = parser.parse_args(argv)
    import torch

    torch.set_num_threads(1)
    given = examples(a)
    for name, train in (("rerank", rerank), ("colbert", colbert)):
        if a.only in (None, name) and not (a.work / name / "modules.json").exists():
            train(given, a).save(str(a.work / name))
            print(a.work / name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
