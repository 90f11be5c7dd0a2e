"""Lucene's BM25 through Anserini's jar: the JVM, the index, threads, ids."""
