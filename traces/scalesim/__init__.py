"""What users of SCALE-Sim have: topologies (CSV) and machines (.cfg)."""

from traces.scalesim.config import machine_from_cfg
from traces.scalesim.topology import read_topology

__all__ = ["machine_from_cfg", "read_topology"]
