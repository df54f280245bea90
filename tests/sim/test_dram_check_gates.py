"""Each rule of each bin: two commands at exactly its distance pass, one cycle earlier they fail."""

from dataclasses import replace

import pytest
from test_dram_check_oracle import Cmd, as_log

from sim.dram_check.check import Violation, check_log
from sim.dram_check.rules import (
    BANK,
    GROUP,
    OTHER_GROUP,
    OTHER_RANK,
    OTHER_STACK,
    RANK,
    Row,
    evaluate,
)
from sim.dram_check.tables import STANDARDS, STATE_RULES

START = 20_001
"""Of the first of two commands; odd, a rising edge. What opens its bank is long before."""
BINS = [(s.name, b) for s in STANDARDS.values() for b in s.bins]
CLOSED_BEFORE = ("ACT", "ACT1", "REFab", "REFpb", "REFsb", "RFMab", "RFMpb")


def two_places(scope: int, one_group: bool) -> tuple[Cmd, Cmd]:
    """Where two commands go that a rule of this scope is about."""
    first = Cmd(0, "ACT", 0 if one_group else 1, 2, 5)
    second = {
        BANK: first,
        GROUP: replace(first, bank=1),
        OTHER_GROUP: replace(first, group=0, stack=0),
        RANK: replace(first, bank=1),
        OTHER_RANK: replace(first, rank=1),
        OTHER_STACK: replace(first, stack=1),
    }[scope]
    return first, second


def cases() -> list[tuple[str, str, Row, str, str]]:
    """Each pair of commands of each row."""
    found = []
    for standard, bin_name in BINS:
        for row in STANDARDS[standard].rows:
            one_group = STANDARDS[standard].bins[bin_name].groups == 1
            if row.scope == OTHER_GROUP and one_group:
                continue
            for earlier in row.earlier.split():
                found += [(standard, bin_name, row, earlier, one) for one in row.later.split()]
    return found


def pair(case: tuple[str, str, Row, str, str], distance: int) -> list[Violation]:
    """What the checker says of the second of two commands; not what state has against it."""
    standard, bin_name, row, earlier, later = case
    one_group = STANDARDS[standard].bins[bin_name].groups == 1
    first, second = two_places(row.scope, one_group)
    activates = ["ACT1", "ACT2"] if standard == "LPDDR5" else ["ACT"]
    log = []
    for place in {first, second}:
        needed = place is not first or earlier not in CLOSED_BEFORE
        if needed and not (place is first and first == second and later in CLOSED_BEFORE):
            log += [replace(place, name=name) for name in activates]
    log = [replace(one, cycle=1 + 1000 * i) for i, one in enumerate(log)]
    log.append(replace(first, name=earlier, cycle=START))
    log.append(replace(second, name=later, cycle=START + distance))
    told = check_log([as_log(log)], standard, bin_name, refresh=False)
    return [
        one for one in told if one.cycle == START + distance and one.rule not in STATE_RULES[1:]
    ]


@pytest.mark.parametrize("case", cases(), ids=lambda c: f"{c[1]}-{c[2].name}-{c[3]}-{c[4]}")
def test_each_distance_is_tight(case: tuple[str, str, Row, str, str]) -> None:
    standard, bin_name, row, earlier, later = case
    sheet, speed = STANDARDS[standard], STANDARDS[standard].bins[bin_name]
    cycles = {**sheet.cycles, **speed.cycles}
    least = evaluate(row.formula, speed.timings) + cycles.get(earlier, 1) - cycles.get(later, 1)
    # Other rules may ask for more.
    assert row.name not in [one.rule for one in pair(case, max(least, 0))]
    if least > 0:
        early = [one for one in pair(case, least - 1) if one.rule == row.name]
        assert early, "not told"
        assert {(one.distance, one.minimum) for one in early} == {(least - 1, least)}
        assert early[0].earlier is not None
        assert (early[0].earlier.name, early[0].earlier.cycle) == (earlier, START)
        assert early[0].command.name == later


@pytest.mark.parametrize("case", cases(), ids=lambda c: f"{c[1]}-{c[2].name}-{c[3]}-{c[4]}")
def test_far_apart_nothing_is_wrong(case: tuple[str, str, Row, str, str]) -> None:
    assert pair(case, 5000) == []


@pytest.mark.parametrize(("standard", "bin_name"), BINS)
def test_windows_are_tight(standard: str, bin_name: str) -> None:
    speed = STANDARDS[standard].bins[bin_name]
    name = "ACT1" if standard == "LPDDR5" else "ACT"
    least = speed.timings["tFAW"]
    gap = max(speed.timings.get(one, 0) for one in ("tRRD_L", "tRRDL", "tRRD"))
    places = [(i % speed.groups, i // speed.groups) for i in range(5)]
    for distance in (least - 1, least):
        step = min(gap, distance // 4)
        cycles = [START + step * i for i in range(4)] + [START + distance]
        log = [Cmd(c, name, *place, row=1) for c, place in zip(cycles, places, strict=True)]
        told = check_log([as_log(log)], standard, bin_name)
        windows = [one for one in told if one.rule == "tFAW"]
        assert [one.cycle for one in windows] == ([cycles[4]] if distance < least else [])
        for one in windows:
            assert one.earlier is not None
            assert (one.earlier.cycle, one.distance, one.minimum) == (START, least - 1, least)


def test_a_window_counts_activates_and_refreshes_of_one_bank_alike() -> None:
    names = ["ACT", "REFpb", "ACT", "REFpb", "ACT"]
    cycles = [START, START + 11, START + 33, START + 44, START + 66]
    log = [Cmd(c, n, i % 4, i // 4, 1) for i, (c, n) in enumerate(zip(cycles, names, strict=True))]
    assert check_log([as_log(log)], "GDDR6", refresh=False) == []
    closer = [0, 11, 22, 33, 42]
    log = [replace(one, cycle=START + c) for one, c in zip(log, closer, strict=True)]
    rules = {one.rule for one in check_log([as_log(log)], "GDDR6", refresh=False)}
    assert "tFAW" in rules
