"""A DRAM channel's controller as hardware, generated from ``arch.dram``."""

from rtl.dram.channel import Channel

__all__ = ["Channel"]
