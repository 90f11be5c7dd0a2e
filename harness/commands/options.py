"""Command-line options that several commands share, and where they lead."""

import argparse
from pathlib import Path

from harness import paths


def add_results(parser: argparse.ArgumentParser) -> None:
    """--results"""
    parser.add_argument("--results", metavar="DIR", type=Path, help="results folder (default: results)")


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data-dir, --offline"""
    parser.add_argument(
        "--data-dir", metavar="DIR", type=Path, action="append", default=[],
        help="folder of dataset folders in BEIR layout, looked in before the cache and the network; may be repeated",
    )  # fmt: skip
    parser.add_argument("--offline", action="store_true", help="never download")


def results_folder(arguments: argparse.Namespace) -> Path:
    """The results folder that was asked for, else the default one."""
    return arguments.results or paths.results_dir()


def data_folders(arguments: argparse.Namespace) -> list[Path]:
    """The data folders of the command line, then those of the environment."""
    return [*arguments.data_dir, *paths.data_dirs()]
