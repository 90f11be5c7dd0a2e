"""The parts of `harness.datasets`: the table, readers of BEIR's format, downloads."""
