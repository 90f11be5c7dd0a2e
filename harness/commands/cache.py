"""`beir-harness cache`: what lies in the cache, and what of it can go."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands import options

if TYPE_CHECKING:
    from harness.running.cache_entries import Entry

HELP = "list or prune downloads, indexes, training text and mirrors in the cache"
DAY = 86400.0
SPEED = {"device", "threads", "batch_tokens"}  # arguments that tell nobody which index this is


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, with which entries."""
    parser.add_argument("what", choices=["list", "prune"])
    parser.add_argument("name", nargs="*", help="prune: only these, by the names that `list` shows; else all")
    parser.add_argument(
        "--days", type=float, metavar="N", help="prune: not used for N days (default: 30; 0 with --unreferred)"
    )
    parser.add_argument(
        "--kind",
        action="append",
        choices=["dataset", "index", "training", "remote"],
        help="only these; may be repeated",
    )
    parser.add_argument("--unreferred", action="store_true", help="prune: only what no result in --results refers to")
    parser.add_argument("--yes", action="store_true", help="prune: remove; without it, only say what would be removed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options.add_results(parser)


def main(args: argparse.Namespace) -> int:
    """Print the entries or what became of them; 1 if one that should go could not."""
    from harness import paths
    from harness.errors import HarnessError, unknown
    from harness.running import cache_entries

    cache = paths.cache_dir()
    found = cache_entries.entries(cache, options.results_folder(args))
    if args.kind:
        found = [entry for entry in found if entry.kind in args.kind]
    if args.what == "list":
        if args.name:
            raise HarnessError("`cache list` takes no names; they belong to `cache prune`")
        options.refuse(args, add_arguments, ("days", "unreferred", "yes"), "it belongs to `cache prune`")
        rows = [_row(entry) for entry in found]
        print(json.dumps(rows, indent=2, ensure_ascii=False) if args.json else _listing(cache, found))
        return 0
    names = {entry.path.name for entry in found}
    for name in args.name:
        if name not in names:
            raise unknown("entry of the cache", name, names)
    if args.name:
        options.refuse(args, add_arguments, ("days",), "entries that are named go whatever their age")
    days = args.days if args.days is not None else 0.0 if args.unreferred else 30.0
    if not days >= 0:
        raise HarnessError(f"--days {days:g}: 0 or more")
    wanted = [
        entry
        for entry in found
        if (entry.path.name in args.name if args.name else entry.age() >= days * DAY)
        and not (args.unreferred and entry.referred)
    ]
    rows, failed = [], False
    for entry in wanted:
        became = f"in use by {entry.busy}; it stays" if entry.busy else "would be removed"
        if args.yes and not entry.busy:
            try:
                cache_entries.remove(entry, cache)
                became = "removed"
            except (HarnessError, OSError) as error:
                became, failed = str(error), True
        rows.append(_row(entry) | {"became": became})
    if args.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return int(failed)
    for row in rows:
        print(f"{row['became']}: {row['kind']} {row['entry']}, {_size(row['bytes'])}")
    gone = sum(row["bytes"] for row in rows if row["became"] in ("removed", "would be removed"))
    left = "would be removed; --yes removes it" if rows else "would be removed: there is nothing to remove"
    print(f"{_size(gone)} {'removed' if args.yes else left}")
    return int(failed)


def _row(entry: "Entry") -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "entry": entry.path.name,
        "bytes": entry.bytes,
        "unused_days": round(entry.age() / DAY, 2),
        "retriever": entry.name if entry.kind == "index" else None,
        "asked": getattr(entry, "asked", {}),
        "dataset": getattr(entry, "dataset", None),
        "complete": getattr(entry, "complete", True),
        "results": entry.referred,
        "busy": entry.busy,
    }


def _listing(cache: Path, found: "list[Entry]") -> str:
    from harness.errors import counted

    lines = []
    for row in map(_row, found):
        of = f"{row['retriever']} on {row['dataset'] or 'an unknown collection'}" if row["retriever"] else ""
        state = [] if row["complete"] else ["unfinished"]
        state += [counted(len(row["results"]), "result")] if row["results"] else []
        tags = sorted({one.partition("/")[0] for one in row["results"]} or {row["asked"].get("tag")} - {None})
        state += [f"{name}={value}" for name, value in row["asked"].get("arguments", {}).items() if name not in SPEED]
        state += [", ".join(tags[:3]) + ", …" * (len(tags) > 3)] if tags else []
        state += [f"in use by {row['busy']}"] if row["busy"] else []
        unused = f"{row['unused_days']:.0f} days"
        cells = (row["kind"].ljust(8), _size(row["bytes"]).rjust(9), unused.rjust(9), row["entry"].ljust(36), of)
        lines.append("  ".join([*cells, ", ".join(state)]).rstrip())
    head = "  ".join(("kind".ljust(8), "size".rjust(9), "unused".rjust(9), "entry"))
    total = f"{_size(sum(entry.bytes for entry in found))} in {cache}"
    return "\n".join([head, *lines, total] if lines else [total])


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
