"""Readers of collections' files, and where they are fetched from."""
