"""Runs of a PIM before the judge."""

import numpy as np
import numpy.typing as npt

from sim.dram_check.check import Report, inspect_log
from sim.dram_check.rules import CODES
from sim.dram_check.state import LOG
from sim.pim.run import PimRun

BANKS_A_GROUP = 4
BINS = {
    "aim": ("AIM", "aim"),
    "aim_as_simulated": ("AIM", "aim_in_force"),
    "pim_gpt": ("PIM-GPT", "pim_gpt"),
}
"""Standard and speed bin, by PIM."""
Records = npt.NDArray[np.void]


def as_log(done: PimRun, commands: Records) -> Records:
    """A log of ours as the judge reads it."""
    codes = [CODES.get("PRE" if name == "PREpb" else name, -1) for name in done.tables.names]
    log = np.zeros(len(commands), LOG)
    for name in ("cycle", "channel", "row"):
        log[name] = commands[name]
    log["kind"] = np.array(codes)[commands["command"]]
    single = commands["bank"] >= 0
    log["group"] = np.where(single, commands["bank"] // BANKS_A_GROUP, -1)
    log["bank"] = np.where(single, commands["bank"] % BANKS_A_GROUP, -1)
    return log


def judged(done: PimRun, commands: Records) -> Report:
    """What is wrong with a run."""
    standard, bin_name = BINS[done.pim.name]
    refreshed = done.pim.controller.refresh != "none"
    return inspect_log([as_log(done, commands)], standard, bin_name, refresh=refreshed)
