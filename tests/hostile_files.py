"""Files made by somebody who means no good."""

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import made_results


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def zip_with_link(path: Path, link: str, target: str, name: str) -> Path:
    """A link to `target`, and then a member `name` that would be written through it."""
    info = zipfile.ZipInfo(link)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(info, target)
        if name != link:
            file.writestr(name, "escaped")
    return path


def manifest(results: Path, **changes: Any) -> Path:
    """A result at runs/a/scifact whose manifest says otherwise."""
    path = made_results.add(results, "a", "scifact", [0.5]) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))
    return path


def bert_folder(folder: Path) -> Path:
    """What a BERT checkpoint needs beside its weights."""
    sizes = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 8,
        "vocab_size": 9,
    }
    body = {"model_type": "bert", "architectures": ["BertModel"], "max_position_embeddings": 16, **sizes}
    (folder / "config.json").write_text(json.dumps(body))
    (folder / "retromae.json").write_text(json.dumps({"schema": 1, "max_length": 8, "query_max_length": 8}))
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d"]))
    return folder
