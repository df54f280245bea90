"""Every register of a channel's sequencer and MAC units, cycle by cycle, with the values in them.

The registers lie in a row of integers: those of the sequencer as named below, the column of the
buffer that it sends, the units one after the other, and last what follows from them in a cycle:
OUTPUTS. This is what generated hardware is compared with.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.jit import njit
from sim.pim.mac_unit import (
    CLEAR,
    READ,
    RESULT_VALID,
    RESULTS,
    THREAD,
    TOKEN_SIZE,
    VALID,
    Shape,
    Words,
    step_unit,
)

WRITE_OPERATION, MAC_OPERATION, CLEAR_OPERATION, READ_OPERATION = 0, 1, 2, 3
OPERATION, LEFT, WAIT, GAP, NEXT_BANKS, NEXT_THREAD, NEXT_ROW, NEXT_BUFFER = range(8)
"""The command: kind, columns that are left, cycles until the next may be sent, cycles between."""
TOKEN, BANKS, ROW_COLUMN, FACTORS = 8, 12, 13, 14
"""What is sent in this cycle."""

(
    GIVEN_OPERATION,
    GIVEN_BANKS,
    GIVEN_THREAD,
    GIVEN_ROW,
    GIVEN_BUFFER,
    GIVEN_COUNT,
    GIVEN_GAP,
    GIVEN_DATA,
) = range(8)
"""A stimulus: the command, its data a lane each, its valid, then the columns of all banks."""

READY, COLUMNS, RESULTS_VALID = 0, 1, 2
OUTPUTS = 3

CHANNEL = np.dtype(
    [
        ("lanes", np.int64),
        ("banks", np.int64),
        ("buffer_columns", np.int64),
        ("row_wrap", np.int64),  # columns of a row are counted modulo this
        ("first_unit", np.int64),  # where the units' registers begin
        ("outputs", np.int64),  # where OUTPUTS are
    ]
)


@dataclass
class Model:
    """A channel's parameters and state.

    - ``channel`` [1] of CHANNEL; ``registers`` as above
    - ``memory`` [column, lane]: the buffer; a reset does not change it
    - ``sent`` [TOKEN_SIZE]: what a unit is given; ``scratch`` [lanes]: for sums
    """

    channel: npt.NDArray[np.void]
    shape: Shape
    registers: Words
    memory: Words
    sent: Words
    scratch: Words

    @property
    def arrays(self) -> tuple[Any, ...]:
        """In the order in which kernels take them."""
        scratch = self.sent, self.scratch
        return self.channel, *self.shape.arrays, self.registers, self.memory, *scratch

    @property
    def stimulus_size(self) -> int:
        """Integers of a stimulus."""
        lanes = int(self.channel[0]["lanes"])
        return GIVEN_DATA + lanes + 1 + int(self.channel[0]["banks"]) * lanes


def model(unit: Shape, banks: int, buffer_columns: int, row_columns: int) -> Model:
    """A channel after reset, its buffer 0."""
    lanes = int(unit.unit[0]["lanes"])
    channel = np.zeros(1, CHANNEL)
    channel["lanes"], channel["banks"] = lanes, banks
    channel["buffer_columns"] = buffer_columns
    channel["row_wrap"] = 1 << (row_columns - 1).bit_length()
    channel["first_unit"] = FACTORS + lanes
    channel["outputs"] = FACTORS + lanes + banks * int(unit.unit[0]["size"])
    registers = np.zeros(int(channel[0]["outputs"]) + OUTPUTS, np.int64)
    memory = np.zeros((buffer_columns, lanes), np.int64)
    sent, scratch = np.zeros(TOKEN_SIZE, np.int64), np.zeros(lanes, np.int64)
    return Model(channel, unit, registers, memory, sent, scratch)


@njit
def decide(channels, units, registers):
    """What follows from the registers in a cycle."""
    c, u = channels[0], units[0]
    outputs = c["outputs"]
    left, wait = registers[LEFT], registers[WAIT]
    # Cycles until the next command may begin, this one included.
    busy = wait + left * (1 + registers[GAP])
    registers[outputs + READY] = 1 if busy <= 1 else 0
    registers[outputs + COLUMNS] = registers[BANKS] if registers[TOKEN + VALID] else 0
    results = 0
    for bank in range(c["banks"]):
        end = c["first_unit"] + (bank + 1) * u["size"]
        results |= registers[end - RESULTS + RESULT_VALID] << bank
    registers[outputs + RESULTS_VALID] = results


@njit
def step_units(channels, units, at, sizes, registers, sent, scratch, given):
    """Each unit takes its part of what is sent."""
    c = channels[0]
    for bank in range(c["banks"]):
        chosen = (registers[BANKS] >> bank) & 1
        for i in range(THREAD):
            sent[i] = registers[TOKEN + i] & chosen
        sent[THREAD] = registers[TOKEN + THREAD]
        base = c["first_unit"] + bank * units[0]["size"]
        row = GIVEN_DATA + c["lanes"] + 1 + bank * c["lanes"]
        step_unit(
            units, at, sizes, registers, base, scratch, sent, 0, given, row, registers, FACTORS
        )


@njit
def send(c, registers, memory):
    """Send the next column, or what else is asked for, if it is time."""
    for i in range(THREAD):
        registers[TOKEN + i] = 0
    if registers[WAIT] > 0:
        registers[WAIT] -= 1
        return
    if registers[LEFT] == 0:
        return
    operation = registers[OPERATION]
    if operation == MAC_OPERATION:
        registers[TOKEN + VALID] = 1
    elif operation == CLEAR_OPERATION:
        registers[TOKEN + CLEAR] = 1
    elif operation == READ_OPERATION:
        registers[TOKEN + READ] = 1
    registers[TOKEN + THREAD] = registers[NEXT_THREAD]
    registers[BANKS] = registers[NEXT_BANKS]
    registers[ROW_COLUMN] = registers[NEXT_ROW]
    for lane in range(c["lanes"]):
        registers[FACTORS + lane] = memory[registers[NEXT_BUFFER], lane]
    registers[LEFT] -= 1
    registers[WAIT] = registers[GAP]
    registers[NEXT_ROW] = (registers[NEXT_ROW] + 1) % c["row_wrap"]
    registers[NEXT_BUFFER] = (registers[NEXT_BUFFER] + 1) % c["buffer_columns"]


@njit
def take(c, registers, memory, given):
    """Take a command."""
    operation = given[GIVEN_OPERATION]
    registers[OPERATION] = operation
    registers[LEFT] = 1
    if operation == WRITE_OPERATION:
        registers[LEFT] = 0
        for lane in range(c["lanes"]):
            memory[given[GIVEN_BUFFER], lane] = given[GIVEN_DATA + lane]
    elif operation == MAC_OPERATION:
        registers[LEFT] = given[GIVEN_COUNT]
    registers[WAIT] = 0
    registers[GAP] = given[GIVEN_GAP]
    registers[NEXT_BANKS] = given[GIVEN_BANKS]
    registers[NEXT_THREAD] = given[GIVEN_THREAD]
    registers[NEXT_ROW] = given[GIVEN_ROW]
    registers[NEXT_BUFFER] = given[GIVEN_BUFFER]


@njit
def step(channels, units, at, sizes, registers, memory, sent, scratch, given, reset):
    """The end of a cycle; ``decide`` comes first."""
    c = channels[0]
    step_units(channels, units, at, sizes, registers, sent, scratch, given)
    ready = registers[c["outputs"] + READY]
    send(c, registers, memory)
    if given[GIVEN_DATA + c["lanes"]] and ready:
        take(c, registers, memory, given)
    if reset:
        for i in range(c["outputs"]):
            registers[i] = 0
