"""One module per sub-command: `HELP`, `add_arguments(parser)` and `main(arguments) -> exit code`; heavy imports inside `main`."""
