"""From text to vectors: batches, the padding-free forward pass, checkpoints."""
