"""Energy tables, one a technology. What has no source is not in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from arch.technology import UNKNOWN, Entry, TechnologyName, sourced

HOROWITZ = (
    "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, "
    "45 nm at 0.9 V"
)
DALLY = (
    "W. Dally, High-performance hardware for machine learning, NIPS 2015 tutorial; also Hennessy "
    "and Patterson, Computer Architecture, 6th edition, figure 1.13"
)


@dataclass(frozen=True)
class EnergyTable:
    """Energies of events. A number format that is not a key has no sourced energy."""

    add_pj: Mapping[str, Entry] = field(default_factory=dict)
    """Of an addition, in pJ, by number format."""
    multiply_pj: Mapping[str, Entry] = field(default_factory=dict)
    """Of a multiplication, in pJ, by number format."""
    sram_pj_per_64_bits: Mapping[int, Entry] = field(default_factory=dict)
    """Of an access to 64 bits, read or write, in pJ, by capacity in KiB, the smallest first."""
    memory_pj_per_64_bits: Entry = UNKNOWN
    """Of an access to 64 bits of the memory behind the scratchpads, in pJ."""
    leakage_mw_per_pe: Entry = UNKNOWN
    """Power of an idle PE, in mW."""
    leakage_mw_per_sram_kib: Entry = UNKNOWN
    """Power of an idle KiB of scratchpad or accumulators, in mW."""


ENERGY: Mapping[TechnologyName, EnergyTable] = {
    "unknown": EnergyTable(),
    "45nm": EnergyTable(
        add_pj={
            **sourced(HOROWITZ, {"int8": 0.03, "int32": 0.1, "fp16": 0.4, "fp32": 0.9}),
            **sourced(DALLY, {"int16": 0.05}),
        },
        multiply_pj=sourced(HOROWITZ, {"int8": 0.2, "int32": 3.1, "fp16": 1.1, "fp32": 3.7}),
        sram_pj_per_64_bits={
            8: Entry(10.0, HOROWITZ + ", cache"),
            32: Entry(20.0, HOROWITZ + ", cache"),
            1024: Entry(100.0, HOROWITZ + ", cache"),
        },
        memory_pj_per_64_bits=Entry(1300.0, HOROWITZ + ", DRAM, low end of 1.3 to 2.6 nJ"),
    ),
}
"""Energy table by technology."""
