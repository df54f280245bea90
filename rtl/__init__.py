"""The simulator's units as hardware: Amaranth generators of the same parameters."""
