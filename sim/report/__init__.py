"""What the user sees of a run: tables, files, comparisons and timelines."""
