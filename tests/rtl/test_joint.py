"""A channel with memory and PIM commands: hardware and the simulator's kernel alike."""

import contextlib
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth.hdl import Module
from channel_runs import commands_of, logged, requests_of
from twin_checks import (
    OTHER_SIMULATORS,
    check_cuts,
    check_equal,
    check_fields,
    check_registers,
    runs,
)

from arch.errors import InputError, SimulationError
from arch.pim.joint import load_joint_pim
from rtl.lockstep.campaign_joint import OPTIONS, SizedPim, joint_builds, sized
from rtl.lockstep.joint import JointTwin, joint_twin
from rtl.lockstep.run import cosim
from rtl.lockstep.twin import Batch
from rtl.pim.joint.bank import JointBank
from rtl.wrapper import Wrapper
from sim.dram.bank_queues_state import NONE
from sim.pim.joint.run import new_channel
from sim.pim.joint.state import ITEM, READRES

SMALL = (
    *("controller.read_entries=3", "controller.write_entries=10", "controller.bank_entries=2"),
    *("controller.pim_transactions=2", "controller.pim_commands=3"),
)
SHORT = "timings={nREFI: 1200, nRFC: 40, nGW: 20}"
"""Many refreshes in a run, as there are two ranks."""


def channel(name: str, shape: tuple[int, int, int], *settings: str) -> SizedPim:
    """A small channel of a PIM."""
    own = [f"controller.{setting}" for setting in settings]
    return sized(name, [*SMALL, SHORT, *own], shape)


CHANNELS = {
    "bound": channel("neupims", (2, 2, 1), "fairness_cycles=30"),
    "as_simulated": channel(
        "neupims_as_simulated", (1, 2, 2), "priority=memory_first", "fairness_cycles=50",
        "pim_transactions_in=reads",
    ),
    "turns": channel("neupims_single", (1, 2, 2), "priority=alternating", "fairness_cycles=60"),
    "least": channel(
        "neupims", (1, 2, 2), "priority=alternating", "fairness_cycles=null", "refresh=none",
        "slack_checked=false", "row_reserved=next_tile",
    ),
}  # fmt: skip
SELDOM = {"unit begins in the last cycle"}
"""Events that a short run may not have."""
each = pytest.mark.parametrize("name", CHANNELS)


@cache
def twin_of(name: str) -> JointTwin:
    return JointTwin(CHANNELS[name])


@cache
def hardware_of(name: str) -> Wrapper:
    """For several runs: its Verilog is written once."""
    return Wrapper(twin_of(name).component)


@pytest.mark.validates(
    "joint_pim.commands=neupims",
    "joint_pim.variant",
    "joint_pim.timings",
    "joint_pim.row_buffers=single",
    "joint_pim.row_buffers=dual",
    "joint_pim.composite=False",
    "joint_pim.composite=True",
    by="hardware",
)
@each
def test_hardware_and_kernel_agree_in_every_register(name: str) -> None:
    outcome = check_equal(twin_of(name), seed=11, cycles=60_000, wrapper=hardware_of(name))
    assert outcome.useful_cycles > 50_000
    assert {event for event, count in outcome.coverage.items() if count == 0} <= SELDOM


@pytest.mark.parametrize("simulator", OTHER_SIMULATORS)
def test_simulators_agree(simulator: str) -> None:
    check_equal(twin_of("turns"), seed=3, cycles=700, simulator=simulator)


@pytest.mark.parametrize("name", ["turns", "least"])
def test_every_flip_flop_is_a_register(name: str) -> None:
    check_registers(hardware_of(name))


@each
def test_fields_are_those_of_the_model(name: str) -> None:
    check_fields(twin_of(name), hardware_of(name))


def items_of(batch: Batch) -> npt.NDArray[np.void]:
    """PIM instructions that hardware took over in a run, for the kernel."""
    at = np.flatnonzero(batch.stim[:, 13] & batch.resp[:, 1])
    given = np.zeros(len(at), ITEM)
    for i, field in enumerate(("op", "bank", "row", "count", "results", "last", "tag")):
        given[field] = batch.stim[at, 6 + i]
    given["arrival"] = at + 1
    return given


