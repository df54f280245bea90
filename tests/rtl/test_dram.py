"""The DRAM channel: hardware and the simulator's kernel alike, in every register and command."""

import re
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from amaranth.hdl import Value, ValueLike
from channel_runs import commands_of, logged, requests_of
from twin_checks import (
    OTHER_SIMULATORS,
    check_cuts,
    check_equal,
    check_fields,
    check_registers,
    runs,
)

from arch.dram.controller import Controller
from arch.dram.device import Device, resolve
from arch.dram.load import load_standard
from arch.dram.memory import load_memory
from arch.errors import InputError
from rtl.dram.pick import lowest
from rtl.lockstep.dram import DramTwin, dram_twin
from rtl.lockstep.run import cosim
from rtl.wrapper import Wrapper
from sim.dram.replays import new_replay

SHORT = {"nREFI": 1500, "nRFC": 60}
"""Many refreshes in a run."""


def device(standard: str, *sizes: int, **timings: int) -> Device:
    """Of so many ranks, bank groups and banks, or groups and banks."""
    loaded = load_standard(standard)
    levels = dict(zip(loaded.levels[1:], sizes, strict=True))
    return resolve(loaded, None, None, levels=levels, timings=timings)


CHANNELS = {
    "two_ranks": (
        device("ddr4", 2, 2, 3, **SHORT),
        Controller(read_entries=4, write_entries=4, cap_cycles=300, drain_low=0.5),
    ),
    "in_turn": (
        device("gddr6", 2, 2, nREFI=2400, nRFCpb=30, nRFCab=30),
        Controller(
            read_entries=3, write_entries=2, refresh="per_bank", postponed_refreshes=2,
            hazards="unordered", cap_cycles=None,
        ),
    ),
    "first_come": (
        device("lpddr4", 1, 1, 3),
        Controller(read_entries=2, write_entries=3, refresh="none", scheduler="fcfs",
            cap_cycles=100,),
    ),
    "slow_bus": (
        device("ddr5", 1, 2, 2, **SHORT),
        Controller(read_entries=2, write_entries=2, cap_cycles=60),
    ),
}  # fmt: skip
each = pytest.mark.parametrize("name", CHANNELS)
HIDDEN = {
    "PREab to ACT, rank": "the refresh in between takes longer",
    "PREpb to REFab, rank": "seldom: no row of a rank is open when its refresh falls due",
    "REFab to PREab, rank": "a bank opens in between",
    "REFab to REFab, rank": "the next refresh is due later",
}
"""Rules of ``two_ranks`` that no command waits for in a run, and why."""
FIRST_CYCLE = 1
"""Of the kernel."""


@cache
def twin_of(name: str) -> DramTwin:
    return DramTwin(*CHANNELS[name])


@cache
def hardware_of(name: str) -> Wrapper:
    """For several runs: its Verilog is written once."""
    return Wrapper(twin_of(name).component)


@pytest.mark.validates(
    "dram.scheduler=frfcfs",
    "dram.scheduler=fcfs",
    "dram.cap_cycles",
    "dram.row_policy=open",
    "dram.refresh=all_bank",
    "dram.refresh=per_bank",
    "dram.refresh=none",
    "dram.postponed_refreshes",
    "dram.hazards=ordered",
    "dram.hazards=unordered",
    "dram.read_entries",
    "dram.write_entries",
    "dram.drain_high",
    "dram.drain_low",
    by="hardware",
)
@each
def test_hardware_and_kernel_agree_in_every_register(name: str) -> None:
    outcome = check_equal(twin_of(name), seed=11, cycles=60_000, wrapper=hardware_of(name))
    assert outcome.useful_cycles > 40_000
    none = {event for event, count in outcome.coverage.items() if count == 0}
    assert not {event for event in none if " to " not in event}


@pytest.mark.parametrize("simulator", OTHER_SIMULATORS)
def test_simulators_agree(simulator: str) -> None:
    check_equal(twin_of("first_come"), seed=3, cycles=1500, simulator=simulator)


@each
def test_every_flip_flop_is_a_register(name: str) -> None:
    check_registers(hardware_of(name))


@each
def test_fields_are_those_of_the_model(name: str) -> None:
    check_fields(twin_of(name), hardware_of(name))


def replayed(
    twin: DramTwin, requests: npt.NDArray[np.void], cycles: int, *, every: bool
) -> npt.NDArray[np.int64]:
    """As ``commands_of``, of the kernel as users run it."""
    log = new_replay(twin.replay.device, twin.controller).log(requests, every=every)
    return logged(log, twin.tables.timers.codes, cycles, FIRST_CYCLE)


@pytest.mark.parametrize("every", [True, False])
@each
def test_commands_are_those_of_the_kernel_as_it_skips(name: str, every: bool) -> None:
    twin = twin_of(name)
    parts = runs(twin.traffic(5).next(40_000))
    assert len(parts) > 3
    total = 0
    for part in parts:
        requests = requests_of(part, twin.parameters.device, FIRST_CYCLE)
        expected = commands_of(part, 1)
        # The kernel ends with its last request, hardware goes on refreshing.
        if len(requests) == 0:
            continue
        got = replayed(twin, requests, len(part.rst), every=every)
        np.testing.assert_array_equal(expected[: len(got)], got)
        served = expected[np.isin(expected[:, 1], (2, 3))]
        assert len(served) <= len(got)
        total += len(got)
    assert total > 1000


FAULTS = {"nFAW": 1, "nWTRL": 1, "nRP": 1, "nCS": 1, "nREFI": 1, "nRTP": -1}


