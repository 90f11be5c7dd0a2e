"""`beir-harness pretrain`: an encoder from plain text."""

import argparse
import json

HELP = "pre-train an encoder on plain text: RetroMAE, DupMAE, or masked language modelling alone"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the training package, which loads nothing heavy to name them."""
    from retrievers.training.arguments import add_pretrain_arguments

    add_pretrain_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Pre-train, or go on with a run that was interrupted."""
    from harness.errors import HarnessError
    from retrievers.training.pretrain import check, pretrain

    try:
        if args.plan is not None:
            from retrievers.training.plan import plan, table

            check(args)
            found = plan(args)
            print(json.dumps(found, indent=2) if args.json else table(found))
            return 0
        record = pretrain(args)
    except (ValueError, ImportError, FloatingPointError, OSError) as error:
        raise HarnessError(str(error)) from error
    last = record["losses"].get("last", {})
    print(f"{args.output}: {record['objective']}, {record['steps']:,} steps, {record['tokens']:,} tokens,"
          f" loss {last.get('loss', float('nan')):.3f}, {record['tokens_per_second']:,} tokens/s")  # fmt: skip
    return 0
