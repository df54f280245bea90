"""A PIM whose channels hold memory and PIM commands together: one or two row buffers a bank."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from arch.dram.address import AddressMap, parse_mapping
from arch.dram.channels import BankHash
from arch.dram.device import Device, resolve
from arch.dram.expression import CYCLES_MAX
from arch.dram.standard import Command, Constraint, LevelName, Organisation, Speed, Standard
from arch.errors import InputError
from arch.pim.command_set import MacUnit
from arch.pim.energy import JointEnergy
from arch.pim.files import COMMAND_SETS, PIMS
from arch.pim.joint_controller import JointController
from arch.spec import Name, Spec
from arch.spec_file import read_spec

CHANNELS_MAX = 1024
GIVEN = (
    *("ACT", "PREpb", "RD", "WR", "REFab"),
    *("GWRITE", "HEADER", "GACT", "PIMPRE", "COMP", "READRES", "COMPS"),
)
"""Commands that every set of these has."""
NEEDED = (
    *("nREFI", "nRFC", "nFAW", "nRP", "nRCDRD", "nRCDWR", "nRTP"),
    *("nCOMP", "nRES", "nFILL", "nGW"),
)
"""Timings that the controller itself reckons with."""


class JointVariant(Spec):
    """Rules among commands."""

    composites: Literal["counted", "whole"] = "counted"
    """What follows a composite command waits for its columns and its result, as if each were a
    COMP and a READRES of its own; or as the constraints of COMPS say, however many there are."""
    constraints: tuple[Constraint, ...] = Field(min_length=1)
    """Least distances."""


class JointCommandSet(Spec):
    """A file of configs/pim with ``interface: joint``."""

    interface: Literal["joint"]
    pim: str
    """Name."""
    source: str
    """Where the numbers come from."""
    sources: dict[str, str] = Field(default={})
    """Where single numbers come from, by their path; ``assumed`` where no source says."""
    levels: tuple[LevelName, ...] = Field(min_length=2)
    """From the channel to the bank."""
    channel_bits: int = Field(ge=1, le=4096)
    """Data pins of a channel."""
    burst_length: int = Field(ge=1, le=256)
    """Transfers of a pin in one read or write."""
    read_latency: str
    """From a read, or from a read of results, to its last data."""
    write_latency: str
    """From a write to its last data."""
    commands: dict[Name, Command] = Field(min_length=1)
    """By name; those of the PIM alone have the action ``none``."""
    variants: dict[Name, JointVariant] = Field(min_length=1)
    """By name."""
    organisations: dict[Name, Organisation] = Field(min_length=1)
    """Presets."""
    speeds: dict[Name, Speed] = Field(min_length=1)
    """Presets."""
    mac: MacUnit
    """Of each bank."""

    @model_validator(mode="after")
    def _complete(self) -> "JointCommandSet":
        for name in GIVEN:
            if name not in self.commands:
                raise ValueError(f"commands: must have each of {', '.join(GIVEN)}; lacks {name}")
        for speed, given in self.speeds.items():
            for timing in NEEDED:
                if timing not in given.timings:
                    raise ValueError(f"speeds.{speed}.timings: must give {timing}, in cycles")
        return self


class JointChannels(Spec):
    """Channels that are alike: what a PIM on its own and a machine's memory have in common."""

    commands: str
    """Command set: a name of configs/pim, or a file."""
    variant: Name
    """Of the command set."""
    organisation: Name
    """A preset of the command set."""
    speed: Name
    """A preset of the command set."""
    channels: int = Field(ge=1, le=CHANNELS_MAX)
    """Of the PIM or memory."""
    timings: dict[str, Annotated[int, Field(ge=0, le=CYCLES_MAX)]] = Field(default={})
    """Cycles, in place of the speed's."""
    mapping: str
    """Of the addresses of ordinary reads and writes, from the highest bits to the lowest."""
    row_buffers: Literal["single", "dual"]
    """Of a bank: PIM and memory share one, or each has its own."""
    composite: bool
    """Columns and the read of their result are one instruction and one command; if not, each is an
    instruction and a command of its own."""
    controller: JointController = JointController()
    """Of each channel."""
    energy: JointEnergy | None = None
    """What commands cost; null: unknown."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.controller.mode == "concurrent" and self.row_buffers == "single":
            raise ValueError(
                "controller.mode: must be blocked where row_buffers is single: memory commands "
                "would close the rows of a tile"
            )
        return self

    @cached_property
    def _set(self) -> JointCommandSet:
        return load_joint_set(self.commands)

    @cached_property
    def _device(self) -> Device:
        device = _resolved(self._set, self.variant, self.organisation, self.speed, self.timings)
        for component, table in self.energy.tables.items() if self.energy else ():
            for command in table:
                _check_priced(component, command, device)
        return device

    def command_set(self) -> JointCommandSet:
        """Raises InputError for a file that is not there or not right."""
        return self._set

    def device(self) -> Device:
        """One channel. Raises InputError."""
        return self._device

    def counted(self) -> bool:
        """Whether the columns of composite commands count, as of ``JointVariant.composites``."""
        return self._set.variants[self.variant].composites == "counted"

    def address_map(self) -> AddressMap:
        """Of all channels. Raises InputError for a mapping that does not fit."""
        return parse_mapping(self.mapping, self._device, self.channels)

    @property
    def bytes_per_cycle(self) -> int:
        """Peak of the data pins of all channels, rounded down."""
        device = self.device()
        return self.channels * device.data_buses * device.burst_bytes // device.burst_cycles


class JointPim(JointChannels):
    """A file of configs/pims with ``interface: joint``."""

    interface: Literal["joint"]
    name: Name
    """Of the PIM."""
    source: str
    """Where its numbers come from."""
    sources: dict[str, str] = Field(default={})
    """Where single numbers come from, by their path; ``assumed`` where no source says."""


class JointMemory(JointChannels):
    """The memory of a machine whose channels compute too, on the clock of their speed.

    Requests go as of ``arch.dram.memory.Dram``: each is split into bursts, those go to the channels
    of their addresses. PIM commands are those of a trace.
    """

    interface: Literal["joint"]
    """What tells it from other memories."""
    bank_hash: BankHash = "none"
    """As of a DRAM's channels, of ordinary reads and writes; PIM instructions name their bank."""
    latency_cycles: int = Field(default=10, ge=0, le=2**31)
    """Cycles of the channels' clock between requester and channels, there and back."""
    port_clock: Name | None = None
    """Clock of the ports between requesters and channels: a channel takes one burst an edge; null:
    one a cycle of its own."""

    @property
    def is_shared(self) -> bool:
        """All operands pass the same channels."""
        return True


