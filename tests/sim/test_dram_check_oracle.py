"""The kernel against a plain judge that reads the peers' lists and looks at all pairs."""

import json
import random
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sim.dram_check.check import inspect_log
from sim.dram_check.rules import CODES
from sim.dram_check.state import LOG
from sim.dram_check.tables import STATE_RULES

GOLDEN = Path(__file__).parents[1] / "golden" / "dram"
BINS = {
    "ddr4_2400R": "DDR4",
    "ddr5_4800B": "DDR5",
    "gddr6_14000_1250mV": "GDDR6",
    "hbm2_2000": "HBM2",
    "hbm3_6400": "HBM3",
    "lpddr5_6400": "LPDDR5",
}
OURS = {"PREpb": "PRE"}
UNLISTED = [("REFab", "PRE"), ("REFab", "PREab"), ("REFab", "REFab")]
"""No command may come while a rank refreshes; the peers list some of these, or none."""


@dataclass(frozen=True)
class Cmd:
    """A command in a test's log."""

    cycle: int
    name: str
    group: int = 0
    bank: int = 0
    row: int = -1
    rank: int = 0
    stack: int = 0
    channel: int = 0


@dataclass(frozen=True)
class Constraint:
    """A line of a peer's list, for one pair of commands."""

    level: str
    earlier: str
    later: str
    cycles: int
    window: int
    sibling: bool


@cache
def peer_list(name: str) -> list[Constraint]:
    """A peer's list, pair by pair, in our names."""
    found = []
    for level, before, after, cycles, window, sibling in json.loads(
        (GOLDEN / f"{name}.json").read_text()
    )["constraints"]:
        for p in before.split():
            for f in after.split():
                names = OURS.get(p, p), OURS.get(f, f)
                found.append(Constraint(level, *names, cycles, window, bool(sibling)))
    return found


def as_log(commands: list[Cmd]) -> np.ndarray:
    """Commands as the checker takes them."""
    log = np.zeros(len(commands), LOG)
    for i, c in enumerate(commands):
        log[i] = (c.cycle, CODES[c.name], c.channel, c.rank, c.stack, c.group, c.bank, c.row)
    return log


def read_commands(path: Path) -> list[Cmd]:
    """A peer's log without the reader that is under test."""
    found = []
    for line in path.read_text().splitlines()[1:]:
        cycle, name, group, bank, row, _ = line.split(",")
        name = {"PREpb": "PRE"}.get(name, name)
        found.append(
            Cmd(int(cycle), name, int(group or -1), int(bank or -1), int(row) if row else -1)
        )
    return found


def related(level: str, sibling: bool, first: Cmd, second: Cmd) -> bool:
    """Whether two commands share a node of a level; with ``sibling``, only the one above it."""
    ways = {
        "Channel": [first.channel == second.channel],
        "Rank": [first.channel == second.channel, first.rank == second.rank],
        "PseudoChannel": [first.channel == second.channel, first.rank == second.rank],
        "Sid": [first.rank == second.rank, first.stack == second.stack],
        "BankGroup": [first.stack == second.stack, first.group == second.group],
        "Bank": [first.group == second.group, first.bank == second.bank],
    }
    order = ["Channel", "Rank", "Sid", "BankGroup", "Bank"]
    own = ways[level]
    above = order[: order.index(level if level != "PseudoChannel" else "Rank")]
    shared = all(all(ways[one]) for one in above)
    return shared and (not own[-1] if sibling else all(own))


def deficit(name: str, commands: list[Cmd], j: int, extra: list[Constraint]) -> int:
    """By how many cycles command ``j`` comes too early, by the peer's list."""
    worst, later = 0, commands[j]
    for c in peer_list(name) + extra:
        if c.later != later.name:
            continue
        before = [
            one
            for one in commands[:j]
            if one.name == c.earlier and related(c.level, c.sibling, one, later)
        ]
        if len(before) >= c.window:
            worst = max(worst, c.cycles - (later.cycle - before[-c.window].cycle))
    return worst


def test_the_oracle_knows_where_commands_are() -> None:
    one = Cmd(0, "ACT", group=1, bank=2)
    assert related("Bank", False, one, Cmd(9, "RD", group=1, bank=2))
    assert not related("Bank", False, one, Cmd(9, "RD", group=2, bank=2))
    assert related("BankGroup", False, one, Cmd(9, "RD", group=1, bank=3))
    assert related("Rank", True, one, Cmd(9, "RD", rank=1))
    assert not related("Rank", True, one, Cmd(9, "RD"))
    assert not related("BankGroup", False, one, Cmd(9, "RD", group=1, rank=1))


@pytest.mark.parametrize("name", ["ddr4_2400R", "hbm3_6400", "lpddr5_6400"])
def test_the_oracle_finds_early_commands_only_where_a_log_was_changed(name: str) -> None:
    commands = read_commands(GOLDEN / f"ramulator2_{name}_short_mix64.csv")
    assert all(deficit(name, commands, j, []) == 0 for j in range(len(commands)))
    j = next(j for j, one in enumerate(commands) if one.name == "RD")
    closer = [*commands[:j], replace(commands[j], cycle=commands[j].cycle - 3), *commands[j + 1 :]]
    assert deficit(name, closer, j, []) > 0


def random_commands(rng: random.Random, name: str, count: int) -> list[Cmd]:
    """Commands in any order, close together, one a cycle."""
    first = "ACT1" if BINS[name] == "LPDDR5" else "ACT"
    kinds = [first, "PRE", "PREab", "RD", "WR", "RDA", "WRA", "REFab"]
    weights = [6, 4, 1, 6, 6, 1, 1, 1]
    gap = rng.choice([3, 8, 30, 200])
    cycle, commands = 0, []
    for kind in rng.choices(kinds, weights, k=count):
        cycle += rng.randint(1, gap)
        commands.append(Cmd(cycle, kind, rng.randrange(2), rng.randrange(2), rng.randrange(3)))
    return commands


@pytest.mark.parametrize("name", BINS)
@pytest.mark.parametrize("seed", range(12))
def test_kernel_and_plain_judge_agree_on_any_log(name: str, seed: int) -> None:
    commands = random_commands(random.Random(f"{name} {seed}"), name, 90)
    refresh = {"DDR4": 433, "DDR5": 710, "GDDR6": 211, "HBM2": 350, "HBM3": 832, "LPDDR5": 168}
    level = {"GDDR6": "Channel", "HBM2": "PseudoChannel", "HBM3": "PseudoChannel"}
    standard = BINS[name]
    extra = [
        Constraint(level.get(standard, "Rank"), p, f, refresh[standard], 1, False)
        for p, f in UNLISTED
    ]
    # Precharges of one bank before a refresh: GDDR6's list forgets them.
    extra += [Constraint("Channel", "PRE", "REFab", 30, 1, False)] if standard == "GDDR6" else []
    report = inspect_log([as_log(commands)], standard, name, refresh=False, limit=100_000)
    found: dict[int, int] = {}
    for one in report.violations:
        if one.minimum is not None and one.rule not in STATE_RULES[1:]:
            assert one.number is not None
            assert one.distance is not None
            short = one.minimum - one.distance
            found[one.number] = max(found.get(one.number, 0), short)
    expected = {
        j: short for j in range(len(commands)) if (short := deficit(name, commands, j, extra)) > 0
    }
    assert found == expected
    assert expected, "nothing was too early: the test shows nothing"


def test_logs_of_the_golden_folder_are_in_order() -> None:
    for path in GOLDEN.glob("*.csv"):
        assert all(a.cycle <= b.cycle for a, b in pairwise(read_commands(path)))
