"""Where the bits of an address go, as a kernel: channel, bank, row and column of a burst."""

import numpy as np
import numpy.typing as npt

from arch.dram.address import FIELDS, AddressMap
from arch.dram.device import Device
from sim.jit import njit

BANK_LEVELS = ("pseudo_channel", "rank", "stack", "bank_group", "bank")
PARTS = ("channel", *BANK_LEVELS, "row", "column")
CHANNEL, ROW, COLUMN = (PARTS.index(name) for name in ("channel", "row", "column"))
ROW_HASHED = tuple(PARTS.index(name) for name in ("bank_group", "bank"))
FOLDED = ("channel", "pseudo_channel", "bank_group", "bank")

SLICE = np.dtype(
    [
        ("part", np.int64),  # index in PARTS
        ("address_bit", np.int64),  # the lowest, in the number of the burst
        ("field_bit", np.int64),  # the lowest, in the part
        ("bits", np.int64),
        ("folded", np.int64),  # taken XOR all address bits above
    ]
)

LAYOUT = np.dtype(
    [
        ("sizes", np.int64, len(PARTS)),  # of the levels of a bank's place
        ("row_hashed", np.int64),  # bank group and bank are taken XOR bits of the row
        ("burst_bytes", np.int64),
    ]
)


def places(
    device: Device, mapping: AddressMap, bank_hash: str
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
    """[1] of LAYOUT and [slice] of SLICE."""
    assert set(PARTS) == set(FIELDS.values())
    layout = np.zeros(1, LAYOUT)
    sizes = dict(zip(device.levels, device.sizes, strict=True))
    layout["sizes"] = [sizes.get(name, 1) for name in PARTS]
    layout["row_hashed"] = bank_hash == "row"
    layout["burst_bytes"] = mapping.burst_bytes
    slices = np.zeros(len(mapping.slices), SLICE)
    for i, part in enumerate(mapping.slices):
        folded = bank_hash == "fold" and part.field in FOLDED
        slices[i] = PARTS.index(part.field), part.address_bit, part.field_bit, part.bits, folded
    return layout, slices


@njit
def place(layout, slices, burst, parts):
    """Fill ``parts`` (as PARTS) for the number of a burst; returns its bank in hierarchy order."""
    for i in range(parts.shape[0]):
        parts[i] = 0
    for i in range(slices.shape[0]):
        part = slices[i]
        bits = part["bits"]
        taken = burst >> part["address_bit"]
        if part["folded"]:
            above = taken >> bits
            while above > 0:
                taken ^= above
                above >>= bits
        parts[part["part"]] |= (taken & ((1 << bits) - 1)) << part["field_bit"]
    if layout["row_hashed"]:
        row = parts[ROW]
        for level in ROW_HASHED:
            size = layout["sizes"][level]
            parts[level] ^= row & (size - 1)
            while size > 1:
                row >>= 1
                size >>= 1
    bank = 0
    for level in range(CHANNEL + 1, ROW):
        bank = bank * layout["sizes"][level] + parts[level]
    return bank


@njit
def place_all(layout, slices, bursts, parts, channel, bank, row, column):
    """Places of many bursts."""
    for i in range(bursts.shape[0]):
        bank[i] = place(layout[0], slices, bursts[i], parts)
        channel[i] = parts[CHANNEL]
        row[i] = parts[ROW]
        column[i] = parts[COLUMN]
