"""The registers of a mesh of wavelet routers, as the simulator's kernel has them.

The kernel's state in a cycle, when wavelets have come to the ends of hops and ramps and before
anybody decides, is that of the hardware. The kernel has a wavelet in the queue that it goes to as
soon as it is sent; until it can go on it is in a register on its way, the last one if it is due
in the next cycle. Two that a PE puts at once are due at once in the kernel, of which a router moves
one a cycle; on the ramp the second one is a cycle behind.
"""

import numpy as np

from sim.jit import njit
from sim.mesh.wavelet_pe import lacks
from sim.mesh.wavelet_state import CONTROL

RAMP = 4
NONE = -1
COLOUR_VALUES = 8
"""Of a colour in a node: there, count of its queue, side, turn; there, count of the PE's queue; of
the queue from it. Entries follow, of the three in this order."""
NODE_VALUES = 10
"""Pointer, has, room, taken; has two, room for two, the second taken; valid, colour, word of the
second one that is put and waits for the ramp."""
MOVING = 4
"""Valid, colour, word, control."""

LAYOUT = np.dtype(
    [
        ("nodes", np.int64),  # of the mesh, as the hardware numbers them
        ("colours", np.int64),
        ("depth", np.int64),  # of a colour's queue
        ("down_depth", np.int64),
        ("up_depth", np.int64),
        ("hop", np.int64),  # registers of a link
        ("falls", np.int64),  # registers to a PE
        ("rises", np.int64),  # registers from a PE
        ("colour_span", np.int64),  # values of a colour in a node
        ("at_colours", np.int64),  # place of the first of each kind among the values
        ("at_nodes", np.int64),
        ("at_links", np.int64),
        ("at_falls", np.int64),
        ("at_rises", np.int64),
        ("values", np.int64),  # in all
    ]
)


@njit
def put_wavelet(words, tags, index, values, at):
    """Word and control flag; a control wavelet's word is its controls."""
    tag = np.int64(tags[index])
    values[at] = words[index]
    if tag:
        values[at] = tag & (CONTROL - 1)
    values[at + 1] = tag > 0


@njit
def show_queues(layout, order, m, cell, side, place, up, down, pointer, router_class, first_place,
                cell_words, up_words, down_words, cell_tags, up_tags, pes, up_due, counts, probe,
                came, shown, values):  # fmt: skip
    """Queues, positions, pointers and what a PE is told.

    ``probe`` [1] of SLOT is for asking the kernel; ``shown`` [k * nodes] for second ones that it
    counts as there. ``came`` [node, colour]: of colours that the kernel keeps no side of, as all
    their wavelets come by the port in, that port.
    """
    nodes, colours = m["nodes"], layout["colours"]
    slot = probe[0]
    shown[:] = 0
    before = NONE
    first = m["up_lands"] * m["together"] * nodes
    for index in range(first, first + counts[32 + m["up_lands"]]):
        entry = np.int64(up_due[index])
        if entry == before:
            shown[(entry & 31) * nodes + (entry >> 5)] = 1
        before = entry
    for i in range(layout["nodes"]):
        node = order[i]
        own = layout["at_nodes"] + i * NODE_VALUES
        values[own] = pointer[node]
        for k in range(colours):
            queue = k * nodes + node
            at = layout["at_colours"] + (i * colours + k) * layout["colour_span"]
            here = np.int64(cell[queue])
            count = here & 15
            if (m["fixed"] >> k) & 1:
                if count:
                    came[i, k] = (here >> 8) & 7
            else:
                came[i, k] = side[queue]
            values[at] = (here >> 4) & 15
            values[at + 1] = count
            values[at + 2] = came[i, k]
            first = np.int64(first_place[router_class[node] * m["colours"] + k])
            values[at + 3] = np.int64(place[queue]) ^ first
            values[at + 4] = down[queue] >> 8
            values[at + 5] = down[queue] & 0xFF
            values[at + 6] = (np.int64(up[queue]) >> 8) - shown[queue]
            values[at + 7] = up[queue] & 0xFF
            entry = at + COLOUR_VALUES
            for index in range(values[at]):
                put_wavelet(cell_words, cell_tags, queue * m["depth"] + index, values, entry)
                entry += 2
            entry = at + COLOUR_VALUES + 2 * layout["depth"]
            for index in range(values[at + 4]):
                values[entry + index] = down_words[queue * m["down_depth"] + index]
            entry += layout["down_depth"]
            for index in range(values[at + 6]):
                put_wavelet(up_words, up_tags, queue * m["up_depth"] + index, values, entry)
                entry += 2
            ramp = np.int64(pes[node]["ramp"])
            for two in range(2):
                slot["left"] = 1 + two
                slot["took"], slot["put"] = k, NONE
                values[own + 1 + 3 * two] |= (lacks(m, slot, up, down, node, ramp) == 0) << k
                slot["took"], slot["put"] = NONE, k
                values[own + 2 + 3 * two] |= (lacks(m, slot, up, down, node, ramp) == 0) << k


