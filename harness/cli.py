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
from types import SimpleNamespace
from typing import Any, NoReturn

from harness import __version__
from harness.errors import HarnessError
from harness.host import console, signals

OFFERED = "beir_harness.commands"
COMMANDS = (
    "list", "run", "status", "cache", "score", "leaderboard", "compare", "report", "plot", "verify", "check", "new",
    "tune", "export", "import", "results", "pool",
)  # fmt: skip


class Once(argparse._StoreAction):
    """An option with one value: another one behind it would silently take its place."""

    before: Any = None

    def __call__(self, parser, namespace, values, option_string=None):  # type: ignore[no-untyped-def]
        """Keep the value; a second one that differs is an error."""
        if option_string and self.before not in (None, values):
            parser.error(f"{option_string} takes one value, and there are two: {self.before} and {values}; keep one")
        self.before = values
        super().__call__(parser, namespace, values, option_string)


class Parser(argparse.ArgumentParser):
    """Names the nearest command or option where there is none of that name."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        for name in (None, "store"):
            self.register("action", name, Once)
        self.commands: dict[str, Parser] = {}

    def error(self, message: str) -> NoReturn:
        """Print the usage, what is wrong and what may have been meant; exit with 2."""
        if found := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message, re.DOTALL):
            message = f"{message[: found.start()]}there is no {found[1]!r}"
            message += _nearest(found[1], re.findall(r"[\w-]+", found[2]))
        super().error(message)

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As ever, but an option that there is not is told first: it may be the required one, misspelt."""
        words = list(sys.argv[1:] if args is None else args)
        for action in self._actions:
            if isinstance(action, Once):
                action.before = None
        takes_any = any(action.nargs in (argparse.PARSER, argparse.REMAINDER) for action in self._actions)
        for word in () if takes_any else words[: words.index("--")] if "--" in words else words:
            name = word.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in self._option_string_actions):
                self.error(f"there is no {name}{self._meant(name)}")
        return super().parse_known_args(words, namespace)

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As ever, but what is left over is an error of the command that it was given to."""
        found, left = self.parse_known_args(args, namespace)
        if left:
            own = self.commands.get(getattr(found, "command", ""), self)
            wrong = next((one for one in left if one.startswith("-")), "")
            hint = own._meant(wrong) if wrong else ""
            own.error(f"unrecognized arguments: {' '.join(left)}{hint}")
        return found

    def _meant(self, name: str) -> str:
        """An option that takes the name as its value, `--format json` for --json, else the nearest option."""
        value = name.removeprefix("--")
        for action in self._actions:
            if action.option_strings and value in (action.choices or ()):
                return f"; did you mean {action.option_strings[-1]} {value}?"
        return _nearest(name, self._long())

    def _long(self) -> list[str]:
        return [option for option in self._option_string_actions if option.startswith("--")]


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; there is {', '.join(sorted(known))}"


def parser(first: str = "") -> argparse.ArgumentParser:
    """The parser of the whole command line; `first` is its first word, see `_modules`."""
    top = Parser(
        prog="beir-harness", description="Retrieval benchmarks on BEIR and MS MARCO whose numbers can be believed."
    )
    top.add_argument("--version", action="version", version=f"beir-harness {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in _modules(first):
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(main=module.main)
        top.commands[name] = command
    return top


def _modules(first: str) -> Iterator[tuple[str, Any]]:
    """The commands by name: the harness's own, then those offered.

    Where the `first` word is one of our own, no other package is looked up, nor anything of it imported.
    """
    for name in COMMANDS:
        yield name, import_module(f"harness.commands.{name}")
    if first in COMMANDS:
        return
    from importlib.metadata import entry_points

    offered = {point.name: point for point in sorted(entry_points(group=OFFERED), key=lambda point: point.value)}
    for name, point in sorted(offered.items()):
        if name not in COMMANDS:
            try:
                yield name, point.load()
            except Exception as error:  # another's code at import: it may raise whatever it likes
                yield name, _broken(f"cannot be loaded ({error}); install {_owner(point)} again")


def _owner(point: Any) -> str:
    return point.dist.name if point.dist else "the package that offers it"


def _broken(why: str) -> SimpleNamespace:
    """Stands for a command that cannot be loaded, whatever it is given."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)

    def complain(_: argparse.Namespace) -> NoReturn:
        raise HarnessError(f"this command {why}")

    return SimpleNamespace(HELP=why.replace("%", "%%"), add_arguments=add_arguments, main=complain)


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = sys.argv[1:] if argv is None else argv
    console.prepare(escaped="--json" in words or "json" in words)
    arguments = parser(words[0] if words else "").parse_args(words)
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
        from harness.files import FULL

        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _complain(what + "; free some space there, or name another place" * (error.errno in FULL), 2)


def _complain(message: str, code: int) -> int:
    print(f"beir-harness: {message}", file=sys.stderr)
    return code
