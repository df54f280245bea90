"""Every command of Ramulator 2.1, in kind, address and cycle."""

import dram_golden
import numpy as np
import pandas as pd
import pytest
from dram_golden import ADDRESS

from arch.dram.controller import Controller
from arch.dram.device import Device
from sim.dram.replays import new_replay

pytestmark = pytest.mark.compiled

RUNS = dram_golden.runs("ramulator2")


def named(log: np.ndarray, of: Device) -> pd.DataFrame:  # type: ignore[type-arg]
    """A log with names and addresses as the peer writes them."""
    names = np.array(list(of.commands))
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


def test_the_logs_are_there() -> None:
    configs = {config for config, _, _ in RUNS}
    assert configs == set(dram_golden.PRESETS)
    assert len(RUNS) == 92


@pytest.mark.validates(
    "dram.scheduler=frfcfs",
    "dram.row_policy=open",
    "dram.hazards=unordered",
    "dram.refresh=none",
    "dram.refresh=all_bank",
    *(f"dram.standard={name}" for name in ("ddr4", "ddr5", "gddr6", "hbm2", "hbm3", "lpddr5")),
    by="Ramulator 2.1",
)
@pytest.mark.parametrize(("config", "trace", "refresh"), RUNS)
def test_every_command_is_the_same(config: str, trace: str, refresh: bool) -> None:
    device = dram_golden.device(config)
    replay = new_replay(
        device, Controller(refresh="all_bank" if refresh else "none", hazards="unordered")
    )
    ours = named(replay.log(dram_golden.requests(trace, device)), device)
    theirs = dram_golden.log("ramulator2", config, trace, refresh).reset_index(drop=True)
    theirs["command"] = theirs.command.astype(str)
    # It runs on until the last data have come.
    after = theirs.iloc[len(ours) :]
    assert set(after.command) <= {"PREab", "REFab"}
    theirs = theirs.iloc[: len(ours)]
    assert len(theirs) == len(ours)
    given = theirs[ADDRESS] >= 0
    same = (ours[ADDRESS] == theirs[ADDRESS]) | ~given
    differing = (ours.cycle != theirs.cycle) | (ours.command != theirs.command) | ~same.all(axis=1)
    first = differing.idxmax() if differing.any() else 0
    assert not differing.any(), f"{first}: {ours.iloc[first]} but {theirs.iloc[first]}"
