"""A cycle of the array's hardware: outputs, handshakes, and a beat if all is there."""

from sim.array.registers_control import decide, leave, step_control
from sim.array.registers_grid import step_output, step_skew, step_stationary
from sim.array.registers_streams import add_up, complete_vector, step_fifo, step_port
from sim.jit import njit


@njit
def write_outputs(c, row):
    """Outputs in front of a row, from its registers."""
    at = 0
    row[0] = 1 if row[c["at_command"]] != 2 else 0
    row[1] = 1 if row[c["at_top"]] != 2 else 0
    row[2] = 1 if row[c["at_left"]] != 2 else 0
    at = 3
    if c["stationary"]:
        row[3] = 1 if row[c["at_partial"]] != 2 else 0
        at = 4
    words = c["cols"] + 1
    for i in range(words):
        row[at + i] = row[c["at_output"] + 1 + i]
    row[at + words] = 1 if row[c["at_output"]] != 0 else 0


@njit
def can_advance(c, old, b):
    """Whether all that the beat wants is there."""
    wants_top = b["load"] if c["stationary"] else b["stream"]
    if wants_top and old[c["at_top"]] == 0:
        return 0
    if b["stream"] and old[c["at_left"]] == 0:
        return 0
    if b["wants_partial"] and old[c["at_partial"]] == 0:
        return 0
    if b["sends"] and old[c["at_output"]] == 2:
        return 0
    return 1


@njit
def step_streams(c, old, new, b, stimulus, total):
    """The FIFOs of all streams."""
    advance = b["advance"]
    taken = 1 if b["void"] or (advance and b["take"] and b["ends"]) else 0
    given = stimulus[c["valid_command"]]
    words = c["command_words"]
    step_fifo(old, new, c["at_command"], words, given, stimulus, c["in_command"], taken)
    wants_top = b["load"] if c["stationary"] else b["stream"]
    taken = 1 if advance and wants_top else 0
    given = stimulus[c["valid_top"]]
    step_fifo(old, new, c["at_top"], c["cols"], given, stimulus, c["in_top"], taken)
    taken = 1 if advance and b["stream"] else 0
    given = stimulus[c["valid_left"]]
    step_fifo(old, new, c["at_left"], c["rows"], given, stimulus, c["in_left"], taken)
    if c["stationary"]:
        taken = 1 if advance and b["wants_partial"] else 0
        given = stimulus[c["valid_partial"]]
        step_fifo(old, new, c["at_partial"], c["cols"], given, stimulus, c["in_partial"], taken)
    taken = 1 if stimulus[c["in_ready"]] and old[c["at_output"]] != 0 else 0
    given = advance and b["sends"]
    step_fifo(old, new, c["at_output"], c["cols"] + 1, given, total, 0, taken)


@njit
def run(config, stimuli, resets, trace, reset, memory, beat, total):
    """Fill ``trace[x + 1]`` from ``trace[x]`` and the stimulus of cycle x.

    - ``config`` [1] of CONFIG, ``beat`` [1] of BEAT, ``total`` [cols + 1]: scratch
    - ``stimuli`` [cycles, field], ``resets`` [cycles]: takes hold at the end of the cycle
    - ``trace`` [cycles + 1, field], ``reset`` [field]: the row after a reset
    - ``memory`` [rows, cols] of the accumulators, which a reset does not change
    """
    for x in range(stimuli.shape[0]):
        step(config, stimuli[x], resets[x], trace[x], trace[x + 1], reset, memory, beat, total)


@njit
def step(config, stimulus, resets, old, new, reset, memory, beat, total):
    """One cycle: the row ``new`` from the row ``old``."""
    c = config[0]
    b = beat[0]
    b["overflows"] = 0
    decide(c, old, b)
    leave(c, old, b)
    complete_vector(c, old, b)
    add_up(c, old, b, memory, total)
    b["advance"] = can_advance(c, old, b)
    for i in range(old.shape[0]):
        new[i] = old[i]
    if b["advance"]:
        step_port(c, old, new, b, memory, total)
    if resets:
        for i in range(old.shape[0]):
            new[i] = reset[i]
        return
    if b["advance"]:
        step_control(c, old, new, b)
        step_skew(c, old, new, b)
        if c["stationary"]:
            step_stationary(c, old, new, b)
        else:
            step_output(c, old, new, b)
    step_streams(c, old, new, b, stimulus, total)
    write_outputs(c, new)
