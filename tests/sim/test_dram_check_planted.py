"""A hundred faults planted in logs of the peers; each is found, first and by its right name."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from test_dram_check_oracle import (
    GOLDEN,
    Cmd,
    Constraint,
    as_log,
    peer_list,
    read_commands,
    related,
)

from sim.dram_check.check import check_log

LOGS = [
    ("ramulator2_ddr4_2400R_short_mix64.csv", "DDR4", "ddr4_2400R"),
    ("dramsim3_ddr4_2400_matched_short_mix64.csv", "DDR4", "ddr4_2400R"),
    ("ramulator2_hbm3_6400_short_mix64.csv", "HBM3", "hbm3_6400"),
    ("ramulator2_lpddr5_6400_short_mix64.csv", "LPDDR5", "lpddr5_6400"),
]
Planted = tuple[list[Cmd], int, set[str]]
"""A log, the number of the command that is wrong in it, and the rules that it breaks."""


def is_column(one: Cmd) -> bool:
    return one.name in ("RD", "WR")


def open_rows(commands: list[Cmd], j: int) -> dict[tuple[int, int], int]:
    """Rows that are open when command ``j`` comes."""
    rows: dict[tuple[int, int], int] = {}
    for one in commands[:j]:
        if one.name in ("ACT", "ACT2"):
            rows[one.group, one.bank] = one.row
        elif one.name == "PRE":
            rows.pop((one.group, one.bank), None)
    return rows


def sheet_name(c: Constraint, first: Cmd, second: Cmd) -> str:
    """What data sheets call a line of a peer's list, without underscores."""
    near = "L" if first.group == second.group else "S"
    earlier, later = c.earlier.rstrip("12"), c.later.rstrip("12")
    if c.window > 1:
        return "tFAW"
    if c.level == "Channel" and (earlier != later or earlier == "ACT"):
        return "command bus"
    if earlier == later:
        same_bank = related("Bank", False, first, second)
        one = "tRC" if same_bank and c.level == "Bank" else f"tRRD{near}"
        return {"ACT": one, "PRE": "tPPD"}.get(earlier, f"tCCD{near}")
    return {
        ("ACT", "RD"): "tRCD",
        ("ACT", "WR"): "tRCD",
        ("ACT", "PRE"): "tRAS",
        ("PRE", "ACT"): "tRP",
        ("RD", "PRE"): "tRTP",
        ("WR", "PRE"): "tWR",
        ("RD", "WR"): "tRTW",
        ("WR", "RD"): f"tWTR{near}",
    }[earlier, later]


def binding(name: str, commands: list[Cmd], j: int) -> set[str]:
    """Rules that let command ``j`` come no cycle earlier."""
    found, later = {}, commands[j]
    for c in peer_list(name):
        before = [
            one
            for one in commands[:j]
            if one.name == c.earlier
            and c.later == later.name
            and related(c.level, c.sibling, one, later)
        ]
        if len(before) >= c.window and later.cycle - before[-c.window].cycle == c.cycles:
            found[sheet_name(c, before[-c.window], later)] = c.cycles
    return set(found)


def too_early(rng: random.Random, commands: list[Cmd], name: str) -> Planted | None:
    free = [
        j
        for j in range(1, len(commands))
        if commands[j - 1].cycle < commands[j].cycle - 1 and binding(name, commands, j)
    ]
    j = rng.choice(free)
    rules = binding(name, commands, j)
    moved = replace(commands[j], cycle=commands[j].cycle - 1)
    return [*commands[:j], moved, *commands[j + 1 :]], j, rules


def activate_dropped(rng: random.Random, commands: list[Cmd], name: str) -> Planted | None:
    j = rng.choice([j for j, one in enumerate(commands) if one.name.startswith("ACT")])
    gone, left = commands[j], [*commands[:j], *commands[j + 1 :]]
    for k in range(j, len(left)):
        one = left[k]
        if gone.name == "ACT1" and one.name == "ACT2":
            return left, k, {"ACT-2 without ACT-1"}
        if gone.name == "ACT2" and one.name == "ACT1":
            return left, k, {"ACT-1 without ACT-2"}
        if (one.group, one.bank) == (gone.group, gone.bank):
            return (left, k, {"closed bank"}) if is_column(one) else None
    return None


