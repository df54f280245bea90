"""What the checker says of every command log that the peers wrote."""

from pathlib import Path

import pytest
from test_dram_check_oracle import GOLDEN

from sim.dram_check.check import inspect_log

SHARED = Path(__file__).parents[3] / "shared" / "reference" / "dram"
WITHIN_RULES = {
    "ramulator2/ddr4_2400R": ("DDR4", "ddr4_2400R"),
    "ramulator2/ddr5_4800B": ("DDR5", "ddr5_4800B"),
    "ramulator2/gddr6_14000_1250mV": ("GDDR6", "gddr6_14000_1250mV"),
    "ramulator2/hbm2_2000": ("HBM2", "hbm2_2000"),
    "ramulator2/hbm3_6400": ("HBM3", "hbm3_6400"),
    "ramulator2/lpddr5_6400": ("LPDDR5", "lpddr5_6400"),
    "dramsim3/ddr4_2400_matched": ("DDR4", "ddr4_2400R"),
    "dramsim3/gddr6_matched": ("GDDR6", "gddr6_14000_1250mV"),
    "dramsim3/hbm2_matched": ("HBM2", "hbm2_matched"),
    "dramsim3/lpddr4_2400_stock": ("LPDDR4", "lpddr4_2400"),
}
"""Logs that keep all rules of these bins."""
BEYOND_RULES = {
    # DRAMsim3 leaves tRTRS = 1 cycle between read and write data, one less than DDR4 asks for.
    "dramsim3/ddr4_2400_stock": ("DDR4", "ddr4_2400_stock", {"tRTW": (114, 128)}, {1}),
    # It counts a burst of 16 as one cycle, of two.
    "dramsim3/gddr6_stock": (
        "GDDR6",
        "gddr6_stock",
        {"tWR": (537, 131), "tWTRL": (277, 18)},
        {1},
    ),
    # It reads tRTP, 5 by default, and not tRTP_L, 6 in its file.
    "dramsim3/hbm2_stock": ("HBM2", "hbm2_stock", {"tRTPL": (300, 209)}, {1}),
}
"""Logs that do not, with the violations of all logs, refresh on and off, and by how many cycles."""
ONE_CYCLE_ACTIVATE = "dramsim3/hbm2_matched"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the peers' logs of ../shared")


def inspect_all(folder: str, standard: str, bin_name: str) -> tuple[dict[str, int], set[int], int]:
    """Violations by rule, by how many cycles, and how many commands, of all logs of a folder."""
    paths = sorted((SHARED / folder).glob("*.cmd.csv*"))
    assert paths
    turns = 2 if folder.startswith("ramulator2/hbm") else 1
    rules: dict[str, int] = {}
    short, commands = set(), 0
    for path in paths:
        report = inspect_log(path, standard, bin_name, refresh_turns=turns)
        commands += report.commands
        for rule, count in report.by_rule.items():
            rules[rule] = rules.get(rule, 0) + count
        for one in report.violations:
            assert one.minimum is not None
            assert one.distance is not None
            short.add(one.minimum - one.distance)
    return rules, short, commands


@needs_shared
@pytest.mark.compiled
@pytest.mark.parametrize("refresh", ["", "_noref"])
@pytest.mark.parametrize("folder", WITHIN_RULES)
def test_peers_that_keep_all_rules(folder: str, refresh: str) -> None:
    rules, _, commands = inspect_all(folder + refresh, *WITHIN_RULES[folder])
    assert rules == {}
    assert commands > 15_000


@needs_shared
@pytest.mark.compiled
@pytest.mark.parametrize("folder", BEYOND_RULES)
def test_peers_that_break_rules(folder: str) -> None:
    standard, bin_name, broken, by = BEYOND_RULES[folder]
    on, short_on, _ = inspect_all(folder, standard, bin_name)
    off, short_off, _ = inspect_all(folder + "_noref", standard, bin_name)
    assert {rule: (on[rule], off[rule]) for rule in on | off} == broken
    assert short_on | short_off == by


@needs_shared
@pytest.mark.compiled
def test_dramsim3_activates_hbm2_in_one_cycle() -> None:
    """Against the data sheet, where it takes two and timings count from the second."""
    rules, short, _ = inspect_all(ONE_CYCLE_ACTIVATE + "_noref", "HBM2", "hbm2_2000")
    assert set(rules) == {"tRCDRD", "tRCDWR", "tRAS", "command bus"}
    assert short == {1}


@needs_shared
def test_ramulators_logs_of_hbm_refresh_both_pseudo_channels_under_one_name() -> None:
    path = SHARED / "ramulator2" / "hbm2_2000" / "mix21.cmd.csv.gz"
    assert set(inspect_log(path, "HBM2").by_rule) == {"tRFC"}


GOLDEN_BINS = {
    "ramulator2_ddr4_2400R": ("DDR4", "ddr4_2400R"),
    "ramulator2_lpddr5_6400": ("LPDDR5", "lpddr5_6400"),
    "ramulator2_hbm3_6400": ("HBM3", "hbm3_6400"),
    "dramsim3_ddr4_2400_matched": ("DDR4", "ddr4_2400R"),
}


@pytest.mark.parametrize("name", GOLDEN_BINS)
def test_short_logs_that_travel_with_the_tests(name: str) -> None:
    report = inspect_log(GOLDEN / f"{name}_short_mix64.csv", *GOLDEN_BINS[name])
    assert report.by_rule == {}
    assert report.commands > 100
