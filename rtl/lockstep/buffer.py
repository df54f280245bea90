"""The scratchpad's twin: its hardware, its model, and what drives both."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from arch import buffer
from arch.machine import Machine
from rtl.buffer import Scratchpad
from rtl.buffer.parameters import Parameters, lines_of_half
from rtl.buffer.scratchpad import COUNT_BITS, DEPTH_LINES
from rtl.lockstep.batches import Counted, empty
from rtl.lockstep.draws import draw, new_traffic
from rtl.lockstep.streams import changed, copy, offer
from rtl.lockstep.twin import Batch
from sim.buffer import registers
from sim.buffer.registers import ADVANCE, ADVANCE_VALID, DRAIN, FILL, FILL_VALID, drain_valid_at
from sim.jit import njit

EPOCH_CYCLES = 256
"""For so long traffic keeps its rates, sizes and manners."""

TRAFFIC = np.dtype(
    [
        ("random", np.int64),  # state of the generator, never 0
        ("cycle", np.int64),
        ("hostile", np.int64),  # 1: valid and payload change whatever ready says
        ("advance_rate", np.int64),  # of 16, that a stream offers something
        ("fill_rate", np.int64),
        ("drain_rate", np.int64),
        ("lines_below", np.int64),  # of a beat or burst
        ("last_rate", np.int64),  # of 16, that a beat or burst ends its tile
        ("reset_rate", np.int64),  # of 4096
        ("count_bits", np.int64),
        ("word_bits", np.int64),
        ("useful_cycles", np.int64),
    ]
)

EVENTS = {
    "swap": (1, False),
    "beat accepted at a swap": (1, False),
    "array waits for the fill": (1, False),
    "fill waits for the array": (1, False),
    "advance of several cycles": (1, False),
    "advance without accesses": (1, False),
    "fill stalled by the array": (1, True),
    "drain stalled by the array": (1, False),
    "drain stalled by the fill": (1, False),
    "swap while draining": (1, False),
    "address wraps": (2, False),
    "stalled stream changes": (1, False),
    "reset while dirty": (1, False),
    "burst accepted at a swap": (1, True),
    "drain of the array's half": (2, True),
    "array leaves a part to the fill": (2, True),
    "array, fill and drain at once": (3, True),
}
"""What is counted, in the order of ``count``: accesses a cycle that it takes, and whether it takes
double buffering."""


@njit
def begin_epoch(t, accesses):
    """Choose rates, sizes and manners."""
    t["hostile"] = draw(t, 2)
    t["advance_rate"] = 1 + draw(t, 16)
    t["fill_rate"] = 1 + draw(t, 16)
    t["drain_rate"] = 1 + draw(t, 16)
    sizes = draw(t, 4)
    t["lines_below"] = 1 << t["count_bits"]
    if sizes < 3:
        t["lines_below"] = min(t["lines_below"], 2 + (accesses << sizes))
    t["last_rate"] = 1 + draw(t, 8)
    t["reset_rate"] = draw(t, 3) * draw(t, 32)


@njit
def stimulate(t, c, s, given):
    """The stimulus of a cycle, from that of the cycle before, still in ``given``, and whether
    streams were ready then, still in the state. Returns whether it resets."""
    depth, words = c["depth_lines"], c["accesses"] * c["words"]
    if t["cycle"] % EPOCH_CYCLES == 0:
        begin_epoch(t, c["accesses"])
    if offer(t, given, ADVANCE_VALID, s["advance_ready"], t["advance_rate"]):
        given[ADVANCE] = draw(t, t["lines_below"])
        given[ADVANCE + 1] = draw(t, depth)
        given[ADVANCE + 2] = draw(t, t["lines_below"]) if draw(t, 2) else 0
        given[ADVANCE + 3] = draw(t, depth)
        given[ADVANCE + 4] = 1 if draw(t, 16) < t["last_rate"] else 0
    if offer(t, given, FILL_VALID, s["fill_ready"], t["fill_rate"]):
        given[FILL] = draw(t, t["lines_below"])
        given[FILL + 1] = draw(t, depth)
        given[FILL + 2] = 1 if draw(t, 16) < t["last_rate"] else 0
    drain_valid = drain_valid_at(c)
    if offer(t, given, drain_valid, s["drain_ready"], t["drain_rate"]):
        given[DRAIN] = draw(t, t["lines_below"])
        given[DRAIN + 1] = draw(t, depth)
        if c["double_buffered"]:
            given[DRAIN + 2] = draw(t, 2)
    for i in range(drain_valid + 1, drain_valid + 1 + 2 * words):
        given[i] = draw(t, 1 << t["word_bits"])
    t["cycle"] += 1
    return 1 if draw(t, 4096) < t["reset_rate"] else 0


@njit
def count(t, c, s, given, before, reset, events):
    """Count what a cycle shows; ``before``: the stimulus and readiness one cycle earlier."""
    array = s["read_count"] + s["write_count"]
    array_left = s["read_left"] + s["write_left"]
    filled, drained = s["fill_count"], s["drain_count"]
    fill_left, drain_left = s["fill_left"], s["drain_left"]
    double = c["double_buffered"]
    takes_beat = given[ADVANCE_VALID] and s["advance_ready"]
    takes_fill = given[FILL_VALID] and s["fill_ready"]
    waits_beat = given[ADVANCE_VALID] and not s["advance_ready"]
    waits_fill = given[FILL_VALID] and not s["fill_ready"]
    drains = drain_left > drained
    wraps = s["read_at"] + s["read_count"] > c["depth_lines"]
    wraps = wraps or s["fill_at"] + filled > c["depth_lines"]
    dirty = array_left + fill_left + drain_left > 0
    events[0] += s["swap"]
    events[1] += s["swap"] == 1 and takes_beat
    events[2] += waits_beat and array == array_left
    events[3] += waits_fill and filled == fill_left
    events[4] += array_left > c["accesses"]
    events[5] += takes_beat and given[ADVANCE] + given[ADVANCE + 2] == 0
    events[6] += fill_left > 0 and filled == 0
    events[7] += drain_left > 0 and drained == 0 and array == c["accesses"]
    events[8] += drain_left > 0 and drained == 0 and filled > 0
    events[9] += s["swap"] == 1 and drains
    events[10] += wraps
    events[11] += any_changed(c, before, given)
    events[12] += reset == 1 and dirty
    events[13] += s["swap"] == 1 and takes_fill
    events[14] += double == 1 and drained > 0 and array > 0 and s["drain_half"] == s["half"]
    events[15] += 0 < filled < fill_left and array > 0
    events[16] += array > 0 and filled > 0 and drained > 0
    stalls = waits_beat or waits_fill or (given[drain_valid_at(c)] and not s["drain_ready"])
    if stalls or takes_beat or takes_fill or array + filled + drained > 0:
        t["useful_cycles"] += 1


@njit
def any_changed(c, before, given):
    """Whether a stream that was stalled has changed."""
    found, first = 0, 0
    streams = (ADVANCE_VALID, FILL_VALID, drain_valid_at(c))
    for stream in range(3):
        valid, ready = streams[stream], before[before.shape[0] - 3 + stream]
        found |= changed(before, given, first, valid, ready)
        first = valid + 1
    return found


@njit
def drive(config, state, lines, memory, traffic, before, events, stimuli, resets, responses):
    """Cycles in a row of stimuli, the model's responses, and what they show.

    ``before`` [inputs + 3]: the stimulus of the cycle before the first, and whether each stream
    was ready then.
    """
    c, s, t = config[0], state[0], traffic[0]
    inputs = stimuli.shape[1]
    for x in range(stimuli.shape[0]):
        given = stimuli[x]
        copy(before, inputs, given)
        resets[x] = stimulate(t, c, s, given)
        registers.decide(c, s)
        registers.respond(config, state, lines, responses[x])
        count(t, c, s, given, before, resets[x], events)
        registers.step(config, state, lines, memory, given, resets[x])
        copy(given, inputs, before)
        before[inputs] = s["advance_ready"]
        before[inputs + 1] = s["fill_ready"]
        before[inputs + 2] = s["drain_ready"]


@dataclass
class BufferTraffic(Counted):
    """One run of a scratchpad under random commands, legal and hostile, with resets.

    Useful are cycles with a transfer or a stall.
    """

    event_names = EVENTS
    model: registers.Model
    before: npt.NDArray[np.int64]

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        batch = empty(cycles, self.model.stimulus_size, self.model.response_size)
        state = self.traffic, self.before, self.events
        drive(*self.model.arrays, *state, batch.stim, batch.rst, batch.resp)
        return batch

    def can_show(self, event: str) -> bool:
        """With its accesses a cycle, and halves."""
        config = self.model.config[0]
        accesses, double = EVENTS[event]
        return bool(config["accesses"] >= accesses and config["double_buffered"] >= double)


class BufferTwin:
    """A scratchpad as hardware and as model; parameters as of ``Scratchpad``."""

    name = "buffer"

    def __init__(
        self,
        pad: buffer.Scratchpad,
        depth_lines: int = DEPTH_LINES,
        *,
        count_bits: int = COUNT_BITS,
        path: str = "scratchpad",
    ) -> None:
        self.parameters = Parameters(pad, depth_lines, count_bits, path)
        self._build = partial(Scratchpad, pad, depth_lines, count_bits=count_bits, path=path)

    @property
    def component(self) -> Scratchpad:
        """New hardware."""
        return self._build()

    def traffic(self, seed: int) -> BufferTraffic:
        """The run of a seed."""
        p = self.parameters
        model = registers.model(p.accesses, p.words, p.depth_lines, p.double_buffered)
        bits = {"count_bits": p.count_bits, "word_bits": 8 * p.word_bytes}
        before = np.zeros(model.stimulus_size + 3, np.int64)
        return BufferTraffic(new_traffic(TRAFFIC, seed, **bits), model, before)


def buffer_twin(machine: Machine) -> BufferTwin:
    """The twin of the machine's first scratchpad, with 64 lines a half or as many as it has.

    Raises InputError that says which field to set where hardware does not support it.
    """
    name, pad = next(iter(machine.buffer.scratchpads.items()))
    depth_lines = DEPTH_LINES
    while depth_lines > max(2, lines_of_half(pad)):
        depth_lines //= 2
    return BufferTwin(pad, depth_lines, path=f"buffer.scratchpads.{name}")
