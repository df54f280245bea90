"""A machine: cores of an array, scratchpads and a vector unit around one memory, and its link."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from arch.array import Array
from arch.buffer import Buffer
from arch.clock import tick_khz
from arch.dram.memory import Dram
from arch.errors import InputError
from arch.link import Link
from arch.mapping import Mapping
from arch.memory import Memory
from arch.pim.joint import JointMemory
from arch.spec import Name, Spec
from arch.technology import TechnologyName
from arch.vector import Vector

ClockKhz = Annotated[int, Field(ge=1, le=100_000_000)]


def _memory_kind(value: Any) -> str:
    """Which of the three parameter objects a memory is: DRAM names a standard, channels that
    compute too an interface."""
    if not isinstance(value, dict):
        return f"[{type(value).__name__}]"
    if "interface" in value:
        return f"[{JointMemory.__name__}]"
    return f"[{Dram.__name__}]" if "standard" in value else f"[{Memory.__name__}]"


AnyMemory = Annotated[
    Annotated[Memory, Tag("[Memory]")]
    | Annotated[Dram, Tag("[Dram]")]
    | Annotated[JointMemory, Tag("[JointMemory]")],
    Discriminator(_memory_kind),
]

Channelled = Dram | JointMemory
"""Memories of DRAM channels, on a clock of their own."""

DRAM_CLOCK = "dram"
"""The clock of a machine's DRAM, of the frequency that its speed has."""


class Machine(Spec):
    """Everything that a simulation needs to know of a machine."""

    name: str = Field(min_length=1)
    """What results call it."""
    family: Literal["systolic"] = "systolic"
    """How operators are mapped to it."""
    source: str = Field(min_length=1)
    """Where the numbers come from; ``sources`` says so field by field where they differ."""
    sources: dict[str, str] = Field(default_factory=dict)
    """Source by path of a field or section; the nearest one counts."""
    assumed: tuple[str, ...] = ()
    """Paths of fields that no source gives."""
    clocks: dict[Name, ClockKhz] = Field(min_length=1)
    """Frequency by name, in kHz. An hour of ticks of their least common multiple must fit into 62
    bits."""
    synchroniser_cycles: int = Field(default=2, ge=0, le=64)
    """Receiver edges that a signal takes longer between two clocks."""
    cores: int = Field(default=1, ge=1, le=1024)
    """Arrays, each with its own scratchpads, DMA and vector unit."""
    array: Array
    """The array of each core."""
    buffer: Buffer
    """The scratchpads and the DMA of each core."""
    vector: Vector | None = None
    """The vector unit of each core; without one only matrix products can run."""
    memory: AnyMemory | None
    """The memory that all cores share: one of a bandwidth and a latency, channels of a DRAM
    ``standard``, or with ``interface: joint`` channels that compute too. Without one all operands
    are in the scratchpads, whatever their capacity."""
    link: Link | None = None
    """To other devices that share a model; without one no command may use it."""
    mapping: Mapping = Mapping()
    """How operators become commands."""
    technology: TechnologyName = "unknown"
    """The energy and area tables; ``unknown`` has no entries."""

    @model_validator(mode="after")
    def _clocks_exist(self) -> "Machine":
        if isinstance(self.memory, Channelled):
            self._dram_fits(self.memory)
        for unit in ("array", "buffer", "vector", "memory", "link"):
            spec = getattr(self, unit)
            if spec is None or isinstance(spec, Channelled):
                continue
            if spec.clock not in self.clocks:
                raise ValueError(
                    f"{unit}.clock must be one of the clocks ({', '.join(self.clocks)}), "
                    f"not {spec.clock!r}"
                )
        if self.clocks[self.buffer.clock] != self.clocks[self.array.clock]:
            raise ValueError(
                f"buffer.clock must have the frequency of array.clock, which share ports in each "
                f"cycle; {self.buffer.clock!r} is not at {self.clocks[self.array.clock]} kHz"
            )
        tick_khz(self.clocks_khz)
        return self

    def _dram_fits(self, memory: Channelled) -> None:
        if DRAM_CLOCK in self.clocks:
            raise ValueError(
                f"clocks.{DRAM_CLOCK} must have another name: that of the DRAM's clock, whose "
                "frequency comes from its speed"
            )
        if memory.port_clock is not None and memory.port_clock not in self.clocks:
            raise ValueError(
                f"memory.port_clock must be one of the clocks ({', '.join(self.clocks)}), "
                f"not {memory.port_clock!r}"
            )
        try:
            memory.address_map()
        except InputError as error:
            raise ValueError(f"memory: {error}") from None

    @property
    def clocks_khz(self) -> dict[str, int]:
        """All clocks, with that of the DRAM."""
        if isinstance(self.memory, Channelled):
            return {**self.clocks, DRAM_CLOCK: self.memory.device().clock_khz}
        return self.clocks

    @property
    def memory_clock(self) -> str:
        """Name of the memory's clock. Raises ValueError where there is none."""
        if self.memory is None:
            raise ValueError(f"{self.name}: has no memory")
        return DRAM_CLOCK if isinstance(self.memory, Channelled) else self.memory.clock

    @property
    def pim_channels(self) -> int:
        """Channels that take PIM commands."""
        return self.memory.channels if isinstance(self.memory, JointMemory) else 0

    @property
    def peak_macs_per_second(self) -> int:
        """Multiply-accumulates a second with every PE of every core busy, of engines in the mode
        of the most lanes."""
        pes = self.cores * self.array.pes
        return pes * self.array.lanes_most * self.clocks[self.array.clock] * 1000
