"""What PEs do at their fabric ports in a cycle: by their programs, or as drawn.

Either way the kernel of the simulator does it, and the hardware is told what it was.
"""

import numpy as np

from rtl.lockstep.draws import draw
from rtl.lockstep.wavelet_events import (
    NO_ROOM_PUT,
    NONE_TAKEN,
    ONE_FREE,
    ONE_THERE,
    PUT,
    RAMP_TAKEN,
    SETS,
    TAKEN,
    TWO_PUT,
    TWO_TAKEN,
)
from rtl.lockstep.wavelet_model import RAMP, put_wavelet
from sim.jit import njit
from sim.mesh.wavelet_pe import exchange, step_pe
from sim.mesh.wavelet_router import plan
from sim.mesh.wavelet_state import CONTROL

NONE = -1
SEND, RECV, CTRL = range(3)
"""Commands of ``rtl.lockstep.wavelet_eras.PES``, of no elements."""
TAKE, PUTS, PE_VALUES = 0, 3, 9
"""Places in a stimulus of a node, of ``rtl.lockstep.wavelet_layout``."""


@njit
def run_pe(layout, t, m, commands, task_pc, task_colour, classes, pe_class, pes, slots, planned, up,
           down, mask, router_bits, router_top, pe_bits, changes, up_due, counts, wheel, following,
           timer, ends, turned, accounts, marks, memory, memory_bits, addresses, up_words,
           down_words, up_tags, log, begins, chosen, node, now, before, values, at_values, at_words,
           stim, at, events):  # fmt: skip
    """A cycle of a PE's program. What it took, put and set is seen by what has changed.

    ``before`` [2 * colours] is for what was there; ``at_values``, ``at_words`` as of ``drive_pe``.
    """
    nodes, colours = m["nodes"], layout["colours"]
    for k in range(colours):
        before[k] = down[k * nodes + node]
        before[colours + k] = up[k * nodes + node]
    awake = np.int64(pe_bits[node >> 5])
    if (awake >> (node & 31)) & 1 and not step_pe(
        m, commands, task_pc, task_colour, classes, pe_class, pes, slots, planned, up, down, mask,
        router_bits, router_top, changes, up_due, counts, wheel, following, timer, ends, turned,
        accounts, marks, memory, memory_bits, addresses, up_words, down_words, up_tags, log, begins,
        chosen, node, now,
    ):  # fmt: skip
        pe_bits[node >> 5] = awake & ~(1 << (node & 31))
    # Without a wavelet its wires may hold anything.
    put = at + PUTS
    stim[at] = stim[put] = 0
    stim[at + 1], stim[put + 1] = draw(t, colours), draw(t, colours)
    stim[put + 2], stim[put + 3] = draw(t, 1 << 32), draw(t, 2)
    if m["together"] > 1:
        stim[at + 2], stim[put + 4], stim[put + 5] = draw(t, 2), draw(t, 2), draw(t, 1 << 32)
    for k in range(colours):
        queue = k * nodes + node
        many = (before[k] - down[queue]) & 0xFF
        if many:
            stim[at], stim[at + 1], stim[at + 2] = 1, k, many == 2
            word = at_words + k * layout["colour_span"]
            values[at_values + 3] = values[word]
            if many == 2:
                values[at_values + 6] = values[word + 1]
            events[TAKEN] += many
            events[TWO_TAKEN] += many == 2
        many = np.int64(up[queue]) - before[colours + k]
        if many:
            stim[put], stim[put + 1], stim[put + 4] = 1, k, many == 2
            entry = queue * m["up_depth"] + (np.int64(up[queue]) & 0xFF) - many
            put_wavelet(up_words, up_tags, entry, stim, put + 2)
            if many == 2:
                stim[put + 5] = up_words[entry + 1]
            events[PUT] += many
            events[TWO_PUT] += many == 2
        own = at + PE_VALUES + 2 * k
        stim[own], stim[own + 1] = 0, 0
        if planned[queue]:
            stim[own], stim[own + 1] = 1, np.int64(planned[queue]) - 1
            events[SETS] += 1


