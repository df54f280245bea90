"""The rules of a standard and speed bin as arrays, in cycles of the log.

Kernels freeze the constants here; naming sim.jit makes them compile anew when this file changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from sim.dram_check.aim import AIM
from sim.dram_check.ddr4 import DDR4
from sim.dram_check.ddr5 import DDR5
from sim.dram_check.gddr6 import GDDR6
from sim.dram_check.hbm2 import HBM2
from sim.dram_check.hbm3 import HBM3
from sim.dram_check.hbm_pim import HBM_PIM
from sim.dram_check.lpddr4 import LPDDR4
from sim.dram_check.lpddr5 import LPDDR5
from sim.dram_check.neupims import NEUPIMS, NEUPIMS_SINGLE
from sim.dram_check.pim_gpt import PIM_GPT
from sim.dram_check.rules import (
    CODES,
    KINDS,
    SCOPES,
    Bin,
    Standard,
    commands_of,
    evaluate,
    find_bin,
)

Array = npt.NDArray[Any]

STANDARDS: Mapping[str, Standard] = {
    standard.name: standard
    for standard in (
        *(DDR4, DDR5, LPDDR4, LPDDR5, GDDR6, HBM2, HBM3),
        *(AIM, PIM_GPT, HBM_PIM, NEUPIMS, NEUPIMS_SINGLE),
    )
}

(
    BUS, CLOSED_BANK, OTHER_ROW, OPEN_BANK, OPEN_AT_REFRESH, NO_ACT1, ACT2_LATE, ACT1_PENDING,
    DATA_CLOCK, CAS_ALONE, FALLING_EDGE, PAIRING, REFRESH_LATE, REFRESH_DEBT, REGISTER_MODE,
    BANK_MODE, ALL_BANK_MODE, SINGLE_BANK_MODE, BOTH_BUFFERS,
) = range(19)  # fmt: skip
STATE_RULES = (
    "command bus", "closed bank", "other row", "open bank", "refresh of an open bank",
    "ACT-2 without ACT-1", "tAAD", "ACT-1 without ACT-2", "WCK", "CAS", "rising edge",
    "falling edge pairing", "tREFI", "postponed refreshes", "register mode", "bank mode",
    "all-bank mode", "single-bank mode", "row in both buffers",
)  # fmt: skip
"""Names of the rules that are no row of a table; the rows' own numbers follow."""

ONE, EACH_GROUP, ALL, GROUP_BANKS, HALF, CHANNEL = range(6)
"""Banks that a command addresses: one, that number in every group, all of the rank, all of one
group, the even or the odd ones of the rank, all of all ranks."""
(
    OTHER, ACTIVATES, ACTIVATES_1, ACTIVATES_2, PRECHARGES, READS, WRITES, REFRESHES, SYNCS,
    REGISTERS, MODES, ENTERS, LEAVES, PIM_ACTIVATES, PIM_PRECHARGES, PIM_READS,
) = range(16)  # fmt: skip

KIND = np.dtype(
    [
        ("action", np.int64),
        ("reach", np.int64),  # banks
        ("closes", np.int64),  # auto-precharge
        ("counts", np.int64),  # as a refresh that is due each tREFI
        ("column", np.int64),  # a column command
        ("bus", np.int64),
        ("cycles", np.int64),  # on the bus; 0: it is no command
        ("first", np.int64),  # of its rules; the next kind's is one after the last
        ("wck", np.int64),  # cycles that the data clock runs on; 0: no such clock
    ]
)
RULE = np.dtype(
    [("earlier", np.int64), ("scope", np.int64), ("minimum", np.int64), ("name", np.int64)]
)
WINDOW = np.dtype(
    [
        ("commands", np.int64),  # a bit for each kind
        ("count", np.int64),
        ("minimum", np.int64),
        ("name", np.int64),
    ]
)
DEVICE = np.dtype(
    [
        ("ranks", np.int64),
        ("stacks", np.int64),
        ("groups", np.int64),
        ("banks", np.int64),
        ("half_clocks", np.int64),
        ("windows", np.int64),
        ("activate_within", np.int64),  # ACT-2 after ACT-1, at most
        ("refresh_interval", np.int64),
        ("postponed", np.int64),  # refreshes
        ("register_row", np.int64),  # first row that is registers; 0: none
        ("row_buffers", np.int64),  # of a bank
    ]
)
ACTIONS = {
    "ACT": ACTIVATES, "ACT1": ACTIVATES_1, "ACT2": ACTIVATES_2, "PRE": PRECHARGES,
    "PREsb": PRECHARGES, "PREab": PRECHARGES, "RD": READS, "RDA": READS, "WR": WRITES,
    "WRA": WRITES, "REFab": REFRESHES, "REFpb": REFRESHES, "REFsb": REFRESHES, "RFMab": REFRESHES,
    "RFMpb": REFRESHES, "CAS_RD": SYNCS, "CAS_WR": SYNCS, "ACT4": ACTIVATES,
    "ACT16": ACTIVATES, "PRE4": PRECHARGES, "MAC": READS, "MAC4": READS, "MAC16": READS,
    "AF16": READS, "EWMUL16": WRITES, "RDCP": READS, "WRCP": WRITES, "WRA16": WRITES,
    "WRGB": REGISTERS, "WRMAC16": REGISTERS, "RDMAC16": REGISTERS, "RDAF16": REGISTERS,
    "TMOD": MODES, "ACT8": ACTIVATES, "PRE8": PRECHARGES, "RD8": READS, "WR8": WRITES,
    "HAB": ENTERS, "HAB_PIM": ENTERS, "SB": LEAVES, "GWRITE": READS, "HEADER": OTHER,
    "GACT": PIM_ACTIVATES, "PIMPRE": PIM_PRECHARGES, "COMP": PIM_READS, "READRES": OTHER,
    "COMPS": OTHER, "COMPC": PIM_READS, "READRESC": OTHER,
}  # fmt: skip
REACHES = {"ab": ALL, "16": ALL, "sb": EACH_GROUP}
"""By the end of a command's name."""
BY_DIGIT = {"4": GROUP_BANKS, "8": HALF}
"""By its last digit."""
BY_NAME = {
    "GACT": GROUP_BANKS,
    **dict.fromkeys(("HEADER", "COMP", "READRES", "COMPS", "COMPC", "READRESC"), CHANNEL),
}
INSIDE = ("COMPC", "READRESC")
"""Columns and results of composite commands, which take no command bus."""
NO_BANK = (REGISTERS, MODES, ENTERS, LEAVES)
WINDOW_MAX = 8
"""Commands that a window can count."""


