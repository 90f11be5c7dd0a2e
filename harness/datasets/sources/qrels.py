"""Relevance judgments as BEIR keeps them: qrels/<split>.tsv, also as .gz."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from harness.errors import BadInput, counted
from harness.lines import checked_id, numbered_text
from harness.measures import LARGEST_GRADE
from harness.records import Qrel

HEAD = {"query-id", "query_id", "queryid", "qid", "query", "topic", "topic_id", "topic-id"}  # how a header begins
GRADES = {"score", "grade", "relevance", "rel", "label"}  # how its last column is called
LONGEST_GRADE = 100  # characters; Python refuses to read thousands of digits as a number
GRADE = re.compile(r"\s*[+-]?[0-9]+\s*")


def read_qrels(path: Path) -> list[Qrel]:
    """The judgments of `path`, in its order. A row that says the same twice counts once; raises BadInput."""
    return [qrel for _, qrel in numbered_qrels(path)]


def numbered_qrels(path: Path) -> Iterator[tuple[int, Qrel]]:
    """The judgments of `path`, each with its line.

    As BEIR does it: columns query-id, corpus-id, score, separated by tabs, quoted as in CSV where an id holds a
    quotation mark, after a header, which is known by its names. A file without a header loses its first judgment in
    BEIR, but not here.
    """
    first: dict[tuple[str, str], tuple[int, int]] = {}
    begun = False
    for number, row in _numbered_rows(path):
        if not any(row) or (not begun and _is_header(path, number, row)):
            begun = begun or any(row)
            continue
        qrel = _qrel(path, number, row, begun)
        begun = True
        seen_line, seen_grade = first.setdefault(qrel[:2], (number, qrel.relevance))
        if seen_grade != qrel.relevance:
            what = f"query {qrel.query_id!r} and document {qrel.doc_id!r} have the grade {qrel.relevance} here"
            raise BadInput(path, number, f"{what} and {seen_grade} in line {seen_line}; keep one")
        if seen_line == number:
            yield number, qrel
    if not first:
        raise BadInput(path, None, "holds no judgments")


def _numbered_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Columns of each line; a quotation mark may not join several lines into one row, as it silently would in CSV."""
    reader = csv.reader((text for _, text in numbered_text(path)), delimiter="\t")
    number = 0
    try:
        for row in reader:
            number += 1
            if reader.line_num > number:
                raise BadInput(path, number, 'a quotation mark opens a column that does not end; double it: ""')
            yield number, row
    except csv.Error as error:
        raise BadInput(path, number + 1, f"not a row of tab-separated columns: {error}") from error


def _is_header(path: Path, number: int, row: list[str]) -> bool:
    """Whether a first row names the columns; a query may have such a name too, but its row has a grade."""
    names = [name.strip().lower() for name in row]
    if names[0] not in HEAD or GRADE.fullmatch(row[-1]):
        return False
    if GRADES.intersection(names[:-1]):  # where documents are numbers, they would pass for grades
        raise BadInput(path, number, "the header names other columns than query-id, corpus-id, score, in this order")
    return True


def _qrel(path: Path, number: int, row: list[str], begun: bool) -> Qrel:
    if len(row) != 3:
        hint = "; TREC's qrels have four: leave out the second" if len(" ".join(row).split()) == 4 else ""
        what = f"{counted(len(row), 'column')} instead of query-id, corpus-id, score, tabs between them"
        raise BadInput(path, number, what + hint)
    if not GRADE.fullmatch(row[2]):
        head = "" if begun else "; a header begins with query-id"
        raise BadInput(path, number, f"the grade {row[2]!r} is not an integer; round or scale the grades{head}")
    if len(row[2]) > LONGEST_GRADE or abs(grade := int(row[2])) > LARGEST_GRADE:
        raise BadInput(path, number, f"the grade {row[2]!r} is beyond {LARGEST_GRADE:,}; scale the grades")
    return Qrel(checked_id(path, number, "query-id", row[0]), checked_id(path, number, "corpus-id", row[1]), grade)
