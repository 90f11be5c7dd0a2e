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
from statistics import fmean
from typing import Any, NamedTuple

from harness.datasets import dataset_table
from harness.published.diagnosis import OK, Manifest, likely_cause, system_of
from harness.published.reference import Figure, figures, is_of

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


def verify(manifests: Iterable[Manifest]) -> list[Verdict]:
    """A verdict for each measure of each result that has published figures, one `no figure` for a result that has none.

    Results of all members of a group (CQADupStack, the 18 of BEIR, its 14 public ones) also count as their mean.
    """
    results = sorted(manifests, key=lambda manifest: (manifest["tag"], manifest["dataset"]))
    verdicts = []
    for manifest in [*results, *means(results)]:
        found = _of_result(manifest)
        if not found and "members" not in manifest:
            measure = manifest["primary_measure"]
            cause = _nearest(manifest)
            found = [Verdict("no figure", *_where(manifest), measure, manifest["scores"][measure], cause=cause)]
        verdicts += found
    return verdicts


def compare(manifest: Manifest, figure: Figure) -> Verdict:
    """One measured score against one published figure."""
    measured = manifest["scores"][figure.measure]
    distance = round(abs(measured - figure.value), 9)
    cause = ""
    if figure.kind != "figure":
        status, cause = {"other-corpus": "not comparable"}.get(figure.kind, figure.kind), figure.note
    elif distance <= OK:
        status = "ok"
    elif distance <= CLOSE:
        status = "close"
    else:
        status, cause = "differs", likely_cause(manifest, figure, measured)
    place = (*_where(manifest), figure.measure, measured)
    return Verdict(status, *place, figure.value, figure.system, cause, figure.source)


def means(results: Sequence[Manifest]) -> list[dict[str, Any]]:
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


def _mean_of(results: Sequence[Manifest], group: str, members: Sequence[str]) -> list[dict[str, Any]]:
    systems: dict[str, dict[str, Manifest]] = {}
    for manifest in results:
        systems.setdefault(manifest["tag"], {})[manifest["dataset"]] = manifest
    found = []
    for tag, by_dataset in systems.items():
        if not set(members) <= by_dataset.keys():
            continue
        parts = [by_dataset[name] for name in members]
        shared = [measure for measure in parts[0]["scores"] if all(measure in part["scores"] for part in parts)]
        found.append(
            {
                "tag": tag,
                "dataset": group,
                "members": len(members),
                "retriever": parts[0]["retriever"],
                "k": min(part["k"] for part in parts),
                "scores": {measure: fmean(part["scores"][measure] for part in parts) for measure in shared},
                "queries": {n: sum(part["queries"][n] for part in parts) for n in ("judged", "answered")},
            }
        )
    return found


def _of_result(manifest: Manifest) -> list[Verdict]:
    """The verdicts of one result; of several figures for a measure the nearest, context only where there is none."""
    dataset, who = ALIASES.get(manifest["dataset"], manifest["dataset"]), system_of(manifest)
    verdicts: list[Verdict] = []
    for measure in manifest["scores"]:
        here = [figure for figure in figures() if figure.dataset == dataset and figure.measure == measure]
        here = [figure for figure in here if figure.kind != "trap" and is_of(figure, *who)]
        exact = [figure for figure in here if figure.kind == "figure"]
        if exact:
            measured = manifest["scores"][measure]
            here = [min(exact, key=lambda figure: abs(figure.value - measured))]
        verdicts += [compare(manifest, figure) for figure in here]
    return verdicts


def _nearest(manifest: Manifest) -> str:
    """For a result without a figure: the arguments that the same retriever's figures on this dataset have."""
    name, dataset = manifest["retriever"]["name"], ALIASES.get(manifest["dataset"], manifest["dataset"])
    here = [
        figure for figure in figures() if (figure.retriever, figure.dataset, figure.kind) == (name, dataset, "figure")
    ]
    published = dict.fromkeys(re.sub(r"\|\S+", "", figure.arguments) for figure in here)
    return f"published for {' · '.join(published)}" if published else ""


def _where(manifest: Manifest) -> tuple[str, str]:
    return manifest["tag"], manifest["dataset"]
