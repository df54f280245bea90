"""What a memory's channel took over and gave in a run, for the kernel as users run it."""

import numpy as np
import numpy.typing as npt

from arch.dram.device import Device
from rtl.lockstep.twin import Batch
from sim.dram.state import REQUEST

FIELDS = ("bank", "row", "column", "write", "tag")
VALID, READY = 5, 0
"""Of a stimulus and a response."""


def requests_of(batch: Batch, device: Device, first_cycle: int) -> npt.NDArray[np.void]:
    """Requests that hardware took over; ``first_cycle``: the kernel's number of the first."""
    at = np.flatnonzero(batch.stim[:, VALID] & batch.resp[:, READY])
    given = np.zeros(len(at), REQUEST)
    for i, field in enumerate(FIELDS):
        given[field] = batch.stim[at, i]
    given["cycle"] = at + first_cycle
    row = given["bank"] * device.rows + given["row"]
    given["address"] = row * device.columns + given["column"]
    return given


def commands_of(batch: Batch, valid: int) -> npt.NDArray[np.int64]:
    """[command, (cycle, code, bank, row, column)]; ``valid``: where responses have the first."""
    at = np.flatnonzero(batch.resp[:, valid])
    return np.column_stack([at, batch.resp[at, valid + 1 : valid + 5]])


def logged(
    log: npt.NDArray[np.void], codes: npt.NDArray[np.int64], cycles: int, first_cycle: int
) -> npt.NDArray[np.int64]:
    """As ``commands_of``, of the first cycles in a log. ``codes`` [command of the kernel]"""
    at = log["cycle"] - first_cycle
    places = [np.maximum(0, log[field]) for field in ("bank", "row", "column")]
    return np.column_stack([at, codes[log["command"]], *places])[at < cycles]
