"""Reads and writes of few addresses: what reads get, how long requests wait; and that the oracle of
values and the bound on waits find what is wrong."""

import json
from pathlib import Path
from typing import Any

import dram_golden
import numpy as np
import pytest

from arch.dram.controller import Controller
from arch.dram.memory import load_memory, memory_names
from sim.dram.replay import DONE
from sim.dram.replays import new_replay
from sim.dram.state import LOG, REQUEST
from tests import dram_hazards
from tests.dram_hazards import campaign, check, hazards, longest_wait, waits
from tests.dram_values import wrong_values

pytestmark = pytest.mark.compiled

DDR4 = load_memory("ddr4_2400").device()
ACTIONS = [each.action for each in DDR4.commands.values()]
RECORD = Path(__file__).parents[2] / "docs" / "validation" / "dram_hazards.json"


def served(chosen: Controller, requests: Any) -> tuple[Any, Any]:
    """Ends of requests and the log."""
    replay, done = new_replay(DDR4, chosen), np.full(len(requests), -1, np.int64)
    log = np.zeros(20 * len(requests), LOG)
    assert replay.run(requests, done=done, log=log) == DONE
    return done, log[: int(replay.state.channel["logged"][0])]


def told(requests: Any, done: Any, log: Any) -> list[str]:
    return wrong_values(requests, done, log, ACTIONS, DDR4.read_latency_cycles)


def test_every_request_ends_in_time_and_gets_its_value() -> None:
    record = campaign(105_000, seed=7, run_requests=2500)
    assert record["runs_with_faults"] == []
    assert set(record["requests"]) == set(memory_names())
    assert min(record["requests"].values()) >= 10_000
    assert min(record["totals"].values()) > 3000, "something has hardly happened"
    assert 0.05 < record["longest_wait_share_of_bound"] <= 1


@pytest.mark.parametrize("trace", ["mix21_hazard", "deadlock"])
@pytest.mark.parametrize("cap_cycles", [None, 100, 10_000])
def test_hazards_of_the_peers_traces(trace: str, cap_cycles: int | None) -> None:
    """DRAMsim3 stops for ever on the second."""
    requests = dram_golden.requests(trace, DDR4)
    assert len(np.unique(requests["address"])) < len(requests)
    chosen = Controller(cap_cycles=cap_cycles)
    assert check(new_replay(DDR4, chosen), chosen, requests)[0] == []


def test_the_record_is_of_ten_million_requests_without_a_fault() -> None:
    record = json.loads(RECORD.read_text())
    assert sum(record["requests"].values()) >= 10**7
    assert set(record["requests"]) <= set(memory_names())
    assert record["runs_with_faults"] == []


def test_values_of_a_controller_that_does_not_keep_the_order_are_wrong() -> None:
    requests = hazards(DDR4, 3, 4000)
    done, log = served(Controller(hazards="unordered"), requests)
    wrong = told(requests, done, log)
    assert any("gets the value of" in line for line in wrong)
    done, log = served(Controller(), requests)
    assert told(requests, done, log) == []


def few(*given: tuple[int, int, int]) -> Any:
    """Requests: cycle, column, write; to one row of one bank."""
    requests = np.zeros(len(given), REQUEST)
    for name, values in zip(("cycle", "column", "write"), zip(*given, strict=True), strict=True):
        requests[name] = values
    requests["address"] = requests["column"]
    return requests


def command(name: str, cycle: int, column: int) -> tuple[int, int, int, int, int]:
    return cycle, list(DDR4.commands).index(name), 0, 0, column


def log_of(*commands: tuple[int, int, int, int, int]) -> Any:
    return np.array(list(commands), LOG)


def test_what_the_oracle_says_of_a_log_by_hand() -> None:
    latency = DDR4.read_latency_cycles
    requests = few((0, 5, 1), (1, 5, 0), (2, 5, 1), (3, 5, 0), (4, 6, 0))
    log = log_of(command("WR", 50, 5), command("RD", 80, 5), command("RD", 90, 6))
    done = np.array([50, 2, 3, 80 + latency, 90 + latency])
    assert told(requests, done, log) == []
    late = log_of(command("RD", 40, 5), command("WR", 50, 5), command("RD", 90, 6))
    assert told(requests, np.array([50, 2, 3, 40 + latency, 90 + latency]), late) == [
        "read 3 gets the value of -1, not of 2"
    ]
    # The second write comes after the first was written, and is lost.
    assert told(requests, np.array([50, 2, 60, 80 + latency, 90 + latency]), log) == [
        "write 2 ends in cycle 60 and is never written",
        "read 3 gets the value of 0, not of 2",
    ]
    assert told(requests, np.array([50, 2, 3, 81 + latency, 90 + latency]), log) == [
        f"read 3 ends in cycle {81 + latency} without a command or a write",
        "read of cycle 80 is of no request",
    ]
    # A read that is served by a write which has not come yet.
    early = few((0, 5, 0), (1, 5, 1))
    assert told(early, np.array([1, 50]), log_of(command("WR", 50, 5))) == [
        "read 0 ends in cycle 1 without a command or a write"
    ]
    assert told(early, np.array([50 + latency, 50]), log_of(command("WR", 50, 5)))
    joins = few((0, 5, 1), (1, 5, 1))
    assert told(joins, np.array([1, 50]), log_of(command("WR", 50, 5))) == [
        "write 0 joins one that comes after it, of cycle 50"
    ]


def test_waits_count_from_the_end_of_the_request_before() -> None:
    requests = few((0, 1, 0), (5, 2, 0), (200, 3, 0), (201, 4, 0))
    assert list(waits(requests, np.array([40, 90, 230, 225]))) == [40, 50, 30, -5]


def test_a_request_that_waits_for_longer_than_the_bound_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reads that hit a row, one every few cycles, and one of another row of its bank."""
    count = 60_000
    requests = np.zeros(count, REQUEST)
    requests["cycle"] = np.arange(count) * 6
    requests["column"] = np.arange(count) % DDR4.columns
    requests["row"][50] = 1
    requests["address"] = requests["row"] * DDR4.columns + requests["column"]
    capped = Controller(cap_cycles=100, refresh="none", read_entries=4, write_entries=1)
    bound = longest_wait(DDR4, capped)
    assert bound is not None
    wrong, longest, _ = check(new_replay(DDR4, capped), capped, requests)
    assert wrong == []
    assert 100 < longest < 1000
    never = Controller(cap_cycles=None, refresh="none", read_entries=4, write_entries=1)
    assert longest_wait(DDR4, never) is None
    wrong, longest, _ = check(new_replay(DDR4, never), never, requests)
    assert wrong == []
    assert longest > 300_000
    monkeypatch.setattr(dram_hazards, "longest_wait", lambda *_: bound)
    wrong, _, _ = check(new_replay(DDR4, never), never, requests)
    assert wrong == [f"request 50 waits for {longest} cycles, {bound} at most"]
