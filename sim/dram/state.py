"""The state of a channel: queues, banks, ready times."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.dram.tables import NEVER, Tables

# As literals, each value would have kernels compiled for it alone.
READS, WRITES, ACTIVATED, ACTIVATING = (np.int64(number) for number in range(4))
NOWHERE, FIRST, ONE = (np.int64(number) for number in (-1, 0, 1))
LISTS = 4
HAZARD = LISTS + 1
"""A request is refused for another to its address."""
ENTRIES_MAX = 1 << 16
"""Of a list, which has room for a bank each."""
COLUMNS, ROWS, ORDER, BANKS = range(4)
KEYS = 4
"""What is looked at of all entries at a time, each in a row of its own: for each command bus (where
there is one it is the first) the place of the next command's ready time, then order and bank."""
CLOSED, OPENING = -1, -2
"""In place of a bank's open row."""
LATENCY_BINS = 64 * 16
"""Of the histogram: 16 for each power of two."""

ENTRY = np.dtype(
    [
        ("bank", np.int64),  # flat, in hierarchy order
        ("row", np.int64),
        ("column", np.int64),
        ("address", np.int64),
        ("sequence", np.int64),  # order of arrival
        ("tag", np.int64),  # of its sender
        ("arrival", np.int64),  # cycle
        ("write", np.int64),
        ("noted", np.int64),  # hit, miss or conflict is counted
    ]
)

BANK = np.dtype(
    [
        ("row", np.int64),  # that is open
        ("owners", np.int64),  # requests that have activated it and wait
        ("close_at", np.int64),  # cycle from which on an idle row is to close
        ("refreshed_at", np.int64),  # cycle from which on it may be activated after a refresh
    ]
)

PICK = np.dtype(
    [
        ("entry", np.int64),  # -1: none
        ("when", np.int64),  # cycle at which its command may issue
        ("until", np.int64),  # the pick is to be made anew then
        ("stale", np.int64),  # to be made anew
    ]
)

CHANNEL = np.dtype(
    [
        ("now", np.int64),  # next cycle
        ("cursor", np.int64),  # next request of the chunk
        ("taken", np.int64),  # requests taken, of all chunks
        (
            "refused",
            np.int64,
        ),  # why the next request has been: 1 + the list that is full, HAZARD, or 0
        ("counts", np.int64, LISTS),  # entries of each list
        ("oldest", np.int64, 2),  # of reads, writes: no entry has arrived before
        ("draining", np.int64),  # writes go first
        ("pending", np.int64),  # nodes to refresh, the first of the ring first
        ("pending_at", np.int64),
        ("next_refresh", np.int64),
        ("refresh_bank", np.int64),  # next in turn
        ("sync_command", np.int64),  # column command that follows the sync before; -1: none
        ("sync_list", np.int64),
        ("sync_entry", np.int64),
        ("sync_until", np.int64),  # data clock runs until here
        ("deadline", np.int64),  # of the second activate under way
        ("edge_command", np.int64),  # row command on the last rising edge (half clocks)
        ("edge_node", np.int64),  # first bank that it addresses
        ("edge_at", np.int64),  # falling edge whose precharge it restricts
        ("logged", np.int64),  # commands in the log
        ("finished", np.int64),  # requests that have ended in this cycle
        ("data_until", np.int64),  # column commands keep the data pins busy for so long
        ("last_command", np.int64),  # cycle
        ("last_action", np.int64),  # of that command
        ("last_done", np.int64),  # cycle of the last data
        ("hits", np.int64, 2),  # reads, writes
        ("misses", np.int64, 2),
        ("conflicts", np.int64, 2),
        ("forwarded", np.int64),  # reads served by a waiting write
        ("coalesced", np.int64),  # writes that replace a waiting one
        ("served", np.int64, 2),
        ("latency_sum", np.int64),  # of reads, arrival to data
    ]
)

REQUEST = np.dtype(
    [
        ("cycle", np.int64),  # offered from then on
        ("bank", np.int64),
        ("row", np.int64),
        ("column", np.int64),
        ("address", np.int64),
        ("write", np.int64),
        ("tag", np.int64),  # of its sender
    ]
)

FINISHED = np.dtype(
    [
        ("sequence", np.int64),  # order of arrival
        ("tag", np.int64),
        ("cycle", np.int64),  # of the data (reads) or of the command (writes)
    ]
)
FINISHED_A_CYCLE = 3
"""One taken that a waiting write serves, and one column command a bus."""

LOG = np.dtype(
    [
        ("cycle", np.int64),
        ("command", np.int64),
        ("bank", np.int64),  # the first that it addresses
        ("row", np.int64),
        ("column", np.int64),
    ]
)


@dataclass
class State:
    """Of one channel."""

    channel: npt.NDArray[np.void]
    """[1] of CHANNEL"""
    picks: npt.NDArray[np.void]
    """[of activated or waiting requests, slot] of PICK"""
    entries: npt.NDArray[np.void]
    """[list, entry] of ENTRY"""
    keys: npt.NDArray[np.int64]
    """[key, list, entry], as ``KEYS``"""
    banks: npt.NDArray[np.void]
    """[bank] of BANK"""
    ready: npt.NDArray[np.int64]
    """[command * banks + bank], cycle from which on it may issue; the last is never"""
    history: npt.NDArray[np.int64]
    """[history, bank of the node, window], cycles of the last commands, newest first"""
    issued: npt.NDArray[np.int64]
    """[command], how often"""
    latencies: npt.NDArray[np.int64]
    """[bin], reads"""
    pending: npt.NDArray[np.int64]
    """Ring of nodes to refresh"""
    finished: npt.NDArray[np.void]
    """[request] of FINISHED, those of one cycle"""


def new_state(tables: Tables) -> State:
    """A channel at rest, all banks closed."""
    config = tables.config[0]
    banks, commands = int(config["banks"]), int(config["commands"])
    most = max(int(config["read_entries"]), int(config["write_entries"]), banks)
    channel = np.zeros(1, CHANNEL)
    channel["now"] = 1
    channel["sync_command"] = channel["last_command"] = -1
    channel["edge_at"] = -1
    channel["next_refresh"] = config["refresh_interval_cycles"]
    picks = np.zeros((2, 2), PICK)
    picks["stale"] = 1
    bank_states = np.zeros(banks, BANK)
    bank_states["row"] = CLOSED
    bank_states["close_at"] = NEVER
    ready = np.zeros(commands * banks + 1, np.int64)
    ready[-1] = NEVER
    return State(
        channel=channel,
        picks=picks,
        entries=np.zeros((LISTS, most), ENTRY),
        keys=np.zeros((KEYS, LISTS, most), np.int64),
        banks=bank_states,
        ready=ready,
        history=np.full((int(config["histories"]), banks, tables.history_depth), -NEVER, np.int64),
        issued=np.zeros(commands, np.int64),
        latencies=np.zeros(LATENCY_BINS, np.int64),
        pending=np.zeros(2 * banks + int(config["refresh_slack"]), np.int64),
        finished=np.zeros(FINISHED_A_CYCLE, FINISHED),
    )
