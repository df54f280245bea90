"""Random work for an array: commands, operands, back-pressure, resets, and what came of it.

Phases of some ten to some hundred cycles differ in how often each stream is valid or ready. In a
legal phase a stalled stream holds its payload; in a hostile one it does as it likes. In an extreme
phase sums overflow at once, in one without commands the array comes to rest.
"""

from typing import Any

import numpy as np

from sim.array.registers_run import step
from sim.jit import njit

STREAMS_MAX = 5
SHAPES_MAX = 4096
EDGES = ("full fold", "edge rows", "edge columns", "edge corner")
STALLS = ("top", "left", "partial", "output")
EVENTS = (
    *("commands", "void commands", "vectors out", "partial sums out", "partial sums in"),
    *("hostile cycles", "resets at work", "swaps while draining", "cycles with an overflow"),
)
COMMANDS, VOIDS, VECTORS, PARTIALS_OUT, PARTIALS_IN, HOSTILE, RESETS, SWAPS, OVERFLOWS = range(
    len(EVENTS)
)

TRAFFIC = np.dtype(
    [
        ("random", np.uint64),  # state of the generator
        ("left", np.int64),  # cycles of this phase
        ("hostile", np.int64),
        ("extreme", np.int64),  # words are at an end of the range
        ("odds", np.int64, STREAMS_MAX),  # of 16: how often a stream is valid, or ready
        ("held", np.int64, STREAMS_MAX),  # 1: valid in the cycle before and not taken
        ("operand_bits", np.int64),
        ("extent_large", np.int64),  # up to which a command is large
        ("extent_largest", np.int64),  # that a command can hold
        ("useful", np.int64),  # cycles with a transfer or a stall
        ("events", np.int64, len(EVENTS)),
        ("folds", np.int64, len(EDGES)),  # that began to stream
        ("stalls", np.int64, (len(STALLS), len(EDGES))),
        ("shapes", np.int64),  # commands in the list of shapes
    ]
)


@njit
def draw(t):
    """A random integer of 62 bits (xorshift64*)."""
    x = t["random"]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    t["random"] = x
    return np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(2))


@njit
def draw_word(t, bits):
    """A signed number of any size, every eighth one, or all of a phase, at an end of the range."""
    word = draw(t)
    if t["extreme"] or word & 7 == 0:
        largest = (1 << (bits - 1)) - 1
        return largest if word & 8 else -largest - 1
    return word >> 4 << (64 - bits) >> (64 - bits)


@njit
def draw_extent(t, size):
    """An extent of a product: mostly around the size of the grid, rarely 0 or large."""
    kind = draw(t) & 63
    if kind == 0:
        return 0
    if kind < 3:
        return 1 + draw(t) % t["extent_large"]
    if kind < 20:
        return 1 + draw(t) % 3
    if kind < 28:
        return size
    return min(1 + draw(t) % (2 * size + 6), t["extent_largest"])


@njit
def begin_phase(t):
    """Choose how the streams behave for a while."""
    t["left"] = 16 + draw(t) % 400
    t["hostile"] = 1 if draw(t) & 3 == 0 else 0
    t["extreme"] = 1 if draw(t) & 7 == 0 else 0
    for i in range(STREAMS_MAX):
        kind = draw(t) & 7
        t["odds"][i] = 16 if kind < 4 else (8 if kind == 4 else (2 if kind == 5 else 15))
    if draw(t) & 7 == 0:
        t["odds"][0] = 0


@njit
def drive_stream(c, t, stream, first, words, bits, size, valid_at, stimulus, before):
    """One input stream in this cycle: what it holds, or something new."""
    if t["held"][stream] and not t["hostile"]:
        for i in range(first, first + words):
            stimulus[i] = before[i]
        stimulus[valid_at] = 1
        return
    stimulus[valid_at] = 1 if draw(t) & 15 < t["odds"][stream] else 0
    for i in range(first, first + words):
        stimulus[i] = draw_extent(t, size) if bits == 0 else draw_word(t, bits)


@njit
def drive(c, t, stimulus, before):
    """All inputs of a cycle."""
    if t["left"] == 0:
        begin_phase(t)
    t["left"] -= 1
    size = max(c["rows"], c["cols"])
    bits = t["operand_bits"]
    drive_stream(c, t, 0, c["in_command"], 3, 0, size, c["valid_command"], stimulus, before)
    drive_stream(c, t, 1, c["in_top"], c["cols"], bits, 0, c["valid_top"], stimulus, before)
    drive_stream(c, t, 2, c["in_left"], c["rows"], bits, 0, c["valid_left"], stimulus, before)
    if c["stationary"]:
        drive_stream(
            c, t, 3, c["in_partial"], c["cols"], c["accumulator_bits"], 0, c["valid_partial"],
            stimulus, before,
        )  # fmt: skip
    stimulus[c["in_ready"]] = 1 if draw(t) & 15 < t["odds"][4] else 0


