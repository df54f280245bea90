"""Addresses of rows that PIM commands name by channel, bank and row."""

from dataclasses import dataclass
from itertools import pairwise

from arch.dram.address import Slice
from arch.errors import InputError
from arch.pim.joint import JointMemory


@dataclass(frozen=True)
class Cells:
    """Addresses in a memory of channels."""

    memory: JointMemory
    slices: tuple[Slice, ...]
    burst_bytes: int
    column_stride_bytes: int
    """From a burst of a row to the next."""
    bank_stride_bytes: int
    """From a burst of a bank to that of the next."""

    def address(self, channel: int, bank: int, row: int, column: int = 0) -> int:
        """Of a burst."""
        return _address(self.memory, self.slices, channel, bank, row, column) * self.burst_bytes


def cells_of(memory: JointMemory) -> Cells:
    """Raises InputError where addresses are hashed, or bursts of a row, or banks, lie in no even
    distance."""
    if memory.bank_hash != "none":
        raise InputError(
            f"memory.bank_hash: must be none, not {memory.bank_hash!r}, where PIM rows are written"
        )
    device, slices = memory.device(), memory.address_map().slices
    strides = []
    for what, count, at in (("columns", device.columns, 3), ("banks", device.banks, 1)):
        places = [[0, 0, 0, 0] for _ in range(count)]
        for index, place in enumerate(places):
            place[at] = index
        found = [_address(memory, slices, *place) for place in places]
        steps = {b - a for a, b in pairwise(found)} or {1}
        if len(steps) > 1:
            raise InputError(
                f"memory.mapping: {memory.mapping!r} must keep the bits of {what} together, in "
                "order, where PIM rows are written"
            )
        strides.append(steps.pop())
    burst = device.burst_bytes
    return Cells(memory, slices, burst, strides[0] * burst, strides[1] * burst)


def _address(
    memory: JointMemory, slices: tuple[Slice, ...], channel: int, bank: int, row: int, column: int
) -> int:
    """Of a burst, in bursts."""
    device = memory.device()
    fields = {"channel": channel, "row": row, "column": column}
    for level, size in reversed(list(zip(device.levels, device.sizes, strict=True))):
        if level != "channel":
            bank, fields[level] = divmod(bank, size)
    address = 0
    for each in slices:
        part = fields[each.field] >> each.field_bit & ((1 << each.bits) - 1)
        address |= part << each.address_bit
    return address
