"""State of the channels of an HBM-PIM.

Kernels freeze the constants here; naming sim.jit makes them compile anew when this file changes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.dram.tables import NEVER
from sim.pim.hbm.tables import QUEUE_MAX, RANKS_MAX, Tables
from traces.pim.hbm_dtype import WORDS, new_units

CLOSED = -1
"""In place of a bank's open row."""
NONE = -1
"""In place of a bank, row, column or instruction."""

CHANNEL = np.dtype(
    [
        ("now", np.int64),  # next cycle to be looked at
        ("due", np.int64),  # before which nothing happens
        ("line", np.int64),  # of the program, from which the next transaction comes
        ("taken", np.int64),  # transactions of that line
        ("since_fence", np.int64),  # transactions taken
        ("arrived_until", np.int64),  # cycle up to which transactions were taken
        ("head", np.int64),  # of the ring
        ("queued", np.int64),
        ("done_at", np.int64),  # cycles until all reads and writes given so far are done
        ("last_closed", np.int64),  # bank that closed last for want of use
        ("next_refresh", np.int64, RANKS_MAX),
        ("refreshes_due", np.int64, RANKS_MAX),
        ("refresh_since", np.int64),
        ("still_refreshes", np.int64),  # since a row was opened, or a column read or written
        ("refresh_cycles", np.int64),  # from when refreshes were due until they were given
        ("open_banks", np.int64),
        ("open_since", np.int64),
        ("active_cycles", np.int64),  # with a row open
        ("mode_since", np.int64),
        ("mode_cycles", np.int64, 3),  # in each mode
        ("hits", np.int64),  # reads and writes that found their row open when they came first
        ("triggered", np.int64),  # instructions
        ("jumps", np.int64),
        ("fault", np.int64),  # what is wrong with its program of instructions
        ("fault_line", np.int64),  # of the trace
    ]
)

ENTRY = np.dtype(
    [
        ("write", np.int64),
        ("bank", np.int64),
        ("row", np.int64),
        ("column", np.int64),
        ("barrier", np.int64),
        ("opened", np.int64),  # its row was opened for it
        ("line", np.int64),  # of the trace
        ("tag", np.int64),
        ("words", np.int64, WORDS),
    ]
)

LOG = np.dtype(
    [
        ("cycle", np.int64),
        ("command", np.int64),
        ("bank", np.int64),  # flat; NONE: none
        ("row", np.int64),
        ("column", np.int64),
        ("channel", np.int64),
        ("rank", np.int64),
        ("pc", np.int64),  # of the instruction that it triggers; NONE
        ("word", np.int64),  # that instruction
        ("mode", np.int64),  # in which it was given
        ("barrier", np.int64),  # of the transaction, as the next two
        ("tag", np.int64),  # NONE: none
        ("line", np.int64),  # of the trace; NONE
    ]
)


@dataclass
class State:
    """All channels; the first index of each array is the channel."""

    channels: npt.NDArray[np.void]
    """of CHANNEL"""
    units: npt.NDArray[np.void]
    """of ``traces.pim.hbm_dtype.UNIT``"""
    entries: npt.NDArray[np.void]
    """[slot] of ENTRY"""
    order: npt.NDArray[np.int64]
    """[place], a ring of slots: first those in the queue by age, then the free ones"""
    rows: npt.NDArray[np.int64]
    """[bank], open row or CLOSED"""
    ready: npt.NDArray[np.int64]
    """as of ``sim.pim.tables``: [command * banks + bank], and of the whole channel behind"""
    history: npt.NDArray[np.int64]
    """[history, bank of the node, window]"""
    issued: npt.NDArray[np.int64]
    """[command], how often"""


def new_state(tables: Tables) -> State:
    """All channels at rest, all banks closed, mode SB."""
    config = tables.config[0]
    channels, banks = int(config["channels"]), int(config["banks"])
    commands = len(tables.names)
    state = np.zeros(channels, CHANNEL)
    state["now"] = state["due"] = 1
    interval, ranks = int(config["refresh_interval_cycles"]), int(config["ranks"])
    for rank in range(RANKS_MAX):
        due = NEVER if rank >= ranks or interval == NEVER else interval // ranks * (rank + 1) + 1
        state["next_refresh"][:, rank] = due
    order = np.zeros((channels, QUEUE_MAX), np.int64)
    order[:] = np.arange(QUEUE_MAX)
    return State(
        channels=state,
        units=new_units(channels),
        entries=np.zeros((channels, QUEUE_MAX), ENTRY),
        order=order,
        rows=np.full((channels, banks), CLOSED, np.int64),
        ready=np.zeros((channels, 2 * commands * banks), np.int64),
        history=np.full(
            (channels, tables.histories, banks, tables.history_depth), -NEVER, np.int64
        ),
        issued=np.zeros((channels, commands), np.int64),
    )
