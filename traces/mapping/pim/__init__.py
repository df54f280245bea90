"""Operators to the instructions of a PIM and of the chip beside it."""
