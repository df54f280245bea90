"""Every register of a scratchpad's hardware, clock by clock, with the lines that it holds.

The arbiter of the simulator (``sim.buffer.arbiter``) accounts for ports over whole intervals. This
model serves the same sides in the same order, access by access, register by register. It is what
generated hardware is compared with; its times are those of ``sim.buffer.ports``.

In a cycle, ``respond`` writes what is visible during it, ``step`` goes on to the next. A stimulus
is one integer an input: of ``advance`` (reads, read_at, writes, write_at, last, valid), of
``fill`` (lines, at, last, valid), of ``drain`` (lines, at, half if double-buffered, valid), then
the words of ``write_lines`` and ``fill_lines``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.jit import njit

Words = npt.NDArray[np.int64]

CONFIG = np.dtype(
    [
        ("accesses", np.int64),  # served in a cycle
        ("words", np.int64),  # of a line
        ("depth_lines", np.int64),  # of a half
        ("double_buffered", np.int64),
    ]
)

STATE = np.dtype(
    [
        # Registers, in the order of the hardware's.
        ("read_left", np.int64),  # lines of the array's beat that are still to be read
        ("read_at", np.int64),  # address of the next
        ("write_left", np.int64),
        ("write_at", np.int64),
        ("fill_left", np.int64),  # lines of the load's burst
        ("fill_at", np.int64),
        ("drain_left", np.int64),  # lines of the store's burst
        ("drain_at", np.int64),
        ("drain_half", np.int64),
        ("advance_last", np.int64),  # the array's beat is the last one of its tile
        ("fill_last", np.int64),
        ("half", np.int64),  # of the array
        ("read_valid", np.int64),  # lines that were read one cycle ago
        ("drain_valid", np.int64),
        # What follows from them in a cycle.
        ("read_count", np.int64),  # lines served in this cycle
        ("write_count", np.int64),
        ("fill_count", np.int64),
        ("drain_count", np.int64),
        ("advance_ready", np.int64),
        ("fill_ready", np.int64),
        ("drain_ready", np.int64),
        ("swap", np.int64),
    ]
)

ADVANCE, ADVANCE_VALID, FILL, FILL_VALID, DRAIN = 0, 5, 6, 9, 10
"""Where in a stimulus the payload and valid of a stream are."""

READ_LINES, DRAIN_LINES = 0, 1
"""Of ``lines``: what was read last, a line a lane."""


@dataclass
class Model:
    """A scratchpad's parameters and state.

    - ``config`` [1] of CONFIG, ``state`` [1] of STATE
    - ``lines`` [2, accesses, words]: registers of READ_LINES and DRAIN_LINES
    - ``memory`` [lines, words]: the first half first; a reset does not change it
    """

    config: npt.NDArray[np.void]
    state: npt.NDArray[np.void]
    lines: Words
    memory: Words

    @property
    def arrays(self) -> tuple[Any, Any, Words, Words]:
        """In the order in which kernels take them."""
        return self.config, self.state, self.lines, self.memory

    @property
    def stimulus_size(self) -> int:
        """Integers of a stimulus."""
        return int(drain_valid_at(self.config[0]) + 1 + self.lines.size)

    @property
    def response_size(self) -> int:
        """Integers of a response: outputs, then registers."""
        double = 3 if self.config[0]["double_buffered"] else 0
        return 8 + 12 + double + 2 * self.lines.size


def model(accesses: int, words: int, depth_lines: int, double_buffered: bool) -> Model:
    """A scratchpad after reset, its lines 0."""
    config = np.zeros(1, CONFIG)
    config["accesses"], config["words"], config["depth_lines"] = accesses, words, depth_lines
    config["double_buffered"] = double_buffered
    state = np.zeros(1, STATE)
    lines = np.zeros((2, accesses, words), np.int64)
    clear(state, lines)
    memory = np.zeros((depth_lines * (2 if double_buffered else 1), words), np.int64)
    return Model(config, state, lines, memory)


@njit
def clear(state, lines):
    """Reset: the array has no tile, so it waits for one."""
    s = state[0]
    s["read_left"] = s["read_at"] = s["write_left"] = s["write_at"] = 0
    s["fill_left"] = s["fill_at"] = s["drain_left"] = s["drain_at"] = s["drain_half"] = 0
    s["advance_last"] = 1
    s["fill_last"] = 0
    s["half"] = 1
    s["read_valid"] = s["drain_valid"] = 0
    for side in range(2):
        for lane in range(lines.shape[1]):
            for word in range(lines.shape[2]):
                lines[side, lane, word] = 0


@njit
def drain_valid_at(c):
    """Where in a stimulus the valid of ``drain`` is; lines to write follow."""
    return 13 if c["double_buffered"] else 12


@njit
def decide(c, s):
    """Give each access of the cycle to the first side that wants one; say who may go on."""
    s["read_count"] = s["write_count"] = s["fill_count"] = s["drain_count"] = 0
    for _ in range(c["accesses"]):
        if s["read_count"] < s["read_left"]:
            s["read_count"] += 1
        elif s["write_count"] < s["write_left"]:
            s["write_count"] += 1
        elif s["fill_count"] < s["fill_left"]:
            s["fill_count"] += 1
        elif s["drain_count"] < s["drain_left"]:
            s["drain_count"] += 1
    beat_ends = s["read_count"] == s["read_left"] and s["write_count"] == s["write_left"]
    fill_ends = s["fill_count"] == s["fill_left"]
    array_done = beat_ends and s["advance_last"] == 1
    fill_done = fill_ends and s["fill_last"] == 1
    s["swap"] = 1 if array_done and fill_done else 0
    s["advance_ready"] = 1 if beat_ends and (s["swap"] == 1 or s["advance_last"] == 0) else 0
    if c["double_buffered"]:
        ready = fill_ends and (s["swap"] == 1 or s["fill_last"] == 0)
    else:
        ready = fill_ends and array_done and s["fill_last"] == 0
    s["fill_ready"] = 1 if ready else 0
    s["drain_ready"] = 1 if s["drain_count"] == s["drain_left"] else 0


@njit
def row_of(c, half, at, lane):
    """Row of the memory of the line that is ``lane`` behind an address."""
    row = (at + lane) % c["depth_lines"]
    if c["double_buffered"]:
        row += half * c["depth_lines"]
    return row


@njit
def move(c, s, stimulus, lines, memory):
    """Read what is read, then write what is written."""
    words = c["words"]
    for lane in range(s["read_count"]):
        row = row_of(c, s["half"], s["read_at"], lane)
        for word in range(words):
            lines[READ_LINES, lane, word] = memory[row, word]
    for lane in range(s["drain_count"]):
        row = row_of(c, s["drain_half"], s["drain_at"], lane)
        for word in range(words):
            lines[DRAIN_LINES, lane, word] = memory[row, word]
    given = drain_valid_at(c) + 1
    for lane in range(s["write_count"]):
        row = row_of(c, s["half"], s["write_at"], lane)
        for word in range(words):
            memory[row, word] = stimulus[given + lane * words + word]
    given += c["accesses"] * words
    for lane in range(s["fill_count"]):
        row = row_of(c, 1 - s["half"], s["fill_at"], lane)
        for word in range(words):
            memory[row, word] = stimulus[given + lane * words + word]


@njit
def progress(c, s):
    """Take off what was served."""
    depth = c["depth_lines"]
    s["read_left"] -= s["read_count"]
    s["read_at"] = (s["read_at"] + s["read_count"]) % depth
    s["write_left"] -= s["write_count"]
    s["write_at"] = (s["write_at"] + s["write_count"]) % depth
    s["fill_left"] -= s["fill_count"]
    s["fill_at"] = (s["fill_at"] + s["fill_count"]) % depth
    s["drain_left"] -= s["drain_count"]
    s["drain_at"] = (s["drain_at"] + s["drain_count"]) % depth
    s["read_valid"] = s["read_count"]
    s["drain_valid"] = s["drain_count"]
    if s["swap"]:
        s["half"] = 1 - s["half"]
        s["advance_last"] = 0
        s["fill_last"] = 0


@njit
def accept(c, s, stimulus):
    """Take the commands of streams that are ready."""
    if stimulus[ADVANCE_VALID] and s["advance_ready"]:
        s["read_left"] = stimulus[ADVANCE]
        s["read_at"] = stimulus[ADVANCE + 1]
        s["write_left"] = stimulus[ADVANCE + 2]
        s["write_at"] = stimulus[ADVANCE + 3]
        s["advance_last"] = stimulus[ADVANCE + 4]
    if stimulus[FILL_VALID] and s["fill_ready"]:
        s["fill_left"] = stimulus[FILL]
        s["fill_at"] = stimulus[FILL + 1]
        s["fill_last"] = stimulus[FILL + 2]
    if stimulus[drain_valid_at(c)] and s["drain_ready"]:
        s["drain_left"] = stimulus[DRAIN]
        s["drain_at"] = stimulus[DRAIN + 1]
        if c["double_buffered"]:
            s["drain_half"] = stimulus[DRAIN + 2]


@njit
def put_lines(c, lines, side, row, at):
    """Write the registers of a side; returns where the next are to go."""
    for lane in range(c["accesses"]):
        for word in range(c["words"]):
            row[at] = lines[side, lane, word]
            at += 1
    return at


@njit
def respond(config, state, lines, row):
    """Outputs and registers during a cycle; ``decide`` comes first."""
    c, s = config[0], state[0]
    row[0], row[1], row[2] = s["advance_ready"], s["fill_ready"], s["drain_ready"]
    row[3], row[4] = s["write_count"], s["fill_count"]
    at = put_lines(c, lines, READ_LINES, row, 5)
    row[at] = s["read_valid"]
    at = put_lines(c, lines, DRAIN_LINES, row, at + 1)
    row[at] = s["drain_valid"]
    at += 1
    if c["double_buffered"]:
        row[at] = s["half"]
        at += 1
    row[at] = s["swap"]
    row[at + 1], row[at + 2] = s["read_left"], s["read_at"]
    row[at + 3], row[at + 4] = s["write_left"], s["write_at"]
    row[at + 5], row[at + 6] = s["fill_left"], s["fill_at"]
    row[at + 7], row[at + 8] = s["drain_left"], s["drain_at"]
    at += 9
    if c["double_buffered"]:
        row[at] = s["drain_half"]
        at += 1
    row[at], row[at + 1] = s["advance_last"], s["fill_last"]
    at += 2
    if c["double_buffered"]:
        row[at] = s["half"]
        at += 1
    at = put_lines(c, lines, READ_LINES, row, at)
    row[at] = s["read_valid"]
    at = put_lines(c, lines, DRAIN_LINES, row, at + 1)
    row[at] = s["drain_valid"]


@njit
def step(config, state, lines, memory, stimulus, reset):
    """The end of a cycle; ``decide`` comes first."""
    c, s = config[0], state[0]
    move(c, s, stimulus, lines, memory)
    progress(c, s)
    accept(c, s, stimulus)
    if reset:
        clear(state, lines)


@njit
def run(config, state, lines, memory, stimuli, resets, responses):
    """Cycles in a row: ``stimuli`` [cycles, input], ``responses`` [cycles, output or register]."""
    for x in range(stimuli.shape[0]):
        decide(config[0], state[0])
        respond(config, state, lines, responses[x])
        step(config, state, lines, memory, stimuli[x], resets[x])
