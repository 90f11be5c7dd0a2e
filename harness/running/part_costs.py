"""What the parts of an index cost that were made elsewhere: one small file a part, beside the index."""

import json
from contextlib import suppress
from pathlib import Path

from harness.files import write_json
from harness.host.costs import Cost


def write(place: Path, part: int, parts: int, cost: Cost) -> None:
    """Leave the cost of one part in the folder of an index; a part that was made again replaces its own."""
    write_json(place / f"part-{part}-of-{parts}.json", cost.record())


def add(place: Path, cost: Cost) -> None:
    """Add the parts to what completing the index cost, and forget them.

    The parts ran at the same time, so the longest counts as wall time; CPU time adds up, and a peak is a process's.
    """
    longest = 0.0
    for path in place.glob("part-*-of-*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):  # a cost that cannot be read is a cost unknown
            part = json.loads(path.read_bytes())
            longest = max(longest, part["wall_s"])
            cost.cpu_s += part["cpu_s"]
            cost.peak_bytes = max(cost.peak_bytes, part["peak_bytes"])
        path.unlink(missing_ok=True)
    cost.wall_s += longest
