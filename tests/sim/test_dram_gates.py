"""Every pair of commands of every standard, wherever they go: the kernel's tables ask for exactly
the distance that the judge's table has, which is typed from the data sheets and shares nothing.
"""

from dataclasses import replace
from typing import Any

import dram_gates as gates
import numpy as np
import pytest
from dram_distances import CASES, PRESETS, SIZES, case_id, device_of, in_a_window, judge_of

from arch.dram.device import Device, Rule, resolve
from arch.dram.load import load_standard, standard_names
from sim.dram_check.tables import STANDARDS
from sim.dram_check.tables import resolve as judge

OF_ALL_SCOPES = [(name, sizes[min(1, len(sizes) - 1)]) for name, sizes in SIZES.items()]
"""The smallest of each standard that has every scope."""
LONGER = {
    # configs/dram/lpddr4.yaml: DRAMsim3 has a burst on top of what JEDEC asks for.
    ("LPDDR4", "RDA", "ACT", "same bank", 35, 27),
}
"""What the file of a standard says to be longer than the data sheet."""


OURS = {
    "CL": ["nCL"],
    "RL": ["nCL"],
    "CWL": ["nCWL"],
    "WL": ["nCWL"],
    "tRTR": ["nCS", "nRTRS"],
    "BL/2": ["nBL"],
    "tBURST": ["nBL"],
    "BL/n_min": ["nBL_min"],
    "BL/n_max": ["nBL_max"],
    "tRPpb": ["nRP"],
    "tRFC1": ["nRFC"],
    "tRFCab": ["nRFC", "nRFCab"],
    "tRFCSB": ["nRFCpb"],
    "tCCD": ["nCCDS", "nCCDL"],
    "tRRD": ["nRRDS", "nRRDL"],
    "tpbR2act": ["nPBR2ACT"],
    "tCCD_S": ["nCCDS", "nCCDS_WR"],
    "tCCD_L": ["nCCDL", "nCCDL_WR"],
    "tCCD_S_WR": ["nCCDS_WR"],
    "tCCD_L_WR": ["nCCDL_WR"],
    "tpbR2pbR": ["nPBR2PBR"],
}
"""Our timings by the judge's, where they are not as ``tWTR_S`` and ``nWTRS``."""
BY_VALUE = {
    # A read to a write of another rank has 2 for the gap between ranks, which nCS is.
    *(("DDR4", "tRTR"), ("DDR5", "tRTR"), ("LPDDR5", "tRTR")),
    # To another stack only the burst counts, which is as long.
    ("HBM3", "tCCDS"),
    # In a group nCCDL alone counts, which is as long as a burst.
    ("LPDDR5", "BL/n_max"),
}
"""Timings that a file has as another one of the same value."""


cases = pytest.mark.parametrize(("name", "size"), CASES, ids=case_id)
all_scopes = pytest.mark.parametrize(("name", "size"), OF_ALL_SCOPES, ids=case_id)


def not_stated(name: str, found: set[Any]) -> set[Any]:
    return {one for one in found if (judge_of(name).standard.name, *one) not in LONGER}


def all_pairs(name: str, size: dict[str, int]) -> set[Any]:
    """What is wrong between any two commands at any two banks."""
    device = gates.every_command(device_of(name, size))
    banks = list(range(device.banks))
    got, wanted = gates.gates_of(device, banks), gates.expected_gates(device, judge_of(name), banks)
    assert np.count_nonzero(wanted.any(axis=(1, 3))) > 25
    assert np.count_nonzero(got == wanted) > 0.9 * got.size
    return not_stated(name, gates.differing(device, got, wanted, banks))


@pytest.mark.validates(
    *(f"dram.standard={name}" for name in standard_names()), by="the judge's tables"
)
@pytest.mark.compiled
@cases
def test_every_pair_is_as_far_apart_as_the_judge_has_it(name: str, size: dict[str, int]) -> None:
    """Refused a cycle early and accepted on time: the ready time is the judge's."""
    assert all_pairs(name, size) == set()


def longer(name: str, size: dict[str, int], timing: str) -> set[Any]:
    """What is wrong when a timing is a cycle longer, here and with the judge."""
    standard, organisation, speed = PRESETS[name]
    sheet, known = STANDARDS[standard.upper()], device_of(name, size).timings
    of_judge = {timing, *({"tRTW"} if (standard, timing) == ("gddr6", "RL") else ())}
    if timing.endswith("S") and f"{timing[:-1]}L" in sheet.bins[name].timings:
        of_judge.add(f"{timing[:-1]}L")
    values = {n: v + (n in of_judge) for n, v in sheet.bins[name].timings.items()}
    ours = {
        mine: values[each]
        for each in of_judge
        for mine in OURS.get(each, [f"n{each[1:].replace('_', '')}"])
        if mine in known and not (sheet.name == "DDR5" and mine.endswith("WR") and "WR" not in each)
    }
    assert ours, timing
    rules = judge(replace(sheet, bins={name: replace(sheet.bins[name], timings=values)}), name)
    device = resolve(load_standard(standard), organisation, speed, levels=size, timings=ours)
    device = gates.every_command(device)
    banks = [1, device.banks - 2]
    got, wanted = gates.gates_of(device, banks), gates.expected_gates(device, rules, banks)
    stated = {(one[1], one[2]) for one in LONGER if one[0] == sheet.name}
    return {one[:3] for one in gates.differing(device, got, wanted, banks) if one[:2] not in stated}


