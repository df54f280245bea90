"""Floating-point arithmetic as hardware: decode, compute, one shared rounder."""

from rtl.float.adder import Adder
from rtl.float.convert import Converter
from rtl.float.formats import FORMATS, Format
from rtl.float.maximum import Maximum
from rtl.float.multiplier import Multiplier

__all__ = ["FORMATS", "Adder", "Converter", "Format", "Maximum", "Multiplier"]
