"""What is kept of a shard in the making: whatever is damaged of it is made again, and nothing wrong is read."""

from pathlib import Path

import numpy as np
import pytest

from retrievers.search import pieces
from retrievers.search.ragged import Ragged
from retrievers.search.vector_store import text_digest

IDS = [f"d{number}" for number in range(4)]
TEXTS = [f"text {number}" for number in range(4)]
FIELDS = {
    "vectors": np.arange(8, dtype=np.float16).reshape(4, 2),
    "tokens": Ragged(np.arange(10, dtype=np.int32), np.array([2, 3, 2, 3])),
}


@pytest.mark.parametrize("bit", [0, 3, 6, 7])
@pytest.mark.filterwarnings("ignore")
def test_one_flipped_bit_anywhere(tmp_path: Path, bit: int) -> None:
    """Also in what zip says of versions and of encryption, where zipfile raises what is no BadZipFile."""
    pieces.save(tmp_path, 0, 0, text_digest(IDS, TEXTS), FIELDS)
    [path] = tmp_path.iterdir()
    good = path.read_bytes()
    refused = 0
    for at in range(len(good)):
        with path.open("r+b", buffering=0) as file:  # to write it anew takes longer than to load it
            file.seek(at)
            file.write(bytes([good[at] ^ 1 << bit]))
            found = pieces.load(tmp_path, 0, IDS, TEXTS)
            file.seek(at)
            file.write(good[at : at + 1])
        refused += not found
        for fields in found:
            assert fields.keys() == FIELDS.keys()
            assert fields["vectors"].dtype == np.float16 and np.array_equal(fields["vectors"], FIELDS["vectors"])
            assert all(np.array_equal(a, b) for a, b in zip(vars_of(fields), vars_of(FIELDS), strict=True))
    assert refused > len(good) // 2


def vars_of(fields: pieces.Fields) -> tuple[np.ndarray, np.ndarray]:
    tokens = fields["tokens"]
    assert isinstance(tokens, Ragged)
    return tokens.values, tokens.lengths
