"""Encoding documents against sentence-transformers' and beir's `encode`, and against the matrix product itself.

    python benchmarks/encode.py --docs 128 --length 256 --rounds 3                     MiniLM-L6's shape
    python benchmarks/encode.py --shape base --docs 48 --length 512 --rounds 3         BERT base's
    python benchmarks/encode.py --model FOLDER --quality ../shared/collections/scifact change of nDCG@10 by precision

All sides run in turn in one process on the same texts, rounds interleaved. Weights are random where no --model folder
is given, which changes no time. With --threads 1 the processor's seconds stand for the time, since another program on
the machine spoils the clock's. `share` is the part of this machine's own rate of products of the model's shape and
precision, counting the arithmetic of the texts' tokens alone, without padding.
"""

import argparse
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from beir.retrieval.models import SentenceBERT
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast

from retrievers.encoders.encoding import PRECISIONS
from retrievers.sentence_transformer import SentenceTransformerEncoder

SHAPES = {"minilm": (384, 6, 12), "base": (768, 12, 12)}  # hidden size, layers, heads
Sides = dict[str, Callable[[], object]]


def random_model(folder: Path, shape: str) -> Path:
    """A sentence-transformers folder of a random BERT, with a vocabulary of made-up words."""
    hidden, layers, heads = SHAPES[shape]
    config = BertConfig(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=4 * hidden
    )
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(30517))]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertModel(config).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    body = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[body, Pooling(hidden, "mean"), Normalize()]).save(str(folder / "model"))
    return folder / "model"


def made_up_texts(count: int, length: int) -> list[str]:
    """Texts of about `length` tokens on average before the cut, spread as those of SciFact are (sd 0.4 of the mean)."""
    draw = np.random.default_rng(0)
    lengths = np.clip(draw.normal(length, 0.4 * length, count), 8, 4 * length).astype(int)
    return [" ".join(f"word{word}" for word in draw.integers(0, 30517, n)) for n in lengths]


