"""The systolic array as hardware, generated from ``arch.array.Array``."""

from rtl.array.systolic import SystolicArray

__all__ = ["SystolicArray"]