def precharge_dropped(rng: random.Random, commands: list[Cmd], name: str) -> Planted | None:
    j = rng.choice([j for j, one in enumerate(commands) if one.name == "PRE"])
    gone, left = commands[j], [*commands[:j], *commands[j + 1 :]]
    for k in range(j, len(left)):
        if (left[k].group, left[k].bank) == (gone.group, gone.bank):
            return left, k, {"open bank"}
    return None


def sync_dropped(rng: random.Random, commands: list[Cmd], name: str) -> Planted | None:
    syncs = [j for j, one in enumerate(commands) if one.name.startswith("CAS")]
    if not syncs:
        return None
    j = rng.choice(syncs)
    return [*commands[:j], *commands[j + 1 :]], j, {"WCK"}


def duplicated(rng: random.Random, commands: list[Cmd], name: str) -> Planted | None:
    j = rng.randrange(len(commands))
    rules = {"command bus"}
    if commands[j].name in ("ACT", "ACT1"):
        rules.add("open bank" if commands[j].name == "ACT" else "ACT-1 without ACT-2")
    return [*commands[: j + 1], *commands[j:]], j + 1, rules


def other_row(rng: random.Random, commands: list[Cmd], name: str) -> Planted | None:
    j = rng.choice([j for j, one in enumerate(commands) if is_column(one)])
    altered = replace(commands[j], row=commands[j].row + 1)
    return [*commands[:j], altered, *commands[j + 1 :]], j, {"other row"}


def other_bank(rng: random.Random, commands: list[Cmd], name: str) -> Planted | None:
    j = rng.choice([j for j, one in enumerate(commands) if is_column(one)])
    rows = open_rows(commands, j)
    closed = [(g, b) for g in range(4) for b in range(4) if (g, b) not in rows]
    if not closed:
        return None
    group, bank = rng.choice(closed)
    altered = replace(commands[j], group=group, bank=bank)
    return [*commands[:j], altered, *commands[j + 1 :]], j, {"closed bank"}


def other_edge(rng: random.Random, commands: list[Cmd], name: str) -> Planted | None:
    late = [j for j in range(len(commands) - 1) if commands[j + 1].cycle > commands[j].cycle + 1]
    late = [j for j in late if commands[j].name != "PRE"]
    if name != "hbm3_6400":
        return None
    j = rng.choice(late)
    altered = replace(commands[j], cycle=commands[j].cycle + 1)
    return [*commands[:j], altered, *commands[j + 1 :]], j, {"rising edge"}


FAULTS: list[Callable[[random.Random, list[Cmd], str], Planted | None]] = [
    too_early, too_early, too_early, activate_dropped, precharge_dropped, sync_dropped,
    duplicated, other_row, other_bank, other_edge,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(100))
def test_a_planted_fault_is_found_and_named(seed: int) -> None:
    rng = random.Random(seed)
    planted = None
    while planted is None:
        file, standard, name = rng.choice(LOGS)
        planted = rng.choice(FAULTS)(rng, read_commands(GOLDEN / file), name)
    commands, j, rules = planted
    told = check_log([as_log(commands)], standard, name)
    assert told, "not found"
    assert told[0].number == j
    named = {one.rule for one in told if one.number == j}
    plain = {one.replace("_", "") for one in named}
    for rule in rules:
        # tRP is tRPpb in some sheets, tRCD is tRCDRD or tRCDWR, tRTP is tRTPL.
        assert rule in named or any(one.startswith(rule) for one in plain), (rule, named)
    assert told[0].command.cycle == commands[j].cycle
    assert told[0].command.name == commands[j].name


@pytest.mark.parametrize(("file", "standard", "name"), LOGS)
def test_nothing_is_found_where_nothing_is_planted(file: str, standard: str, name: str) -> None:
    assert check_log([as_log(read_commands(GOLDEN / file))], standard, name) == []


def test_the_seeds_plant_every_kind_of_fault() -> None:
    kinds: dict[str, int] = {}
    for seed in range(100):
        rng, planted = random.Random(seed), None
        while planted is None:
            file, _, name = rng.choice(LOGS)
            fault = rng.choice(FAULTS)
            planted = fault(rng, read_commands(GOLDEN / file), name)
        kinds[fault.__name__] = kinds.get(fault.__name__, 0) + 1
    assert len(kinds) == len({fault.__name__ for fault in FAULTS})
    assert kinds["too_early"] >= 25
