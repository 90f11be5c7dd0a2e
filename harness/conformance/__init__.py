"""What every retriever must satisfy, as checks that anybody may run on their own.

    from harness.conformance import CHECKS

    @pytest.mark.parametrize("law", CHECKS, ids=lambda law: law.__name__)
    def test_law(law, tmp_path):
        law(Mine, tmp_path)

A check is a function of a maker (a class, or anything that gives a new retriever when called) and an empty folder. It
returns nothing, raises `Broken` with what happened and the cure, or `unittest.SkipTest` where it does not apply.
The collection is in `harness.conformance.collection`; `beir-harness check` prints the same.
"""

import unittest
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from harness.conformance import code, indexing, pieces, searching
from harness.conformance.law import Broken, Law, Make

__all__ = ["CHECKS", "Broken", "Outcome", "check", "checks_of"]

CHECKS: tuple[Law, ...] = (
    indexing.works,
    code.import_does_nothing,
    code.arguments_survive_json,
    indexing.streams_are_read_once,
    indexing.fresh_instance_loads,
    indexing.interrupted_index_is_finished,
    indexing.index_stays_in_its_folder,
    indexing.inputs_are_not_changed,
    pieces.parts_change_nothing,
    pieces.missing_files_are_made_again,
    searching.one_query,
    searching.no_queries,
    searching.k_beyond_the_collection,
    searching.at_most_k,
    searching.doc_ids_are_known_and_unique,
    searching.query_order_is_kept,
    searching.scores_are_floats,
    searching.scores_are_finite,
    searching.empty_text,
    searching.unicode_text,
    searching.batch_does_not_matter,
    searching.search_is_repeatable,
    searching.search_may_be_left,
)


class Outcome(NamedTuple):
    """What came of one check: `status` is pass, fail or skip; `message` and `cure` are empty for a pass."""

    name: str
    law: str
    status: str
    message: str = ""
    cure: str = ""


def check(make: Make, folder: Path, checks: Iterable[Law] = CHECKS) -> list[Outcome]:
    """Run the checks on retrievers made by `make`, each in a folder of its own under `folder`."""
    return list(checks_of(make, folder, checks))


def checks_of(make: Make, folder: Path, checks: Iterable[Law] = CHECKS) -> Iterator[Outcome]:
    """As `check`, one outcome at a time; where nothing works, the rest is skipped."""
    broken = False
    for law in checks:
        place = folder / law.__name__
        place.mkdir(parents=True)
        says = (law.__doc__ or "").strip()
        try:
            if broken:
                raise unittest.SkipTest(f"{indexing.works.__name__} comes first")
            law(make, place)
        except unittest.SkipTest as reason:
            yield Outcome(law.__name__, says, "skip", str(reason))
        except Broken as fault:
            broken = law is indexing.works
            yield Outcome(law.__name__, says, "fail", fault.message, fault.cure)
        else:
            yield Outcome(law.__name__, says, "pass")
