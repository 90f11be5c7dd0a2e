"""The parts of `retrievers.fusion`: methods, norms, parameters and their training."""
