"""The command line: finds the sub-command, turns errors into messages and exit codes.

0 done · 1 something failed or differs · 2 bad arguments or bad input · 130 interrupted · 143 terminated

The commands are the modules below `harness.commands`, and those that other packages offer as entry points of the group
`beir_harness.commands`: a module with HELP, `add_arguments(parser)` and `main(arguments)`, which imports nothing heavy.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, NoReturn

from harness import __version__
from harness.errors import HarnessError
from harness.running import signals

OFFERED = "beir_harness.commands"
COMMANDS = (
    "list", "run", "status", "cache", "score", "leaderboard", "compare", "report", "plot", "verify", "check", "new",
    "tune", "export", "import",
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """Names the nearest command or option where there is none of that name."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.commands: dict[str, argparse.ArgumentParser] = {}

    def error(self, message: str) -> NoReturn:
        """Print the usage, what is wrong and what may have been meant; exit with 2."""
        if found := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message, re.DOTALL):
            message = f"{message[: found.start()]}there is no {found[1]!r}"
            message += _nearest(found[1], re.findall(r"[\w-]+", found[2]))
        super().error(message)

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As ever, but what is left over is an error of the command that it was given to."""
        found, left = self.parse_known_args(args, namespace)
        if left:
            own = self.commands.get(getattr(found, "command", ""), self)
            known = [option for option in own._option_string_actions if option.startswith("--")]
            wrong = next((one for one in left if one.startswith("-")), left[0]).partition("=")[0]
            hint = _nearest(wrong, known) if wrong.startswith("-") else ""
            own.error(f"unrecognized arguments: {' '.join(left)}{hint}")
        return found


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; there is {', '.join(sorted(known))}"


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = Parser(
        prog="beir-harness", description="Retrieval benchmarks on BEIR and MS MARCO whose numbers can be believed."
    )
    top.add_argument("--version", action="version", version=f"beir-harness {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in _modules():
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(main=module.main)
        top.commands[name] = command
    return top


def _modules() -> Iterator[tuple[str, ModuleType]]:
    """The commands by name: the harness's own, then those offered; one that can't be imported is told and left out."""
    for name in COMMANDS:
        yield name, import_module(f"harness.commands.{name}")
    for point in sorted(entry_points(group=OFFERED), key=lambda point: point.name):
        if point.name not in COMMANDS:
            try:
                yield point.name, point.load()
            except ImportError as error:
                print(f"beir-harness: the command {point.name} is not there: {error}", file=sys.stderr)


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