@njit
def drive_pe(layout, t, m, commands, pes, cell, up, down, mask, router_bits, router_top, planned,
             changes, up_due, counts, memory, memory_bits, addresses, up_words, down_words, up_tags,
             router_class, last_place, first_place, node, values, at_values, at_words, stim, at,
             events):  # fmt: skip
    """What a PE takes, puts and sets in this cycle. ``at_values``: what it is told is there;
    ``at_words``: its colours."""
    nodes, colours = m["nodes"], layout["colours"]
    ramp = np.int64(pes[node]["ramp"])
    pes[node]["ramp"] = 0
    for j in range(2):
        two = np.int64(0)
        if m["together"] > 1:
            two = draw(t, 2)
        offered = values[at_values + 1 + j + 3 * two]
        ready = offered
        if j == 1 and draw(t, 16):
            # A colour that the router takes from elsewhere fills its queue and stays.
            for k in range(colours):
                if (np.int64(cell[k * nodes + node]) >> 8) & 7 != RAMP:
                    ready &= ~(np.int64(1) << k)
        wants = draw(t, 256) < (t["takes"] if j == 0 else t["puts"])
        k = draw(t, colours)
        # Rarely one that is not ready, to which nothing must happen.
        if t["hostile"] and draw(t, 8) == 0:
            k = draw(t, 1 << t["colour_bits"])
        else:
            for _ in range(colours):
                if not (ready >> k) & 1:
                    k = (k + 1) % colours
        goes = k < colours and (offered >> k) & 1 == 1
        valid = wants and (goes or t["hostile"] == 1)
        goes = goes and valid
        own = at + (TAKE if j == 0 else PUTS)
        stim[own], stim[own + 1] = valid, k
        one = two == 1 and valid and not goes and k < colours
        one = one and (values[at_values + 1 + j] >> k) & 1 == 1
        if j == 0:
            stim[own + 2] = two
            events[NONE_TAKEN] += valid and not goes
            events[ONE_THERE] += one
            if goes:
                events[TAKEN] += 1 + two
                events[TWO_TAKEN] += two
                for i in range(1 + two):
                    values[at_values + 3 + 3 * i] = values[at_words + k * layout["colour_span"] + i]
                    exchange(m, commands, up, down, mask, router_bits, router_top, up_due, counts,
                             memory, memory_bits, addresses, up_words, down_words, up_tags, node,
                             0, RECV, k, NONE, 0)  # fmt: skip
            continue
        control = draw(t, 256) < t["controls"]
        word = draw(t, 1 << 32)
        if control:
            word &= CONTROL - 1
        stim[own + 2], stim[own + 3], stim[own + 4] = word, control, two
        events[NO_ROOM_PUT] += valid and not goes
        events[ONE_FREE] += one
        events[RAMP_TAKEN] += valid and ramp == 1
        if m["together"] > 1:
            stim[own + 5] = draw(t, 1 << 32)
        if goes:
            events[PUT] += 1 + two
            events[TWO_PUT] += two
            pes[node]["ramp"] = two
            commands[CTRL]["controls"] = word & (CONTROL - 1)
            entry = (k * nodes + node) * m["up_depth"] + (up[k * nodes + node] & 0xFF)
            for i in range(1 + two):
                pc = CTRL if control and i == 0 else SEND
                exchange(m, commands, up, down, mask, router_bits, router_top, up_due, counts,
                         memory, memory_bits, addresses, up_words, down_words, up_tags, node, 0,
                         pc, NONE, k, 0)  # fmt: skip
                # A command of no elements puts an empty word.
                up_words[entry + i] = stim[own + 2 + 3 * i]
    for k in range(colours):
        own = at + PE_VALUES + 2 * k
        kind = router_class[node] * m["colours"] + k
        last = np.int64(last_place[kind])
        valid = last > 0 and draw(t, 256) < t["switches"]
        position = draw(t, last + 1)
        stim[own], stim[own + 1] = valid, position
        if valid:
            events[SETS] += 1
            plan(m, planned, changes, node, k, position, True)
