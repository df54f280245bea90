"""Meshes of routers as hardware, generated from ``arch.mesh``."""

from rtl.mesh.packet import PacketNetwork
from rtl.mesh.wavelet import WaveletFabric

__all__ = ["PacketNetwork", "WaveletFabric"]
