"""The checker's tables against the lists of the peers, pair by pair."""

import json
import re
from itertools import product

import pytest
from test_dram_check_oracle import BINS, GOLDEN, peer_list

from arch.errors import InputError
from sim.dram_check.rules import (
    BANK,
    CODES,
    GROUP,
    OTHER_GROUP,
    OTHER_RANK,
    OTHER_STACK,
    RANK,
    evaluate,
    find_bin,
)
from sim.dram_check.tables import STANDARDS, Rules, find_standard, resolve

PLACES = {
    "same bank": (BANK, GROUP, RANK),
    "same group": (GROUP, RANK),
    "other group": (OTHER_GROUP, RANK),
    "other rank": (OTHER_RANK,),
    "other stack": (OTHER_STACK, OTHER_GROUP, RANK),
}
"""Scopes of our rules that hold for two commands that are so far apart."""
LEVELS = {
    "same bank": ("Bank", "BankGroup", "Sid", "Rank", "PseudoChannel", "Channel"),
    "same group": ("BankGroup", "Sid", "Rank", "PseudoChannel", "Channel"),
    "other group": ("Sid", "Rank", "PseudoChannel", "Channel"),
    "other rank": ("Channel",),
    "other stack": ("Rank", "PseudoChannel", "Channel"),
}
"""The same of the peers' lists; siblings come on top."""
RANKED = ("DDR4", "DDR5", "LPDDR5")
COLUMNS = ("RD", "RDA", "WR", "WRA")
NOT_LISTED = {"CAS_RD", "CAS_WR", "ACT2", "PREsb", "REFsb"}


def ours(rules: Rules, place: str, earlier: str, later: str) -> int:
    """The least distance of two commands by our table; at least 1 on one command bus."""
    tables = rules.tables
    first = tables.kinds["first"][CODES[later]]
    last = tables.kinds["first"][CODES[later] + 1]
    found = [
        int(row["minimum"])
        for row in tables.rows[first:last]
        if row["earlier"] == CODES[earlier] and row["scope"] in PLACES[place]
    ]
    before, after = tables.kinds[CODES[earlier]], tables.kinds[CODES[later]]
    found += [int(before["cycles"])] if before["bus"] == after["bus"] else []
    return max(found, default=0)


def theirs(name: str, place: str, earlier: str, later: str, one_bus: bool) -> int:
    """The same by the peer's list."""
    found = [1] if one_bus else []
    for c in peer_list(name):
        if (c.earlier, c.later) != (earlier, later):
            continue
        if c.sibling:
            holds = place == {"Rank": "other rank", "Sid": "other stack"}[c.level]
        else:
            holds = c.window == 1 and c.level in LEVELS[place]
        found += [c.cycles] if holds else []
    return max(found, default=0)


def explained(rules: Rules, place: str, earlier: str, later: str) -> str | None:
    """Why our table may ask for more than the peer's list here."""
    standard = rules.standard.name
    whole = ("REFab", "RFMab")
    if place != "other rank" and earlier in whole:
        return "no command may come while a rank refreshes; the list names a few"
    if place == "other rank" and earlier in ("RD", "RDA") and later in ("WR", "WRA"):
        return "data of two ranks would meet on the bus: the list forgets the latencies"
    if "REFpb" in (earlier, later) or "RFMpb" in (earlier, later):
        return "the list does not say all of refreshes of one bank"
    if standard == "GDDR6" and (earlier, later) == ("PRE", "REFab"):
        return "the list only has it after a precharge of all banks"
    return None


@pytest.mark.parametrize("name", BINS)
def test_every_pair_is_as_far_apart_as_in_the_peers_list(name: str) -> None:
    rules = resolve(BINS[name], name)
    kinds = [one for one in rules.commands if one not in NOT_LISTED]
    places = ["same bank", "same group", "other group"]
    places += ["other rank"] if BINS[name] in RANKED else []
    places += ["other stack"] if BINS[name] == "HBM3" else []
    differing, compared = set(), 0
    for place, earlier, later in product(places, kinds, kinds):
        one_bus = not rules.standard.two_buses or (earlier in COLUMNS) == (later in COLUMNS)
        mine = ours(rules, place, earlier, later)
        peer = theirs(name, place, earlier, later, one_bus)
        compared += peer > 1
        if mine == peer:
            continue
        swapped = BINS[name] == "LPDDR5" and place == "other rank" and earlier in ("WR", "WRA")
        if swapped and later in ("RD", "RDA"):
            # The list has RL - WL where WL - RL is meant, and so waits for nothing.
            assert (mine, peer) == (1, 12)
            continue
        if BINS[name] == "GDDR6" and later == "REFpb" and earlier in ("RDA", "WRA"):
            # The list lets a refresh of one bank wait for the auto-precharge of another.
            assert place != "same bank"
            continue
        assert mine > peer, (place, earlier, later, mine, peer)
        reason = explained(rules, place, earlier, later)
        assert reason, (place, earlier, later, mine, peer)
        differing.add((place, earlier, later, mine, peer))
    assert compared > 60
    if BINS[name] == "DDR4":
        assert {one for one in differing if one[1] != "REFab"} == {
            ("other rank", r, w, 10, 6) for r in ("RD", "RDA") for w in ("WR", "WRA")
        }


@pytest.mark.parametrize("name", BINS)
def test_windows_are_as_in_the_peers_list(name: str) -> None:
    rules = resolve(BINS[name], name)
    (window,) = rules.tables.windows
    theirs = [c for c in peer_list(name) if c.window > 1 and not c.sibling]
    assert {(c.window, c.cycles) for c in theirs} == {(window["count"], window["minimum"])}
    counted = {one for one, code in CODES.items() if window["commands"] >> code & 1}
    assert counted == {c.later for c in theirs}


