"""A PIM: channels of a command set with their controllers, as a file of configs/pims gives them."""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

from pydantic import Field

from arch.dram.expression import CYCLES_MAX
from arch.pim.asic import Asic
from arch.pim.command_set import CommandSet
from arch.pim.controller import PimController
from arch.pim.device import PimDevice, resolve_pim
from arch.pim.energy import PimEnergy
from arch.pim.files import COMMAND_SETS, PIMS
from arch.spec import Name, Spec
from arch.spec_file import read_spec

CHANNELS_MAX = 32
"""Bits of a channel mask."""


class Pim(Spec):
    """Channels that are alike."""

    name: Name
    """Of the PIM."""
    source: str
    """Where its numbers come from."""
    commands: str
    """Command set: a name of configs/pim, or a file."""
    variant: Name
    """Of the command set."""
    organisation: Name | None = None
    """A preset of the DRAM standard; null: its typical one."""
    speed: Name
    """A preset of the command set."""
    channels: int = Field(ge=1, le=CHANNELS_MAX)
    """Of the PIM."""
    timings: dict[str, Annotated[int, Field(ge=0, le=CYCLES_MAX)]] = Field(default={})
    """Cycles, in place of the speed's: ``{nRCDRDMAC: 50}``."""
    activation_first_row: int = Field(ge=0, le=2**30)
    """Row of the first activation function's table; the others follow."""
    registers_checked: bool = True
    """Whether a register that is read must have been written before."""
    controller: PimController = PimController()
    """Of each channel."""
    asic: Asic | None = None
    """The chip beside the memory; without one there are no operations of a vector unit."""
    energy: PimEnergy | None = None
    """Energies; without them all are unknown."""

    @cached_property
    def _set(self) -> CommandSet:
        return load_command_set(self.commands)

    @cached_property
    def _device(self) -> PimDevice:
        return resolve_pim(
            self._set, self.variant, self.organisation, self.speed, timings=self.timings
        )

    def command_set(self) -> CommandSet:
        """Raises InputError for a file that is not there or not right."""
        return self._set

    def device(self) -> PimDevice:
        """One channel. Raises InputError for what the command set or the standard does not have."""
        return self._device


command_set_names = COMMAND_SETS.names
pim_names = PIMS.names


def is_pim(name_or_path: str) -> bool:
    """Whether a name, or what a file holds, is a PIM and no memory."""
    content = PIMS.content(name_or_path)
    return "commands" in content or content.get("interface") == "attacc"


def load_command_set(name_or_path: str) -> CommandSet:
    """Read a command set by name or from a file. Raises InputError with a line for each fault."""
    return read_spec(CommandSet, COMMAND_SETS.find(name_or_path), "a command set of a PIM")


def load_pim(name_or_path: str, overrides: Sequence[str] = ()) -> Pim:
    """Read a PIM from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = PIMS.find(name_or_path)
    return read_spec(Pim, path, "a PIM: name, source, commands, speed ...", overrides)