@njit
def show_ways(layout, numbers, m, cell, side, up, down, down_due, up_due, hop_due, counts,
              cell_words, up_words, down_words, cell_tags, up_tags, shown, now,
              values):  # fmt: skip
    """Wavelets on links and ramps; ``shown`` [k * nodes] is for counting those of a queue."""
    nodes = m["nodes"]
    shown[:] = 0
    for away in range(1, layout["hop"] + 1):
        slot = (now + away) % m["hop"]
        for index in range(slot * 4 * nodes, slot * 4 * nodes + counts[64 + slot]):
            node, k = np.int64(hop_due[index]) >> 5, np.int64(hop_due[index]) & 31
            queue = k * nodes + node
            here = np.int64(cell[queue])
            port = (here >> 8) & 7
            if not (m["fixed"] >> k) & 1:
                port = np.int64(side[queue])
            stage = (numbers[node] * RAMP + port) * layout["hop"] + layout["hop"] - away
            at = layout["at_links"] + stage * MOVING
            values[at], values[at + 1] = 1, k
            entry = queue * m["depth"] + ((here >> 4) & 15) + shown[queue]
            put_wavelet(cell_words, cell_tags, entry, values, at + 2)
            shown[queue] += 1
    shown[:] = 0
    for away in range(1, layout["falls"] + 1):
        slot = (now + away) % (m["to_pe"] + 1)
        for index in range(slot * nodes, slot * nodes + counts[slot]):
            node, k = np.int64(down_due[index]) >> 5, np.int64(down_due[index]) & 31
            queue = k * nodes + node
            stage = numbers[node] * layout["falls"] + layout["falls"] - away
            at = layout["at_falls"] + stage * MOVING
            values[at], values[at + 1] = 1, k
            entry = queue * m["down_depth"] + (np.int64(down[queue]) >> 8) + shown[queue]
            values[at + 2] = down_words[entry]
            shown[queue] += 1
    shown[:] = 0
    for away in range(layout["rises"] + 1):
        slot = (now + away) % (m["to_router"] + 1)
        first = slot * m["together"] * nodes
        before = NONE
        for index in range(first, first + counts[32 + slot]):
            second = np.int64(up_due[index]) == before
            before = np.int64(up_due[index])
            node, k = before >> 5, before & 31
            queue = k * nodes + node
            if away == 0:
                if not second:
                    continue
                # The kernel counts it as there.
                shown[queue] -= 1
            entry = queue * m["up_depth"] + (np.int64(up[queue]) >> 8) + shown[queue]
            shown[queue] += 1
            if second and away == layout["rises"]:
                at = layout["at_nodes"] + numbers[node] * NODE_VALUES + 7
                values[at], values[at + 1], values[at + 2] = 1, k, up_words[entry]
                continue
            stage = numbers[node] * layout["rises"] + layout["rises"] - away - second
            at = layout["at_rises"] + stage * MOVING
            values[at], values[at + 1] = 1, k
            put_wavelet(up_words, up_tags, entry, values, at + 2)
