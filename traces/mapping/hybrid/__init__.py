"""Decoder layers on arrays and on memory that computes, together."""
