"""The link: what devices that share a model send one another."""

from typing import Literal

from pydantic import Field

from arch.spec import Spec


class Link(Spec):
    """Collectives of devices that all do the same; one of them is simulated.

    A step of B bytes takes ``ceil(B / bytes_per_cycle) + latency_cycles`` cycles. An allreduce of B
    bytes over n devices has 2 (n - 1) steps of ``ceil(B / n)`` bytes in a ring (Patarasuk and Yuan,
    JPDC 69, 2009), and two such steps (reduce-scatter, allgather) where each device has a link to
    each other. A send is one step.
    Sums that an allreduce adds up on its way take no time.
    """

    clock: str = "core"
    """Name of the clock whose cycles bandwidth and latency count."""
    devices: int = Field(ge=2, le=65536)
    """Devices that take part in an allreduce."""
    topology: Literal["ring", "fully_connected"] = "ring"
    """Each device has a link to its neighbour, or one to each other."""
    bytes_per_cycle: int = Field(ge=1, le=2**40)
    """Bandwidth of each link in each direction."""
    latency_cycles: int = Field(ge=0, le=2**31)
    """Cycles from the last byte of a step to its receiver."""
