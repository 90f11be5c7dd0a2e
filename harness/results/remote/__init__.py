"""Results behind a URL: a store that fsspec knows, and its mirror on this machine."""
