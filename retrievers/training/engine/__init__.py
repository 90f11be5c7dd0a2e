"""Steps, checkpoints, precision, the folder of a run and its identity."""
