"""The command line: finds the sub-command, turns errors into messages and exit codes.

0 done · 1 something failed or differs · 2 bad arguments or bad input · 130 interrupted · 143 terminated
"""

import argparse
import sys
from importlib import import_module

from harness import __version__
from harness.errors import HarnessError
from harness.running import signals

COMMANDS = (
    "list", "run", "status", "cache", "score", "leaderboard", "compare", "report", "plot", "verify", "check", "new",
    "tune", "pretrain", "finetune", "export", "import",
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="beir-harness", description="Retrieval benchmarks on BEIR and MS MARCO whose numbers can be believed."
    )
    top.add_argument("--version", action="version", version=f"beir-harness {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"harness.commands.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(main=module.main)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = parser().parse_args(argv)
    try:
        with signals.heard():
            return int(arguments.main(arguments))
    except HarnessError as error:
        return _complain(str(error), 2)
    except signals.Terminated:
        return _complain("terminated; finished work is kept, the same command goes on from there", 143)
    except KeyboardInterrupt:
        return _complain("interrupted; finished work is kept, the same command goes on from there", 130)
    except BrokenPipeError:  # the reader of our output, `head` for one, has seen enough
        sys.stderr.close()
        return 0
    except OSError as error:  # a full disk, a read-only folder: the message names the file
        return _complain(str(error), 2)


def _complain(message: str, code: int) -> int:
    print(f"beir-harness: {message}", file=sys.stderr)
    return code
