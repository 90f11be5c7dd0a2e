"""Why a result may differ from a published figure: known mistakes, told by their marks in the manifest or the scores.

The causes are tried in order, the certain ones first: what the manifest shows comes before what a number looks like.
"""

from collections.abc import Callable, Iterable

from harness.datasets import dataset_table
from harness.published.reference import Figure, figures, is_of
from harness.published.subject import Subject

Cause = Callable[[Subject, Figure, float], str]
OK = 0.0005  # two measurements of the same thing
MSMARCO = ("msmarco-dev", "trec-dl-2019", "trec-dl-2020")


def likely_cause(subject: Subject, figure: Figure, measured: float) -> str:
    """The first cause that fits a result that differs from `figure`, with what to do; says so where none fits."""
    fitting = (cause(subject, figure, measured) for cause in CAUSES)
    return next(filter(None, fitting), "no known cause fits; compare the two systems query by query")


def unanswered(subject: Subject, figure: Figure, measured: float) -> str:
    """Queries without any result count as 0."""
    judged, answered = subject.judged, subject.answered
    if judged is not None and answered is not None and answered < 0.99 * judged:
        return f"only {answered:,} of {judged:,} judged queries have results; the others count as 0"
    return ""


def truncated(subject: Subject, figure: Figure, measured: float) -> str:
    """A run shorter than the measure looks."""
    cutoff = figure.measure.partition("@")[2]
    wanted, k = int(cutoff) if cutoff else 1000, subject.depth
    if k is not None and k < wanted:
        return (
            f"truncated depth: the run is cut at {k} documents, {figure.measure} needs {wanted}; run with --k {wanted}"
        )
    return ""


def other_queries(subject: Subject, figure: Figure, measured: float) -> str:
    """Judged queries of another split; the classic is TREC DL19 under MS MARCO's name."""
    rows, judged = dataset_table.rows(), subject.judged
    row = rows.get(figure.dataset)
    if row is None or judged is None or row.queries in (None, judged):
        return ""
    names = [name for name in MSMARCO if figure.dataset in MSMARCO and rows[name].queries == judged]
    whose = f", as {names[0]} has: {names[0]} was scored as {figure.dataset}" if names else ": another split or version"
    return f"{judged:,} judged queries instead of {row.queries:,}{whose}"


def other_judgments(subject: Subject, figure: Figure, measured: float) -> str:
    """Another version of the judgments; Touché has three under one name."""
    row, found = dataset_table.rows().get(figure.dataset), subject.qrels
    if row is None or None in (row.qrels, found) or found == row.qrels:
        return ""
    return f"another version of the judgments: {found:,} rows instead of the {row.qrels:,} of {row.version}"


def own_documents(subject: Subject, figure: Figure, measured: float) -> str:
    """A query's own document among its results, in the datasets whose queries are documents."""
    row = dataset_table.rows().get(figure.dataset)
    if row is None or not row.exclude_self:
        return ""
    if subject.dropped_self == 0 and measured < figure.value:
        return (
            f"own documents kept: {figure.dataset}'s queries are documents, and no query's own was among those dropped"
        )
    return ""


def known_mistake(subject: Subject, figure: Figure, measured: float) -> str:
    """The score that a known mistake gives."""
    for trap in _published(figure, _same_place, "trap"):
        if _is_it(measured, trap) and is_of(trap, subject.retriever, subject.arguments):
            return f"{trap.printed} is known: {trap.note} ({trap.source})"
    return ""


def other_dataset(subject: Subject, figure: Figure, measured: float) -> str:
    """The same system's figure on another of the MS MARCO query sets."""
    for other in _published(figure, _same_system, "figure"):
        pair = {other.dataset, figure.dataset}
        if len(pair) == 2 and pair <= set(MSMARCO) and _is_it(measured, other):
            return f"{other.printed} is the figure of {other.dataset}: {other.dataset} was scored as {figure.dataset}"
    return ""


def other_configuration(subject: Subject, figure: Figure, measured: float) -> str:
    """The figure of the same retriever with other arguments: flat for multifield, other k1 and b."""
    if not figure.retriever:
        return ""
    for other in _published(figure, _same_place, "figure"):
        if other.retriever == figure.retriever and other.arguments != figure.arguments and _is_it(measured, other):
            changed = " ".join(sorted(set(other.arguments.split()) - set(figure.arguments.split())))
            return f"{other.printed} is the figure for {changed}: did the arguments reach the index and the search?"
    return ""


def noted(subject: Subject, figure: Figure, measured: float) -> str:
    """What the table says to know about this figure."""
    return figure.note


CAUSES: tuple[Cause, ...] = (
    unanswered,
    truncated,
    other_queries,
    other_judgments,
    own_documents,
    known_mistake,
    other_dataset,
    other_configuration,
    noted,
)


def _published(figure: Figure, like: Callable[[Figure, Figure], bool], kind: str) -> Iterable[Figure]:
    same = (other for other in figures() if other.kind == kind and other.measure == figure.measure)
    return (other for other in same if other.printed != figure.printed and like(figure, other))


def _same_place(a: Figure, b: Figure) -> bool:
    return a.dataset == b.dataset


def _same_system(a: Figure, b: Figure) -> bool:
    return (a.retriever, a.arguments) == (b.retriever, b.arguments)


def _is_it(measured: float, figure: Figure) -> bool:
    return abs(measured - figure.value) <= OK + figure.rounding
