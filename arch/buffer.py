"""The buffer unit: a core's scratchpads and the DMA engines that fill and drain them."""

from typing import Literal

from pydantic import Field, model_validator

from arch.spec import Name, Spec

Operand = Literal["ifmap", "filter", "ofmap"]
OPERANDS: tuple[Operand, ...] = ("ifmap", "filter", "ofmap")


class Scratchpad(Spec):
    """One on-chip memory, shared by the operands that it holds.

    In each cycle every bank serves ``ports`` accesses of ``bank_width_bytes``, reads and writes
    alike. The array comes first, then fills, then drains.
    """

    operands: tuple[Operand, ...] = Field(min_length=1)
    """Operands that it holds; each is in one scratchpad."""
    capacity_kib: int = Field(ge=1, le=2**32)
    """Size in units of 1024 bytes."""
    banks: int = Field(ge=1, le=2**20)
    """Banks that work at the same time."""
    bank_width_bytes: int = Field(ge=1, le=2**20)
    """Bytes of one access of a bank."""
    ports: int = Field(default=1, ge=1, le=16)
    """Accesses that a bank serves in one cycle."""
    double_buffered: bool = True
    """True: room for two tiles of each operand or more, so that one fills while one is used.
    False: one tile of each operand, replaced when its last user is done."""

    @property
    def accesses_per_cycle(self) -> int:
        """Accesses of ``bank_width_bytes`` that all banks serve in one cycle."""
        return self.banks * self.ports

    @property
    def capacity_bytes(self) -> int:
        return self.capacity_kib * 1024


class Dma(Spec):
    """Two engines, one that loads and one that stores; each issues one request a cycle."""

    request_bytes: int = Field(default=256, ge=1, le=2**30)
    """Largest request; a request never crosses the end of a contiguous segment."""
    outstanding: int = Field(default=64, ge=1, le=4096)
    """Requests in flight an engine."""
    load_to_use_cycles: int = Field(default=0, ge=0, le=2**20)
    """Cycles from the last byte of a load in its scratchpad to the first use of any: a pipeline to
    the array, which hides behind tiles that were loaded before."""


class Buffer(Spec):
    """Scratchpads by name, and the DMA."""

    clock: str = "core"
    """Name of the clock of scratchpads and DMA."""
    scratchpads: dict[Name, Scratchpad] = Field(min_length=1, max_length=3)
    """Scratchpads of each core, by name; together they hold each operand once."""
    dma: Dma = Dma()
    """The engines between scratchpads and memory."""

    @model_validator(mode="after")
    def _each_operand_once(self) -> "Buffer":
        held = [operand for pad in self.scratchpads.values() for operand in pad.operands]
        if sorted(held) != sorted(OPERANDS):
            raise ValueError(
                "the scratchpads must hold ifmap, filter and ofmap once each, "
                f"not {', '.join(held)}"
            )
        if "memory" in self.scratchpads:
            raise ValueError(
                "scratchpads.memory must have another name, as the counts of the memory are called "
                "memory_read_bytes and memory_write_bytes"
            )
        return self

    def scratchpad_of(self, operand: Operand) -> tuple[int, Scratchpad]:
        """Index and parameters of the scratchpad that holds an operand."""
        for index, pad in enumerate(self.scratchpads.values()):
            if operand in pad.operands:
                return index, pad
        raise KeyError(operand)