def collection_texts(folder: Path, count: int) -> list[str]:
    with gzip.open(folder / "corpus.jsonl.gz") as lines:
        rows = [json.loads(line) for line in lines]
    step = max(1, len(rows) // count)
    return [f"{row.get('title', '')} {row['text']}".strip() for row in rows[::step]][:count]


def product_rate(hidden: int, dtype: torch.dtype) -> float:
    """The best of several products of a layer's shape, in floating-point operations a second."""
    x, weight = torch.randn(2048, hidden).to(dtype), torch.randn(4 * hidden, hidden).to(dtype)
    best = min(seconds(lambda: torch.nn.functional.linear(x, weight)) for _ in range(20))
    return 2 * x.numel() * 4 * hidden / best


def work(lengths: np.ndarray, config: BertConfig) -> float:
    """Operations of the layers: products of 12 H^2 weights per token, and attention within each text."""
    hidden = config.hidden_size
    per_token = 2 * (4 * hidden**2 + 2 * hidden * config.intermediate_size)
    return float(config.num_hidden_layers * (lengths.sum() * per_token + 4 * hidden * (lengths**2).sum()))


def clock() -> float:
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def seconds(call: Callable[[], object]) -> float:
    begun = clock()
    call()
    return clock() - begun


def sides(folder: Path, texts: list[str], length: int) -> tuple[Sides, np.ndarray, BertConfig]:
    """What to time, by name; the texts' lengths in tokens; the model's shape."""
    found: Sides = {}
    for name, dtype in PRECISIONS.items():
        own = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": dtype}).eval()
        own.max_seq_length = length
        if name != "fp16":
            found[f"sentence-transformers {name}"] = lambda own=own: own.encode(texts, show_progress_bar=False)
        encoder = SentenceTransformerEncoder(str(folder), precision=name, max_length=length, device="cpu")  # type: ignore[arg-type]
        found[f"here {name}"] = lambda encoder=encoder: encoder.encode_docs(texts)
    theirs = SentenceBERT(str(folder), device="cpu")
    theirs.doc_model.max_seq_length = length
    rows = [{"title": "", "text": text} for text in texts]
    found["beir"] = lambda: theirs.encode_corpus(rows, batch_size=32, show_progress_bar=False)
    return found, encoder.tokenize_docs(texts).lengths, encoder.model[0].auto_model.config


def quality(folder: Path, collection: Path, length: int) -> None:
    """nDCG@10 of each precision on a whole collection."""
    from beir.datasets.data_loader import GenericDataLoader

    from harness.records import Doc, Query
    from retrievers.dense import from_encoder

    with tempfile.TemporaryDirectory() as place:
        for name in ("corpus.jsonl", "queries.jsonl"):
            Path(place, name).write_bytes(gzip.decompress((collection / f"{name}.gz").read_bytes()))
        Path(place, "qrels").symlink_to(collection / "qrels")
        corpus, queries, qrels = GenericDataLoader(place).load("test")
        docs = [Doc(doc_id, row["text"], row["title"]) for doc_id, row in corpus.items()]
        for name in PRECISIONS:
            encoder = from_encoder(SentenceTransformerEncoder)
            retriever = encoder(model=str(folder), precision=name, max_length=length, device="cpu")
            retriever.index(docs, Path(place, name))
            retriever.load(Path(place, name))
            gains = dict.fromkeys(queries, 0.0)
            ranks = dict.fromkeys(queries, 0)
            for hit in retriever.search([Query(*query) for query in queries.items()], 10):
                ranks[hit.query_id] += 1
                gains[hit.query_id] += qrels[hit.query_id].get(hit.doc_id, 0) / np.log2(1 + ranks[hit.query_id])
            ideal = [
                sum(gain / np.log2(2 + at) for at, gain in enumerate(sorted(qrels[query].values(), reverse=True)[:10]))
                for query in queries
            ]
            print(f"{name}  nDCG@10 {np.mean(np.array(list(gains.values())) / ideal):.6f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="minilm")
    parser.add_argument("--model", type=Path, help="a sentence-transformers folder instead of random weights")
    parser.add_argument("--collection", type=Path, help="take the texts from here, evenly spread")
    parser.add_argument("--docs", type=int, default=64)
    parser.add_argument("--length", type=int, default=256, help="tokens at which texts are cut")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--quality", type=Path, help="a collection: print nDCG@10 by precision instead of times")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = args.model or random_model(Path(place), args.shape)
        if args.quality:
            return quality(folder, args.quality, args.length)
        given = args.collection
        texts = collection_texts(given, args.docs) if given else made_up_texts(args.docs, args.length)
        found, lengths, config = sides(folder, texts, args.length)
        times: dict[str, list[float]] = {name: [] for name in found}
        rates: dict[str, list[float]] = {name: [] for name in PRECISIONS}
        for round_number in range(args.rounds + 1):  # the first warms up
            for name, dtype in PRECISIONS.items():
                rates[name].append(product_rate(config.hidden_size, dtype))
            for name, encode in found.items():
                taken = seconds(encode)
                if round_number:
                    times[name].append(taken)
    operations = work(lengths, config)
    print(f"{len(texts)} texts, {lengths.sum()} tokens, {torch.get_num_threads()} threads, {args.rounds} rounds")
    print("products:", {name: f"{max(rate) / 1e9:.0f} GFLOP/s" for name, rate in rates.items()})
    base, half = (statistics.median(times[f"sentence-transformers {name}"]) for name in ("fp32", "bf16"))
    print(f"{'':28} docs/s  tokens/s  spread  /ST fp32  /ST bf16  share")
    for name, taken in times.items():
        median = statistics.median(taken)
        rate = max(rates[name.split()[-1] if name != "beir" else "fp32"])
        print(
            f"{name:28} {len(texts) / median:6.1f} {lengths.sum() / median:9.0f} {max(taken) / min(taken) - 1:7.0%}"
            f" {base / median:9.2f} {half / median:9.2f} {operations / median / rate:6.0%}"
        )


if __name__ == "__main__":
    main()
