"""Random work for a channel's MAC units: commands, columns of rows, resets; and what it shows."""

import numpy as np

from rtl.lockstep.draws import draw
from rtl.lockstep.operands import OPERANDS, STYLES, count_kinds, draw_operand
from rtl.lockstep.streams import changed, copy, gather, offer
from rtl.pim.parameters import GAP_BITS
from sim.jit import njit
from sim.pim import sequencer
from sim.pim.mac_unit import (
    CLEAR,
    READ,
    READ_THREAD,
    READ_VALID,
    RESULT,
    RESULT_VALID,
    RESULTS,
    THREAD,
    VALID,
)
from sim.pim.sequencer import (
    BANKS,
    CLEAR_OPERATION,
    COLUMNS,
    GAP,
    GIVEN_BANKS,
    GIVEN_BUFFER,
    GIVEN_COUNT,
    GIVEN_DATA,
    GIVEN_GAP,
    GIVEN_OPERATION,
    GIVEN_ROW,
    GIVEN_THREAD,
    LEFT,
    MAC_OPERATION,
    NEXT_BUFFER,
    READY,
    RESULTS_VALID,
    TOKEN,
    WAIT,
    WRITE_OPERATION,
)

EPOCH_CYCLES = 512
"""For so long traffic keeps its rates, sizes and manners."""
WRITES = 40
"""Cycles at the begin of an epoch in which the buffer gets numbers of its style."""

TRAFFIC = np.dtype(
    [
        *OPERANDS.descr,
        ("cycle", np.int64),
        ("hostile", np.int64),  # 1: valid and payload change whatever ready says
        ("rate", np.int64),  # of 16, that a command is offered
        ("mac_rate", np.int64),  # of 16, that it is a run of columns
        ("count_below", np.int64),  # of the columns of a run
        ("columns_below", np.int64),  # of the buffer, where runs begin
        ("gap_below", np.int64),
        ("reset_rate", np.int64),  # of 4096
        ("thread_bits", np.int64),
        ("quiet", np.int64),  # cycles since something was sent to the units
        ("column", np.int64),  # 1: in the cycle before a column was used
        ("thread", np.int64),  # by this thread
        ("useful_cycles", np.int64),
    ]
)

EVENTS = {
    "columns multiplied": (1, 1),
    "column follows a column": (1, 1),
    "run follows a run": (1, 1),
    "run follows a run with a gap": (1, 1),
    "waits between columns": (1, 1),
    "buffer column written": (1, 1),
    "buffer written as a column is sent": (1, 1),
    "accumulators cleared": (1, 1),
    "results": (1, 1),
    "run of no columns": (1, 1),
    "run wraps around the buffer": (1, 1),
    "command stalled": (1, 1),
    "stalled command changes": (1, 1),
    "reset while busy": (1, 1),
    "result is a NaN": (1, 1),
    "result is infinite": (1, 1),
    "result is subnormal": (1, 1),
    "result is a zero": (1, 1),
    "result is a tie": (1, 1),
    "thread changes from column to column": (1, 2),
    "column for some banks": (2, 1),
}
"""What is counted, in the order of ``count``: banks and accumulators that it takes."""


@njit
def begin_epoch(t, c):
    """Choose rates, sizes and manners."""
    t["style"] = draw(t, STYLES)
    t["hostile"] = draw(t, 2)
    t["rate"] = 1 + draw(t, 16)
    t["mac_rate"] = 4 + draw(t, 10)
    t["count_below"] = 2 * c["buffer_columns"]
    if draw(t, 4):
        t["count_below"] = min(t["count_below"], 3 + draw(t, 4))
    t["columns_below"] = c["buffer_columns"]
    if draw(t, 2):
        t["columns_below"] = min(t["columns_below"], 1 + draw(t, 4))
    t["gap_below"] = 1
    if draw(t, 2):
        t["gap_below"] = 1 << (1 + draw(t, GAP_BITS))
    t["reset_rate"] = draw(t, 3) * draw(t, 24)


@njit
def draw_command(t, c, u, given):
    """A command, valid or not."""
    operation = MAC_OPERATION
    if draw(t, 16) >= t["mac_rate"]:
        # Clears among them: what is not finite, or has many digits, stays until then.
        operation = min(draw(t, 6), 3) if draw(t, 2) else CLEAR_OPERATION
    if t["cycle"] % EPOCH_CYCLES < WRITES:
        operation = WRITE_OPERATION
    given[GIVEN_OPERATION] = operation
    everyone = (1 << c["banks"]) - 1
    given[GIVEN_BANKS] = draw(t, everyone + 1) if draw(t, 4) == 0 else everyone
    given[GIVEN_THREAD] = draw(t, 1 << t["thread_bits"])
    given[GIVEN_ROW] = draw(t, c["row_wrap"])
    given[GIVEN_BUFFER] = draw(t, t["columns_below"])
    if operation == WRITE_OPERATION:
        # Behind the last first column of a run are others of it.
        given[GIVEN_BUFFER] = draw(t, min(c["buffer_columns"], t["columns_below"] + 4))
    given[GIVEN_COUNT] = draw(t, t["count_below"])
    given[GIVEN_GAP] = draw(t, t["gap_below"])
    for lane in range(c["lanes"]):
        given[GIVEN_DATA + lane] = draw_operand(t, u["fraction_bits"], u["exponent_bits"])