class Tables(NamedTuple):
    """The arrays of ``Rules``, for the kernel."""

    kinds: Array
    """KIND, a row a command and one more."""
    rows: Array
    """RULE, in the order of the later command."""
    windows: Array
    """WINDOW."""
    device: Array
    """DEVICE, one."""


@dataclass(frozen=True)
class Rules:
    """What a log is held against."""

    standard: Standard
    bin: Bin
    bin_name: str
    commands: tuple[str, ...]
    """That the standard has."""
    names: tuple[str, ...]
    """Of the rules, by number."""
    reasons: tuple[str, ...]
    """Scope and formula of each rule."""
    tables: Tables


def find_standard(name: str) -> Standard:
    """A standard by name, in upper or lower case. Raises InputError."""
    if name.upper() not in STANDARDS:
        raise InputError(f"no standard {name!r}; there are {', '.join(STANDARDS)}")
    return STANDARDS[name.upper()]


def resolve(standard: str | Standard, bin_name: str | None = None) -> Rules:
    """The rules of a standard and speed bin. Raises InputError for one that is not known."""
    if isinstance(standard, str):
        standard = find_standard(standard)
    speed = find_bin(standard, bin_name)
    timings = speed.timings
    cycles = {**standard.cycles, **speed.cycles}
    names, reasons = list(STATE_RULES), [""] * len(STATE_RULES)
    rows: list[tuple[int, int, int, int, int]] = []
    for row in standard.rows:
        value = evaluate(row.formula, timings)
        for earlier in row.earlier.split():
            for later in row.later.split():
                # The sheet counts from the last cycle of either command.
                least = value + cycles.get(earlier, 1) - cycles.get(later, 1)
                if least > 0:
                    number = len(names)
                    rows.append((CODES[later], CODES[earlier], row.scope, least, number))
        names.append(row.name)
        reasons.append(f"{SCOPES[row.scope]}: {row.formula}")
    windows = np.zeros(len(standard.windows), WINDOW)
    for i, window in enumerate(standard.windows):
        mask = sum(1 << CODES[name] for name in window.commands.split())
        windows[i] = (mask, window.count, evaluate(window.formula, timings), len(names))
        names.append(window.name)
        reasons.append(f"{window.count} in a row, same rank: {window.formula}")
    rows.sort()
    commands = commands_of(standard)
    return Rules(
        standard=standard,
        bin=speed,
        bin_name=bin_name or next(iter(standard.bins)),
        commands=tuple(commands),
        names=tuple(names),
        reasons=tuple(reasons),
        tables=Tables(
            kinds=_kinds(standard, cycles, timings, [row[0] for row in rows]),
            rows=np.array([row[1:] for row in rows], RULE),
            windows=windows,
            device=_device(standard, speed),
        ),
    )


def _kinds(
    standard: Standard, cycles: Mapping[str, int], timings: Mapping[str, int], later: list[int]
) -> Array:
    """KIND of each command; ``later`` is the sorted later command of all rules."""
    kinds = np.zeros(len(KINDS) + 1, KIND)
    has_modes = "TMOD" in commands_of(standard)
    for code, name in enumerate(KINDS):
        kind = kinds[code]
        kind["action"] = action = ACTIONS[name]
        reach = BY_NAME.get(name, REACHES.get(name[-2:], BY_DIGIT.get(name[-1], ONE)))
        kind["reach"] = ALL if action in NO_BANK else reach
        if action == REGISTERS and not has_modes:
            kind["action"] = OTHER
        kind["closes"] = name in ("RDA", "WRA", "WRA16")
        kind["counts"] = name.startswith("REF")
        kind["column"] = action in (READS, WRITES)
        kind["bus"] = standard.two_buses and action in (READS, WRITES)
        silent = action in (ENTERS, LEAVES) or name in INSIDE
        kind["cycles"] = 0 if silent else cycles.get(name, 1)
        if standard.data_clock and action in (READS, WRITES):
            kind["wck"] = evaluate(standard.data_clock[action == WRITES], timings)
    kinds["first"] = np.searchsorted(later, np.arange(len(KINDS) + 1))
    return kinds


def _device(standard: Standard, speed: Bin) -> Array:
    device = np.zeros(1, DEVICE)
    device["ranks"] = standard.ranks
    device["stacks"] = standard.stacks
    device["groups"] = speed.groups
    device["banks"] = speed.banks
    device["half_clocks"] = standard.half_clocks
    device["windows"] = len(standard.windows)
    device["activate_within"] = speed.timings.get("tAAD", 0)
    device["refresh_interval"] = speed.timings["tREFI"]
    device["postponed"] = standard.postponed
    device["register_row"] = standard.register_row
    device["row_buffers"] = standard.row_buffers
    return device
