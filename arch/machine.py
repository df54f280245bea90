"""A machine: cores of an array, scratchpads and a vector unit around one memory."""

from typing import Literal

from pydantic import Field, model_validator

from arch.array import Array
from arch.buffer import Buffer
from arch.clock import tick_khz
from arch.mapping import Mapping
from arch.memory import Memory
from arch.spec import Spec
from arch.vector import Vector


class Machine(Spec):
    """Everything that a simulation needs to know of a machine."""

    name: str = Field(min_length=1)
    family: Literal["systolic"] = "systolic"
    source: str = Field(min_length=1)
    """Where the numbers come from; ``sources`` says so field by field where they differ."""
    sources: dict[str, str] = Field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    """Paths of fields that no source gives."""
    clocks: dict[str, int]
    """Frequency in kHz by name."""
    synchroniser_cycles: int = Field(default=2, ge=0, le=64)
    """Receiver edges that a signal takes longer between two clocks."""
    cores: int = Field(default=1, ge=1, le=1024)
    array: Array
    buffer: Buffer
    vector: Vector | None = None
    memory: Memory | None
    """None: all operands are in the scratchpads, whatever their capacity."""
    mapping: Mapping = Mapping()
    technology: str = "unknown"
    """Name of the energy and area tables."""

    @model_validator(mode="after")
    def _clocks_exist(self) -> "Machine":
        for name, khz in self.clocks.items():
            if not 1 <= khz <= 100_000_000:
                raise ValueError(f"clocks.{name} must be 1 to 100000000 kHz, not {khz}")
        for unit in ("array", "buffer", "vector", "memory"):
            spec = getattr(self, unit)
            if spec is not None and spec.clock not in self.clocks:
                raise ValueError(
                    f"{unit}.clock {spec.clock!r} is not one of the clocks "
                    f"({', '.join(self.clocks)})"
                )
        tick_khz(self.clocks)
        return self

    @property
    def peak_macs_per_second(self) -> int:
        """Multiply-accumulates a second with every PE of every core busy."""
        return self.cores * self.array.rows * self.array.cols * self.clocks[self.array.clock] * 1000
