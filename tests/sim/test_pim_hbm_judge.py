"""The independent judge on runs of HBM-PIM: silent on ours, not on faults that are put in."""

from collections import Counter

import hbm_golden
import numpy as np
import pytest
from hbm_judge import as_log, judged

from sim.dram_check.check import check_log
from sim.dram_check.rules import CODES

pytestmark = pytest.mark.compiled

CASES = hbm_golden.cases()
LOGGED = list(CASES.index[CASES.channels < 64])
GEMV = "gemv_64x1024_1ch"
ADD = "add_16384x1_1ch"


@pytest.mark.parametrize("case", LOGGED)
@pytest.mark.parametrize("refresh", ["all_bank", "none"])
def test_nothing_is_wrong_with_the_corrected_preset(case: str, refresh: str) -> None:
    done, log, _ = hbm_golden.run(
        hbm_golden.trace_of(case), "hbm_pim", f"channels={CASES.loc[case].channels}",
        "order_checked=false", f"controller.refresh={refresh}",
    )  # fmt: skip
    assert judged(done, log).violations == []


def test_what_the_simulator_does_wrong() -> None:
    found: Counter[str] = Counter()
    for case in LOGGED:
        done, log, _ = hbm_golden.run(
            hbm_golden.trace_of(case), "hbm_pim_as_simulated",
            f"channels={CASES.loc[case].channels}",
        )  # fmt: skip
        found.update(judged(done, log, refresh=False).by_rule)
    assert set(found) == {"tRTPL", "tRTW", "tRP", "tRAS", "tRC", "tWR", "open bank"}
    kernels = [case for case in LOGGED if not case.startswith("random")]
    rules: set[str] = set()
    for case in kernels:
        done, log, _ = hbm_golden.run(
            hbm_golden.trace_of(case), "hbm_pim_as_simulated",
            f"channels={CASES.loc[case].channels}",
        )  # fmt: skip
        rules |= set(judged(done, log, refresh=False).by_rule)
    assert rules == {"tRTPL", "tRTW", "tRP", "tRAS", "tRC", "tWR"}


def corrected(case: str) -> np.ndarray:  # type: ignore[type-arg]
    done, log, _ = hbm_golden.run(hbm_golden.trace_of(case), "hbm_pim", "channels=1")
    return as_log(done, log)


def rules_of(log: np.ndarray) -> list[str]:  # type: ignore[type-arg]
    return [one.rule for one in check_log([log], "HBM-PIM", refresh=False)]


@pytest.mark.parametrize(
    ("dropped", "rule"),
    [
        ("HAB", "all-bank mode"),
        ("SB", "single-bank mode"),
        ("ACT8", "closed bank"),
        ("PRE8", "open bank"),
        ("PRE", "open bank"),
        ("ACT", "closed bank"),
    ],
)
def test_a_command_that_is_left_out_is_missed(dropped: str, rule: str) -> None:
    log = corrected(GEMV)
    places = np.flatnonzero(log["kind"] == CODES[dropped])
    assert rules_of(np.delete(log, places[0]))[0] == rule


def test_another_row_in_one_half_is_seen() -> None:
    log = corrected(ADD)
    cells = np.flatnonzero((log["kind"] == CODES["RD8"]) & (log["row"] < 4096))
    log["row"][cells[3]] += 1
    assert rules_of(log) == ["other row"]


def test_a_command_to_all_banks_is_seen_in_each_of_them() -> None:
    """A bank of a half that is activated alone just before is too early for the whole half."""
    log = corrected(ADD)
    first = np.flatnonzero((log["kind"] == CODES["ACT8"]) & (log["row"] < 4096))[0]
    early = log[first : first + 1].copy()
    early["kind"], early["group"], early["bank"] = CODES["PRE"], 3, log["bank"][first]
    early["cycle"] -= 5
    told = rules_of(np.insert(log, first, early))
    assert "tRP" in told


def test_single_banks_wait_after_their_half() -> None:
    log = corrected(ADD)
    places = np.flatnonzero(log["kind"] == CODES["SB"])
    after = np.flatnonzero(
        (log["kind"] == CODES["ACT"]) & (np.arange(len(log)) > places[0]) & (log["bank"] % 2 == 1)
    )
    moved = log.copy()
    moved["cycle"][after[0]] = log["cycle"][places[0]] + 1
    order = np.argsort(moved["cycle"], kind="stable")
    assert {"tRP", "command bus"} & set(rules_of(moved[order]))


def test_a_refresh_that_is_left_out_is_missed() -> None:
    text = hbm_golden.trace_of("gemv_512x1024_1ch")
    done, log, _ = hbm_golden.run(text * 2, "hbm_pim", "channels=1")
    found = as_log(done, log)
    assert check_log([found], "HBM-PIM", refresh=True) == []
    kept = found[found["kind"] != CODES["REFab"]]
    assert "tREFI" in {one.rule for one in check_log([kept], "HBM-PIM", refresh=True)}


@pytest.mark.parametrize("case", ["gemv_64x256_1ch", "relu_16384x1_1ch"])
def test_hardly_a_command_could_come_a_cycle_earlier(case: str) -> None:
    """What waits for a constraint waits for no longer than it must: the rest waits for what is
    queued, for barriers, or for the one command a cycle."""
    log = corrected(case)
    free = 0
    for i in range(1, len(log)):
        early = log[: i + 1].copy()
        early["cycle"][i] -= 1
        free += early["cycle"][i] >= early["cycle"][i - 1] and not rules_of(early)
    assert free <= 0.15 * len(log)
