"""State of a PIM's channels and of what sends them instructions.

Kernels freeze the constants here; naming sim.jit makes them compile anew when this file changes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.dram.tables import NEVER
from sim.pim.tables import Tables

CLOSED = -1
"""In place of a bank's open row."""
NONE = -1
"""In place of a bank, row or column."""
READS, WRITES, ACTIVATED = range(3)
LISTS = 3
PENDING_READS = 1024
"""Room for reads of a channel on their way."""

PROGRAM = np.dtype(
    [
        ("kind", np.int64),  # of the next line
        ("command", np.int64),
        ("count", np.int64),  # commands, one a column
        ("column", np.int64),  # first
        ("channels", np.int64),  # a bit for each
        ("bank", np.int64),
        ("row", np.int64),
        ("waits", np.int64),  # the next instruction waits until it is done
        ("tracked", np.int64),  # others may wait until it is done
        ("after_begin", np.int64),  # range of what it waits for
        ("after_end", np.int64),
        ("vector_op", np.int64),
        ("elements", np.int64),
    ]
)
SKIP, PIM, FENCE, READ, WRITE, VECTOR = range(6)

PROGRESS = np.dtype(
    [
        ("left", np.int64),  # runs, reads and writes of all channels that are still to end
        ("start", np.int64),  # tick at which it is sent, or an operation begins
        ("done", np.int64),  # tick at which it is done, UNKNOWN before its last command is given
        ("latest", np.int64),  # tick at which one that has ended is done
    ]
)
UNKNOWN = -1

ENGINE = np.dtype(
    [
        ("now", np.int64),
        ("dispatch_at", np.int64),  # cycle at which instructions may be sent
        ("cursor", np.int64),  # instruction of the chunk that is sent or to be sent
        ("waits_for", np.int64),  # answers before the next one may be sent
        ("held_channels", np.int64),  # with commands that have no room yet
        ("dispatched", np.int64),  # instructions
        ("logged", np.int64),
        ("classes", np.int64),  # of channels that are alike
        ("open", np.int64),  # tracked instructions that are sent and not known to be done
        ("blocked", np.int64),  # 1: what the next one waits for is not known to be done
        ("last_done", np.int64),  # tick at which all that is tracked so far is done
        ("vectors_left", np.int64),  # operations of the vector unit with no time yet
        ("vector_cursor", np.int64),  # of the next one, or before
        ("vector_free", np.int64),  # tick at which the one before is done
    ]
)

CHANNEL = np.dtype(
    [
        ("due", np.int64),  # cycle at which something may happen
        ("leader", np.int64),  # channel that is stepped for it
        ("members", np.int64),  # channels that it is stepped for; 0: it has a leader
        ("queued", np.int64),  # entries of the queue of PIM commands
        ("held", np.int64),  # entries that have no room in it
        ("held_requests", np.int64),  # reads or writes that have no room, or come after
        ("held_bank", np.int64),
        ("held_row", np.int64),
        ("held_column", np.int64),
        ("held_write", np.int64),
        ("held_instruction", np.int64),
        ("first_run", np.int64),  # ring
        ("runs", np.int64),
        ("noted", np.int64),  # the first command in the queue has been counted as hit or not
        ("counts", np.int64, LISTS),
        ("draining", np.int64),
        ("sequence", np.int64),  # reads and writes taken
        ("register_mode", np.int64),
        ("first_pending", np.int64),  # ring
        ("pending", np.int64),
        ("writes_until", np.int64),  # cycle in which the last of all but reads is done
        ("refreshes_due", np.int64),
        ("next_refresh", np.int64),
        ("open_banks", np.int64),
        ("whole_row", np.int64),  # that is open in all banks; NONE
        ("open_since", np.int64),
        ("active_cycles", np.int64),  # with a bank open
        ("hits", np.int64),  # column commands to an open row
        ("misses", np.int64),  # to closed banks
        ("conflicts", np.int64),  # to banks with another row open
        ("forwarded", np.int64),  # reads served by a waiting write
        ("refresh_cycles", np.int64),  # from when a refresh is due until it is given
        ("refresh_since", np.int64),
    ]
)

RUN = np.dtype(
    [
        ("command", np.int64),  # NONE: fence
        ("bank", np.int64),
        ("row", np.int64),
        ("column", np.int64),  # of the next
        ("left", np.int64),
        ("waits", np.int64),
        ("instruction", np.int64),  # that it is of, NONE if that is not tracked
    ]
)

ENTRY = np.dtype(
    [
        ("bank", np.int64),
        ("row", np.int64),
        ("column", np.int64),
        ("instruction", np.int64),
        ("write", np.int64),
        ("sequence", np.int64),
        ("noted", np.int64),
    ]
)

PENDING = np.dtype(
    [
        ("done", np.int64),
        ("waits", np.int64),
        ("fence", np.int64),
        ("instruction", np.int64),  # that is done when it is handed back, or NONE
    ]
)

LOG = np.dtype(
    [
        ("cycle", np.int64),
        ("command", np.int64),
        ("bank", np.int64),  # flat; NONE: of no single bank
        ("row", np.int64),
        ("column", np.int64),
        ("channel", np.int64),
    ]
)


@dataclass
class State:
    """All channels; the first index of each array but the first is the channel."""

    engine: npt.NDArray[np.void]
    """[1] of ENGINE"""
    channels: npt.NDArray[np.void]
    """of CHANNEL"""
    runs: npt.NDArray[np.void]
    """[run] of RUN, a ring: PIM commands that wait"""
    entries: npt.NDArray[np.void]
    """[list, entry] of ENTRY, in order of arrival"""
    pending: npt.NDArray[np.void]
    """[read] of PENDING, a ring"""
    rows: npt.NDArray[np.int64]
    """[bank], open row or CLOSED"""
    ready: npt.NDArray[np.int64]
    """[command * banks + bank], cycle from which on it may issue; after the last command those of
    the whole channel, [(commands + command) * banks]"""
    history: npt.NDArray[np.int64]
    """[history, bank of the node, window], as of ``sim.dram.state``"""
    issued: npt.NDArray[np.int64]
    """[command], how often"""


def new_state(tables: Tables) -> State:
    """All channels at rest, all banks closed."""
    config = tables.config[0]
    channels, banks = int(config["channels"]), int(config["banks"])
    commands = len(tables.names)
    engine = np.zeros(1, ENGINE)
    engine["now"] = engine["dispatch_at"] = 1
    state = np.zeros(channels, CHANNEL)
    state["due"] = state["next_refresh"] = config["refresh_interval_cycles"]
    state["whole_row"] = NONE
    state["leader"] = np.arange(channels)
    state["members"] = 1
    engine["classes"] = channels
    room = max(*map(int, config["entries"]), banks)
    return State(
        engine=engine,
        channels=state,
        runs=np.zeros((channels, int(config["pim_entries"]) + 2), RUN),
        entries=np.zeros((channels, LISTS, room), ENTRY),
        pending=np.zeros((channels, PENDING_READS), PENDING),
        rows=np.full((channels, banks), CLOSED, np.int64),
        ready=np.zeros((channels, 2 * commands * banks), np.int64),
        history=np.full(
            (channels, tables.histories, banks, tables.history_depth), -NEVER, np.int64
        ),
        issued=np.zeros((channels, commands), np.int64),
    )