@njit
def stimulate(t, c, u, ready, given):
    """The stimulus of a cycle, from that of the cycle before, still in ``given``, and whether the
    command was taken over then. Returns whether it resets."""
    if t["cycle"] % EPOCH_CYCLES == 0:
        begin_epoch(t, c)
    valid = GIVEN_DATA + c["lanes"]
    if offer(t, given, valid, ready, t["rate"]):
        draw_command(t, c, u, given)
    for i in range(valid + 1, given.shape[0]):
        given[i] = draw_operand(t, u["fraction_bits"], u["exponent_bits"])
    t["cycle"] += 1
    return 1 if draw(t, 4096) < t["reset_rate"] else 0


@njit
def count_results(c, u, registers, events):
    """Kinds of the numbers that units give."""
    top = u["fraction_bits"] + u["exponent_bits"]
    half = 1 << (22 - u["fraction_bits"])
    for bank in range(c["banks"]):
        results = c["first_unit"] + (bank + 1) * u["size"] - RESULTS
        thread = registers[results + READ_THREAD]
        if registers[results + READ_VALID] and thread < u["accumulators"]:
            held = registers[results - u["accumulators"] + thread] & 0x7FFFFFFF
            # Of exponents that both formats have.
            normal = (113 << 23) <= held < (142 << 23)
            events[18] += normal and held & (2 * half - 1) == half
        if registers[results + RESULT_VALID]:
            size = registers[results + RESULT] & ((1 << top) - 1)
            count_kinds(size, u["fraction_bits"], u["exponent_bits"], events, 14)
            events[17] += size == 0


@njit
def count(t, c, u, given, before, registers, reset, events):
    """Count what a cycle shows; ``before``: the stimulus and readiness one cycle earlier."""
    outputs = c["outputs"]
    valid = given[GIVEN_DATA + c["lanes"]]
    ready = registers[outputs + READY]
    columns = registers[outputs + COLUMNS]
    taken = valid and ready
    operation = given[GIVEN_OPERATION]
    left, wait = registers[LEFT], registers[WAIT]
    sends = left > 0 and wait == 0
    runs = registers[sequencer.OPERATION] == MAC_OPERATION
    run_taken = taken and operation == MAC_OPERATION and given[GIVEN_COUNT] > 0
    sent = registers[TOKEN + VALID] + registers[TOKEN + CLEAR] + registers[TOKEN + READ]
    t["quiet"] = 0 if sent else t["quiet"] + 1
    events[0] += columns != 0
    events[1] += columns != 0 and t["column"] == 1
    events[2] += run_taken and sends and runs
    events[3] += run_taken and wait == 1 and runs and registers[GAP] > 0
    events[4] += left > 0 and wait > 0 and runs
    events[5] += taken and operation == WRITE_OPERATION
    events[6] += taken and operation == WRITE_OPERATION and sends and runs
    events[7] += registers[TOKEN + CLEAR] == 1 and registers[BANKS] > 0
    events[8] += registers[outputs + RESULTS_VALID] != 0
    events[9] += taken and operation == MAC_OPERATION and given[GIVEN_COUNT] == 0
    events[10] += sends and runs and left > 1 and registers[NEXT_BUFFER] == c["buffer_columns"] - 1
    events[11] += valid == 1 and ready == 0
    events[12] += changed(before, given, 0, GIVEN_DATA + c["lanes"], before[before.shape[0] - 1])
    events[13] += reset == 1 and (left > 0 or t["quiet"] <= u["stages"] + 3)
    count_results(c, u, registers, events)
    thread = registers[TOKEN + THREAD]
    events[19] += columns != 0 and t["column"] == 1 and thread != t["thread"]
    events[20] += columns != 0 and columns != (1 << c["banks"]) - 1
    t["column"] = 1 if columns != 0 else 0
    t["thread"] = thread
    if valid or left > 0 or wait > 0 or t["quiet"] <= u["stages"] + 3:
        t["useful_cycles"] += 1


@njit
def drive(
    channels,
    units,
    at,
    sizes,
    registers,
    memory,
    sent,
    scratch,
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
    c, u, t = channels[0], units[0], traffic[0]
    inputs = stimuli.shape[1]
    for x in range(stimuli.shape[0]):
        given = stimuli[x]
        copy(before, inputs, given)
        resets[x] = stimulate(t, c, u, before[inputs], given)
        sequencer.decide(channels, units, registers)
        gather(registers, shown, responses[x])
        count(t, c, u, given, before, registers, resets[x], events)
        ready = registers[c["outputs"] + READY]
        sequencer.step(
            channels, units, at, sizes, registers, memory, sent, scratch, given, resets[x]
        )
        copy(given, inputs, before)
        before[inputs] = ready
