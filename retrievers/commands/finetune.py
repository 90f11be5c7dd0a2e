"""`beir-harness finetune`: a retriever from a pre-trained encoder."""

import argparse

HELP = "fine-tune an encoder to a retriever: in-batch and hard negatives, distillation from a cross-encoder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the training package, which loads nothing heavy to name them."""
    from retrievers.training.finetune_arguments import add_finetune_arguments

    add_finetune_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Fine-tune, or go on with a run that was interrupted."""
    from harness import paths
    from harness.errors import HarnessError
    from retrievers.training.finetune import finetune

    try:
        record = finetune(args, paths.data_dirs())
    except (ValueError, ImportError, FloatingPointError, OSError) as error:
        raise HarnessError(str(error)) from error
    kind, last = record["representation"]["kind"], record["losses"].get("last", {})
    print(f"{args.output}: {kind}, stage {record['stage']}, {record['trainable_queries']:,} queries,"
          f" {record['steps']:,} steps, loss {last.get('loss', float('nan')):.3f},"
          f" {record['tokens_per_second']:,} tokens/s")  # fmt: skip
    retriever = "retromae" if kind == "cls" else "dupmae"
    print(f"beir-harness run {retriever} --set checkpoint={args.output} --dataset …")
    return 0
