"""The scratchpad as hardware, generated from ``arch.buffer.Scratchpad``."""

from rtl.buffer.scratchpad import Scratchpad

__all__ = ["Scratchpad"]
