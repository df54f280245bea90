"""The state of a channel that holds memory and PIM commands together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.commands import PIM_OPS
from arch.dram.controller import Controller
from arch.pim.joint import JointChannels
from sim.dram.bank_queues_state import QueuesState, new_queues
from sim.dram.state import CLOSED, State
from sim.dram.tables import NEVER
from sim.pim.joint.tables import JointTables

OPS = PIM_OPS
GWRITE, HEADER, COMP, READRES, COMPS = range(len(OPS))
MEMORY, PIM = range(2)

ITEM = np.dtype(
    [
        ("arrival", np.int64),  # cycle from which on it may be taken
        ("stride", np.int64),  # COMP: cycles from one of its instructions to the next
        ("op", np.int64),  # OPS
        ("bank", np.int64),  # GWRITE
        ("row", np.int64),
        ("count", np.int64),  # COMP: instructions; COMPS: columns; HEADER: columns of the tile
        ("results", np.int64),  # HEADER: results of the tile
        ("last", np.int64),  # COMPS, READRES: ends the tile
        ("tag", np.int64),  # of its sender
    ]
)

JOINT_STATE = np.dtype(
    [
        ("tail", np.int64),  # items in the ring, of all that ever were
        ("taken", np.int64),  # first item not yet taken as a transaction,
        ("taken_part", np.int64),  # and of its instructions
        ("moved", np.int64),  # the same of the command queue
        ("moved_part", np.int64),
        ("head", np.int64),  # and of what has been given
        ("head_part", np.int64),
        ("transactions", np.int64),  # moved, of all that ever were
        ("waiting", np.int64),  # transactions
        ("queued", np.int64),  # in the command queue
        ("gwriting", np.int64),  # 1: a GWRITE is under way
        ("gwrite_bank", np.int64),
        ("gwrite_done", np.int64),  # cycle, NEVER until it is given
        ("slack", np.int64),  # cycles left before a refresh, as last reckoned
        ("skip", np.int64),  # 1: no unit ends before the next refresh
        ("tile", np.int64),  # 1: a header was given, its tile is not over
        ("begun", np.int64),  # 1: blocked: a tile's header is being seen to
        ("reserved", np.int64),  # row of the tile, CLOSED if none
        ("filling", np.int64),  # 1: a column was given since the last result
        ("columns_end", np.int64),  # of composites given: cycle of the last one's result,
        ("results_before", np.int64),  # and of the one before
        ("owner", np.int64),  # blocked: whose turn it is
        ("owner_since", np.int64),
        ("grant", np.int64),  # requests of this turn that are left; units of PIM
        ("gave_at", np.int64, 2),  # last command of memory, PIM; or since when there are any
        ("side", np.int64),  # that gave the last command
        ("busy_cycles", np.int64),  # with a PIM command queue that is not empty
        ("since", np.int64),  # cycle of the last step
        ("done_tag", np.int64),  # instruction done by the command of this cycle,
        ("done_at", np.int64),  # and when; -1: none
        ("last_done", np.int64),
        ("units", np.int64),  # counts: tiles and GWRITEs
        ("tiles", np.int64),
        ("columns", np.int64),
        ("results", np.int64),
        ("held", np.int64),  # units that waited for a refresh
        ("refreshes", np.int64),  # since any other command was given
        ("open_ranks", np.int64),  # a bit each: with a row open, of the memory or of PIM
        ("open", np.int64),  # how many
        ("open_since", np.int64),  # cycle up to which
        ("open_cycles", np.int64),  # counts them, a rank a cycle
    ]
)


@dataclass
class JointState:
    """Of one channel."""

    memory: State
    """As of ``sim.dram``; picks, keys and entries are not used."""
    queues: QueuesState
    joint: npt.NDArray[np.void]
    """[1] of JOINT_STATE"""
    pim_rows: npt.NDArray[np.int64]
    """[bank] row that is open in the row buffer of the PIM"""
    came: npt.NDArray[np.int64]
    """Ring: of PIM transactions that wait, how many requests had been taken before"""


def new_joint(pim: JointChannels, tables: JointTables) -> JointState:
    """A channel at rest, before cycle 0. Raises InputError."""
    own = pim.controller
    memory = Controller(
        scheduler="bank_queues",
        bank_entries=own.bank_entries,
        cap_cycles=None,
        refresh="none",
        read_entries=own.read_entries,
        write_entries=own.write_entries,
    )
    state, queues = new_queues(pim.device(), memory, tables.memory)
    state.channel["now"] = 0
    state.channel["next_refresh"] = tables.joint["refresh_gap"]
    joint = np.zeros(1, JOINT_STATE)
    joint["gwrite_done"] = NEVER
    joint["reserved"] = CLOSED
    joint["columns_end"] = joint["results_before"] = -NEVER
    joint["done_tag"] = joint["done_at"] = -1
    joint["side"] = MEMORY
    joint["owner"] = PIM
    banks = int(tables.memory.config["banks"][0])
    came = np.zeros(own.pim_transactions, np.int64)
    return JointState(state, queues, joint, np.full(banks, CLOSED, np.int64), came)
