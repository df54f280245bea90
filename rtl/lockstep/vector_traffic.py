"""Random work for a vector unit's datapath, and what it shows."""

import numpy as np

from rtl.lockstep.draws import draw
from rtl.lockstep.operands import OPERANDS, STYLES, count_kinds, draw_operand
from rtl.lockstep.streams import changed, copy, gather, offer
from rtl.vector.parameters import OPERATION_BITS
from sim import vector_datapath
from sim.jit import njit
from sim.vector_datapath import (
    BUSY,
    DONE,
    GIVEN_A,
    GIVEN_ELEMENTS,
    GIVEN_OPERATION,
    GIVEN_VALID,
    LARGEST,
    LEFT,
    OPERATION,
    OPERATIONS,
    READY,
    RESULTS_COUNT,
    SUM,
    TAKEN,
    TAKEN_COUNT,
    WAIT,
)

EPOCH_CYCLES = 256
"""For so long traffic keeps its rates, sizes and manners."""
FRACTION_BITS, EXPONENT_BITS = 23, 8
"""Of what comes out, fp32."""

TRAFFIC = np.dtype(
    [
        *OPERANDS.descr,
        ("cycle", np.int64),
        ("hostile", np.int64),  # 1: valid and payload change whatever ready says
        ("rate", np.int64),  # of 16, that a command is offered
        ("elements_below", np.int64),
        ("elements_end", np.int64),  # what the field cannot hold
        ("reset_rate", np.int64),  # of 4096
        ("useful_cycles", np.int64),
    ]
)

EVENTS = {
    "groups": (1, 1),
    "groups of a part of the lanes": (2, 1),
    "sums of pairs done": (1, 1),
    "products done": (1, 1),
    "maxima of pairs done": (1, 1),
    "sums done": (1, 1),
    "maxima done": (1, 1),
    "codes behind the last done": (1, 1),
    "command follows a command": (1, 1),
    "command without elements": (1, 1),
    "command stalled": (1, 1),
    "stalled command changes": (1, 1),
    "waits between groups": (1, 2),
    "reset while busy": (1, 1),
    "number is a NaN": (1, 1),
    "number is infinite": (1, 1),
    "number is subnormal": (1, 1),
    "number is -0": (1, 1),
    "reduction of several groups": (1, 1),
}
"""What is counted, in the order of ``count``: lanes that it takes, and the longest interval."""


@njit
def begin_epoch(t, lanes):
    """Choose rates, sizes and manners."""
    t["style"] = draw(t, STYLES)
    t["hostile"] = draw(t, 2)
    t["rate"] = 1 + draw(t, 16)
    sizes = draw(t, 4)
    t["elements_below"] = min(t["elements_end"], 2 + (lanes << sizes))
    t["reset_rate"] = draw(t, 3) * draw(t, 24)


@njit
def stimulate(t, d, ready, given):
    """The stimulus of a cycle, from that of the cycle before, still in ``given``, and whether the
    command was taken over then. Returns whether it resets."""
    if t["cycle"] % EPOCH_CYCLES == 0:
        begin_epoch(t, d["lanes"])
    if offer(t, given, GIVEN_VALID, ready, t["rate"]):
        given[GIVEN_OPERATION] = draw(t, OPERATIONS)
        if draw(t, 32) == 0:
            given[GIVEN_OPERATION] = draw(t, 1 << OPERATION_BITS)
        given[GIVEN_ELEMENTS] = draw(t, t["elements_below"])
    for i in range(GIVEN_A, given.shape[0]):
        given[i] = draw_operand(t, d["fraction_bits"], d["exponent_bits"])
    t["cycle"] += 1
    return 1 if draw(t, 4096) < t["reset_rate"] else 0


@njit
def count_numbers(d, registers, events):
    """Kinds of the numbers that come out."""
    results = d["results"]
    for i in range(registers[results + d["lanes"] + RESULTS_COUNT]):
        size = registers[results + i] & 0x7FFFFFFF
        count_kinds(size, FRACTION_BITS, EXPONENT_BITS, events, 14)
        events[17] += registers[results + i] == 0x80000000


@njit
def count(t, d, given, before, registers, reset, events):
    """Count what a cycle shows; ``before``: the stimulus and readiness one cycle earlier."""
    outputs = d["outputs"]
    taken, some = registers[outputs + TAKEN], registers[outputs + TAKEN_COUNT]
    ready = registers[outputs + READY]
    done = registers[d["results"] + d["lanes"] + DONE]
    busy = registers[BUSY] == 1 or registers[WAIT] > 0
    accepted = given[GIVEN_VALID] and ready
    operation = registers[OPERATION]
    events[0] += taken
    events[1] += 0 < some < d["lanes"]
    # Of the command that ends with the next cycle.
    ends = busy and ready
    if ends:
        events[2 + min(operation, OPERATIONS)] += 1
    events[8] += accepted and ends
    events[9] += accepted and given[GIVEN_ELEMENTS] == 0
    events[10] += given[GIVEN_VALID] == 1 and ready == 0
    events[11] += changed(before, given, 0, GIVEN_VALID, before[before.shape[0] - 1])
    events[12] += registers[BUSY] == 1 and registers[WAIT] > 0
    events[13] += reset == 1 and busy
    count_numbers(d, registers, events)
    several = taken and registers[LEFT] > d["lanes"]
    events[18] += several and operation in (SUM, LARGEST)
    if given[GIVEN_VALID] or busy or done:
        t["useful_cycles"] += 1


@njit
def drive(
    datapaths,
    registers,
    numbers,
    flags,
    traffic,
    before,
    shown,
    events,
    stimuli,
    resets,
    responses,
):
    """Cycles in a row of stimuli, the model's responses, and what they show.

    ``before`` [inputs + 1]: the stimulus of the cycle before the first, and whether the command was
    ready then. ``shown`` [response]: the register that each field of a response is.
    """
    d, t = datapaths[0], traffic[0]
    inputs = stimuli.shape[1]
    for x in range(stimuli.shape[0]):
        given = stimuli[x]
        copy(before, inputs, given)
        resets[x] = stimulate(t, d, before[inputs], given)
        vector_datapath.decide(datapaths, registers)
        gather(registers, shown, responses[x])
        count(t, d, given, before, registers, resets[x], events)
        ready = registers[d["outputs"] + READY]
        vector_datapath.step(datapaths, registers, given, numbers, flags, resets[x])
        copy(given, inputs, before)
        before[inputs] = ready
