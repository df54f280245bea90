"""DRAM channels with their controllers: what a memory on its own and a machine's have in common."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from arch.dram.address import SHORT, AddressMap, parse_mapping
from arch.dram.controller import Controller
from arch.dram.device import Device, resolve
from arch.dram.expression import CYCLES_MAX
from arch.dram.load import load_standard
from arch.dram.standard import LevelName
from arch.spec import Name, Spec

INTERLEAVED = ("ch", "pc", "bg", "co", "ba", "st", "ra", "ro")
"""Fields from the lowest address bits up where no mapping is given."""


BankHash = Literal["none", "row", "fold"]


class Channels(Spec):
    """Channels of a standard that are alike."""

    standard: str
    """A name of configs/dram, or a file."""
    organisation: Name | None = None
    """A preset of the standard; null: the standard's typical one."""
    speed: Name | None = None
    """A preset of the standard; null: the standard's typical one."""
    channels: int = Field(default=1, ge=1, le=4096)
    """Of the memory."""
    levels: dict[LevelName, Annotated[int, Field(ge=1, le=256)]] = Field(default={})
    """Nodes of a level, in place of the organisation's: ``{rank: 2}``."""
    timings: dict[str, Annotated[int, Field(ge=0, le=CYCLES_MAX)]] = Field(default={})
    """Cycles, in place of the speed's: ``{nRCD: 17}``."""
    mapping: str | None = None
    """Fields of an address from the highest bits to the lowest, as ``rorababgchco``; null:
    channels, pseudo-channels and bank groups take turns, then columns, then banks."""
    bank_hash: BankHash = "none"
    """``row``: bank group and bank are taken XOR the lowest bits of the row. ``fold``: channel,
    pseudo-channel, bank group and bank are each taken XOR all address bits above them."""
    controller: Controller = Controller()
    """Of each channel."""

    @cached_property
    def _device(self) -> Device:
        standard = load_standard(self.standard)
        levels = {str(level): size for level, size in self.levels.items()}
        return resolve(standard, self.organisation, self.speed, levels=levels, timings=self.timings)

    def device(self) -> Device:
        """One channel. Raises InputError for what the standard does not have."""
        return self._device

    def address_map(self) -> AddressMap:
        """Of all channels. Raises InputError for a mapping that does not fit."""
        device = self.device()
        mapping = self.mapping
        if mapping is None:
            known = {"ch", "co", "ro", *(SHORT[level] for level in device.levels)}
            mapping = "".join(field for field in reversed(INTERLEAVED) if field in known)
        return parse_mapping(mapping, device, self.channels)

    @property
    def bytes_per_cycle(self) -> int:
        """Peak of all channels, rounded down."""
        device = self.device()
        return self.channels * device.data_buses * device.burst_bytes // device.burst_cycles

    @property
    def is_shared(self) -> bool:
        """All operands pass the same channels."""
        return True
