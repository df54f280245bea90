"""Where the bits of an address go: ``rorababgchco`` and the like."""

import re
from dataclasses import dataclass

from arch.dram.device import Device
from arch.errors import InputError

FIELDS = {
    "ro": "row",
    "co": "column",
    "ch": "channel",
    "pc": "pseudo_channel",
    "ra": "rank",
    "st": "stack",
    "bg": "bank_group",
    "ba": "bank",
}
"""Names in a mapping."""
SHORT = {level: short for short, level in FIELDS.items()}
TOKEN = re.compile(r"(ro|co|ch|pc|ra|st|bg|ba)(\d*)")


@dataclass(frozen=True)
class Slice:
    """Bits of an address that are bits of a field."""

    field: str
    """As in ``FIELDS``."""
    address_bit: int
    """The lowest, in the address of a burst."""
    field_bit: int
    """The lowest, in the field."""
    bits: int


@dataclass(frozen=True)
class AddressMap:
    """All slices, from the lowest address bit up."""

    slices: tuple[Slice, ...]
    burst_bytes: int
    """What one address of a burst stands for."""
    bits: int
    """Of the address of a burst."""

    @property
    def capacity_bytes(self) -> int:
        """All channels together."""
        return self.burst_bytes << self.bits


def parse_mapping(mapping: str, device: Device, channels: int) -> AddressMap:
    """Resolve a mapping, from the highest bits to the lowest: ``rorababgchco``.

    Each field of the device is named; ``co3`` takes three bits of it, so that it may come more than
    once: the lowest part is that named last. Raises InputError for a mapping that is none, names a
    field that does not exist, or leaves bits out, and for sizes that are no powers of two.
    """
    sizes = dict(zip(device.levels, device.sizes, strict=True))
    sizes |= {"channel": channels, "row": device.rows, "column": device.columns}
    widths = {}
    for name, size in sizes.items():
        if size & (size - 1):
            raise InputError(f"{device.name}: {name}: must be a power of two to map, not {size}")
        widths[name] = size.bit_length() - 1
    tokens = TOKEN.findall(mapping)
    if "".join(name + bits for name, bits in tokens) != mapping or not mapping:
        raise InputError(
            f"mapping: {mapping!r} must be fields from the highest bits to the lowest, as "
            f"rorababgchco; they are {', '.join(FIELDS)}, with a number of bits where one is split"
        )
    taken = dict.fromkeys(widths, 0)
    slices = []
    at = 0
    for index in range(len(tokens) - 1, -1, -1):
        short, given = tokens[index]
        name = FIELDS[short]
        if name not in widths:
            raise InputError(
                f"mapping: {mapping!r} names {short} ({name}), which {device.name} does not have"
            )
        left = widths[name] - taken[name]
        bits = int(given) if given else left
        if bits > left:
            raise InputError(
                f"mapping: {mapping!r} takes {taken[name] + bits} bits of {short}, of which "
                f"{device.name} has {widths[name]}"
            )
        if bits:
            slices.append(Slice(name, at, taken[name], bits))
        taken[name] += bits
        at += bits
    missing = [
        f"{short} ({widths[name] - taken[name]} bits)"
        for short, name in FIELDS.items()
        if taken.get(name, 0) < widths.get(name, 0)
    ]
    if missing:
        raise InputError(f"mapping: {mapping!r} leaves out {', '.join(missing)}")
    return AddressMap(tuple(slices), device.burst_bytes, at)
