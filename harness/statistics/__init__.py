"""Paired tests, corrections, intervals and tests over datasets. Knows no file and no table."""
