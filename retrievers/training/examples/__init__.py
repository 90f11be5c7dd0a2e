"""Queries and their documents, for fine-tuning."""
