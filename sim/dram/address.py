"""Addresses of a memory as channel, bank, row and column."""

from typing import Any

import numpy as np
import numpy.typing as npt

from arch.dram.address import AddressMap
from arch.dram.device import Device
from arch.errors import InputError
from sim.dram.places import BANK_LEVELS, PARTS, place_all, places

Integers = npt.NDArray[np.int64]


class Decoder:
    """Decodes byte addresses for one device, mapping and hash (``Channels.bank_hash``)."""

    def __init__(self, device: Device, mapping: AddressMap, bank_hash: str) -> None:
        self.mapping = mapping
        self._layout, self._slices = places(device, mapping, bank_hash)

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
        found = {
            name: np.zeros(len(addresses), np.int64)
            for name in ("channel", "bank", "row", "column")
        }
        parts = np.zeros(len(PARTS), np.int64)
        place_all(self._layout, self._slices, bursts.astype(np.int64), parts, *found.values())
        return found


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
