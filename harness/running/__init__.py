"""The parts of a run: the index cache, fingerprints, costs, progress, the files of a result."""
