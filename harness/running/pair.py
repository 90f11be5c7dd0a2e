"""One system on one dataset by their names: whatever goes wrong becomes an `Attempted` that says so."""

from functools import partial

from harness.errors import HarnessError
from harness.running import devices as in_parts
from harness.running import failures, runner
from harness.running.job import Job
from harness.running.known import Systems
from harness.running.prepared import RunNeeded
from harness.running.runner import Attempted
from harness.running.suites import System


def evaluate(
    system: System,
    name: str,
    job: Job,
    passing: tuple[type[Exception], ...] = (),
    known: Systems | None = None,
) -> Attempted:
    """One system on one dataset, in this process; exceptions of the types `passing` are raised.

    `known` are systems that were looked at before.
    """
    folders = job.folders
    try:
        place = folders.result(system.tag, name)
        dataset = folders.dataset(name)
        runs_on, ahead = system, None
        if job.devices:
            runs_on = in_parts.first(system, job.devices, known)
            ahead = partial(in_parts.index_ahead, system, name, dataset, job.devices, folders)
        outcome = runner.run(runs_on, dataset, job.k, folders.results, folders.cache, job.overwrite, ahead, known)
    except RunNeeded as error:
        return Attempted(system.tag, name, "failed", message=str(error), needs=error.tag)
    except HarnessError as error:
        return Attempted(system.tag, name, "failed", message=str(error))
    except passing:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything, even SystemExit; the other pairs shall not suffer
        return Attempted(system.tag, name, "failed", message=failures.told(error, place, folders.cache))
    failures.forget(place)
    return outcome
