"""Stores on disk and exact search over them, for vectors and for DupMAE's joint score."""
