"""What drives a wavelet mesh's hardware and model, and what is counted of it.

Cycles are made of the parts of the simulator's kernel. Its PEs run a program, or in their place are
draws (``rtl.lockstep.wavelet_pes``).
"""

import numpy as np

from rtl.lockstep.streams import gather
from rtl.lockstep.wavelet_events import (
    AT_ONCE,
    CONTROLS,
    DIRTY,
    ELSEWHERE,
    ENDS,
    FULL,
    LEFT,
    MULTICAST,
    NO_ROOM,
    OTHER_SIDE,
    PE_FULL,
    PORT_TAKEN,
    PUT,
    SEVERAL,
    SWITCHES,
    UNREAD,
)
from rtl.lockstep.wavelet_model import COLOUR_VALUES, NODE_VALUES, RAMP, show_queues, show_ways
from rtl.lockstep.wavelet_pes import drive_pe, run_pe
from sim.jit import njit
from sim.mesh.wavelet import land_hops, land_ramps
from sim.mesh.wavelet_router import carry, decide, switch, takes
from sim.mesh.wavelet_state import HEAD
from sim.mesh.wavelet_wakes import ring

NONE = -1

TRAFFIC = np.dtype(
    [
        ("random", np.int64),  # state of the generator, never 0
        ("now", np.int64),  # cycle since the last reset
        ("cycles", np.int64),  # up to the next one, that included
        ("runs", np.int64),  # whether PEs run their program; else draws
        ("hostile", np.int64),
        ("takes", np.int64),  # of 256, as of Era
        ("puts", np.int64),
        ("controls", np.int64),
        ("switches", np.int64),
        ("colour_bits", np.int64),
        ("stim_span", np.int64),
        ("useful_cycles", np.int64),
    ]
)


@njit
def tag_of(m, cell, cell_tags, up_tags, queue):
    """Tag of the wavelet in front of a colour's source."""
    if (np.int64(cell[queue]) >> 8) & 7 == RAMP:
        return np.int64(up_tags[queue * m["up_depth"]])
    return np.int64(cell_tags[queue * m["depth"]])


@njit
def count_waits(layout, order, m, cell, side, up, down, mask, steps, cell_tags, up_tags, events):
    """Why wavelets that could go on do not, before anybody decides."""
    nodes, depth = m["nodes"], m["depth"]
    for i in range(layout["nodes"]):
        node = order[i]
        for k in range(layout["colours"]):
            queue = k * nodes + node
            here = np.int64(cell[queue])
            port = (here >> 8) & 7
            events[NO_ROOM] += (up[queue] & 0xFF) == m["up_depth"]
            fixed = (m["fixed"] >> k) & 1 == 1
            unread = here & 15 != 0 and not fixed and port != side[queue]
            events[UNREAD] += unread
            if port == RAMP:
                if up[queue] < HEAD:
                    continue
            elif here & 0xF0 == 0 or unread:
                continue
            outs = here >> 11
            control = tag_of(m, cell, cell_tags, up_tags, queue) != 0
            if outs >> RAMP and not control:
                events[PE_FULL] += (down[queue] & 0xFF) >= m["down_depth"]
            for out in range(RAMP):
                if not (outs >> out) & 1:
                    continue
                at = queue + steps[out << 5 | (node & 31)]
                if takes(cell, side, depth, at, out ^ 1, fixed):
                    continue
                there = np.int64(cell[at])
                if (there >> 8) & 7 != out ^ 1:
                    events[ELSEWHERE] += 1
                elif there & 15 == depth:
                    events[FULL] += 1
                else:
                    events[OTHER_SIDE] += 1


@njit
def count_moves(layout, order, m, cell, place, planned, mask, moves, router_class, last_place,
                first_place, cell_tags, up_tags, events):  # fmt: skip
    """What the routers have decided, when PEs have set positions and before anything moves."""
    nodes = m["nodes"]
    before, same = NONE, 0
    waiting = 0
    for i in range(layout["nodes"]):
        awake = np.int64(mask[order[i]])
        while awake:
            waiting += awake & 1
            awake >>= 1
    # A colour that is awake behind the decision can move, and does unless a port was taken.
    events[PORT_TAKEN] += waiting - m["moves"]
    for index in range(m["moves"]):
        node, k = np.int64(moves[index]) >> 5, np.int64(moves[index]) & 31
        queue = k * nodes + node
        same = same + 1 if node == before else 1
        before = node
        events[SEVERAL] += same == 2
        tag = tag_of(m, cell, cell_tags, up_tags, queue)
        outs = np.int64(cell[queue]) >> 11
        if tag:
            outs &= 15
            events[CONTROLS] += 1
            events[ENDS] += outs == 0
            kind = router_class[node] * m["colours"] + k
            position = np.int64(place[queue])
            goal = position
            if tag & 3 == 1:
                goal = min(position + 1, np.int64(last_place[kind]))
            elif tag & 3 == 2:
                goal = np.int64(first_place[kind])
            events[SWITCHES] += goal != position and planned[queue] == 0
            events[AT_ONCE] += goal != position and planned[queue] > 0
        copies = 0
        for out in range(RAMP + 1):
            copies += (outs >> out) & 1
            events[LEFT + out] += (outs >> out) & 1
        events[MULTICAST] += copies > 1


