"""A systolic array behind AXI: registers on AXI4-Lite, operands and results on AXI4-Stream."""

from rtl.coprocessor.coprocessor import Coprocessor

__all__ = ["Coprocessor"]
