"""Area tables, one a technology. What has no source is not in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from arch.energy import DALLY, NANGATE
from arch.technology import UNKNOWN, ByCapacity, Entry, TechnologyName, cacti_45nm, sourced


@dataclass(frozen=True)
class AreaTable:
    """Areas of components. A number format that is not a key has no sourced area."""

    add_um2: Mapping[str, Entry] = field(default_factory=dict)
    """Of an adder, in um2, by number format."""
    multiply_um2: Mapping[str, Entry] = field(default_factory=dict)
    """Of a multiplier, in um2, by number format."""
    flip_flop_um2: Entry = UNKNOWN
    """Of a flip-flop, in um2."""
    sram_mm2: ByCapacity = field(default_factory=dict)
    """Of a memory of one port, in mm2."""


SYNTHESIS = DALLY + "; synthesised for TSMC 45 nm"

AREA: Mapping[TechnologyName, AreaTable] = {
    "unknown": AreaTable(),
    "45nm": AreaTable(
        add_um2=sourced(
            SYNTHESIS,
            {"int8": 36.0, "int16": 67.0, "int32": 137.0, "fp16": 1360.0, "fp32": 4184.0},
        ),
        multiply_um2=sourced(
            SYNTHESIS, {"int8": 282.0, "int32": 3495.0, "fp16": 1640.0, "fp32": 7700.0}
        ),
        flip_flop_um2=Entry(4.522, NANGATE + ", DFF_X1"),
        sram_mm2=cacti_45nm(4),
    ),
}
"""Area table by technology."""
