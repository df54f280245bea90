"""Programs of a mesh of PEs: commands, tasks, routes, and which PE has which.

PEs share programs and routes by class. docs/wavelet.md says what each command does in which cycle.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

NONE = -1
EAST, WEST, SOUTH, NORTH, RAMP = range(5)
PORT_NAMES = ("E", "W", "S", "N", "R")
OPPOSITE = (WEST, EAST, NORTH, SOUTH)
LEVELS = 2
"""Of loops."""


class Op(IntEnum):
    """What a command does."""

    SEND = 0  # memory a -> colour_out
    RECV = 1  # colour_in -> memory dst
    RADD = 2  # memory dst = memory dst (combine) colour_in
    RELAY = 3  # colour_out = colour_in (combine) memory a; also stored in dst unless NONE
    FMA = 4  # count times: dst[0:length] += a[0] * b[0:length], each on by its step
    VEC = 5  # dst[0:length] = a (function) b
    DELAY = 6  # the main slot waits for some cycles; the datapath is free
    ROUTE = 7  # the own router switches colour_out to the position target
    CTRL = 8  # a control wavelet on colour_out, with controls for the routers on its way
    WAIT = 9  # until the slots of a mask are idle
    TASK = 10  # activate, block or unblock the task target
    LOOP = 11  # back to the command target of this task, count turns in all
    MARK = 12  # note the cycle under the number target
    HALT = 13  # this PE is done


class Combine(IntEnum):
    """Of RADD and RELAY."""

    NONE = 0  # RELAY only: as received
    ADD = 1
    MAX = 2


class Function(IntEnum):
    """Of VEC; those from SUM on are not elementwise in two operands."""

    COPY = 0  # a
    FILL = 1  # the constant
    ADD = 2  # a + b
    SUB = 3
    MUL = 4
    MAX = 5
    SUM = 6  # dst[0] = a[0] + a[1] + ..., from the left, rounded at each step
    TOP = 7  # dst[0] = the largest of a
    EXP = 8
    RECIPROCAL = 9
    RSQRT = 10
    SILU = 11  # a / (1 + exp(-a))


class TaskAction(IntEnum):
    """Of TASK, and of a command that is finished."""

    ACTIVATE = 0
    BLOCK = 1
    UNBLOCK = 2


class Control(IntEnum):
    """What a control wavelet tells a router on its way."""

    KEEP = 0
    ADVANCE = 1  # to the next position; the last one stays
    RESET = 2  # to the first position of the class


FORMATS = ("fp16", "bf16", "fp32")
"""Of elements; a command names one by its index."""
FORMAT_BYTES = (2, 2, 4)

COMMAND = np.dtype(
    [
        ("op", np.int64),  # Op
        ("slot", np.int64),  # 0: main; above: a microthread, for SEND, RECV, RADD, RELAY and CTRL
        ("colour_in", np.int64),
        ("colour_out", np.int64),
        ("format", np.int64),  # index in FORMATS
        ("length", np.int64),  # elements; of FMA those of one vector
        ("count", np.int64),  # FMA: vectors; LOOP: turns
        ("combine", np.int64),  # Combine; of VEC the Function
        ("dst", np.int64),  # element of memory, or NONE
        ("a", np.int64),
        ("b", np.int64),
        ("dst_element", np.int64),  # distance between elements of a vector
        ("a_element", np.int64),
        ("b_element", np.int64),
        ("dst_step", np.int64),  # FMA: distance between vectors
        ("a_step", np.int64),
        ("b_step", np.int64),
        ("dst_turn", np.int64, (LEVELS,)),  # distance for each turn of the loops around
        ("a_turn", np.int64, (LEVELS,)),
        ("b_turn", np.int64, (LEVELS,)),
        ("constant", np.float64),  # of FILL
        ("cycles", np.int64),  # of DELAY
        ("level", np.int64),  # of LOOP: 0 is the outer one
        ("target", np.int64),  # ROUTE position, TASK task, LOOP command, MARK number, WAIT mask
        ("controls", np.int64),  # of CTRL: two bits a router, the next one lowest
        ("action", np.int64),  # TaskAction, of TASK
        ("then", np.int64),  # task to act on when the command is finished, or NONE
        ("then_action", np.int64),  # TaskAction
    ]
)
"""A command; one that does not use a field has its default there (``blank``)."""


def blank(commands: int) -> npt.NDArray[np.void]:
    """[commands] of COMMAND with the default of each field."""
    made = np.zeros(commands, COMMAND)
    for name in ("colour_in", "colour_out", "dst", "a", "b", "then"):
        made[name] = NONE
    for name in ("dst_element", "a_element", "b_element", "count"):
        made[name] = 1
    return made


@dataclass(frozen=True)
class Task:
    """A list of commands that runs when it is active and not blocked."""

    name: str
    commands: npt.NDArray[np.void]
    """[n] of COMMAND; the end of the list is the end of the task."""
    colour: int = NONE
    """The task is active whenever a wavelet of this colour is at the PE; NONE: by ``activate``."""
    active: bool = False
    """At the start."""
    blocked: bool = False
    """At the start."""


@dataclass(frozen=True)
class PeProgram:
    """What the PEs of a class do."""

    name: str
    tasks: tuple[Task, ...]
    serves: bool = False
    """The PE need not halt: it is done while no task is active and no slot is busy."""


@dataclass(frozen=True)
class Route:
    """Of a colour in a router: for each switch position where it comes from and where it goes."""

    positions: tuple[tuple[int, tuple[int, ...]], ...]
    """(port in, ports out) each."""
    first: int = 0
    """Position at the start."""


@dataclass(frozen=True)
class Region:
    """Part of the memory of every PE."""

    name: str
    start: int
    """Element of memory."""
    elements: int
    format: int
    """Index in FORMATS."""

    @property
    def bytes(self) -> int:
        """Of memory, whole words of 32 bits."""
        return -(-self.elements * FORMAT_BYTES[self.format] // 4) * 4


@dataclass(frozen=True)
class MeshProgram:
    """A program for a mesh of ``height`` x ``width`` PEs.

    Memory is counted in elements, whatever their format; ``regions`` say how many bytes they are.
    """

    name: str
    width: int
    height: int
    programs: tuple[PeProgram, ...]
    program_of: npt.NDArray[np.int32]
    """[height, width] class of each PE in ``programs``."""
    routes: tuple[dict[int, Route], ...]
    """For each class the route of each colour; colours that are not named are not routed."""
    route_of: npt.NDArray[np.int32]
    """[height, width] class of each router in ``routes``."""
    regions: tuple[Region, ...] = ()
    values: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    """[height, width, elements] of a region at the start, by its name; others are zero. Without
    any a run has no values."""

    @property
    def memory_elements(self) -> int:
        """Elements of memory of a PE."""
        return max((region.start + region.elements for region in self.regions), default=0)

    @property
    def memory_bytes(self) -> int:
        """Bytes of memory of a PE."""
        return sum(region.bytes for region in self.regions)
