"""Every command of DRAMsim3, in kind, address and cycle."""

from pathlib import Path

import dram_golden
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from dram_golden import ADDRESS
from dramsim3_devices import CONFIGS, device

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.errors import SimulationError
from sim.dram.bank_queues_replay import QueuesReplay
from sim.dram.replay import DONE
from sim.dram.replays import new_replay
from sim.dram.state import LOG

pytestmark = pytest.mark.compiled

RUNS = [(config, trace) for config, trace, _ in dram_golden.runs("dramsim3")]
HAZARDS = ("mix21_hazard",)
"""Traces in which a write meets a read of its address."""
THEIRS = Controller(scheduler="bank_queues", hazards="unordered", cap_cycles=None, refresh="none")
DEFAULT = Controller(scheduler="bank_queues", refresh="none")
SHARED = Path(__file__).parents[3] / "shared" / "reference" / "dram" / "dramsim3"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the peer's logs of ../shared")
NAMES = {"PREpb": "PRE"}
"""DRAMsim3's, where they differ."""


def run(
    of: Device, controller: Controller, trace: str
) -> tuple[pd.DataFrame, npt.NDArray[np.int64], QueuesReplay]:
    """Commands as the peer writes them, when each request ended, and the channel."""
    requests = dram_golden.requests(trace, of)
    replay = new_replay(of, controller)
    assert isinstance(replay, QueuesReplay)
    done, room = np.full(len(requests), -1, np.int64), np.zeros(40_000, LOG)
    assert replay.run(requests, done=done, log=room) == DONE
    return named(room[: int(replay.state.channel["logged"][0])], of), done, replay


def named(log: npt.NDArray[np.void], of: Device) -> pd.DataFrame:
    names = np.array([NAMES.get(name, name) for name in of.commands])
    bank_groups, banks = of.sizes[-2:]
    return pd.DataFrame(
        {
            "cycle": log["cycle"],
            "command": names[log["command"]],
            "bank_group": log["bank"] // banks % bank_groups,
            "bank": log["bank"] % banks,
            "row": log["row"],
            "column": log["column"],
        }
    )


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Equal in all that the peer gives."""
    assert len(ours) == len(theirs)
    given = theirs[ADDRESS] >= 0
    same = ((ours[ADDRESS] == theirs[ADDRESS]) | ~given).all(axis=1)
    same &= (ours.cycle == theirs.cycle) & (ours.command == theirs.command.astype(str))
    first = int(np.argmin(same))
    assert same.all(), f"{first}: {ours.iloc[first]} but {theirs.iloc[first]}"


def theirs_of(config: str, trace: str) -> pd.DataFrame:
    return dram_golden.log("dramsim3", config, trace, False).reset_index(drop=True)


def test_the_logs_are_there() -> None:
    assert {config for config, _ in RUNS} == set(CONFIGS)
    assert len(RUNS) == 38
    assert not any(refresh for _, _, refresh in dram_golden.runs("dramsim3"))


@pytest.mark.validates(
    "dram.scheduler=bank_queues", "dram.hazards=unordered", "dram.refresh=none", by="DRAMsim3"
)
@pytest.mark.parametrize(("config", "trace"), RUNS)
def test_every_command_is_the_same(config: str, trace: str) -> None:
    ours, _, replay = run(device(config), THEIRS, trace)
    assert_same(ours, theirs_of(config, trace))
    # No more than these stay, as in the peer, which waits 3000 cycles for them.
    assert replay.state.channel[0]["counts"].sum() <= 8


@pytest.mark.parametrize(("config", "trace"), [each for each in RUNS if each[1] not in HAZARDS])
def test_the_default_is_the_same_but_for_hazards_and_writes_left(config: str, trace: str) -> None:
    ours, _, replay = run(device(config), DEFAULT, trace)
    theirs = theirs_of(config, trace)
    assert_same(ours.iloc[: len(theirs)], theirs)
    assert replay.state.channel[0]["counts"].sum() == 0
    left = ours.iloc[len(theirs) :]
    assert set(left.command) <= {"PRE", "ACT", "WR"}
    assert (left.command == "WR").sum() <= 8


@needs_shared
@pytest.mark.parametrize(("config", "trace"), RUNS)
def test_every_request_ends_when_the_peer_says(config: str, trace: str) -> None:
    _, done, replay = run(device(config), THEIRS, trace)
    (path,) = SHARED.glob(f"{config}_noref/{trace}.req.csv*")
    theirs = pd.read_csv(path)
    assert done.tolist() == theirs.done.tolist()
    reads = dram_golden.requests(trace, device(config))["write"] == 0
    channel = replay.state.channel[0]
    assert channel["latency_sum"] == (theirs.done - theirs.accept)[reads].sum()


@needs_shared
@pytest.mark.parametrize("trace", ["mix21", "paced_rand", "seq_read"])
@pytest.mark.parametrize("config", CONFIGS)
def test_every_command_is_the_same_with_refresh(config: str, trace: str) -> None:
    ours, done, _ = run(device(config), THEIRS.model_copy(update={"refresh": "all_bank"}), trace)
    (path,) = SHARED.glob(f"{config}/{trace}.cmd.csv*")
    names = {"cmd": "command", "bg": "bank_group", "col": "column"}
    theirs = pd.read_csv(path).rename(columns=names).fillna(-1)
    assert (theirs.command == "REFab").sum() > 1
    # It runs on for 3000 cycles.
    assert set(theirs.command.iloc[len(ours) :]) <= {"PRE", "REFab"}
    assert_same(ours, theirs.iloc[: len(ours)])
    (path,) = SHARED.glob(f"{config}/{trace}.req.csv*")
    assert done.tolist() == pd.read_csv(path).done.tolist()


def test_its_own_rules_stop_for_ever_on_the_input_that_stops_it() -> None:
    of = device("ddr4_2400_matched")
    requests = dram_golden.requests("deadlock", of)
    replay = new_replay(of, THEIRS)
    done = np.full(len(requests), -1, np.int64)
    with pytest.raises(SimulationError, match="a write waits for a read of its address"):
        replay.run(requests, done=done)
    assert (done >= 0).sum() == 2172
    assert replay.state.channel[0]["counts"][:2].tolist() == [32, 32]
    # Refreshes do not hide that.
    with pytest.raises(SimulationError, match="no request can go on"):
        new_replay(of, THEIRS.model_copy(update={"refresh": "all_bank"})).run(requests)


@pytest.mark.parametrize("refresh", ["none", "all_bank"])
@pytest.mark.parametrize(
    ("hazards", "cap_cycles"), [("ordered", 10_000), ("ordered", 300), ("unordered", 10_000)]
)
def test_ordered_hazards_or_a_cap_end_it(hazards: str, cap_cycles: int, refresh: str) -> None:
    of = device("ddr4_2400_matched")
    requests = dram_golden.requests("deadlock", of)
    changes = {"hazards": hazards, "cap_cycles": cap_cycles, "refresh": refresh}
    controller = DEFAULT.model_copy(update=changes)
    replay = new_replay(of, controller)
    done = np.full(len(requests), -1, np.int64)
    assert replay.run(requests, done=done) == DONE
    assert (done > requests["cycle"]).all()
    assert replay.state.channel[0]["counts"].sum() == 0
