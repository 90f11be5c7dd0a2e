"""One module per sub-command: `HELP`, `add_arguments(parser)`, `main(args) -> exit code`.

Heavy imports stay inside `main`, so that `--help` answers at once.
"""
