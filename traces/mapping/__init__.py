"""Lowering operators to commands, a family of machines a module."""
