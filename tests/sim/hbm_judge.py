"""Runs of an HBM-PIM before the judge."""

import numpy as np
import numpy.typing as npt

from sim.dram_check.check import Report, inspect_log
from sim.dram_check.rules import CODES
from sim.dram_check.state import LOG
from sim.pim.hbm.run import HbmRun

Records = npt.NDArray[np.void]
BANKS_A_GROUP = 4


def as_log(done: HbmRun, log: Records) -> Records:
    """A log of ours as the judge reads it."""
    codes = [CODES.get("PRE" if name == "PREpb" else name, -1) for name in done.tables.names]
    kinds = np.array(codes)[log["command"]]
    kept = log[kinds >= 0]
    found = np.zeros(len(kept), LOG)
    for name in ("cycle", "channel", "rank", "row"):
        found[name] = kept[name]
    found["kind"] = kinds[kinds >= 0]
    single = kept["bank"] >= 0
    found["group"] = np.where(single, kept["bank"] // BANKS_A_GROUP, -1)
    found["bank"] = np.where(single, kept["bank"] % BANKS_A_GROUP, -1)
    return found


def judged(done: HbmRun, log: Records, *, refresh: bool | None = None) -> Report:
    """What is wrong with a run."""
    bin_name = "hbm_pim" if done.pim.variant == "jedec" else "hbm_pim_in_force"
    if refresh is None:
        refresh = done.pim.controller.refresh != "none"
    return inspect_log([as_log(done, log)], "HBM-PIM", bin_name, refresh=refresh)
