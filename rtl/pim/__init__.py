"""The MAC units of a PIM's banks and the buffer that they share, from ``arch.pim``."""

from rtl.pim.channel import MacChannel
from rtl.pim.mac_unit import MacUnit

__all__ = ["MacChannel", "MacUnit"]
