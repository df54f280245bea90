"""Energy tables, one a technology. What has no source is not in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from arch.technology import UNKNOWN, ByCapacity, Entry, TechnologyName, cacti_45nm, sourced

HOROWITZ = (
    "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, "
    "45 nm at 0.9 V"
)
DALLY = (
    "W. Dally, High-performance hardware for machine learning, NIPS 2015 tutorial; also Hennessy "
    "and Patterson, Computer Architecture, 6th edition, figure 1.13"
)
NANGATE = (
    "NanGate 45 nm Open Cell Library (FreePDK45), revision 1.0 of 10 February 2011, typical corner "
    "(1.1 V, 25 C), as in github.com/The-OpenROAD-Project/OpenSTA, examples/nangate45_typ.lib.gz"
)


@dataclass(frozen=True)
class EnergyTable:
    """Energies of events. A number format that is not a key has no sourced energy."""

    add_pj: Mapping[str, Entry] = field(default_factory=dict)
    """Of an addition, in pJ, by number format."""
    multiply_pj: Mapping[str, Entry] = field(default_factory=dict)
    """Of a multiplication, in pJ, by number format."""
    sram_read_pj_per_64_bits: ByCapacity = field(default_factory=dict)
    """Of a read of 64 bits of a memory of one port, in pJ."""
    sram_write_pj_per_64_bits: ByCapacity = field(default_factory=dict)
    """Of a write of 64 bits of a memory of one port, in pJ."""
    memory_pj_per_64_bits: Entry = UNKNOWN
    """Of an access to 64 bits of the memory behind the scratchpads, in pJ."""
    sram_leakage_mw: ByCapacity = field(default_factory=dict)
    """Power of an idle memory of one port, in mW."""
    flip_flop_leakage_nw: Entry = UNKNOWN
    """Power of an idle flip-flop, in nW."""
    arithmetic_leakage_nw_per_um2: Entry = UNKNOWN
    """Power of idle adders and multipliers, in nW per um2 of their area."""


ENERGY: Mapping[TechnologyName, EnergyTable] = {
    "unknown": EnergyTable(),
    "45nm": EnergyTable(
        add_pj={
            **sourced(HOROWITZ, {"int8": 0.03, "int32": 0.1, "fp16": 0.4, "fp32": 0.9}),
            **sourced(DALLY, {"int16": 0.05}),
        },
        multiply_pj=sourced(HOROWITZ, {"int8": 0.2, "int32": 3.1, "fp16": 1.1, "fp32": 3.7}),
        sram_read_pj_per_64_bits=cacti_45nm(1),
        sram_write_pj_per_64_bits=cacti_45nm(2),
        memory_pj_per_64_bits=Entry(1300.0, HOROWITZ + ", DRAM, low end of 1.3 to 2.6 nJ"),
        sram_leakage_mw=cacti_45nm(3),
        flip_flop_leakage_nw=Entry(79.112308, NANGATE + ", DFF_X1"),
        arithmetic_leakage_nw_per_um2=Entry(
            75.762253 / 4.256, NANGATE + ", full adder FA_X1: 75.762253 nW on 4.256 um2"
        ),
    ),
}
"""Energy table by technology."""
