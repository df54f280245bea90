"""The datapath of the vector unit as hardware, generated from ``arch.vector.Vector``."""

from rtl.vector.datapath import VectorDatapath

__all__ = ["VectorDatapath"]
