"""The parts of `harness.runs` and `harness.evaluation`: orders, files, measures' kernels, checks."""
