"""Measured against published: every finished result beside the figures that its system has in `reference.csv`.

ok              within .0005, the rounding of a printed figure
close           within .005
differs         further away: the verdict says the likely cause
not comparable  the figure is for another corpus; nothing is concluded
context         another program's figure, only shown
no figure       nothing is published for this system, these arguments and this dataset
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.datasets import dataset_table
from harness.published.diagnosis import OK, likely_cause
from harness.published.reference import Figure, figures, is_of
from harness.published.subject import Subject
from harness.results import Result

CLOSE = 0.005
ALIASES = {"msmarco": "msmarco-dev"}  # BEIR's name of the archive, under which a user's own folder may be scored


class Verdict(NamedTuple):
    """One line of the comparison; `published` is None where there is no figure."""

    status: str
    tag: str
    dataset: str
    measure: str
    measured: float
    published: float | None = None
    system: str = ""
    cause: str = ""
    source: str = ""


def verify(results: Iterable[Result], measures: Sequence[str] = ()) -> list[Verdict]:
    """A verdict for each measure of each result that has published figures, one `no figure` for a result that has none.

    Results of all members of a group (CQADupStack, the 18 of BEIR, its 14 public ones) also count as their mean. With
    `measures` there are verdicts on these alone, also where they were not scored but can be made.
    """
    found = judged(Subject.of(result, measures) for result in results)
    return [one for one in found if not measures or one.measure in measures]


def judged(subjects: Iterable[Subject]) -> list[Verdict]:
    """As `verify`, of what is known of results."""
    ones = sorted(subjects, key=lambda one: (one.tag, one.dataset))
    verdicts = []
    for one in [*ones, *means(ones)]:
        found = _of(one)
        if not found and one.members == 1:
            measure = one.primary_measure
            cause = _nearest(one)
            found = [Verdict("no figure", one.tag, one.dataset, measure, one.means[measure], cause=cause)]
        verdicts += found
    return verdicts


def compare(subject: Subject, figure: Figure) -> Verdict:
    """One measured score against one published figure."""
    measured = subject.means[figure.measure]
    distance = round(abs(measured - figure.value), 9)
    cause = ""
    if figure.kind != "figure":
        status, cause = {"other-corpus": "not comparable"}.get(figure.kind, figure.kind), figure.note
    elif distance <= OK:
        status = "ok"
    elif distance <= CLOSE:
        status = "close"
    else:
        status, cause = "differs", likely_cause(subject, figure, measured)
    place = (subject.tag, subject.dataset, figure.measure, measured)
    return Verdict(status, *place, figure.value, figure.system, cause, figure.source)


def means(results: Sequence[Subject]) -> list[Subject]:
    """Results of groups, each the mean over its members, for the systems that have them all; units come first."""
    rows = dataset_table.rows()
    forums = [name for name, row in rows.items() if row.unit != name]
    unit = rows[forums[0]].unit
    found = _mean_of(results, unit, forums)
    results = [*results, *found]
    for group, free in (("beir", False), ("beir-public", True)):
        members = {row.unit for row in rows.values() if row.group == "beir" and (row.url or not free)}
        found += _mean_of(results, group, sorted(members))
    return found


def _mean_of(results: Sequence[Subject], group: str, members: Sequence[str]) -> list[Subject]:
    systems: dict[str, dict[str, Subject]] = {}
    for one in results:
        systems.setdefault(one.tag, {})[one.dataset] = one
    whole = (by_dataset for by_dataset in systems.values() if set(members) <= by_dataset.keys())
    return [Subject.mean(group, [by_dataset[name] for name in members]) for by_dataset in whole]


def _of(subject: Subject) -> list[Verdict]:
    """The verdicts of one subject; of several figures for a measure the nearest, context only where there is none."""
    dataset = ALIASES.get(subject.dataset, subject.dataset)
    verdicts: list[Verdict] = []
    for measure, measured in subject.means.items():
        here = [figure for figure in figures() if figure.dataset == dataset and figure.measure == measure]
        here = [one for one in here if one.kind != "trap" and is_of(one, subject.retriever, subject.arguments)]
        exact = [figure for figure in here if figure.kind == "figure"]
        if exact:
            here = [min(exact, key=lambda figure: abs(figure.value - measured))]
        verdicts += [compare(subject, figure) for figure in here]
    return verdicts


def _nearest(subject: Subject) -> str:
    """For a result without a figure: the arguments that the same retriever's figures on this dataset have."""
    wanted = (subject.retriever, ALIASES.get(subject.dataset, subject.dataset), "figure")
    here = [figure for figure in figures() if (figure.retriever, figure.dataset, figure.kind) == wanted]
    published = dict.fromkeys(re.sub(r"\|\S+", "", figure.arguments) for figure in here)
    return f"published for {' · '.join(published)}" if published else ""
