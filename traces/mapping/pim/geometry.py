"""What of a PIM decides where data lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from arch.errors import InputError
from arch.pim.system import Pim


@dataclass(frozen=True)
class Geometry:
    """Channels that a program uses, and what one has."""

    name: str
    """Of the PIM."""
    channels: tuple[int, ...]
    """In the order in which outputs go round them, ascending."""
    banks: int
    """Of a channel."""
    rows: int
    """Of a bank."""
    columns: int
    """Of a row."""
    lanes: int
    """Elements of a column."""
    buffer_columns: int
    """Of the global buffer of a channel."""
    addressed: bool
    """Whether MAC_ABK may begin at any column, and RD_MAC clears the accumulators; else, as in AiM,
    it begins at column 0, and WR_BIAS comes before."""
    element_bytes: int = 2
    """Of an operand."""

    @classmethod
    def of(cls, pim: Pim, channels: Sequence[int] | None = None) -> Self:
        """All channels of a PIM, or some. Raises InputError for one that it does not have."""
        device, commands = pim.device().device, pim.command_set()
        used = tuple(range(pim.channels)) if channels is None else tuple(sorted(set(channels)))
        for channel in used:
            if not 0 <= channel < pim.channels:
                raise InputError(
                    f"{pim.name}: channel {channel}; channels must be 0 to {pim.channels - 1}"
                )
        if not used:
            raise InputError(f"{pim.name}: channels are none; must be one at least")
        if device.banks != commands.mac.lanes:
            raise InputError(
                f"{pim.name}: {device.banks} banks a channel and {commands.mac.lanes} lanes a "
                "column; results of the banks must fill a column"
            )
        return cls(
            name=pim.name,
            channels=used,
            banks=device.banks,
            rows=device.rows,
            columns=device.columns,
            lanes=commands.mac.lanes,
            buffer_columns=commands.global_buffer_columns,
            addressed=clears_sums(pim),
        )

    @property
    def group(self) -> int:
        """Outputs that are computed at a time: one a bank of each channel."""
        return self.banks * len(self.channels)

    @property
    def row_bytes(self) -> int:
        """Of one row number in all banks of all channels."""
        return self.group * self.columns * self.lanes * self.element_bytes

    def columns_of(self, elements: int) -> int:
        """Columns that elements take."""
        return -(-elements // self.lanes)

    def mask(self, first: int = 0, end: int | None = None) -> int:
        """Bits of the used channels ``first`` to ``end - 1``."""
        return sum(1 << channel for channel in self.channels[first:end])


def clears_sums(pim: Pim) -> bool:
    """Whether RD_MAC leaves the accumulators zero; else WR_BIAS has to come before."""
    commands = pim.command_set()
    read = commands.instructions.get("RD_MAC")
    if read is None or read.command not in commands.commands:
        raise InputError(f"{pim.name}: has no RD_MAC, which reads the sums of its banks")
    return commands.commands[read.command].clears == "accumulators"
