"""The independent judge on runs of AiM: silent on ours, not on faults that are put in."""

import numpy as np
import pim_golden
import pytest
from pim_judge import as_log, judged

from sim.dram_check.check import check_log
from sim.dram_check.rules import CODES

pytestmark = pytest.mark.compiled

TRACES = list(pim_golden.traces().index)
UNCHECKED = "registers_checked=false"
GEMV = "gemv_1024x1024_4ch"


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("refresh", ["all_bank", "none"])
def test_nothing_is_wrong_with_the_corrected_preset(trace: str, refresh: str) -> None:
    text = pim_golden.traces().loc[trace].text
    run = pim_golden.run(text, "aim", UNCHECKED, f"controller.refresh={refresh}")
    assert judged(*run).violations == []


def test_the_simulator_activates_open_banks_and_does_nothing_else_wrong() -> None:
    found = {}
    for trace in [each for each in TRACES if not each.startswith("refreshed")]:
        run = pim_golden.run(pim_golden.traces().loc[trace].text, "aim_as_simulated")
        report = judged(*run)
        if report.total:
            found[trace] = report.by_rule
            assert {one.command.name for one in report.violations} == {"ACT16"}
    assert {rule for rules in found.values() for rule in rules} == {"open bank"}
    assert all(trace.startswith("random") for trace in found)
    assert len(found) == 7


def test_a_refresh_that_is_left_out_is_missed() -> None:
    long = pim_golden.traces().loc[GEMV].text.replace("AiM EOC\n", "") * 20 + "AiM EOC\n"
    done, commands = pim_golden.run(long, "aim", UNCHECKED)
    log = as_log(done, commands)
    assert judged(done, commands).violations == []
    kept = log[log["kind"] != CODES["REFab"]]
    rules = {one.rule for one in check_log([kept], "AIM", refresh=True)}
    assert "tREFI" in rules


@pytest.mark.parametrize(
    ("dropped", "rule"),
    [
        ("TMOD", "register mode"),
        ("ACT16", "closed bank"),
        ("PREab", "open bank"),
    ],
)
def test_a_command_that_is_left_out_is_missed(dropped: str, rule: str) -> None:
    done, commands = pim_golden.run(
        pim_golden.traces().loc[GEMV].text, "aim", UNCHECKED, "controller.refresh=none"
    )
    log = as_log(done, commands)
    places = np.flatnonzero(log["kind"] == CODES[dropped])
    told = check_log([np.delete(log, places[0])], "AIM", refresh=False)
    assert told[0].rule == rule


def test_another_row_is_seen() -> None:
    done, commands = pim_golden.run(pim_golden.traces().loc["mac_abk_op4"].text, "aim", UNCHECKED)
    log = as_log(done, commands)
    log["row"][-1] += 1
    assert [one.rule for one in check_log([log], "AIM", refresh=False)] == ["other row"]


@pytest.mark.parametrize("trace", ["gemv_64x64_1ch", "af_1", "copy_gbbk_16", "mac_sbk_x4"])
def test_no_command_could_come_a_cycle_earlier(trace: str) -> None:
    """Whatever waits for a constraint waits for no longer than it must."""
    done, commands = pim_golden.run(
        pim_golden.traces().loc[trace].text, "aim", UNCHECKED, "controller.refresh=none"
    )
    log = as_log(done, commands)
    free = []
    for i in range(1, len(log)):
        early = log[: i + 1].copy()
        early["cycle"][i] -= 1
        if not check_log([early], "AIM", refresh=False):
            free.append(pim_golden.named(done, commands[i : i + 1]).command[0])
    # No rule is on a mode change alone: it waits for what the read after it would wait for.
    reads = pim_golden.traces().loc[trace].text.count("AiM RD_MAC")
    assert free == ["TMOD"] * reads
