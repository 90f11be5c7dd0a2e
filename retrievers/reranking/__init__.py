"""What reranking keeps on disk: texts of candidates, and scores of pairs."""
