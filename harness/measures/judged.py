"""What a measure has to see of a run, as the committed file `judged.tsv.gz`: any measure can be made of it later.

One line a judged query, in the order of the scores, four columns:

    query_id ⇥ documents retrieved ⇥ grades of all judged documents ⇥ judged documents retrieved
    q7          1000                 1x2 0x40                         3:1 12:0 17(15-19):1

`1x2` is two documents of grade 1; `3:1` a document of grade 1 at rank 3, ranks from 1; `17(15-19):1` one at rank 17
whose score all of the ranks 15 to 19 share. A kilobyte or ten a result, where the run has one to four thousand.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from harness.errors import BadInput
from harness.files import atomic_gzip
from harness.lines import numbered_text
from harness.measures import LARGEST_GRADE
from harness.measures.matches import Matches

HEAD = ("query_id", "retrieved", "judged", "found")
GRADE, NUMBER = r"-?[0-9]{1,4}", r"[0-9]{1,9}"
GRADES = re.compile(rf"{GRADE}x{NUMBER}")
FOUND = re.compile(rf"{NUMBER}(?:\({NUMBER}-{NUMBER}\))?:{GRADE}")
LINE = re.compile("\t".join(["[^\t]*", NUMBER, *(f"(?:{p}(?: {p})*)?" for p in (GRADES.pattern, FOUND.pattern))]))
APART = str.maketrans({"x": " ", ":": " ", "(": " ", ")": None, "-": " -"})
STEP = 1 << 15  # more than grades lie apart: row * STEP - grade grows with the rows, and falls with the grades of each
MOST = 1 << 24  # judged documents of a query


@dataclass(frozen=True)
class Judged:
    """Q queries and the judged documents that a run has for them; `first` and `last` (H,) are ranks of ties, from 0."""

    query_ids: tuple[str, ...]
    matches: Matches
    first: np.ndarray
    last: np.ndarray

    @property
    def deepest(self) -> int:
        """The most documents that a query has."""
        return int(self.matches.retrieved.max(initial=0))


def write_judged(judged: Judged, path: Path) -> None:
    """Write the file; the same judgments and ranks give the same bytes. Atomic."""
    with atomic_gzip(path, level=9) as stream:
        stream.write("\t".join(HEAD).encode() + b"\n")
        for line in _lines(judged):
            stream.write("\t".join(line).encode() + b"\n")


def _lines(judged: Judged) -> Iterator[tuple[str, str, str, str]]:
    matches = judged.matches
    order = np.lexsort((matches.ranks, matches.rows))
    starts = np.searchsorted(matches.rows[order], np.arange(len(matches.sizes) + 1))
    for row, query_id in enumerate(judged.query_ids):
        grades = matches.grades[row, : matches.sizes[row]].tolist()
        counts = (f"{grade}x{len(list(same))}" for grade, same in groupby(grades))
        found = []
        for hit in order[starts[row] : starts[row + 1]].tolist():
            first, last = int(judged.first[hit]) + 1, int(judged.last[hit]) + 1
            span = f"({first}-{last})" if last > first else ""
            found.append(f"{int(matches.ranks[hit]) + 1}{span}:{grades[matches.numbers[hit]]}")
        yield query_id, str(int(matches.retrieved[row])), " ".join(counts), " ".join(found)


def read_judged(path: Path) -> Judged:
    """Read what `write_judged` wrote. Raises BadInput with file and line for what is not whole or can't be.

    Documents of one grade are numbered in the order of their ranks: which one is which, no measure asks.
    """
    lines = numbered_text(path)
    _, head = next(lines, (1, ""))
    if tuple(head.split("\t")) != HEAD:
        raise BadInput(path, 1, f"its columns are not {', '.join(HEAD)}; score the run again")
    fields = [_fields(path, number, line) for number, line in lines]
    ids, counts, judged, found = list(zip(*fields, strict=True)) or [()] * 4
    if len(set(ids)) < len(ids):
        raise BadInput(path, None, "a query is there a second time; score the run again")
    retrieved = np.array(counts, np.int64)

    of, (grade, count) = _rows(judged, "x"), _numbers(judged).reshape(-1, 2).T
    sizes = np.bincount(of, count, len(ids)).astype(np.int64)
    rising = np.diff(of * STEP - grade, prepend=-STEP) <= 0
    bad = [of[rising | (abs(grade) > LARGEST_GRADE)], np.flatnonzero((sizes < 1) | (sizes >= MOST))]
    _refuse(path, bad, "its grades are not whole numbers in descending order")
    grades = np.zeros((len(ids), int(sizes.max(initial=1))), np.int32)
    grades[np.arange(grades.shape[1]) < sizes[:, None]] = np.repeat(grade, count)

    rows, (ranks, first, last, of_grade) = _rows(found, ":"), _hits(found)
    documents = np.repeat(of * STEP - grade, count)  # all that are judged, query by query
    key = rows * STEP - of_grade
    order = np.argsort(key, kind="stable")
    alike = np.searchsorted(key[order], key[order])  # where those of this grade begin
    taken = np.empty_like(order)  # the first judged documents of that grade
    taken[order] = np.searchsorted(documents, key[order]) + np.arange(len(order)) - alike
    none = np.append(documents, -STEP)[np.minimum(taken, len(documents))] != key
    twice = np.diff(rows * 10**9 + ranks, prepend=-1) <= 0
    outside = (first < 1) | (first > ranks) | (ranks > last) | (last > retrieved[rows])
    _refuse(path, [rows[none | twice | outside]], "has ranks or grades that can't be")
    numbers = (taken - (np.cumsum(sizes) - sizes)[rows]).astype(np.int32)
    matches = Matches(grades, sizes, retrieved, rows, ranks - 1, numbers, np.empty(0, np.int64))
    return Judged(ids, matches, first - 1, last - 1)


def _fields(path: Path, number: int, line: str) -> tuple[str, int, str, str]:
    """The columns of a line that is written as it should be."""
    fields = line.split("\t")
    if not LINE.fullmatch(line):
        parts = [(GRADES, fields[2]), (FOUND, fields[3])] if len(fields) == 4 else []
        odd = [one for pattern, text in parts for one in text.split(" ") if text and not pattern.fullmatch(one)]
        what = (
            f"{odd[0][:40]!r} is no grade or rank as written here"
            if odd
            else "is not a query, a number, grades and ranks"
        )
        raise BadInput(path, number, f"{what}; score the run again")
    return fields[0], int(fields[1]), fields[2], fields[3]


def _rows(texts: Sequence[str], sign: str) -> np.ndarray:
    """The row of each part of these texts; one part has one `sign`."""
    return np.repeat(np.arange(len(texts)), [text.count(sign) for text in texts])


def _numbers(texts: Sequence[str]) -> np.ndarray:
    """All whole numbers of these texts. The last rank of a tie has become negative."""
    return np.fromstring(" ".join(filter(None, texts)).translate(APART), np.int64, sep=" ")


def _hits(texts: Sequence[str]) -> tuple[np.ndarray, ...]:
    """Rank, first and last rank of the tie, grade: (H,) each."""
    numbers = _numbers(texts)
    tied = np.array(["(" in part for text in texts if text for part in text.split(" ")], np.int64)
    ends = np.cumsum(2 + 2 * tied)
    starts = ends - 2 - 2 * tied
    return numbers[starts], numbers[starts + tied], abs(numbers[starts + 2 * tied]), numbers[ends - 1]


def _refuse(path: Path, rows: Sequence[np.ndarray], what: str) -> None:
    """Raise BadInput that names the first line of these rows, if there is any."""
    if len(bad := np.concatenate(rows)):
        raise BadInput(path, int(bad.min()) + 2, f"{what}; score the run again")