def replayed(twin: JointTwin, part: Batch, *, every: bool) -> npt.NDArray[np.int64]:
    """As ``commands_of``, of the kernel as users run it."""
    own = new_channel(twin.pim, every=every)
    own.state.queues.arbiter["free_shared"] = NONE
    logs: list[npt.NDArray[np.void]] = []
    # A reset may have cut a tile off, which this ends.
    end = np.zeros(1, ITEM)
    end["op"], end["last"], end["arrival"] = READRES, 1, len(part.rst) + 1
    items = np.concatenate([items_of(part), end])
    requests = requests_of(part, twin.pim.device(), 0)
    with contextlib.suppress(SimulationError):
        # Without refreshes nothing frees the row that is kept for the next tile.
        own.run(items, requests, until=len(part.rst), log=logs.append)
    return logged(np.concatenate(logs), twin.layout.timers.codes, len(part.rst), 0)


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("name", ["bound", "least"])
def test_commands_are_those_of_the_kernel_as_it_skips(name: str, every: bool) -> None:
    twin = twin_of(name)
    total = 0
    for part in runs(twin.traffic(5).next(40_000)):
        expected, got = commands_of(part, 2), replayed(twin, part, every=every)
        np.testing.assert_array_equal(expected[: len(got)], got)
        assert len(got) > 0.8 * len(expected)
        total += len(got)
    assert total > 1000


FAULTS: dict[str, dict[str, Any]] = {
    "fairness_cycles": {"fairness_cycles": 31},
    "slack_checked": {"slack_checked": False},
    "tile_ends_first": {"tile_ends_first": False},
    "row_reserved": {"row_reserved": "next_tile"},
    "priority": {"priority": "memory_first"},
}
TIMINGS = ("nFAW", "nRTP", "nCOMP", "nFILL", "nRCDWR", "nRTRS", "nREFI")
JUDGED = CHANNELS["bound"]


def found(other: SizedPim) -> bool:
    """Whether the kernel of another channel differs from the hardware of ``JUDGED``."""
    return cosim(JointTwin(other), 1, 30_000, wrapper=hardware_of("bound")).mismatch is not None


@pytest.mark.parametrize("field", FAULTS)
def test_another_policy_is_found(field: str) -> None:
    own = JUDGED
    controller = own.controller.model_copy(update=FAULTS[field])
    assert found(SizedPim.model_validate({**dict(own), "controller": controller}))


@pytest.mark.parametrize("timing", TIMINGS)
def test_a_timing_that_is_one_off_is_found(timing: str) -> None:
    own = JUDGED
    cycles = own.device().timings[timing] + (2 if timing == "nREFI" else 1)
    moved = {**own.timings, timing: cycles}
    assert found(SizedPim.model_validate({**dict(own), "timings": moved}))


def keeps_pim_row(rows: Callable[[JointBank, Module], None]) -> Callable[[JointBank, Module], None]:
    """A row of PIM is not closed."""

    def faulty(self: JointBank, m: Module) -> None:
        rows(self, m)
        with m.If(self.command[self.parameters.pimpre] & self.shared[self.parameters.bank_level]):
            m.d.sync += self.pim_open.eq(1)

    return faulty


def opens_held_row(
    choose: Callable[[JointBank, Module], Any],
) -> Callable[[JointBank, Module], Any]:
    """Memory opens a row that PIM has open."""

    def faulty(self: JointBank, m: Module) -> Any:
        place = choose(self, m)
        p = self.parameters
        held = self.pim_open & (self.picked.row == self.pim_row) & (place != 0)
        with m.If(~self.is_open & held & self.may_open & self.may_give(p.activate)):
            m.d.comb += self.wants.eq(1 << p.activate)
        return place

    return faulty


PLANTED = {
    "a PIM row that is not closed": ("_rows", keeps_pim_row),
    "a row opened for memory that PIM holds": ("_choose", opens_held_row),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_of_the_hardware_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, plant = PLANTED[fault]
    monkeypatch.setattr(JointBank, method, plant(getattr(JointBank, method)))
    assert cosim(JointTwin(JUDGED), seed=1, cycles=30_000).mismatch is not None


def test_traffic_does_not_depend_on_how_it_is_cut() -> None:
    check_cuts(twin_of("bound"), (1, 1023, 1024, 2, 3950))


def test_a_channel_that_is_too_large_says_what_to_set() -> None:
    settings: list[str] = []
    for _ in range(6):
        try:
            twin = joint_twin(load_joint_pim("neupims", settings))
        except InputError as error:
            suggestion = re.search(r"controller\.\w+=\d+", str(error))
            assert suggestion is not None
            settings.append(suggestion[0])
    assert twin.parameters.banks == 32


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["timings={nGW: 0}"], "timings.nGW: hardware needs 1 at least, not 0"),
        (["timings={nREFI: 300}"], "more than 259 cycles from one rank's refresh to the next"),
    ],
)
def test_what_is_not_built_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        joint_twin(load_joint_pim("neupims", [*SMALL, *settings]))


def test_campaigns_build_every_policy() -> None:
    builds = joint_builds(24, 2026)
    for name, values in OPTIONS.items():
        if name in builds[0].parameters["joint"]:
            assert {build.parameters["joint"][name] for build in builds} >= {*values}
    assert {build.group for build in builds} == {
        "dual concurrent", "dual blocked", "single blocked"
    }  # fmt: skip