@njit
def note_stream(c, t, stream, valid_at, level_at, stimulus, old):
    """Note whether a stream was taken; return whether it was."""
    valid = stimulus[valid_at] == 1
    ready = old[level_at] != 2
    t["held"][stream] = 1 if valid and not ready else 0
    return valid and ready


@njit
def results_under_way(c, old):
    """Vectors of results of former folds that have not left their last column."""
    length = c["rows"] * c["latency"] if c["stationary"] else c["rows"] + c["latency"] - 1
    found = 0
    for j in range(length):
        found += old[c["at_leave"] + j] & 1
    for j in range(c["cols"] - 1):
        found += old[c["at_leaving"] + j] & 1
    return found


@njit
def note(c, b, t, stimulus, old, shapes):
    """Count what the cycle has shown."""
    events = t["events"]
    moved = False
    if note_stream(c, t, 0, c["valid_command"], c["at_command"], stimulus, old):
        moved = True
        at = c["in_command"]
        m, n, k = stimulus[at], stimulus[at + 1], stimulus[at + 2]
        if m == 0 or n == 0 or k == 0:
            events[VOIDS] += 1
        else:
            events[COMMANDS] += 1
            if t["shapes"] < shapes.shape[0]:
                shapes[t["shapes"]] = (m << 40) | (n << 20) | k
                t["shapes"] += 1
    if note_stream(c, t, 1, c["valid_top"], c["at_top"], stimulus, old):
        moved = True
    if note_stream(c, t, 2, c["valid_left"], c["at_left"], stimulus, old):
        moved = True
    if c["stationary"] and note_stream(c, t, 3, c["valid_partial"], c["at_partial"], stimulus, old):
        moved = True
        events[PARTIALS_IN] += 1
    if stimulus[c["in_ready"]] and old[c["at_output"]] > 0:
        moved = True
        events[VECTORS] += 1
        if not old[c["at_output"] + 1 + c["cols"]]:
            events[PARTIALS_OUT] += 1
    fold = b["streaming"]
    if b["load"] and not b["stream"]:
        fold = b["loading"]
    edge = (1 if fold["rows"] < c["rows"] else 0) + (2 if fold["cols"] < c["cols"] else 0)
    if not b["advance"]:
        moved = True
        wants_top = b["load"] if c["stationary"] else b["stream"]
        if wants_top and old[c["at_top"]] == 0:
            t["stalls"][0, edge] += 1
        if b["stream"] and old[c["at_left"]] == 0:
            t["stalls"][1, edge] += 1
        if b["wants_partial"] and old[c["at_partial"]] == 0:
            t["stalls"][2, edge] += 1
        if b["sends"] and old[c["at_output"]] == 2:
            t["stalls"][3, edge] += 1
    elif b["first"]:
        t["folds"][edge] += 1
        if results_under_way(c, old) > 0:
            events[SWAPS] += 1
    if b["advance"] and b["overflows"]:
        events[OVERFLOWS] += 1
    events[HOSTILE] += t["hostile"]
    if moved:
        t["useful"] += 1


@njit
def end_cycle(t, resets, at_work, stimulus, before):
    """After a cycle: what a reset ends, and the stimulus kept."""
    if resets:
        if at_work:
            t["events"][RESETS] += 1
        for i in range(STREAMS_MAX):
            t["held"][i] = 0
    for i in range(stimulus.shape[0]):
        before[i] = stimulus[i]


@njit
def run_traffic(
    config, traffic, stimuli, resets, trace, reset, memory, beat, total, before, shapes
):  # fmt: skip
    """Drive the model for as many cycles as ``stimuli`` has; see ``sim.array.registers_run``.

    ``before`` [field] is the stimulus of the cycle before, kept from call to call.
    """
    c = config[0]
    b = beat[0]
    t = traffic[0]
    for x in range(stimuli.shape[0]):
        stimulus = stimuli[x]
        old = trace[x]
        drive(c, t, stimulus, before)
        at_work = old[c["at_controller"]] == 1
        resets[x] = 1 if draw(t) & 1023 == 0 else 0
        step(config, stimulus, resets[x], old, trace[x + 1], reset, memory, beat, total)
        note(c, b, t, stimulus, old, shapes)
        end_cycle(t, resets[x], at_work, stimulus, before)


def coverage_of(traffic: Any, stationary: bool, engines: bool = False) -> dict[str, int]:
    """Counts by name; events that the dataflow does not have, or engines, are left out."""
    t = traffic[0]
    absent = [] if stationary else ["partial sums out", "partial sums in"]
    absent += ["cycles with an overflow"] * engines
    counts = {
        name: int(count)
        for name, count in zip(EVENTS, t["events"], strict=True)
        if name not in absent
    }
    for edge, count in zip(EDGES, t["folds"], strict=True):
        counts[f"folds: {edge}"] = int(count)
    for stall, row in zip(STALLS, t["stalls"], strict=True):
        if stationary or stall != "partial":
            for edge, count in zip(EDGES, row, strict=True):
                counts[f"stall of {stall}: {edge}"] = int(count)
    return counts
