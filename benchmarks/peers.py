"""Other programs that search the same vectors, as sides of `families.py`.

    pip install pyseismic-lsr          Seismic (SIGIR 2024): exhaustive, and by its approximate index
    pip install --no-deps pylate       PyLate: `colbert_scores` of padded batches

Each side gives rows and scores (Q, k), best first.
"""

from collections.abc import Callable, Sequence
from time import process_time

import numpy as np

Found = tuple[np.ndarray, np.ndarray]
QUERY_CUT, HEAP_FACTOR = 10, 0.7  # of Seismic's search, as its manual has them
DOCS, QUERIES = 32, 8  # of a padded batch of PyLate: more takes memory and no less time


def seismic_sides(
    entries: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
    asked: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
    k: int,
) -> dict[str, Callable[[], Found]]:
    """Exhaustive search of its dataset, and search of its index, on one thread. Raises ImportError."""
    import seismic

    kind = seismic.get_seismic_string()
    held = seismic.SeismicDataset()
    for row, (places, values) in enumerate(zip(entries, weights, strict=True)):
        held.add_document(str(row), places.astype(kind), values)
    begun = process_time()
    index = seismic.SeismicIndex.build_from_dataset(held, num_threads=1)
    print(f"  seismic, its index of {len(entries):,} documents: {process_time() - begun:.1f} CPU s to build")
    names = np.array([str(row) for row in range(len(asked[0]))], kind)
    words = [places.astype(kind) for places in asked[0]]
    values = list(asked[1])

    def ranked(found: list[list[tuple[str, float, str]]]) -> Found:
        by_query = {one[0][0]: one for one in found if one}
        rows, scores = np.full((len(names), k), -1, np.int64), np.full((len(names), k), -np.inf, np.float32)
        for at, name in enumerate(names.tolist()):
            for place, (_, score, doc) in enumerate(by_query.get(name, [])[:k]):
                rows[at, place], scores[at, place] = int(doc), score
        return rows, scores

    return {
        "seismic, all": lambda: ranked(held.batch_search(names, words, values, k, num_threads=1)),
        "seismic, index": lambda: ranked(
            index.batch_search(names, words, values, k, QUERY_CUT, HEAP_FACTOR, num_threads=1)
        ),
    }


def pylate_sides(
    held: Sequence[np.ndarray], asked: Sequence[np.ndarray], k: int
) -> dict[str, Callable[[], Found]]:  # fmt: skip
    """`colbert_scores` over padded batches of documents of similar length. Raises ImportError."""
    import torch
    from pylate.scores import colbert_scores
    from torch.nn.utils.rnn import pad_sequence

    order = np.argsort([len(doc) for doc in held])
    tokens = [torch.from_numpy(held[row].astype(np.float32)) for row in order]
    queries = torch.from_numpy(np.stack(asked))

    def search() -> Found:
        scores = np.empty((len(asked), len(held)), np.float32)
        for start in range(0, len(tokens), DOCS):
            some = tokens[start : start + DOCS]
            padded = pad_sequence(some, batch_first=True)
            mask = pad_sequence([torch.ones(len(one)) for one in some], batch_first=True)
            for first in range(0, len(asked), QUERIES):
                part = colbert_scores(queries[first : first + QUERIES], padded, documents_mask=mask)
                scores[first : first + QUERIES, order[start : start + DOCS]] = part.numpy()
        rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return rows, np.take_along_axis(scores, rows, 1)

    return {"pylate": search}
