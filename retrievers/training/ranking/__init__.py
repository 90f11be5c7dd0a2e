"""What is fine-tuned: representations, their losses, a teacher."""