@pytest.mark.compiled
@all_scopes
def test_distances_are_of_the_timings_that_the_judge_names(name: str, size: dict[str, int]) -> None:
    """Equal by formula: also when a timing is a cycle longer, with the long one of a pair."""
    before = {one[:3] for one in all_pairs(name, size)}
    for timing in judge_of(name).bin.timings:
        if timing in ("tRTW", "tAAD", "tWCKPST", "tREFI"):
            continue  # A number of GDDR6 and HBM3; between no two commands.
        expected_wrong = (judge_of(name).standard.name, timing) in BY_VALUE
        assert bool(longer(name, size, timing) - before) == expected_wrong, timing


@pytest.mark.compiled
@cases
def test_windows_are_as_long_as_the_judge_has_them(name: str, size: dict[str, int]) -> None:
    """Four commands in four cycles, so that the window decides, and what may come when."""
    device, rules = gates.every_command(device_of(name, size)), judge_of(name)
    got, wanted = gates.window_gates(device), gates.expected_window_gates(device, rules)
    found = gates.window_differing(device, got, wanted)
    windowed = {(r.preceding, r.following) for r in device.rules if r.window > 1}
    windowed |= {(one, one) for one in device.commands if in_a_window(rules, one)}
    assert {one for one in found if one[:2] in windowed} == set()


def test_refreshes_of_the_same_banks_of_all_groups() -> None:
    """REFsb: the same bank of each group is near, the others are not."""
    for size in SIZES["ddr5_4800B"][:2]:
        device, rules = device_of("ddr5_4800B", size), judge_of("ddr5_4800B")
        pairs = gates.same_bank_pairs(device)
        assert len(pairs) == 17
        for bank in (0, device.banks - 3):
            assert gates.same_bank_differing(device, rules, bank, pairs) == set()


def dominating(device: Device, rule: Rule, least: int) -> Rule | None:
    """A rule that asks for ``least`` cycles wherever another holds; None: there is no such one."""
    others = replace(device, rules=tuple(one for one in device.rules if one is not rule))
    alone = replace(device, rules=(replace(rule, cycles=1, window=1),))
    found = None
    for a in (1, device.banks - 2):
        for b in range(device.banks):
            if gates.by_rules(alone, rule.preceding, rule.following, a, b)[0]:
                cycles, found = gates.by_rules(others, rule.preceding, rule.following, a, b)
                if cycles < least:
                    return None
    return found


def undetected(name: str, size: dict[str, int], by: int) -> list[tuple[Rule, Rule]]:
    """Rules that may be moved unseen, each with one that hides it; fails where none does."""
    whole, rules = device_of(name, size), judge_of(name)
    device = gates.every_command(whole)
    banks = [1, device.banks - 2]
    wanted = gates.expected_gates(device, rules, banks)
    wanted_after_four = gates.expected_window_gates(device, rules)

    def wrong(of: Device, pair: tuple[str, str]) -> Any:
        if pair in gates.same_bank_pairs(whole):
            return gates.same_bank_differing(of, rules, 1, [pair])
        of = gates.every_command(of)
        pairs = gates.differing(of, gates.gates_of(of, banks), wanted, banks)
        return pairs, gates.window_differing(of, gates.window_gates(of), wanted_after_four)

    hidden = []
    known = {pair: wrong(whole, pair) for pair in {(r.preceding, r.following) for r in whole.rules}}
    for rule, other in gates.moved(whole, by):
        pair = rule.preceding, rule.following
        if not set(pair) <= set(device.commands) | {"REFsb"}:
            # The data clock of LPDDR5 with several ranks: as with one, or the first test fails.
            assert "CAS" in rule.preceding
            assert rule.cycles == 0
        elif wrong(other, pair) == known[pair]:
            hides = dominating(whole, rule, max(rule.cycles, rule.cycles + by))
            if hides is None and rule.cycles + max(by, 0) <= 0:
                continue  # None at all: a command comes in the next cycle at the earliest.
            assert hides is not None, (rule, by)
            hidden.append((rule, hides))
    return hidden


@pytest.mark.compiled
@pytest.mark.parametrize("by", [-1, 1])
@all_scopes
def test_a_rule_that_is_moved_by_a_cycle_is_found(name: str, size: dict[str, int], by: int) -> None:
    """All rules of all standards: found, or hidden by a longer one between the same commands."""
    hidden = undetected(name, size, by)
    assert len(hidden) < len(device_of(name, size).rules) / 3
