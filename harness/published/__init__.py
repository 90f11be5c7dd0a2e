"""Published figures, and measured results held against them."""
