"""What a DRAM standard is: levels, commands, constraints and presets, as a file gives them."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, model_validator

from arch.dram.consistent import check
from arch.dram.currents import Current
from arch.dram.expression import CYCLES_MAX
from arch.faults import shown
from arch.spec import Name, Spec


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= CYCLES_MAX:
        return value
    raise ValueError(f"given {shown(value)}; must be a number from 0 to {CYCLES_MAX}")


Number = Annotated[float, PlainValidator(_number)]
"""Whole or not; whole ones stay so."""

Action = Literal[
    "activate", "activate_1", "activate_2", "precharge", "read", "write", "refresh", "sync", "none"
]
"""What a command does to its banks. ``activate_1`` and ``activate_2`` open a row in two steps;
``sync`` (the CAS of LPDDR5) prepares the data clock."""
Bus = Literal["one", "row_and_column", "half_clock_row_and_column"]
"""Command buses of a channel: one for all; one for row and one for column commands; the same in
half clocks, where column commands and all but precharges start on rising edges."""
LEVELS = ("channel", "pseudo_channel", "rank", "stack", "bank_group", "bank")
"""All levels that a standard may have, from the top."""
LevelName = Literal["channel", "pseudo_channel", "rank", "stack", "bank_group", "bank"]


class Command(Spec):
    """A command of the device."""

    action: Action
    """What it does to the state of a bank."""
    level: LevelName = "bank"
    """What it addresses: one bank, or all banks of one rank, say."""
    closes: bool = False
    """A read or write with auto-precharge."""
    same_bank: bool = False
    """Of the banks below ``level``, only those of one number, one in every bank group."""
    cycles: int = Field(default=1, ge=1, le=8)
    """Cycles that it takes on the command bus; constraints count from its last one."""


class Constraint(Spec):
    """The least distance of two commands within one node of a level."""

    level: LevelName
    preceding: tuple[Name, ...] = Field(min_length=1)
    """Commands."""
    following: tuple[Name, ...] = Field(min_length=1)
    """Commands."""
    latency: str
    """In cycles: an expression of timings."""
    window: int = Field(default=1, ge=1, le=16)
    """Distance from the so many-th preceding command back: 4 for the four activate window."""
    sibling: bool = False
    """The following command goes to another node of the level, below the same node above."""


class Organisation(Spec):
    """Banks, rows and columns of one device, and the timings that depend on them."""

    density_mbit: int = Field(ge=1, le=2**24)
    """Of one device."""
    dq_bits: int = Field(ge=1, le=1024)
    """Data pins of one device."""
    levels: dict[LevelName, Annotated[int, Field(ge=1, le=256)]]
    """Nodes of each level in one of the level above; the channel is 1."""
    rows: int = Field(ge=1, le=2**24)
    """Of a bank."""
    columns: int = Field(ge=1, le=2**20)
    """Of a row, each ``dq_bits`` wide a device."""
    timings: dict[str, Number] = Field(default={})
    """As of ``Speed.timings``."""


class Speed(Spec):
    """A speed bin."""

    rate_mbps: int = Field(ge=1, le=10**6)
    """Of one data pin."""
    clock_period_ps: int = Field(ge=1, le=10**6)
    """Of the cycle in which all timings are counted."""
    timings: dict[str, Number]
    """``nRCD: 16`` in cycles, or ``tRCD_ns: 13.32``, which becomes ``nRCD``, rounded up."""
    dq_timings: dict[str, dict[str, Number]] = Field(default={})
    """Timings that differ with the data pins of a device: ``x16: {nFAW: 36}``."""


class Standard(Spec):
    """One file of configs/dram."""

    standard: str
    """Name."""
    source: str
    """Where the numbers come from."""
    sources: dict[str, str] = Field(default={})
    """Where single numbers come from, by their path."""
    bus: Bus = "one"
    """Command buses."""
    levels: tuple[LevelName, ...] = Field(min_length=2)
    """From the channel to the bank."""
    commands: dict[Name, Command] = Field(min_length=1)
    """By name."""
    constraints: tuple[Constraint, ...] = Field(min_length=1)
    """Least distances; of several that hold, the largest counts."""
    read_latency: str
    """From a read to its last data: an expression of timings."""
    write_latency: str
    """From a write to its last data."""
    burst_length: int = Field(ge=1, le=256)
    """Transfers of a data pin in one read or write."""
    channel_bits: int = Field(ge=1, le=4096)
    """Data pins of a channel, or of a pseudo-channel where there are."""
    timings: dict[str, Number] = Field(default={})
    """For all presets, as of ``Speed.timings``."""
    organisations: dict[Name, Organisation] = Field(min_length=1)
    """Presets."""
    speeds: dict[Name, Speed] = Field(min_length=1)
    """Presets."""
    typical_organisation: Name | None = None
    """Preset that is taken where none is asked for."""
    typical_speed: Name | None = None
    """Preset that is taken where none is asked for."""
    currents: dict[str, Current] = Field(default={})
    """By ``organisation/speed``; what is not here is unknown."""

    @model_validator(mode="after")
    def _consistent(self) -> "Standard":
        check(self, LEVELS)
        return self
