"""The twin of one bank's MAC unit, with every mix of what it can be asked for in a cycle."""

from dataclasses import dataclass

import numpy as np

from rtl.lockstep.batches import Counted, empty
from rtl.lockstep.draws import draw, new_traffic
from rtl.lockstep.operands import OPERANDS, STYLES, draw_operand
from rtl.lockstep.pim import unit_fields
from rtl.lockstep.streams import gather
from rtl.lockstep.twin import Batch
from rtl.pim import MacUnit
from rtl.pim.parameters import Parameters
from sim.jit import njit
from sim.pim import mac_unit
from sim.pim.mac_unit import (
    CLEAR,
    READ,
    RESULT,
    RESULT_VALID,
    RESULTS,
    THREAD,
    TOKEN_SIZE,
    VALID,
    Words,
    step_unit,
)

EPOCH_CYCLES = 256

UNIT_TRAFFIC = np.dtype(
    [
        *OPERANDS.descr,
        ("cycle", np.int64),
        ("valid_rate", np.int64),  # of 16
        ("clear_rate", np.int64),
        ("read_rate", np.int64),
        ("reset_rate", np.int64),  # of 4096
        ("thread_bits", np.int64),
        ("useful_cycles", np.int64),
    ]
)

UNIT_EVENTS = {
    "columns": 1,
    "column and clear": 1,
    "clear without a column": 1,
    "column and read": 1,
    "read without a column": 1,
    "all three": 1,
    "column for a thread that is not there": 3,
    "results": 1,
    "reset with a column": 1,
}
"""What is counted, in the order of ``count``; 3: accumulators are no power of two."""


@njit
def stimulate(t, u, given):
    """The stimulus of a cycle. Returns whether it resets."""
    if t["cycle"] % EPOCH_CYCLES == 0:
        t["style"] = draw(t, STYLES)
        t["valid_rate"] = 1 + draw(t, 16)
        t["clear_rate"] = draw(t, 5)
        t["read_rate"] = draw(t, 8)
        t["reset_rate"] = draw(t, 3) * draw(t, 24)
    given[VALID] = 1 if draw(t, 16) < t["valid_rate"] else 0
    given[CLEAR] = 1 if draw(t, 16) < t["clear_rate"] else 0
    given[READ] = 1 if draw(t, 16) < t["read_rate"] else 0
    given[THREAD] = draw(t, 1 << t["thread_bits"])
    for i in range(TOKEN_SIZE, given.shape[0]):
        given[i] = draw_operand(t, u["fraction_bits"], u["exponent_bits"])
    t["cycle"] += 1
    return 1 if draw(t, 4096) < t["reset_rate"] else 0


@njit
def count(t, u, given, registers, reset, events):
    """Count what a cycle shows."""
    valid, clear, read = given[VALID], given[CLEAR], given[READ]
    result = registers[u["size"] - RESULTS + RESULT_VALID]
    events[0] += valid
    events[1] += valid and clear
    events[2] += clear and not valid
    events[3] += valid and read
    events[4] += read and not valid
    events[5] += valid and clear and read
    events[6] += valid and given[THREAD] >= u["accumulators"]
    events[7] += result
    events[8] += valid and reset
    if valid or clear or read or result:
        t["useful_cycles"] += 1


@njit
def drive(units, at, sizes, registers, scratch, traffic, shown, events, stimuli, resets, responses):
    """Cycles in a row of stimuli, the model's responses, and what they show."""
    u, t = units[0], traffic[0]
    for x in range(stimuli.shape[0]):
        given = stimuli[x]
        resets[x] = stimulate(t, u, given)
        gather(registers, shown, responses[x])
        count(t, u, given, registers, resets[x], events)
        factors = TOKEN_SIZE + u["lanes"]
        step_unit(
            units, at, sizes, registers, 0, scratch, given, 0, given, TOKEN_SIZE, given, factors
        )
        if resets[x]:
            for i in range(u["size"]):
                registers[i] = 0


@dataclass
class MacUnitTraffic(Counted):
    """One run of a unit. Useful are cycles in which something is given or comes out."""

    event_names = UNIT_EVENTS
    shape: mac_unit.Shape
    registers: Words
    scratch: Words
    given: Words
    """Fields of a stimulus that hardware has."""
    shown: Words
    """Registers that a response is made of."""

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        lanes = int(self.shape.unit[0]["lanes"])
        batch = empty(cycles, TOKEN_SIZE + 2 * lanes, len(self.shown))
        state = self.registers, self.scratch, self.traffic, self.shown, self.events
        drive(*self.shape.arrays, *state, batch.stim, batch.rst, batch.resp)
        return Batch(batch.stim[:, self.given], batch.rst, batch.resp)

    def can_show(self, event: str) -> bool:
        """With its accumulators."""
        accumulators = int(self.shape.unit[0]["accumulators"])
        return UNIT_EVENTS[event] == 1 or accumulators & (accumulators - 1) != 0


class MacUnitTwin:
    """A bank's MAC unit as hardware and as model."""

    name = "mac_unit"

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    @property
    def component(self) -> MacUnit:
        """New hardware."""
        return MacUnit(self.parameters)

    def traffic(self, seed: int) -> MacUnitTraffic:
        """The run of a seed."""
        p = self.parameters
        shape = mac_unit.shape(p.lanes, p.operand.name, p.accumulators, p.levels_per_stage)
        size = int(shape.unit[0]["size"])
        traffic = new_traffic(UNIT_TRAFFIC, seed, thread_bits=p.thread_bits)
        inputs = range(TOKEN_SIZE + 2 * p.lanes)
        given = np.array([i for i in inputs if p.thread_bits or i != THREAD])
        outputs = [size - RESULTS + RESULT, size - RESULTS + RESULT_VALID]
        shown = np.array([*outputs, *unit_fields(shape, 0, p.thread_bits > 0)])
        registers, scratch = np.zeros(size, np.int64), np.zeros(p.lanes, np.int64)
        return MacUnitTraffic(traffic, shape, registers, scratch, given, shown)
