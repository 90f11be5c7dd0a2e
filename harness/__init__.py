"""beir-harness: retrieval benchmarks whose numbers can be believed.

A dataset flows through a retriever into a run file, the run file into per-query scores, the scores into tables.
Importing this package does nothing and imports nothing; every module below is imported where it is used.
"""

__version__ = "0.1.0"
