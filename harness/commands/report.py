"""`beir-harness report`: the results as a page that opens from disk."""

import argparse
from pathlib import Path

from harness.commands import options
from harness.commands.leaderboard import add_margin, probability

HELP = "write the results as a static page: leaderboard, tests, plots, queries side by side, provenance"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is shown, where it goes, and whether to serve it."""
    options.add_results(parser)
    parser.add_argument("--output", metavar="DIR", type=Path, default=Path("site"), help="(default: site)")
    options.add_measures(parser, "all that were scored")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only these; or a group")
    parser.add_argument("--system", action="append", default=[], metavar="TAG", help="only these; may be repeated")
    parser.add_argument("--test", choices=["t", "permutation"], default="t", help="on paired queries (default: t)")
    parser.add_argument(
        "--correction", choices=["holm", "maxt"], default="holm",
        help="for many tests; both bound the chance of any false claim about any pair (default: holm)",
    )  # fmt: skip
    parser.add_argument("--alpha", type=probability, default=0.05, help="level of significance (default: 0.05)")
    add_margin(parser)
    parser.add_argument("--baseline", metavar="TAG", help="what the page opens compared with; a reader may choose")
    parser.add_argument(
        "--queries", type=int, default=300, metavar="N",
        help="queries per dataset in the per-query browser, those that differ most; 0 for none (default: 300)",
    )  # fmt: skip
    parser.add_argument("--serve", action="store_true", help="then serve it on this machine until Ctrl-C")
    parser.add_argument("--port", type=int, default=8000, help="with --serve; 0 takes any free one (default: 8000)")
    parser.add_argument(
        "--data-dir", metavar="DIR", type=Path, action="append", default=[],
        help="folder of dataset folders in BEIR layout, for texts of queries and documents; may be repeated",
    )  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """Write the site and print where it is; returns 0."""
    import sys

    from harness.views.report import site

    if not args.serve:
        options.refuse(args, add_arguments, ("port",), "a port is for --serve")
    if args.queries < 1:
        options.refuse(args, add_arguments, ("data_dir",), "texts are shown with queries, and --queries is 0")
    made = site.write(
        options.results_folder(args),
        args.output,
        options.measures(args),
        args.dataset,
        args.system,
        args.test,
        args.alpha,
        options.data_folders(args),
        args.queries,
        args.baseline,
        args.correction,
        args.margin,
    )
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{made.index}: {len(made.written)} files")
    if args.serve:
        serve(args.output, args.port)
    return 0


def serve(folder: Path, port: int) -> None:
    """Serve `folder` to this machine alone, until interrupted. Raises HarnessError for a port that is taken."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from harness.errors import HarnessError

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """One line per file would hide the address."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder)))
    except OSError as error:
        raise HarnessError(f"port {port} can't be used ({error.strerror}); choose another with --port") from error
    with server:
        print(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C stops)", flush=True)
        server.serve_forever()
