"""Pairs in this process, one after another, or each in one of its own: a failing one is told and the rest goes on."""

import sys
from collections.abc import Sequence

from harness.host import log, progress
from harness.running import forecast, isolated
from harness.running.attempt import Become, again, attempt
from harness.running.job import Job
from harness.running.known import Systems
from harness.running.pair import evaluate
from harness.running.plan import Key, Pair
from harness.running.runner import Attempted


def run_all(
    todo: Sequence[Pair], job: Job, *, finished: Become | None = None, known: Systems | None = None
) -> list[Attempted]:
    """Attempt every pair in order; one Attempted a pair.

    `finished` is called with every Attempted as soon as it is known. `known` are systems that were looked at before.
    """
    known, outcomes, failed, told = known or Systems(), list[Attempted](), set[Key](), set[str]()

    def attempted(pair: Pair, known: Systems | None) -> Attempted:
        with attempt(pair, finished, told) as become:
            if job.timeout:
                outcome = isolated.evaluate(pair.system, pair.name, job)
            else:
                outcome = evaluate(pair.system, pair.name, job, known=known)
            become(outcome)
        return outcome

    folders = job.folders
    sizes = forecast.sizes(todo, folders.data_dirs, folders.cache)
    with log.opened(folders.results, command=sys.argv, cache=str(folders.cache), pairs=sizes):
        for pair in progress.over(todo, "suite", "results", level=0):
            outcome = attempted(pair, known)
            for one in again(outcome, pair, todo, failed):
                outcome = attempted(one, None)
            outcomes.append(outcome)
            if outcome.status == "failed":
                failed.add(pair.key)
    return outcomes
