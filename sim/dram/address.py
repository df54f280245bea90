"""Addresses of a memory as channel, bank, row and column."""

from typing import Any

import numpy as np
import numpy.typing as npt

from arch.dram.address import AddressMap
from arch.dram.device import Device
from arch.errors import InputError

Integers = npt.NDArray[np.int64]
BANK_LEVELS = ("pseudo_channel", "rank", "stack", "bank_group", "bank")
HASHED = ("bank_group", "bank")


class Decoder:
    """Decodes arrays of byte addresses for one device and mapping.

    ``hashed``: bank group and bank are taken XOR the lowest bits of the row, so that rows that a
    stride would put into one bank spread.
    """

    def __init__(self, device: Device, mapping: AddressMap, *, hashed: bool) -> None:
        self.device, self.mapping, self.hashed = device, mapping, hashed
        self._sizes = dict(zip(device.levels, device.sizes, strict=True))

    def decode(self, addresses: npt.NDArray[np.uint64]) -> dict[str, Integers]:
        """``channel``, ``bank`` (flat, in hierarchy order), ``row`` and ``column`` [request].

        Raises InputError for the first address beyond the memory.
        """
        bursts = addresses // np.uint64(self.mapping.burst_bytes)
        beyond = bursts >> np.uint64(self.mapping.bits) != 0
        if beyond.any():
            first = int(addresses[beyond][0])
            raise InputError(
                f"address {first:#x}: must be below {self.mapping.capacity_bytes:#x}, the memory's "
                f"{self.mapping.capacity_bytes / 2**30:g} GiB"
            )
        bits = bursts.astype(np.int64)
        fields: dict[str, Integers] = {}
        for part in self.mapping.slices:
            taken = bits >> part.address_bit & ((1 << part.bits) - 1)
            fields[part.field] = fields.get(part.field, np.int64(0)) | taken << part.field_bit
        nothing = np.zeros(len(bits), np.int64)
        if self.hashed:
            row = fields["row"]
            for level in HASHED:
                size = self._sizes.get(level, 1)
                fields[level] = fields.get(level, nothing) ^ (row & (size - 1))
                row = row >> (size.bit_length() - 1)
        bank = nothing
        for level in BANK_LEVELS:
            if level in self._sizes:
                bank = bank * self._sizes[level] + fields.get(level, nothing)
        return {
            "bank": bank,
            **{name: fields.get(name, nothing) for name in ("channel", "row", "column")},
        }


def place_names(device: Device) -> tuple[str, ...]:
    """Levels of a bank's place, those that the device has."""
    return tuple(level for level in BANK_LEVELS if level in device.levels)


def bank_place(device: Device, bank: Any) -> dict[str, Any]:
    """Place of a flat bank, or of an array of them, by level."""
    sizes = dict(zip(device.levels, device.sizes, strict=True))
    place = {}
    for level in reversed(place_names(device)):
        place[level] = bank % sizes[level]
        bank = bank // sizes[level]
    return dict(reversed(place.items()))
