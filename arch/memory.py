"""The memory unit: a latency and a bandwidth, on a clock of its own."""

from pydantic import Field, model_validator

from arch.spec import Spec


class OperandBandwidth(Spec):
    """Three separate interfaces, one an operand, in bytes per memory cycle."""

    ifmap: int = Field(ge=1, le=2**40)
    """Bandwidth for the inputs."""
    filter: int = Field(ge=1, le=2**40)
    """Bandwidth for the weights."""
    ofmap: int = Field(ge=1, le=2**40)
    """Bandwidth for outputs and partial sums, reads and writes together."""


class Memory(Spec):
    """A pipelined memory: a request holds its interface for ``ceil(bytes / bandwidth)`` cycles.

    Read data arrive ``latency_cycles`` after they have left the interface; a write is
    acknowledged when its data have crossed it. Requesters (each core's load and store engine)
    are served round robin, the requests of each in order.
    """

    clock: str = "memory"
    """Name of the clock whose cycles bandwidth and latency count."""
    latency_cycles: int = Field(ge=0, le=2**31)
    """Cycles from the interface to the requester."""
    bytes_per_cycle: int | None = Field(default=None, ge=1, le=2**40)
    """Bandwidth of one interface shared by all."""
    operand_bytes_per_cycle: OperandBandwidth | None = None
    """Bandwidths of three separate interfaces, instead of the shared one."""

    @model_validator(mode="after")
    def _one_of_two(self) -> "Memory":
        if (self.bytes_per_cycle is None) == (self.operand_bytes_per_cycle is None):
            given = "neither" if self.bytes_per_cycle is None else "both"
            raise ValueError(
                f"must have either bytes_per_cycle or operand_bytes_per_cycle, not {given}"
            )
        return self

    @property
    def is_shared(self) -> bool:
        """Whether all operands pass one interface."""
        return self.operand_bytes_per_cycle is None