@njit
def drive(layouts, stim_places, places, traffic, order, numbers, probe, came, shown, before, values,
          stim, events, mesh, commands, task_pc, task_colour, classes, pe_class, pes, slots, cell,
          side, place, planned, up, down, mask, pointer, router_bits, router_top, pe_bits, pe_top,
          moves, changes, down_due, up_due, hop_due, counts, wheel, following, timer, ends, turned,
          links, accounts, marks, router_class, routes, last_place, first_place, memory,
          memory_bits, addresses, cell_words, up_words, down_words, cell_tags, up_tags, log, begins,
          chosen, there, steps, stimuli, resets, responses):  # fmt: skip
    """Cycles in a row of stimuli, the model's responses, and what they show.

    ``order``, ``numbers``: the kernel's number of a node, and back; ``before`` as of ``run_pe``.
    Ends early after a reset; returns how many cycles there were.
    """
    layout, t, m = layouts[0], traffic[0], mesh[0]
    for x in range(stimuli.shape[0]):
        now = t["now"]
        m["down_lands"] = now % (m["to_pe"] + 1)
        m["down_slot"] = (now + m["to_pe"]) % (m["to_pe"] + 1)
        m["up_lands"] = now % (m["to_router"] + 1)
        m["up_slot"] = (now + m["to_router"]) % (m["to_router"] + 1)
        m["hop_slot"] = now % m["hop"]
        m["down_landed"] = m["up_landed"] = 0
        m["moves"] = 0
        if m["hop"] > 1:
            land_hops(m, cell, mask, router_bits, router_top, hop_due, counts)
        if m["timers"]:
            ring(m, wheel, following, timer, pe_bits, pe_top, now)
        land_ramps(m, pes, up, down, mask, router_bits, router_top, pe_bits, pe_top, down_due,
                   up_due, counts, 0)  # fmt: skip

        resets[x] = now == t["cycles"] - 1
        values[:] = 0
        show_queues(layout, order, m, cell, side, place, up, down, pointer, router_class,
                    first_place, cell_words, up_words, down_words, cell_tags, up_tags, pes,
                    up_due, counts, probe, came, shown, values)  # fmt: skip
        show_ways(layout, numbers, m, cell, side, up, down, down_due, up_due, hop_due, counts,
                  cell_words, up_words, down_words, cell_tags, up_tags, shown, now,
                  values)  # fmt: skip
        counts[m["down_lands"]] = counts[32 + m["up_lands"]] = 0
        inside = 0
        for i in range(layout["nodes"] * layout["colours"]):
            at = layout["at_colours"] + i * layout["colour_span"]
            inside += values[at + 1] + values[at + 5] + values[at + 7]
        events[DIRTY] += resets[x] == 1 and inside > 0
        count_waits(layout, order, m, cell, side, up, down, mask, steps, cell_tags, up_tags, events)

        for i in range(layout["nodes"]):
            if mask[order[i]]:
                decide(m, cell, side, up, down, mask, pointer, moves, cell_tags, up_tags, steps,
                       order[i])  # fmt: skip
        decided = m["moves"]
        put = events[PUT]
        for i in range(layout["nodes"]):
            first = (layout["at_colours"] + i * layout["colours"] * layout["colour_span"]
                     + COLOUR_VALUES + 2 * layout["depth"])  # fmt: skip
            own, at = layout["at_nodes"] + i * NODE_VALUES, i * t["stim_span"]
            if t["runs"]:
                run_pe(layout, t, m, commands, task_pc, task_colour, classes, pe_class, pes, slots,
                       planned, up, down, mask, router_bits, router_top, pe_bits, changes, up_due,
                       counts, wheel, following, timer, ends, turned, accounts, marks, memory,
                       memory_bits, addresses, up_words, down_words, up_tags, log, begins, chosen,
                       order[i], now, before, values, own, first, stim, at, events)  # fmt: skip
                continue
            drive_pe(layout, t, m, commands, pes, cell, up, down, mask, router_bits, router_top,
                     planned, changes, up_due, counts, memory, memory_bits, addresses, up_words,
                     down_words, up_tags, router_class, last_place, first_place, order[i], values,
                     own, first, stim, at, events)  # fmt: skip
        t["useful_cycles"] += inside > 0 or events[PUT] > put
        count_moves(layout, order, m, cell, place, planned, mask, moves, router_class, last_place,
                    first_place, cell_tags, up_tags, events)  # fmt: skip
        for index in range(decided):
            carry(m, cell, side, place, planned, up, down, mask, router_bits, router_top, pe_bits,
                  pe_top, changes, down_due, hop_due, counts, links, router_class, last_place,
                  first_place, cell_words, up_words, down_words, cell_tags, up_tags, steps,
                  np.int64(moves[index]) >> 5, np.int64(moves[index]) & 31, now)  # fmt: skip
        for index in range(m["changes"]):
            entry = np.int64(changes[index])
            switch(m, cell, place, planned, mask, router_bits, router_top, router_class, routes,
                   steps, entry >> 5, entry & 31)  # fmt: skip
        m["changes"] = 0
        gather(stim, stim_places, stimuli[x])
        gather(values, places, responses[x])
        t["now"] = now + 1
        if resets[x]:
            return x + 1
    return stimuli.shape[0]
