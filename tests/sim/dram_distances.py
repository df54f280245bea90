"""Least distances of commands by the judge's table, and where commands go."""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from arch.dram.device import Device, resolve
from arch.dram.load import load_standard
from sim.dram_check.rules import BANK, CODES, GROUP, OTHER_GROUP, OTHER_RANK, OTHER_STACK, RANK
from sim.dram_check.tables import Rules
from sim.dram_check.tables import resolve as judge

PRESETS = {
    "ddr4_2400R": ("ddr4", "DDR4_8Gb_x8", "DDR4_2400R"),
    "ddr5_4800B": ("ddr5", "DDR5_16Gb_x8", "DDR5_4800BN"),
    "gddr6_14000_1250mV": ("gddr6", "GDDR6_8Gb_x16", "GDDR6_14000_1250mV_double"),
    "hbm2_2000": ("hbm2", "HBM2_8Gb", "HBM2_2000Mbps"),
    "hbm3_6400": ("hbm3", "HBM3_4Gb", "HBM3_6400Mbps"),
    "lpddr4_2400": ("lpddr4", "LPDDR4_8Gb_x16", "LPDDR4_2400"),
    "lpddr5_6400": ("lpddr5", "LPDDR5_8Gb_x16", "LPDDR5_6400"),
}
"""Standard, organisation and speed that have the timings of a speed bin of the judge."""
SIZES: dict[str, list[dict[str, int]]] = {
    "ddr4_2400R": [{"rank": 1}, {"rank": 2}, {"rank": 4}],
    "ddr5_4800B": [{"rank": 1}, {"rank": 2}, {"rank": 4}],
    "gddr6_14000_1250mV": [{}],
    "hbm2_2000": [{"pseudo_channel": 1}, {"pseudo_channel": 2}],
    "hbm3_6400": [{"stack": 1}, {"stack": 2}, {"stack": 4}],
    "lpddr4_2400": [{"rank": 1}, {"rank": 2}],
    "lpddr5_6400": [{"rank": 1}, {"rank": 2}],
}
CASES = [(name, size) for name, sizes in SIZES.items() for size in sizes]
JUDGES_NAME = {"PREpb": "PRE"}
SCOPES = {
    "same bank": (BANK, GROUP, RANK),
    "same group": (GROUP, RANK),
    "other group": (OTHER_GROUP, RANK),
    "other stack": (OTHER_STACK, OTHER_GROUP, RANK),
    "other rank": (OTHER_RANK,),
}
"""Scopes of the judge's rules that hold for two banks that are so far apart."""


class Place(NamedTuple):
    """Of a bank; a pseudo-channel counts as a rank, as with the judge."""

    rank: int
    stack: int
    group: int
    bank: int


def place(device: Device, bank: int) -> Place:
    """Where a bank is, from its number in hierarchy order."""
    return _place(device.levels, device.sizes, bank)


@cache
def _place(levels: tuple[str, ...], sizes: tuple[int, ...], bank: int) -> Place:
    parts = dict.fromkeys(("pseudo_channel", "rank", "stack", "bank_group", "bank"), 0)
    for level, size in zip(reversed(levels), reversed(sizes), strict=True):
        bank, parts[level] = divmod(bank, size)
    return Place(
        parts["pseudo_channel"] + parts["rank"], parts["stack"], parts["bank_group"], parts["bank"]
    )


def relation(first: Place, second: Place) -> str:
    """How far apart two banks are, a key of ``SCOPES``."""
    if first.rank != second.rank:
        return "other rank"
    if first.stack != second.stack:
        return "other stack"
    if first.group != second.group:
        return "other group"
    return "same bank" if first.bank == second.bank else "same group"


def judged(rules: Rules, first: str, second: str, near: str) -> int:
    """Least distance of two commands by the judge's table; 0: none."""
    kinds, rows = rules.tables.kinds, rules.tables.rows
    one, other = (CODES[JUDGES_NAME.get(name, name)] for name in (first, second))
    found = [
        int(row["minimum"])
        for row in rows[kinds[other]["first"] : kinds[other + 1]["first"]]
        if row["earlier"] == one and row["scope"] in SCOPES[near]
    ]
    # A command of one cycle leaves the bus to any in the next.
    if kinds[one]["bus"] == kinds[other]["bus"] and kinds[one]["cycles"] > 1:
        found.append(int(kinds[one]["cycles"]))
    return max(found, default=0)


