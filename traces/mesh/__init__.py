"""Packets for meshes: traces from and to files, and generators of synthetic traffic.

A trace is a structured array of ``PACKET_TRACE``: what is created when, where and for whom. A
generator makes one outside the simulation, so that every run can be replayed.
"""

from traces.mesh.generate import bernoulli, bursty
from traces.mesh.packets import PACKET_TRACE, read_packets, write_packets
from traces.mesh.patterns import PATTERNS, Pattern, pattern
from traces.mesh.traffic import MeshWithTraffic, Traffic, with_traffic

__all__ = [
    "PACKET_TRACE",
    "PATTERNS",
    "MeshWithTraffic",
    "Pattern",
    "Traffic",
    "bernoulli",
    "bursty",
    "pattern",
    "read_packets",
    "with_traffic",
    "write_packets",
]