@pytest.mark.parametrize("timing", FAULTS)
def test_a_timing_that_is_one_off_is_found(timing: str) -> None:
    """The kernel of another device against this one's hardware."""
    plain, controller = CHANNELS["two_ranks"]
    moved = {**SHORT, timing: plain.timings[timing] + FAULTS[timing]}
    other = DramTwin(device("ddr4", 2, 2, 3, **moved), controller)
    outcome = cosim(other, seed=1, cycles=60_000, wrapper=hardware_of("two_ranks"))
    assert outcome.mismatch is not None


@pytest.mark.parametrize("field", ["drain_high", "drain_low"])
def test_a_watermark_that_is_one_off_is_found(field: str) -> None:
    plain, controller = CHANNELS["two_ranks"]
    moved = controller.model_copy(update={field: getattr(controller, field) - 0.25})
    other = DramTwin(plain, moved)
    outcome = cosim(other, seed=1, cycles=60_000, wrapper=hardware_of("two_ranks"))
    assert outcome.mismatch is not None


def test_a_pick_of_the_youngest_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def highest(bits: ValueLike) -> Value:
        return lowest(Value.cast(bits)[::-1])[::-1]

    monkeypatch.setattr("rtl.dram.pick.lowest", highest)
    outcome = cosim(twin_of("slow_bus"), seed=1, cycles=20_000)
    assert outcome.mismatch is not None
    assert any(field.name.startswith("command.") for field, *_ in outcome.mismatch.differing)


MOVES = (
    *("nRCD", "nRP", "nRAS", "nRC", "nWR", "nRTP", "nCWL", "nCCDS", "nCCDL", "nRRDS", "nRRDL"),
    *("nWTRS", "nWTRL", "nFAW", "nCS", "nRFC", "nREFI"),
)


@cache
def longest_run() -> tuple[npt.NDArray[np.void], int, npt.NDArray[np.int64]]:
    """Requests of ``two_ranks``, their cycles, and the commands."""
    twin = twin_of("two_ranks")
    part = max(runs(twin.traffic(5).next(40_000)), key=lambda part: len(part.rst))
    requests, cycles = requests_of(part, twin.parameters.device, FIRST_CYCLE), len(part.rst)
    return requests, cycles, replayed(twin, requests, cycles, every=False)


@pytest.mark.parametrize("timing", MOVES)
def test_a_timing_moved_by_one_changes_commands(timing: str) -> None:
    requests, cycles, before = longest_run()
    plain, controller = CHANNELS["two_ranks"]
    moved = device("ddr4", 2, 2, 3, **{**SHORT, timing: plain.timings[timing] + 1})
    after = replayed(DramTwin(moved, controller), requests, cycles, every=False)
    assert before.shape != after.shape or (before != after).any()


def test_rules_are_what_delays_commands() -> None:
    """Every rule of two ranks of DDR4 is the one that a command waits for, but those hidden."""
    traffic = twin_of("two_ranks").traffic(2)
    traffic.next(200_000)
    silent = {event for event, count in traffic.coverage.items() if " to " in event and not count}
    assert silent == set(HIDDEN)


def test_traffic_does_not_depend_on_how_it_is_cut() -> None:
    check_cuts(twin_of("two_ranks"), (1, 1023, 1024, 2, 3950))


def test_legal_traffic_holds_what_is_stalled() -> None:
    batch = twin_of("slow_bus").traffic(5).next(40_960)
    stalled = (batch.stim[:-1, 5] == 1) & (batch.resp[:-1, 0] == 0)
    held = (batch.stim[1:] == batch.stim[:-1]).all(axis=1)
    epochs = [
        (stalled[at : at + 1023].sum(), (stalled & held)[at : at + 1023].sum())
        for at in range(0, len(stalled), 1024)
    ]
    legal = [a == b for a, b in epochs if a > 20]
    assert any(legal)
    assert not all(legal)


def test_a_memory_that_is_too_large_says_what_to_set() -> None:
    settings: list[str] = []
    for _ in range(3):
        try:
            twin = dram_twin(load_memory("ddr4_2400", settings))
        except InputError as error:
            suggestion = re.search(r"controller\.\w+=\d+", str(error))
            assert suggestion is not None
            settings.append(suggestion[0])
    assert twin.parameters.entries == 16 + 16 + 16


@pytest.mark.parametrize(
    ("memory", "settings", "message"),
    [
        ("hbm2_2000", [], "hardware needs one command bus, not 'row_and_column'"),
        ("hbm3_6400", [], "not 'half_clock_row_and_column'"),
        ("lpddr5_6400", [], "activates in one step and no data clock, not a 'activate_1'"),
        ("ddr5_4800", [], "levels: hardware needs 2 to 16 banks a channel, not 32"),
        ("ddr4_2400", ["controller.row_policy=closed"], "row_policy: hardware needs open, not"),
        ("ddr4_2400", ["controller.row_policy=timeout"], "row_policy: hardware needs open, not"),
        ("ddr4_2400", ["timings={nREFI: 800}"], "more than 866 cycles between refreshes, not 800"),
        ("ddr4_2400", ["controller.refresh=per_bank"], "has no command REFpb for refresh"),
    ],
)
def test_what_is_not_built_is_refused(memory: str, settings: list[str], message: str) -> None:
    small = ["controller.read_entries=4", "controller.write_entries=4"]
    with pytest.raises(InputError, match=re.escape(message)):
        dram_twin(load_memory(memory, [*small, *settings]))