@pytest.mark.parametrize("name", BINS)
def test_cycles_on_the_bus_and_refresh_interval_are_the_peers(name: str) -> None:
    rules, peer = resolve(BINS[name], name), json.loads((GOLDEN / f"{name}.json").read_text())
    kinds = rules.tables.kinds[[CODES[one] for one in rules.commands]]
    longer = {one: int(k["cycles"]) for one, k in zip(rules.commands, kinds, strict=True)}
    assert {one: n for one, n in longer.items() if n > 1} == peer["command_cycles"]
    assert rules.bin.timings["tREFI"] == peer["refresh_interval"]


STOCK = {
    "ddr4_2400_stock": ("DDR4", "ddr4_2400_stock"),
    "gddr6_stock": ("GDDR6", "gddr6_stock"),
    "hbm2_stock": ("HBM2", "hbm2_stock"),
    "hbm2_matched": ("HBM2", "hbm2_matched"),
    "lpddr4_2400_stock": ("LPDDR4", "lpddr4_2400"),
}
ALIASES = {
    "tRC": ("tRC_used",),
    "CL": ("CL",),
    "CWL": ("CWL",),
    "RL": ("CL",),
    "WL": ("CWL",),
    "tRPpb": ("tRP",),
    "tRPab": ("tRP",),
    "tRRD": ("tRRD_S",),
    "tRTR": ("tRTRS",),
    "tRFCab": ("tRFC",),
    "tRTPL": ("tRTP_L", "tRTP"),
    "BL/2": ("burst_cycles",),
    "tCCD": ("burst_cycles",),
    "tRTW": ("read_to_write",),
}
OURS_ALONE = {"tRFCpb", "tRREFD", "tRFCSB"}


@pytest.mark.parametrize("name", STOCK)
def test_timings_are_those_that_dramsim3_reads(name: str) -> None:
    peer = json.loads((GOLDEN / "dramsim3.json").read_text())[name]
    speed = find_bin(STANDARDS[STOCK[name][0]], STOCK[name][1])
    different = {}
    for timing, cycles in speed.timings.items():
        if timing in OURS_ALONE:
            continue
        split = timing[:-1] + "_" + timing[-1]
        names = (*ALIASES.get(timing, ()), timing, split)
        given = next((peer[one] for one in names if one in peer), None)
        if given != cycles:
            different[timing] = (cycles, given)
    assert different == {
        # Two clocks a burst, as the sheet has it; bank groups are off; tRTP_L is read by nobody.
        "gddr6_stock": {"tBURST": (2, None), "tCCDL": (3, 4), "tRTP": (3, None)},
        # The peer uses tRTP, and so do these runs.
        "hbm2_matched": {"tRTPL": (5, 6)},
        # The peer has no precharge of all banks.
        "lpddr4_2400_stock": {"tRPab": (26, 15)},
    }.get(name, {})


def test_dramsim3_turns_from_read_to_write_as_our_tables_do_but_in_stock_ddr4() -> None:
    peers = json.loads((GOLDEN / "dramsim3.json").read_text())
    for name, (standard, bin_name) in STOCK.items():
        mine = ours(resolve(standard, bin_name), "other group", "RD", "WR")
        assert mine - peers[name]["read_to_write"] == (name == "ddr4_2400_stock")


def test_formulas() -> None:
    timings = {"CWL": 12, "BL/2": 4, "tWTR_L": 9, "tCCD_S": 3}
    assert evaluate("CWL + BL/2 + tWTR_L", timings) == 25
    assert evaluate("CWL + 2 - tWTR_L", timings) == 5
    assert evaluate("max(tCCD_S, BL/2)", timings) == 4
    assert evaluate("max(tCCD_S + 2, BL/2)", timings) == 5
    with pytest.raises(KeyError):
        evaluate("CWL + tNONE", timings)


@pytest.mark.parametrize(
    ("standard", "speed"), [(s.name, b) for s in STANDARDS.values() for b in s.bins]
)
def test_every_rule_of_every_bin_has_a_value(standard: str, speed: str) -> None:
    rules = resolve(standard, speed)
    assert len(rules.names) == len(rules.reasons)
    assert (rules.tables.rows["minimum"] > 0).all()
    formulas = [row.formula for row in (*rules.standard.rows, *rules.standard.windows)]
    formulas += rules.standard.data_clock or ()
    used = {word for formula in formulas for word in re.split(r"max\(|[ ,)]+", formula)}
    # The latency of a read says when data come, where tRTW is given as a value.
    assert set(rules.bin.timings) <= used | {"tREFI", "tAAD", "RL"}


def test_unknown_standards_and_bins_are_told_what_there_is() -> None:
    assert find_standard("ddr4").name == "DDR4"
    with pytest.raises(InputError) as told:
        resolve("DDR9")
    assert str(told.value) == (
        "no standard 'DDR9'; there are DDR4, DDR5, LPDDR4, LPDDR5, GDDR6, HBM2, HBM3, AIM, "
        "PIM-GPT, HBM-PIM, NEUPIMS, NEUPIMS-SINGLE"
    )
    with pytest.raises(InputError) as told:
        resolve("DDR4", "ddr4_9")
    assert str(told.value) == "DDR4 has no speed bin 'ddr4_9'; it has ddr4_2400R, ddr4_2400_stock"
