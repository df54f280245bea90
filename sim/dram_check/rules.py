"""What a data sheet says of a device: rows of least distances, and how they become cycles.

Kernels freeze the constants here; naming sim.jit makes them compile anew when this file changes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from arch.errors import InputError

KINDS = (
    "ACT", "ACT1", "ACT2", "PRE", "PREsb", "PREab", "RD", "RDA", "WR", "WRA",
    "REFab", "REFpb", "REFsb", "RFMab", "RFMpb", "CAS_RD", "CAS_WR",
    "ACT4", "ACT16", "PRE4", "MAC", "MAC4", "MAC16", "AF16", "EWMUL16", "RDCP", "WRCP", "WRA16",
    "WRGB", "WRMAC16", "RDMAC16", "RDAF16", "TMOD",
    "ACT8", "PRE8", "RD8", "WR8", "HAB", "HAB_PIM", "SB",
    "GWRITE", "HEADER", "GACT", "PIMPRE", "COMP", "READRES", "COMPS", "COMPC", "READRESC",
)  # fmt: skip
"""All commands, by code."""
CODES = {name: code for code, name in enumerate(KINDS)}

BANK, GROUP, OTHER_GROUP, RANK, OTHER_RANK, OTHER_STACK = range(6)
SCOPES = (
    "same bank",
    "same bank group",
    "other bank group of the rank",
    "same rank",
    "other rank",
    "other stack",
)
"""Where the earlier command went, seen from the later one. A rank is a pseudo-channel in HBM."""


@dataclass(frozen=True)
class Row:
    """The least distance from one of some commands to one of others."""

    name: str
    """As the data sheet calls it."""
    scope: int
    """One of ``SCOPES``."""
    earlier: str
    """Commands, with spaces between."""
    later: str
    """Commands, with spaces between."""
    formula: str
    """Cycles, of the timings of a bin: ``CWL + BL/2 + tWTR_L``, ``max(tCCD_S, BL/2)``."""


@dataclass(frozen=True)
class Window:
    """At most ``count`` of some commands in a rank within a time, and one more after it."""

    name: str
    commands: str
    """That count, in any mix, with spaces between."""
    count: int
    formula: str
    """Cycles from the first to the one after the last."""


@dataclass(frozen=True)
class Bin:
    """Timings of one speed bin, in cycles of the log."""

    source: str
    timings: Mapping[str, int]
    cycles: Mapping[str, int] = field(default_factory=dict)
    """Cycles that commands take on the bus, where they differ from the standard's."""
    groups: int = 4
    """Bank groups of a rank (of a stack, if there are)."""
    banks: int = 4
    """Banks of a group."""


@dataclass(frozen=True)
class Standard:
    """One data sheet."""

    name: str
    source: str
    rows: tuple[Row, ...]
    windows: tuple[Window, ...]
    bins: Mapping[str, Bin]
    """The first is meant where none is named."""
    cycles: Mapping[str, int] = field(default_factory=dict)
    """Cycles that a command takes on its bus, if not one; timings count from the last."""
    two_buses: bool = False
    """Row and column commands have a bus each."""
    others: str = ""
    """Commands that no row speaks of, with spaces between."""
    half_clocks: bool = False
    """Cycles are half clocks; the odd ones are rising edges."""
    ranks: int = 8
    """At most, of a channel; pseudo-channels in HBM."""
    stacks: int = 1
    """At most, of a pseudo-channel."""
    postponed: int = 8
    """Refreshes that may be due and not yet done."""
    row_buffers: int = 1
    """Of a bank; 2: PIM has one of its own."""
    register_row: int = 0
    """Rows from this one on are registers, without cells; 0: none are."""
    data_clock: tuple[str, str] | None = None
    """Cycles that the data clock runs on after a read and after a write, if it must be started."""


def commands_of(standard: Standard) -> list[str]:
    """The commands of a standard, in the order of ``KINDS``."""
    said = [standard.others, *(f"{row.earlier} {row.later}" for row in standard.rows)]
    words = " ".join(said).split()
    return [name for name in KINDS if name in words]


def evaluate(formula: str, timings: Mapping[str, int]) -> int:
    """Cycles of a formula: terms joined by + and -, or ``max(a, b)`` of two such.

    Raises KeyError for a timing that the bin does not give.
    """
    choice = re.fullmatch(r"max\((.*), (.*)\)", formula)
    if choice:
        return max(evaluate(choice[1], timings), evaluate(choice[2], timings))
    total, sign = 0, 1
    for term in formula.split(" "):
        if term in "+-":
            sign = 1 if term == "+" else -1
        else:
            total += sign * (int(term) if term.isdecimal() else timings[term])
    return total


def find_bin(standard: Standard, name: str | None) -> Bin:
    """A speed bin by name, or the first. Raises InputError."""
    if name is None:
        return next(iter(standard.bins.values()))
    if name not in standard.bins:
        raise InputError(
            f"{standard.name} has no speed bin {name!r}; it has {', '.join(standard.bins)}"
        )
    return standard.bins[name]
