"""Fuzzing of every parser: what they read (`targets`), how files are spoiled (`mutation`), a long run (`run`)."""
