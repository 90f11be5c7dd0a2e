"""The retrievers that come with beir-harness: plugins like any other, importing only leaves of the harness."""
