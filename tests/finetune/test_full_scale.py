"""The manual's commands for MS MARCO, each line of them, on a made-up collection of the same files."""

import json
import random
import re
import shlex
from pathlib import Path

import pytest

from families.tiny import cross_encoder
from harness.cli import main

MANUAL = Path(__file__).parents[2] / "docs" / "dupmae.md"
WORDS = ["heart", "cell", "rain", "tide", "solar", "plant", "bank", "river", "music", "paper", "engine", "light"]
SMALL = {  # what the manual asks for -> what a test can do
    "accelerate launch --num_processes 8 -m harness": "beir-harness",
    "--init bert-base-uncased": "--init config:layers=1,hidden=32,heads=2,positions=64 --train-tokenizer 60",
    "--max-length 144 --epochs 20 --batch-size 32": "--max-length 24 --steps 3 --batch-size 4",
    "--preset paper-msmarco": "--preset paper-msmarco --steps 3 --batch-size 4 --max-length 24 --k 8",
    "--precision bf16": "--precision fp32",
    " --dataset trec-dl-2019 --dataset trec-dl-2020": "",
    "msmarco-dev": "passages",
}


def passages(folder: Path) -> None:
    """Sixty passages, 32 training queries and 8 others, in the layout of BEIR's msmarco.zip."""
    draw = random.Random(0)
    texts = [" ".join(draw.choices(WORDS, k=14)) for _ in range(60)]
    queries = [" ".join(draw.sample(text.split(), 3)) for text in texts[:40]]
    (folder / "qrels").mkdir(parents=True)
    for name, records in (("corpus", texts), ("queries", queries)):
        lines = [json.dumps({"_id": str(at), "title": "", "text": text}) for at, text in enumerate(records)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    for split, asked in (("train", range(32)), ("test", range(32, 40))):
        rows = "".join(f"{at}\t{at}\t1\n" for at in asked)
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}")


@pytest.mark.slow
def test_every_command_of_the_manual_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    passages(tmp_path / "data" / "passages")
    small = SMALL | {"cross-encoder/ms-marco-MiniLM-L12-v2": str(cross_encoder(tmp_path / "teacher"))}
    [block] = re.findall(r"```sh title=\"needs MS MARCO[^\n]*\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.S)
    for old, new in small.items():
        assert old in block
        block = block.replace(old, new)
    commands = [shlex.split(line)[1:] for line in block.replace("\\\n", " ").strip().splitlines()]
    for command in commands:
        assert main([*command, "--data-dir", "data"]) == 0, command
    [made] = (tmp_path / "results" / "runs").glob("dupmae*stage3*/passages/manifest.json")
    assert 0 <= json.loads(made.read_text())["scores"]["ndcg@10"] <= 1
