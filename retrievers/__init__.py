"""The retrievers that come with beir-harness; each is a plugin like any other and imports only leaves of the harness."""
