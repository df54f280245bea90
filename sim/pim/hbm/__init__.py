"""Samsung HBM-PIM: ordinary commands in modes that give them another meaning."""
