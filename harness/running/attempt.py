"""An attempt at a pair, wherever it is made: logged and told. Executors only decide where."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.host import log, progress
from harness.running.plan import Key, Pair
from harness.running.runner import Attempted

Become = Callable[[Attempted], None]


@contextmanager
def attempt(pair: Pair, finished: Become | None = None, told: set[str] | None = None) -> Iterator[Become]:
    """Log that a pair begins; yields what is to be called with what became of it, which is logged, told, handed on.

    `told` are notes that were told before; they are not told again.
    """
    found: list[Attempted] = []
    with log.about(system=pair.system.tag, dataset=pair.name):
        log.event("pair")
        start = time.perf_counter()
        yield found.append
        (outcome,) = found
        log.event(outcome.status, seconds=round(time.perf_counter() - start, 3), message=outcome.message)
    progress.say(line(outcome, told))
    if finished:
        finished(outcome)


def again(outcome: Attempted, pair: Pair, todo: Sequence[Pair], failed: set[Key]) -> list[Pair]:
    """What to attempt after a pair that lacks the run of another: that one, if it is of this suite, and it once more.

    One that has failed itself is not attempted again.
    """
    needed = next((one for one in todo if one.key == (pair.name, outcome.needs)), None)
    return [needed, pair] if needed and needed.key not in failed else []


def line(outcome: Attempted, told: set[str] | None = None) -> str:
    """What is told of an outcome: the score and its notes, or why it failed; `told` gets the notes, and knows some."""
    pair = f"{outcome.tag} on {outcome.dataset}"
    if (result := outcome.result) is None:
        return f"FAILED {pair}: {outcome.message}"
    from harness.measures import display

    score = f"{display(result.primary_measure)} {result.recorded_means[result.primary_measure]:.4f}"
    answered = f"answered {result.answered} of {result.judged}"
    told = set() if told is None else told
    notes = "".join(f"\n  note: {note}" for note in result.notes if note not in told)
    told.update(result.notes)
    return f"{outcome.status} {pair}: {score}, {answered}{notes}"
