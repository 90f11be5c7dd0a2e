"""What is pre-trained: encoder, decoder, heads, losses, and what they start from."""
