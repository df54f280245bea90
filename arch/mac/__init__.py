"""Processing elements and their number formats."""
