"""Where scheduling leaves no choice: every policy and both peers give the same commands."""

import dram_golden
import pandas as pd
import pytest

from arch.dram.controller import Controller
from sim.dram.replays import new_replay

pytestmark = pytest.mark.compiled

CONFIGS = {
    "ddr4_2400R": "ddr4_2400_matched",
    "gddr6_14000_1250mV": "gddr6_matched",
}
"""DRAMsim3's configuration, by Ramulator's."""
POLICIES = {
    "default": Controller(refresh="none"),
    "ramulator2": Controller(refresh="none", hazards="unordered", cap_cycles=None),
    "bank_queues": Controller(refresh="none", scheduler="bank_queues"),
    "dramsim3": Controller(
        refresh="none", scheduler="bank_queues", hazards="unordered", cap_cycles=None
    ),
}
OFFSETS = {
    ("default", "ramulator2"): 0,
    ("ramulator2", "ramulator2"): 0,
    ("bank_queues", "ramulator2"): 1,
    ("dramsim3", "ramulator2"): 1,
    ("default", "dramsim3"): -1,
    ("ramulator2", "dramsim3"): -1,
    ("bank_queues", "dramsim3"): 0,
    ("dramsim3", "dramsim3"): 0,
}
"""Cycles that ours are later, by policy and peer: a transaction takes one to reach its queue."""
KINDS = {"PREpb": "PRE", "PRE": "PRE", "ACT": "ACT", "RD": "RD"}


def ours_of(config: str, trace: str, policy: str) -> pd.DataFrame:
    device = dram_golden.device(config)
    log = new_replay(device, POLICIES[policy]).log(dram_golden.requests(trace, device))
    names = list(device.commands)
    banks = device.sizes[-1]
    return pd.DataFrame(
        {
            "cycle": log["cycle"],
            "command": [KINDS[names[command]] for command in log["command"]],
            "bank_group": log["bank"] // banks,
            "bank": log["bank"] % banks,
            "row": log["row"],
            "column": log["column"],
        }
    )


def theirs_of(peer: str, config: str, trace: str) -> pd.DataFrame:
    name = config if peer == "ramulator2" else CONFIGS[config]
    log = dram_golden.log(peer, name, trace, False).reset_index(drop=True)
    log["command"] = [KINDS[str(command)] for command in log.command]
    return log


@pytest.mark.parametrize(("policy", "peer"), OFFSETS)
@pytest.mark.parametrize("trace", ["pingpong_paced", "pingpong_sat"])
@pytest.mark.parametrize("config", CONFIGS)
def test_every_command_is_that_of_both_peers(
    config: str, trace: str, policy: str, peer: str
) -> None:
    ours, theirs = ours_of(config, trace, policy), theirs_of(peer, config, trace)
    assert len(ours) == len(theirs) == {"pingpong_paced": 1535, "pingpong_sat": 6143}[trace]
    assert (ours.cycle - theirs.cycle == OFFSETS[policy, peer]).all()
    assert (ours.command == theirs.command).all()
    for name in dram_golden.ADDRESS:
        given = theirs[name] >= 0
        assert (ours[name] == theirs[name])[given].all(), name
    # A row where it is opened, a column where it is read.
    assert (theirs.row >= 0)[theirs.command == "ACT"].all()
    assert (theirs.column >= 0)[theirs.command == "RD"].all()
    assert (theirs[["bank_group", "bank"]] >= 0).all(axis=None)
