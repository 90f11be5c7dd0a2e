"""The report's figures as files for papers: PNG, SVG, PDF. The same results give the same bytes."""
