"""From a leaderboard to text: Markdown, CSV, LaTeX and JSON."""
