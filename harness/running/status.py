"""What a run is doing or was doing when it ended, from its log alone; an estimate of the rest from what is done."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.host import log, processes

ENDED = ("done", "reused", "failed")


@dataclass
class PairStatus:
    """A system on a dataset. `seconds` is what it took, or takes so far; `how_far` is told of a running one."""

    system: str
    dataset: str
    docs: int | None
    state: str = "remaining"  # or running, stopped (its run is dead), done, reused, failed
    seconds: float = 0.0
    share: float = 0.0  # of its present stage
    stage: str = ""
    how_far: str = ""
    message: str = ""


@dataclass
class Status:
    """One run. `alive` is None where it runs on another host, `estimate_s` (of the rest) while no pair is done."""

    log: str
    pid: int
    host: str
    alive: bool | None
    ended: str
    since: str
    command: list[str]
    pairs: list[PairStatus] = field(default_factory=list)
    estimate_s: float | None = None
    waiting: str = ""

    def count(self, *states: str) -> int:
        """Pairs in one of these states."""
        return sum(pair.state in states for pair in self.pairs)

    def as_json(self) -> dict[str, Any]:
        """All of it, with the counts."""
        counts = {state: self.count(state) for state in (*ENDED, "running", "stopped", "remaining")}
        return {**asdict(self), "counts": counts}


def read(results: Path) -> list[Status]:
    """The last run and, as far as this host can tell, all others that live. Raises HarnessError where there is none."""
    found: list[Status] = []
    for path in reversed(log.files(results)):
        if (not found or _alive(path)) and (one := of(path)):
            found.append(one)
    if not found:
        raise HarnessError(f"there is no log of a run in {results / log.FOLDER}; `beir-harness run` writes one")
    return [one for one in found if one.alive or one is found[0]]


def of(path: Path) -> Status | None:
    """The status that a log tells; None for a file that does not begin as one."""
    events = list(_events(path))
    if not events or events[0].get("event") != "run" or not isinstance(events[0].get("pairs"), list):
        return None
    head, clock = events[0], 0.0
    status = Status(
        str(path), int(head["pid"]), str(head["host"]), processes.alive(head), "", str(head["time"]), head["command"]
    )
    status.pairs = [PairStatus(pair["system"], pair["dataset"], pair.get("docs")) for pair in head["pairs"]]
    by_name = {(pair.system, pair.dataset): pair for pair in status.pairs}
    begun: dict[int, float] = {}
    for event in events[1:]:
        clock = max(clock, float(event.get("elapsed", 0.0)))
        kind = str(event.get("event"))
        if kind == "ended":
            status.ended, status.alive = str(event.get("how")), False
        pair = by_name.get((str(event.get("system")), str(event.get("dataset"))))
        status.waiting = str(event["message"]) if kind == "waiting" else ""
        if pair is None:
            continue
        if kind == "pair":
            pair.state, begun[id(pair)] = "running", clock
        elif kind in ENDED:
            pair.state, pair.seconds = kind, float(event.get("seconds", 0.0))
            pair.message = str(event.get("message", ""))
        elif kind == "stage":
            pair.stage, pair.how_far, pair.share = str(event["stage"]), "", 0.0
        elif kind == "progress" and event.get("total"):
            pair.how_far = f"{event['count']:,} of {event['total']:,}"
            pair.share = min(1.0, float(event["count"]) / float(event["total"]))
    if status.alive:
        clock = max(clock, processes.uptime() - float(head["uptime"]))
    for pair in status.pairs:
        if pair.state == "running":
            pair.seconds = clock - begun[id(pair)]
            pair.state = "stopped" if status.alive is False else "running"
    status.estimate_s = estimate(status.pairs)
    return status


def estimate(pairs: list[PairStatus]) -> float | None:
    """Seconds that the rest will take at the rates so far: those of the same system, else of all, by documents.

    While none is done, a pair that indexes goes by the share that it has done.

    >>> done = PairStatus("a", "x", 100, "done", 10.0)
    >>> estimate([done, PairStatus("a", "y", 50), PairStatus("b", "y", 50, "running", 2.0)])
    8.0
    >>> estimate([PairStatus("a", "x", 100, "running", 10.0, share=0.25, stage="index"), PairStatus("a", "y", 50)])
    50.0
    """
    done = [pair for pair in pairs if pair.state == "done"] or [
        replace(pair, seconds=pair.seconds / pair.share) for pair in pairs if pair.stage == "index" and pair.share > 0
    ]
    if not done:
        return None
    rest = 0.0
    for pair in pairs:
        if pair.state in ("running", "stopped", "remaining"):
            like = [other for other in done if other.system == pair.system] or done
            counted = [other for other in like if other.docs]
            if pair.docs and counted:
                rate = sum(other.seconds for other in counted) / sum(other.docs or 0 for other in counted)
                whole = rate * pair.docs
            else:
                whole = sum(other.seconds for other in like) / len(like)
            rest += max(0.0, whole - pair.seconds)
    return round(rest, 1)


def _alive(path: Path) -> bool:
    """Whether the process that began this log lives; only its first line is read."""
    with suppress(OSError, ValueError, KeyError, TypeError), open(path, encoding="utf-8") as file:
        return bool(processes.alive(json.loads(file.readline())))
    return False


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log; one that a kill has cut short is no event."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise HarnessError(f"{path} cannot be read: {error.strerror}") from error
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
