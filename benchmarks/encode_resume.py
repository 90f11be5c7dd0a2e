"""kill -9 in the middle of encoding, then index again: what is encoded twice, and whether the vectors are the same.

    python benchmarks/encode_resume.py --docs 20000 --rounds 3
    python benchmarks/encode_resume.py --docs 20000 --model FOLDER --rounds 1

The encoder is a sentence-transformers model (a small random BERT where no folder is given). Each round kills the
process at another point, and compares every file of the finished store with those of an uninterrupted one.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.files import sha256
from harness.records import Doc
from retrievers.dense import from_encoder
from retrievers.search import vector_store
from retrievers.sentence_transformer import SentenceTransformerEncoder


def documents(count: int) -> Iterator[Doc]:
    draw = random.Random(0)
    for number in range(count):
        yield Doc(f"doc-{number}", " ".join(f"word{draw.randrange(3000)}" for _ in range(draw.randint(3, 40))))


def small_model(folder: Path) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(3000))]
    (folder / "vocab.txt").write_text("\n".join(words))
    config = BertConfig(
        vocab_size=len(words), hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512
    )
    BertModel(config).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    body = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[body, Pooling(128, "mean"), Normalize()]).save(str(folder / "model"))
    return folder / "model"


def index(model: str, docs: int, folder: Path) -> None:
    from_encoder(SentenceTransformerEncoder)(model=model, device="cpu").index(documents(docs), folder)


def store_files(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != "store.json"}


def finished(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("[0-9]*.json")} if folder.is_dir() else set()


def kill_after(folder: Path, shards: int, command: list[str], pause: float) -> bool:
    """Index and send SIGKILL `pause` seconds after the `shards`-th shard is finished; False if it was over before."""
    process = subprocess.Popen([*command, str(folder)])
    while process.poll() is None and len(finished(folder)) < shards:
        time.sleep(0.01)
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", help="a sentence-transformers folder")
    parser.add_argument("--index", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.index:
        return index(args.model, args.docs, args.index)
    with tempfile.TemporaryDirectory() as place:
        model = args.model or str(small_model(Path(place)))
        command = [sys.executable, __file__, "--model", model, "--docs", str(args.docs), "--index"]
        begun = time.perf_counter()
        subprocess.run([*command, f"{place}/whole"], check=True)
        whole = time.perf_counter() - begun
        expected = store_files(Path(place, "whole"))
        shards = -(-args.docs // vector_store.SHARD_DOCS)
        print(f"uninterrupted: {shards} shards, {whole:.1f} s with the start of Python")
        for number in range(args.rounds):
            folder = Path(place, f"killed-{number}")
            killed = kill_after(folder, number % shards, command, 0.3 * whole / shards)
            kept = finished(folder)
            before = {name: (folder / name).stat().st_mtime_ns for name in kept}
            begun = time.perf_counter()
            subprocess.run([*command, str(folder)], check=True)
            again = time.perf_counter() - begun
            held = sum((folder / name).stat().st_mtime_ns == before[name] for name in kept)
            same = store_files(folder) == expected
            print(
                f"killed: {killed} with {len(kept)} shards finished, {held} kept, the other {shards - held} encoded"
                f" in {again:.1f} s; every file the same: {same}"
            )
            if not killed or held < len(kept) or not same:
                sys.exit(1)


if __name__ == "__main__":
    main()
