"""Meshes of routers as hardware, generated from ``arch.mesh``."""

from rtl.mesh.packet import PacketNetwork

__all__ = ["PacketNetwork"]
