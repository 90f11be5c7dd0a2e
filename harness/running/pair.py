"""One system on one dataset by their names: whatever goes wrong becomes an Outcome that says so."""

from collections.abc import Sequence
from functools import partial

from harness.errors import HarnessError
from harness.running import devices as in_parts
from harness.running import failures, runner
from harness.running.folders import Folders
from harness.running.prepared import RunNeeded, Systems
from harness.running.runner import Outcome
from harness.running.suites import System


def evaluate(
    system: System,
    name: str,
    k: int,
    folders: Folders,
    overwrite: bool,
    devices: Sequence[str] = (),
    passing: tuple[type[Exception], ...] = (),
    known: Systems | None = None,
) -> Outcome:
    """As `attempt`, without a line in the log or a limit of time; exceptions of the types `passing` are raised."""
    try:
        place = folders.result(system.tag, name)
        dataset = folders.dataset(name)
        runs_on, ahead = system, None
        if devices:
            runs_on = in_parts.first(system, devices)
            ahead = partial(in_parts.index_ahead, system, name, dataset, devices, folders)
        outcome = runner.run(runs_on, dataset, k, folders.results, folders.cache, overwrite, ahead, known)
    except RunNeeded as error:
        return Outcome(system.tag, name, "failed", message=str(error), needs=error.tag)
    except HarnessError as error:
        return Outcome(system.tag, name, "failed", message=str(error))
    except passing:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything, even SystemExit; the other pairs shall not suffer
        return Outcome(system.tag, name, "failed", message=failures.told(error, place, folders.cache))
    failures.forget(place)
    return outcome
