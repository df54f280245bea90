"""The state of a mesh of wavelet routers and PEs.

Colours are those that a program uses, in the order of their numbers: ``k`` below. What a colour has
at a node is at ``k * nodes + node``. Masks have a bit for each colour, slot or task.

Nodes are numbered in tiles of 32, row by row in each, so that neighbours on all sides share lines
of the cache; tiles that reach over the edge of the mesh have nodes that never do anything.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.mesh.wavelet_tiles import Tiles

NEVER = 2**62
DONE, PAUSED, FAILED, MARKED, FULL, ROUND = range(6)
"""How the kernel has ended: nothing can move, the cycle asked for, an error, the mark asked for,
the log is full, wavelets go round."""
TWO_IN, TWO_OUT, NO_TIME = 1, 2, 3
"""Errors."""

NEXT, BEGIN, SLOTS, NO_TASK, HALTED, OVERHEAD, COMPUTE, FABRIC, DELAY = range(9)
"""What the main slot is about: its next command; a fabric command whose overhead is paid; waiting
for slots; nothing; nothing for ever; and operations or cycles of a command."""
TO_NEXT, TO_BEGIN, TO_TARGET, TO_COMPUTE = range(4)
"""What follows an overhead: a task's first command; the fabric command; a loop's next turn; what
is computed."""
AWAKE = 255

ACCOUNTS = (
    "compute", "fabric", "overhead", "wavelets", "room", "slots", "delay", "idle", "done",
)  # fmt: skip
(AT_COMPUTE, AT_FABRIC, AT_OVERHEAD, FOR_WAVELETS, FOR_ROOM, FOR_SLOTS, IN_DELAY, IDLE,
 FINISHED) = range(9)  # fmt: skip
"""What a cycle of a PE is charged to."""

END = 14
"""Operation behind the last command of a task."""
TASKS_MAX = 32
POSITIONS_MAX = 4
UNROUTED = 7
"""Port in of a colour without a route."""
CONTROL = 1 << 16
"""Bit of the tag of a control wavelet, above its controls; other wavelets have the tag 0."""
HEAD = 0x100
"""A wavelet in the upper half of a count of a ramp's queue: it can be used."""
BOTH = 0x101
SPAN_MAX = 1 << 16
"""Slots of the timer wheel at most."""

MESH = np.dtype(
    [
        ("nodes", np.int64),
        ("width", np.int64),
        ("height", np.int64),
        ("tiles", np.int64),  # in a row
        ("tile_bits", np.int64),  # log2 of the width of a tile
        ("colours", np.int64),  # that the program uses
        ("fixed", np.int64),  # mask of those that no router switches and each next one takes
        ("depth", np.int64),  # wavelets, of the queue of a colour
        ("pushed", np.int64),  # what a wavelet adds to a cell when it is sent
        ("hop", np.int64),  # cycles
        ("to_pe", np.int64),  # cycles from a router to the use in its PE
        ("to_router", np.int64),  # cycles from a PE's operation to its router
        ("down_depth", np.int64),
        ("up_depth", np.int64),
        ("together", np.int64),  # wavelets that an operation moves at most
        ("up_wakes", np.int64),  # wavelets in an up queue from which on room for more wakes its PE
        ("tops", np.int64),  # words of the upper bitmaps
        ("span", np.int64),  # slots of the timer wheel, a power of two
        ("task_cycles", np.int64),
        ("loop_cycles", np.int64),
        ("elements", np.int64),  # of a PE's memory
        ("values", np.int64),  # whether wavelets carry values
        ("controls", np.int64),  # whether the program has control wavelets
        ("logging", np.int64),
        ("log_room", np.int64),  # entries that a cycle may need
        ("logged", np.int64),  # entries of the log
        ("mark_pe", np.int64),  # pause behind a cycle in which it passes this mark, or NONE
        ("mark", np.int64),
        ("marked", np.int64),  # in this cycle
        ("longest", np.int64),  # cycles for which wavelets may move without a ramp or an operation
        ("lag", np.int64),  # blocks between deciding and moving
        ("down_lands", np.int64),  # slot of ``down_due`` that lands in this cycle
        ("down_landed", np.int64),  # entries of it that have
        ("down_slot", np.int64),  # slot that takes new ones
        ("up_lands", np.int64),
        ("up_landed", np.int64),
        ("up_slot", np.int64),
        ("hop_slot", np.int64),
        ("moves", np.int64),  # of this cycle
        ("changes", np.int64),  # of positions in this cycle
        ("timers", np.int64),
        ("last", np.int64),  # last cycle with an operation, or the end of a delay
        ("acted", np.int64),  # last cycle in which a main slot went on or a wavelet moved
        ("used", np.int64),  # last cycle with an operation or a wavelet on a ramp
        ("sent", np.int64),  # by PEs
        ("taken", np.int64),  # by PEs
        ("absorbed", np.int64),  # control wavelets that went no further
        ("router_steps", np.int64),
        ("moved", np.int64),  # wavelets that a router moved
        ("pe_steps", np.int64),
        ("error", np.int64),
        ("error_pe", np.int64),
        ("error_pc", np.int64),
        ("error_other", np.int64),  # command
    ]
)