Distances = dict[tuple[str, str, str], int]
"""Least distance by the judge's table: first command, second, a key of ``SCOPES``."""


def distances(rules: Rules, names: Iterable[str]) -> Distances:
    """Of all pairs of some commands."""
    every = [JUDGES_NAME.get(name, name) for name in names]
    own = {judges: name for name, judges in JUDGES_NAME.items()}
    return {
        (own.get(one, one), own.get(other, other), near): judged(rules, one, other, near)
        for one in every
        for other in every
        for near in SCOPES
    }


def of_all(name: str) -> bool:
    """Whether a command addresses all banks of a rank."""
    return name in ("PREab", "REFab", "RFMab")


def in_a_window(rules: Rules, name: str) -> bool:
    """Whether the judge counts a command in a window."""
    code = CODES[JUDGES_NAME.get(name, name)]
    return any(int(window["commands"]) >> code & 1 for window in rules.tables.windows)


def earliest(
    device: Device,
    rules: Rules,
    known: Distances,
    past: list[tuple[str, int, int]],
    name: str,
    bank: int,
) -> int:
    """Cycle from which on the judge's table lets a command issue after others (name, bank, cycle);
    0: any."""
    here, whole = place(device, bank), of_all(name)
    times = [0]
    for first, other, cycle in past:
        near = relation(place(device, other), here)
        if near != "other rank" and (whole or of_all(first)):
            near = "same bank"
        least = known[first, name, near]
        times.append(cycle + least if least else 0)
    for window in rules.tables.windows:
        mask = int(window["commands"])
        if mask >> CODES[JUDGES_NAME.get(name, name)] & 1:
            counted = [
                cycle
                for one, other, cycle in past
                if mask >> CODES[JUDGES_NAME.get(one, one)] & 1
                and place(device, other).rank == here.rank
            ]
            if len(counted) >= window["count"]:
                times.append(counted[-int(window["count"])] + int(window["minimum"]))
    return max(times)


def given_together(first: str, second: str) -> bool:
    """Whether a controller, of whatever policy, gives both commands."""
    pair = {first, second}
    never = pair & {"RDA", "WRA", "REFsb", "RFMab", "RFMpb"}
    return not never and not ("REFpb" in pair and pair & {"REFab", "PREab"})


def leaves_closed(first: str, second: str, near: str) -> bool:
    """Whether the first command has closed the row that the second needs."""
    if near == "other rank":
        return False
    if first in ("PREab", "REFab", "RFMab"):
        return second in ("PREpb", "PREab", "RD", "RDA", "WR", "WRA")
    closes = first in ("PREpb", "REFpb", "RFMpb", "RDA", "WRA")
    return closes and near == "same bank" and second in ("PREpb", "RD", "RDA", "WR", "WRA")


def excused(first: str, second: str, near: str, got: int) -> bool:
    """Whether a rule may be missing: its two commands never come so."""
    never = leaves_closed(first, second, near) or not given_together(first, second)
    return got == 0 and never


@cache
def _device(name: str, size: tuple[tuple[str, int], ...]) -> Device:
    standard, organisation, speed = PRESETS[name]
    return resolve(load_standard(standard), organisation, speed, levels=dict(size))


def device_of(name: str, size: dict[str, int]) -> Device:
    """One channel with the timings of a speed bin of the judge and so many nodes of a level."""
    return _device(name, tuple(size.items()))


@cache
def judge_of(name: str) -> Rules:
    """The judge's rules of a speed bin."""
    return judge(PRESETS[name][0], name)


def case_id(value: Any) -> str:
    """Of a parameter of a test."""
    return value if isinstance(value, str) else "-".join(f"{k}{v}" for k, v in value.items())
