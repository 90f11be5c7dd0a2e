"""`beir-harness new`: a retriever and its test to start from."""

import argparse

HELP = "write a small working retriever and its test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The name of the retriever, and the folder to write to."""
    parser.add_argument("name", help="a Python name such as mine: the files are mine.py and test_mine.py")
    parser.add_argument("--dir", metavar="DIR", default=".", help="folder to write to (default: this one)")


def main(args: argparse.Namespace) -> int:
    """Write both files and print what to run next; returns 0."""
    from pathlib import Path

    from harness.plugins import scaffold

    code, test = scaffold.write(args.name, Path(args.dir))
    spec = scaffold.spec(code)
    print(f"wrote {code} and {test}; next:")
    for command in (
        f"beir-harness check {spec}",
        f"python -m pytest {test}",
        f"beir-harness run {spec} --dataset sample",
    ):
        print(f"  {command}")
    return 0
