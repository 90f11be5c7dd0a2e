"""What a measure has to see of a run, as the committed file `judged.tsv.gz`: any measure can be made of it later.

One line a judged query, in the order of the scores, four columns:

    query_id ⇥ documents retrieved ⇥ grades of all judged documents ⇥ judged documents retrieved
    q7          1000                 1x2 0x40                         3:1 12:0 17(15-19):1

`1x2` is two documents of grade 1; `3:1` a document of grade 1 at rank 3, ranks from 1; `17(15-19):1` one at rank 17
whose score all of the ranks 15 to 19 share. A kilobyte or ten a result, where the run has one to four thousand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from harness.errors import BadInput
from harness.files import atomic_gzip
from harness.lines import numbered_text
from harness.measures import LARGEST_GRADE
from harness.measures.matching import Matches

HEAD = ("query_id", "retrieved", "judged", "found")
GRADES = re.compile(r"(-?[0-9]{1,4})x([0-9]{1,9})")
FOUND = re.compile(r"([0-9]{1,9})(?:\(([0-9]{1,9})-([0-9]{1,9})\))?:(-?[0-9]{1,4})")


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
    rows = [_row(path, number, line) for number, line in lines]
    ids = tuple(row[0] for row in rows)
    if len(set(ids)) < len(ids):
        raise BadInput(path, None, "a query is there a second time; score the run again")
    sizes = np.array([len(grades) for _, _, grades, _ in rows], np.int64)
    grades = np.zeros((len(rows), int(sizes.max(initial=1))), np.int32)
    hits: list[tuple[int, int, int, int, int]] = []
    for at, (_, _, of_query, found) in enumerate(rows):
        grades[at, : len(of_query)] = of_query
        next_of = {grade: of_query.index(grade) for grade in set(of_query)}
        for rank, first, last, grade in found:
            hits.append((at, rank, next_of[grade], first, last))
            next_of[grade] += 1
    columns = np.array(hits, np.int64).reshape(-1, 5).T
    retrieved = np.array([row[1] for row in rows], np.int64)
    numbers = columns[2].astype(np.int32)
    matches = Matches(grades, sizes, retrieved, columns[0], columns[1], numbers, np.empty(0, np.int64))
    return Judged(ids, matches, columns[3], columns[4])


def _row(path: Path, number: int, line: str) -> tuple[str, int, list[int], list[tuple[int, int, int, int]]]:
    """Query id, documents retrieved, grades in descending order, and (rank, first, last, grade), ranks from 0."""
    fields = line.split("\t")
    if len(fields) != 4 or not re.fullmatch(r"[0-9]{1,9}", fields[1]):
        raise BadInput(path, number, "is not a query, a number, grades and ranks; score the run again")
    counts = [_numbers(path, number, GRADES, part) for part in fields[2].split()]
    grades = [grade for grade, count in counts for _ in range(count)] if sum(c for _, c in counts) < 1 << 24 else []
    if not grades or sorted(grades, reverse=True) != grades or max(map(abs, grades)) > LARGEST_GRADE:
        raise BadInput(path, number, "its grades are not whole numbers in descending order; score the run again")
    found = []
    for part in fields[3].split():
        rank, first, last, grade = _numbers(path, number, FOUND, part)
        found.append((rank - 1, (first or rank) - 1, (last or rank) - 1, grade))
    ranks = [rank for rank, *_ in found]
    wrong = ranks != sorted(set(ranks)) or any(not 0 <= one[1] <= one[0] <= one[2] < int(fields[1]) for one in found)
    for grade in {one[3] for one in found}:
        wrong = wrong or sum(one[3] == grade for one in found) > grades.count(grade)
    if wrong:
        raise BadInput(path, number, "has ranks or grades that can't be; score the run again")
    return fields[0], int(fields[1]), grades, found


def _numbers(path: Path, number: int, pattern: re.Pattern[str], text: str) -> tuple[int, ...]:
    if not (match := pattern.fullmatch(text)):
        raise BadInput(path, number, f"{text[:40]!r} is no grade or rank as written here; score the run again")
    return tuple(int(group or 0) for group in match.groups())
