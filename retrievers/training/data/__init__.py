"""Text, its tokens, batches and masks, for pre-training."""
