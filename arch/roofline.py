"""A device known by its peaks alone: how long work takes at least."""

from typing import Annotated

from pydantic import Field

from arch.spec import Spec

Efficiency = Annotated[float, Field(gt=0, le=1)]


class Roofline(Spec):
    """Work takes the longer of its arithmetic and its traffic, kernel after kernel."""

    peak_macs_per_second: Annotated[int, Field(ge=1, le=10**18)]
    """Multiply-accumulates of matrix units, all busy."""
    bandwidth_bytes_per_second: Annotated[int, Field(ge=1, le=10**15)]
    """Of the memory."""
    capacity_bytes: Annotated[int, Field(ge=1, le=10**15)]
    """Of the memory."""
    compute_efficiency: Efficiency = 1.0
    """Part of the peak that matrix products reach."""
    bandwidth_efficiency: Efficiency = 1.0
    """Part of the bandwidth that matrix products reach."""
    attention_efficiency: Efficiency = 1.0
    """Part of the bandwidth that attention reaches."""
    kernel_seconds: Annotated[float, Field(ge=0, le=1)] = 0.0
    """From the end of a kernel to the start of the next."""
    link_bytes_per_second: Annotated[int, Field(ge=1, le=10**15)]
    """Of a device to all others, in each direction."""
    link_latency_seconds: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Of each step of a collective."""
    element_bytes: Annotated[int, Field(ge=1, le=8)] = 2
    """Of weights, activations, keys and values."""

    def product_seconds(self, macs: int, moved_bytes: int) -> float:
        """Of a matrix product."""
        arithmetic = macs / (self.peak_macs_per_second * self.compute_efficiency)
        traffic = moved_bytes / (self.bandwidth_bytes_per_second * self.bandwidth_efficiency)
        return max(arithmetic, traffic) + self.kernel_seconds

    def attention_seconds(self, macs: int, moved_bytes: int) -> float:
        """Of the attention of a batch in one kernel, its softmax hidden behind the traffic."""
        arithmetic = macs / (self.peak_macs_per_second * self.compute_efficiency)
        traffic = moved_bytes / (self.bandwidth_bytes_per_second * self.attention_efficiency)
        return max(arithmetic, traffic) + self.kernel_seconds

    def allreduce_seconds(self, moved_bytes: int, devices: int) -> float:
        """Over a ring: 2 (n - 1) steps of a part each (Patarasuk and Yuan, JPDC 69(2), 2009)."""
        if devices == 1:
            return 0.0
        steps = 2 * (devices - 1)
        part = -(-moved_bytes // devices)
        return steps * self.send_seconds(part)

    def send_seconds(self, moved_bytes: int) -> float:
        """To the next device."""
        return moved_bytes / self.link_bytes_per_second + self.link_latency_seconds