COMMAND = np.dtype(
    [
        ("op", np.int32),
        ("slot", np.int32),
        ("took", np.int32),  # k of the colour received, or NONE
        ("put", np.int32),  # k of the colour sent, or NONE
        ("work", np.int32),  # wavelets, operations or cycles
        ("lead", np.int32),  # operations of overhead, before work of a command that computes
        ("target", np.int32),  # LOOP: command of the table; others as in arch
        ("count", np.int32),
        ("level", np.int32),
        ("controls", np.int32),
        ("action", np.int32),
        ("then", np.int32),
        ("then_action", np.int32),
        ("combine", np.int32),
        ("format", np.int32),
        ("length", np.int32),
        ("dst", np.int32),
        ("a", np.int32),
        ("b", np.int32),
        ("dst_element", np.int32),
        ("a_element", np.int32),
        ("b_element", np.int32),
        ("dst_step", np.int32),
        ("a_step", np.int32),
        ("b_step", np.int32),
        ("dst_turn0", np.int32),
        ("dst_turn1", np.int32),
        ("a_turn0", np.int32),
        ("a_turn1", np.int32),
        ("b_turn0", np.int32),
        ("b_turn1", np.int32),
        ("constant", np.float64),
    ]
)

CLASS = np.dtype(
    [
        ("tasks", np.int64),
        ("colours", np.int64),  # mask of the colours that start tasks
        ("coloured", np.int64),  # mask of the tasks that they start
        ("serves", np.int64),
    ]
)

PE = np.dtype(
    [
        ("since", np.int64),  # cycle from which on ``why`` is to be charged
        ("slept", np.int64),  # cycle from which on ``nap`` is to be charged
        ("left", np.int32),  # operations of the main slot
        ("pc", np.int32),  # command of the table
        ("taking", np.uint32),  # colours that commands receive
        ("putting", np.uint32),  # colours that commands send
        ("listen", np.uint32),  # colours whose wavelets wake it
        ("active", np.uint32),  # tasks
        ("blocked", np.uint32),  # tasks
        ("turn0", np.int32),  # loop counters
        ("turn1", np.int32),
        ("phase", np.uint8),
        ("after", np.uint8),
        ("why", np.uint8),  # account of the last cycles
        ("before", np.uint8),  # account before that
        ("last", np.uint8),  # slot that had the last operation
        ("busy", np.uint8),  # microthreads
        ("picked", np.uint8),  # last task
        ("nap", np.uint8),  # account while it sleeps, or AWAKE
        ("took", np.int8),  # k of the colour that the main slot receives, or NONE
        ("put", np.int8),  # k of the colour that it sends, or NONE
        ("ramp", np.uint8),  # whether the ramp still carries what it put in the cycle before
        ("spare", np.uint8),
    ]
)
"""64 bytes: a line of the cache."""

SLOT = np.dtype(
    [
        ("left", np.int32),  # operations
        ("pc", np.int32),
        ("took", np.int16),
        ("put", np.int16),
    ]
)

LOG = np.dtype(
    [
        ("pe", np.int64),
        ("slot", np.int64),
        ("command", np.int64),  # of the table; of a task's overhead -1 - its first command
        ("begin", np.int64),
        ("end", np.int64),  # cycle behind it
    ]
)