def _resolved(
    pim: JointCommandSet, variant: str, organisation: str, speed: str, timings: dict[str, int]
) -> Device:
    chosen = pim.variants.get(variant)
    if chosen is None:
        raise InputError(f"{pim.pim}: {variant!r} is no variant; are: {', '.join(pim.variants)}")
    try:
        standard = Standard(
            standard=pim.pim,
            source=pim.source,
            levels=pim.levels,
            commands=pim.commands,
            constraints=chosen.constraints,
            read_latency=pim.read_latency,
            write_latency=pim.write_latency,
            burst_length=pim.burst_length,
            channel_bits=pim.channel_bits,
            organisations=pim.organisations,
            speeds=pim.speeds,
        )
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError(f"{pim.pim} with variant {variant}: {reason}") from None
    return resolve(standard, organisation, speed, timings=timings)


def _check_priced(component: str, command: str, device: Device) -> None:
    if command in device.commands and command != "COMPS":
        return
    field = f"energy.{component.removeprefix('memory_')}_pj"
    reason = f"is no command of {device.name}"
    if command == "COMPS":
        reason = "is made of columns, COMP, and a result, READRES"
    right = ", ".join(name for name in device.commands if name != "COMPS")
    raise InputError(f"{field}: {command} {reason}; must be of {right}")


def is_joint_pim(name_or_path: str) -> bool:
    """Whether a name, or what a file holds, is a PIM with the interface ``joint``."""
    return PIMS.content(name_or_path).get("interface") == "joint"


def load_joint_set(name_or_path: str) -> JointCommandSet:
    """Read a command set by name or from a file. Raises InputError with a line for each fault."""
    path = COMMAND_SETS.find(name_or_path)
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError:
        changed_ns = 0
    return _read_set(path, changed_ns)


@lru_cache(maxsize=8)
def _read_set(path: Path, changed_ns: int) -> JointCommandSet:
    """A file is read once while it does not change: that takes longer than a small simulation."""
    del changed_ns
    return read_spec(JointCommandSet, path, "a command set of memory and PIM in one channel")


def load_joint_pim(name_or_path: str, overrides: Sequence[str] = ()) -> JointPim:
    """Read a PIM from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = PIMS.find(name_or_path)
    return read_spec(JointPim, path, "a PIM: interface, name, commands, row_buffers ...", overrides)
