"""What this machine is and does: locks, log, progress, costs, processes, checksums. Knows nothing of retrieval."""
