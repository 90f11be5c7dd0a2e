"""The results as a page: static files that open from disk, with every claim's numbers behind it."""