@dataclass
class WaveletState:
    """Everything that a mesh is at the start of a cycle. Arrays not needed have one element."""

    tiles: Tiles
    """How nodes are numbered; it is not for kernels."""
    mesh: npt.NDArray[np.void]
    """[1] of MESH"""
    commands: npt.NDArray[np.void]
    """[commands of all classes] of COMMAND"""
    task_pc: npt.NDArray[np.int32]
    """[classes * TASKS_MAX] first command"""
    task_colour: npt.NDArray[np.int32]
    """[classes * TASKS_MAX] k, or NONE"""
    classes: npt.NDArray[np.void]
    """[classes] of CLASS"""
    pe_class: npt.NDArray[np.int32]
    """[nodes]"""
    pes: npt.NDArray[np.void]
    """[nodes] of PE"""
    slots: npt.NDArray[np.void]
    """[microthreads * nodes] of SLOT"""
    cell: npt.NDArray[np.uint16]
    """[k * nodes] queue and active route: wavelets (4 bits), those that can go on (4), port in (3),
    ports out (5)"""
    side: npt.NDArray[np.uint8]
    """[k * nodes] port by which the wavelets of the queue came"""
    place: npt.NDArray[np.uint8]
    """[k * nodes] active position"""
    planned: npt.NDArray[np.uint8]
    """[k * nodes] position from the next cycle on, and 1; or 0"""
    up: npt.NDArray[np.uint16]
    """[k * nodes] queue from the PE: wavelets (8 bits), those that can go on (8)"""
    down: npt.NDArray[np.uint16]
    """[k * nodes] queue to the PE, likewise"""
    mask: npt.NDArray[np.uint32]
    """[nodes] colours that may move"""
    pointer: npt.NDArray[np.uint8]
    """[nodes] k that is granted first"""
    router_bits: npt.NDArray[np.uint32]
    """[nodes / 32] routers with colours that may move"""
    router_top: npt.NDArray[np.uint32]
    """[nodes / 1024] words of it that are not 0"""
    pe_bits: npt.NDArray[np.uint32]
    """[nodes / 32] PEs that are awake"""
    pe_top: npt.NDArray[np.uint32]
    """[nodes / 1024]"""
    moves: npt.NDArray[np.int32]
    """[k * nodes] of this cycle: node * 32 + k"""
    changes: npt.NDArray[np.int32]
    """[k * nodes] positions that change, likewise"""
    down_due: npt.NDArray[np.int32]
    """[(to_pe + 1) * nodes] wavelets that come to PEs, likewise"""
    up_due: npt.NDArray[np.int32]
    """[(to_router + 1) * together * nodes] wavelets that come to routers from PEs"""
    hop_due: npt.NDArray[np.int32]
    """[hop * 4 * nodes] wavelets that come to routers from others"""
    counts: npt.NDArray[np.int64]
    """[3 * 32] of the slots of the three"""
    wheel: npt.NDArray[np.int32]
    """[span] first PE of each slot, or NONE"""
    following: npt.NDArray[np.int32]
    """[nodes] next PE of its slot"""
    timer: npt.NDArray[np.int64]
    """[nodes] cycle in which it is to wake, or NEVER"""
    ends: npt.NDArray[np.int64]
    """[nodes] end of a delay, or of the operations that a PE sleeps through, or 0"""
    turned: npt.NDArray[np.int32]
    """[2 * nodes] LOOPs done at each level"""
    links: npt.NDArray[np.uint32]
    """[5 * nodes] wavelets that left by each port"""
    accounts: npt.NDArray[np.int64]
    """[9 * nodes]"""
    marks: npt.NDArray[np.int64]
    """[marks * 3] first cycle, last cycle, how often"""
    router_class: npt.NDArray[np.int32]
    """[nodes]"""
    routes: npt.NDArray[np.uint8]
    """[classes * k * POSITIONS_MAX] port in and ports out, as in a cell"""
    last_place: npt.NDArray[np.uint8]
    """[classes * k]"""
    first_place: npt.NDArray[np.uint8]
    """[classes * k]"""
    memory: npt.NDArray[np.float32]
    """[nodes * elements]"""
    memory_bits: npt.NDArray[np.uint32]
    """The same."""
    addresses: npt.NDArray[np.int32]
    """[slots * 3 * nodes] dst, a and b of the command of each slot"""
    cell_words: npt.NDArray[np.uint32]
    """[k * nodes * depth] what wavelets carry, the oldest first"""
    up_words: npt.NDArray[np.uint32]
    down_words: npt.NDArray[np.uint32]
    cell_tags: npt.NDArray[np.uint32]
    """[k * nodes * depth] tags of wavelets"""
    up_tags: npt.NDArray[np.uint32]
    log: npt.NDArray[np.void]
    """[entries] of LOG"""
    begins: npt.NDArray[np.int64]
    """[slots * nodes] cycle in which the command of each slot began"""
    chosen: npt.NDArray[np.uint8]
    """[nodes] whether its commands are logged"""
    there: npt.NDArray[np.uint8]
    """[nodes] whether it is one of the mesh"""
    steps: npt.NDArray[np.int64]
    """[4 * 32] from a node to the one behind each port, by its place in its tile"""

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """In the order in which kernels take them."""
        return tuple(getattr(self, each.name) for each in fields(self)[1:])
