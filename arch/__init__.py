"""What a machine is: frozen parameter objects, read from YAML, with no behaviour."""

__version__ = "0.1.0"

LOCKSTEP = "lockstep-sim"
"""Marks this package as lockstep's own; PyPI has another package named ``arch``."""
