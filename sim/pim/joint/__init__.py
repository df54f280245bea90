"""A channel that holds memory and PIM commands together."""
