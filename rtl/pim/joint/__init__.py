"""A channel that holds memory and PIM commands together as hardware, from ``arch.pim.joint``."""

from rtl.pim.joint.channel import JointChannel

__all__ = ["JointChannel"]
