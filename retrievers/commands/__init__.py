"""Commands that the harness takes in through its entry points: training."""
