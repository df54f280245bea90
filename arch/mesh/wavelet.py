"""A mesh of wavelet routers with a processing element (PE) at each: a wafer.

Routes are static for each colour; wavelets carry 32 bits and are multicast. docs/wavelet.md has the
rules, cycle by cycle.
"""

from typing import Literal

from pydantic import Field, model_validator

from arch.mesh.packet import NODES_MAX
from arch.spec import Name, Spec

COLOURS_MAX = 32
SLOTS_MAX = 8
"""Of a PE: the main one and its microthreads."""
CONTROLS_MAX = 8
"""Routers that one control wavelet tells something."""


class WaveletRouter(Spec):
    """A router with a queue and a route for each colour."""

    colours: int = Field(ge=1, le=COLOURS_MAX)
    """Colours that can be routed."""
    switch_positions: int = Field(ge=1, le=4)
    """Routes of one colour that a router can switch between."""
    queue_wavelets: int = Field(ge=1, le=8)
    """Depth of the queue of a colour."""


class PeCosts(Spec):
    """What commands cost beside the work of the datapath; the datapath is busy with it."""

    task_cycles: int = Field(default=0, ge=0, le=2**20)
    """To start a task."""
    fabric_cycles: int = Field(default=0, ge=0, le=2**20)
    """To start a command of the main slot that sends or receives."""
    microthread_cycles: int = Field(default=0, ge=0, le=2**20)
    """To start one in a microthread."""
    fma_cycles: int = Field(default=0, ge=0, le=2**20)
    """To start an FMA."""
    callback_millicycles: int = Field(default=0, ge=0, le=2**20)
    """For each vector of an FMA; rounded up over the command."""
    dependent_millicycles: int = Field(default=0, ge=0, le=2**20)
    """For each vector of an FMA that adds to the same elements as the one before, whose sums it
    waits for; beside ``callback_millicycles``."""
    vec_cycles: int = Field(default=0, ge=0, le=2**20)
    """To start a VEC."""
    loop_cycles: int = Field(default=0, ge=0, le=2**20)
    """For each turn of a loop."""
    function_cycles: int = Field(default=1, ge=1, le=2**10)
    """For each element of a function such as an exponential, a root or a reciprocal."""
    divide_cycles: int = Field(default=0, ge=0, le=2**10)
    """For each element of a function that divides (reciprocals, one of a root among them, SILU),
    beside ``function_cycles``."""


class ProcessingElement(Spec):
    """A PE: memory, a datapath, and slots for commands that run at once."""

    memory_bytes: int = Field(ge=4, le=2**30)
    """Data and code."""
    code_bytes: int = Field(default=0, ge=0, le=2**30)
    """Of the memory, not to be had for data."""
    memory_banks: int = Field(ge=1, le=64)
    """Of 32 bits and one port each."""
    read_ports: int = Field(ge=1, le=8)
    """Reads of 64 bits a cycle."""
    write_ports: int = Field(ge=1, le=8)
    """Writes of 64 bits a cycle."""
    lanes: dict[Literal["fp16", "bf16", "fp32"], int]
    """Elements that the datapath computes a cycle, for each format that it knows."""
    slots: int = Field(ge=1, le=SLOTS_MAX)
    """Commands that run at once: the main one, and microthreads that send and receive."""
    tasks: int = Field(ge=1, le=32)
    """That a program may have."""
    wavelets_per_operation: int = Field(default=1, ge=1, le=2)
    """That an operation of a command that sends or receives moves at most; two are the 64 bits of
    a read or a write port (Hot Chips 34), as WaferLLM's programs move them."""
    costs: PeCosts = PeCosts()

    @model_validator(mode="after")
    def _feeds_lanes(self) -> "ProcessingElement":
        if not self.lanes:
            raise ValueError("lanes: must name a format at least")
        for name, lanes in self.lanes.items():
            most = self.write_ports * 64 // (32 if name == "fp32" else 16)
            if not 1 <= lanes <= most:
                raise ValueError(
                    f"lanes.{name}: must be 1 to {most}, what write_ports of 64 bits take, "
                    f"not {lanes}"
                )
        if self.code_bytes >= self.memory_bytes:
            raise ValueError(
                f"code_bytes: must be below memory_bytes ({self.memory_bytes}), not "
                f"{self.code_bytes}"
            )
        return self

    @property
    def data_bytes(self) -> int:
        """Memory that data may take."""
        return self.memory_bytes - self.code_bytes


class WaveletMesh(Spec):
    """A mesh of PEs with wavelet routers; ``y`` grows towards the south.

    A PE is numbered ``y * width + x``. Ports are those of ``arch.mesh.packet``: east (+x),
    west (-x), south (+y), north (-y), and the ramp to the PE.
    """

    name: Name
    """Of the mesh."""
    source: str
    """Where its numbers come from."""
    kind: Literal["wavelet"]
    """Of the routers."""
    clock_khz: int = Field(ge=1, le=10**9)
    """The clock of all routers and PEs."""
    width: int = Field(ge=1, le=4096)
    """PEs along x."""
    height: int = Field(ge=1, le=4096)
    """PEs along y."""
    link_bits: Literal[32] = 32
    """Of a link, a cycle and a direction: one wavelet."""
    hop_cycles: int = Field(ge=1, le=4)
    """From a router to the next one."""
    ramp_cycles: int = Field(ge=1, le=16)
    """From a router to its PE, and back (T_R)."""
    ramp_down_wavelets: int = Field(ge=1, le=32)
    """Depth of the queue of a colour from a router to its PE, wavelets on the way included;
    ``ramp_cycles + pe.wavelets_per_operation`` sustain one a cycle."""
    ramp_up_wavelets: int = Field(ge=1, le=32)
    """Depth of the queue of a colour from a PE to its router, wavelets on the way included;
    one more than that sustain one a cycle."""
    router: WaveletRouter
    """All routers are alike."""
    pe: ProcessingElement
    """All PEs are alike."""

    @model_validator(mode="after")
    def _is_numbered(self) -> "WaveletMesh":
        if self.nodes > NODES_MAX:
            raise ValueError(f"width x height: must be {NODES_MAX} at most, not {self.nodes}")
        return self

    @model_validator(mode="after")
    def _feeds_operations(self) -> "WaveletMesh":
        for name in ("ramp_down_wavelets", "ramp_up_wavelets"):
            if getattr(self, name) < self.pe.wavelets_per_operation:
                raise ValueError(
                    f"{name}: must be pe.wavelets_per_operation "
                    f"({self.pe.wavelets_per_operation}) at least, not {getattr(self, name)}"
                )
        return self

    @property
    def nodes(self) -> int:
        """PEs, and routers."""
        return self.width * self.height

    def plmr(self) -> dict[str, int]:
        """The PLMR view of the machine (WaferLLM, OSDI 2025, section 3).

        ``P`` cores; ``L`` cycles of the longest way, corner to corner and both ramps; ``M`` bytes
        of a core's memory; ``R`` paths that a core can route.
        """
        hops = self.width + self.height - 2
        return {
            "P": self.nodes,
            "L": hops * self.hop_cycles + 2 * self.ramp_cycles + 1,
            "M": self.pe.memory_bytes,
            "R": self.router.colours,
        }

    def timings(self) -> dict[str, int]:
        """What follows from the latencies: a hop, and from a PE's operation to its neighbour's."""
        return {
            "hop": self.hop_cycles,
            "neighbour": 2 * self.ramp_cycles + 1 + self.hop_cycles,
            "corner_to_corner": self.plmr()["L"],
        }
