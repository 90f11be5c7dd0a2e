"""Whether a server still gives the vectors that it gave: the name of its model is nobody's checksum.

folder/first.json   the text of the first document; its vector is the first row of the store
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.files import read_json, write_json
from harness.records import Doc
from retrievers.search import vector_store

NAME = "first.json"
LEAST = 0.999  # cosine of two vectors of one text; another batch or bf16 moves it by 1e-5


def remembered(docs: Iterable[Doc], render: Callable[[Doc], object], folder: Path) -> Iterator[Doc]:
    """The stream, of which the first text is kept in `folder`."""
    for number, doc in enumerate(docs):
        if number == 0:
            write_json(folder / NAME, {"text": render(doc)})
        yield doc


def refuse_other(folder: Path, encode: Callable[[Sequence[str]], np.ndarray], who: str) -> None:
    """Ask for the first document's vector again. Raises ValueError where it is not as the finished first shard has it.

    An index of an earlier version, which kept no text, is taken as it is.
    """
    if not (folder / NAME).is_file() or vector_store.damage(folder, 0):
        return
    before = np.asarray(vector_store.field(folder, 0, "vectors")[0], np.float64)
    now = np.asarray(encode([read_json(folder / NAME)["text"]])[0], np.float64)
    size = float(np.linalg.norm(before) * np.linalg.norm(now))
    cosine = float(before @ now) / size if size and before.shape == now.shape else 0.0
    if cosine < LEAST and before.any():
        raise ValueError(
            f"{who} gives another vector for the first document than when it was encoded (cosine {cosine:.3f}): another"
            " model answers under that name. Put the old one back, or have the documents encoded again:"
            f" beir-harness cache prune {folder.parent.name} --yes"
        )
