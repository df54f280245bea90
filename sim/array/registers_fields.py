"""Names and widths of what a row of the array's registers holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from sim.mac.quire import LIMB_BITS


@dataclass(frozen=True)
class Field:
    """One integer of a stimulus, an output or the state."""

    name: str
    width: int
    """In bits; a field of width 0 is always 0 and not visible from outside."""
    signed: bool = False
    reset: int = 0


def bits_of(largest: int) -> int:
    """Width of an unsigned integer."""
    return largest.bit_length()


def limbs(name: str, width: int) -> Iterator[Field]:
    """A number of an engine, limb by limb; what else a PE has is one field."""
    plane = name.split(".")[1]
    if not (plane in ("sum", "drain") or (plane.startswith("product") and "_" not in plane)):
        yield Field(name, width)
        return
    for i, at in enumerate(range(0, width, LIMB_BITS)):
        yield Field(f"{name}[{i}]", min(LIMB_BITS, width - at))
