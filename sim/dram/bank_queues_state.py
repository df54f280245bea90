"""The state of a controller with a command queue for each bank, behind queues of transactions."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.errors import InputError
from sim.dram.state import FINISHED, FINISHED_A_CYCLE, State, new_state
from sim.dram.tables import NEVER, Tables

NONE = -1
IDLE_DRAIN = 8
"""More writes than these are drained when no command waits."""
HITS = 4
"""Column commands to an open row after which a request to another row may close it."""
SHARING = 512
"""Reads that wait at a time for the data of another read, beside the entries of the queue."""
BANKS_MAX = 2**16
"""What the bank of a transaction can hold."""
MARKS = 4096
"""So that columns of a row lie side by side, and are seldom mistaken for those of another."""

LIMITS = np.dtype(
    [
        ("bank_entries", np.int64),  # of each command queue
        ("refresh_gap", np.int64),  # cycles from one node's refresh to the next node's; NEVER
    ]
)

TRANSACTION = np.dtype(
    [
        ("address", np.int64),
        ("sequence", np.int64),  # order of arrival
        ("tag", np.int64),  # of its sender
        ("arrival", np.int64),  # cycle
        ("row", np.int32),
        ("column", np.int32),
        ("next", np.int32),  # first of the reads that share its data, or in the free list; or NONE
        ("bank", np.uint16),  # flat, in hierarchy order
        ("write", np.uint8),
        ("noted", np.uint8),  # hit, miss or conflict is counted
    ]
)
"""Short, as a channel has thousands, and there may be many channels."""

SHARED = np.dtype(
    [
        ("sequence", np.int64),
        ("tag", np.int64),
        ("arrival", np.int64),
        ("next", np.int64),  # that shares the same data, or in the free list
    ]
)

QUEUE = np.dtype(
    [
        ("first", np.int32),  # where in the ring of its places the first is
        ("count", np.int32),
        ("writes", np.int32),  # of them
        ("hits", np.int32),  # column commands since the row was opened
        ("read", np.int32),  # first that hits the open row, or NONE
        ("write", np.int32),
        ("may_close", np.int32),  # the first wants another row, and nothing keeps this one open
    ]
)

PLACE = np.dtype(
    [
        ("entry", np.int32),
        ("wants", np.int32),  # of the entry: twice its row, and 1 if it writes
    ]
)
"""What is looked at of all places, without a look at their entries."""

ARBITER = np.dtype(
    [
        ("turn", np.int64),  # bank of the last command
        ("queued", np.int64),  # commands in all queues
        ("writes", np.int64),  # of them
        ("oldest", np.int64),  # none in a queue has arrived before
        ("changed", np.int64),  # a transaction may have become able to move
        ("refreshing", np.int64),  # first bank of the node to refresh next
        ("free", np.int64),  # heads of lists, or NONE
        ("free_shared", np.int64),
        ("used", np.int64),  # entries; those behind have never been in any list
        ("shared", np.int64),  # reads that have shared the data of another
    ]
)


@dataclass
class QueuesState:
    """Of one channel; what is not here is in ``State``."""

    limits: npt.NDArray[np.void]
    """[1] of LIMITS"""
    arbiter: npt.NDArray[np.void]
    """[1] of ARBITER"""
    entries: npt.NDArray[np.void]
    """[entry] of TRANSACTION, waiting or free"""
    lists: npt.NDArray[np.int64]
    """[reads or writes, place] entries by arrival, not yet in a queue"""
    queue: npt.NDArray[np.void]
    """[bank] of QUEUE"""
    soon: npt.NDArray[np.int64]
    """[COLUMNS or ROWS, bank] cycle before which no such command of a queue may go, by ready times
    alone; NEVER where it wants none"""
    queues: npt.NDArray[np.void]
    """[bank, place] of PLACE: rings of a power of two"""
    shared: npt.NDArray[np.void]
    """[read] of SHARED, waiting or free"""
    marks: npt.NDArray[np.uint16]
    """[mark, reads or writes] entries whose place has this mark"""


def new_queues(device: Device, controller: Controller, tables: Tables) -> tuple[State, QueuesState]:
    """A channel at rest. Raises InputError for devices that this controller cannot drive."""
    config = tables.config[0]
    if "activate_1" in {command.action for command in device.commands.values()}:
        raise InputError(
            f"{device.name}: scheduler: bank_queues cannot open rows in two steps; must be frfcfs "
            "or fcfs"
        )
    banks = int(config["banks"])
    if banks > BANKS_MAX:
        raise InputError(
            f"{device.name}: scheduler: bank_queues drives {BANKS_MAX} banks a channel at most, "
            f"not {banks}"
        )
    state = new_state(tables)
    room = int(config["read_entries"]) + int(config["write_entries"])
    room += banks * controller.bank_entries
    limits = np.zeros(1, LIMITS)
    limits["bank_entries"] = controller.bank_entries
    limits["refresh_gap"] = config["refresh_interval_cycles"]
    if controller.refresh != "none":
        limits["refresh_gap"] = config["refresh_interval_cycles"] // (
            banks // int(config["refresh_span"])
        )
    state.channel["next_refresh"] = limits["refresh_gap"]
    # All reads that share data may end with the one that is given.
    state.finished = np.zeros(SHARING + FINISHED_A_CYCLE, FINISHED)
    arbiter = np.zeros(1, ARBITER)
    arbiter["changed"] = 1
    arbiter["free"] = NONE
    shared = np.zeros(SHARING, SHARED)
    shared["next"] = np.arange(1, SHARING + 1)
    shared["next"][-1] = NONE
    queue = np.zeros(banks, QUEUE)
    queue["read"] = queue["write"] = NONE
    most = max(int(config["read_entries"]), int(config["write_entries"]))
    return state, QueuesState(
        limits=limits,
        arbiter=arbiter,
        entries=np.zeros(room, TRANSACTION),
        lists=np.zeros((2, most), np.int64),
        queue=queue,
        soon=np.full((2, banks), NEVER),
        queues=np.zeros((banks, 1 << (controller.bank_entries - 1).bit_length()), PLACE),
        shared=shared,
        marks=np.zeros((MARKS, 2), np.uint16),
    )
