"""A memory on its own: channels of a standard, an address mapping, controllers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from arch.catalog import CONFIGS
from arch.dram.address import AddressMap, parse_mapping
from arch.dram.controller import Controller
from arch.dram.device import Device, resolve
from arch.dram.load import is_there, load_standard, read_spec
from arch.dram.standard import LevelName
from arch.errors import InputError
from arch.spec import Name, Spec

FOLDER = CONFIGS / "memories"


class MemorySystem(Spec):
    """Channels that are alike."""

    name: Name
    """Of the memory."""
    source: str
    """Where its numbers come from."""
    standard: str
    """A name of configs/dram, or a file."""
    organisation: Name
    """A preset of the standard."""
    speed: Name
    """A preset of the standard."""
    channels: int = Field(default=1, ge=1, le=4096)
    """Of the memory."""
    levels: dict[LevelName, int] = Field(default={})
    """Nodes of a level, in place of the organisation's: ``{rank: 2}``."""
    timings: dict[str, int] = Field(default={})
    """Cycles, in place of the speed's: ``{nRCD: 17}``."""
    mapping: str = "rorababgchco"
    """Fields of an address from the highest bits to the lowest."""
    bank_hash: Literal["none", "row"] = "none"
    """``row``: bank group and bank are taken XOR the lowest bits of the row."""
    controller: Controller = Controller()
    """Of each channel."""

    def device(self) -> Device:
        """One channel. Raises InputError for what the standard does not have."""
        standard = load_standard(self.standard)
        levels = {str(level): size for level, size in self.levels.items()}
        return resolve(standard, self.organisation, self.speed, levels=levels, timings=self.timings)

    def address_map(self) -> AddressMap:
        """Of all channels. Raises InputError for a mapping that does not fit."""
        return parse_mapping(self.mapping, self.device(), self.channels)


def memory_names() -> tuple[str, ...]:
    """Memories that are known by name."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_memory(name_or_path: str, overrides: Sequence[str] = ()) -> MemorySystem:
    """Read a memory from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = Path(name_or_path)
    if name_or_path in memory_names():
        path = FOLDER / f"{name_or_path}.yaml"
    elif not is_there(path):
        raise InputError(
            f"{name_or_path!r} is no memory and no file; known by name are "
            f"{', '.join(memory_names())}"
        )
    return read_spec(MemorySystem, path, "a memory: name, source, standard ...", overrides)
