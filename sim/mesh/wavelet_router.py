"""What routers do in a cycle: first each decides what moves, then all of it moves."""

import numpy as np

from sim.jit import inlined, njit
from sim.mesh.wavelet_state import BOTH, CONTROL, HEAD
from sim.mesh.wavelet_wakes import lowest, set_bit, u, wake_router

RAMP = 4
RAMP_OUT = 16
"""Bit of the ramp in a mask of ports."""


@njit
def place_of(m, node):
    """Number of a node in the mesh, row by row."""
    tile = node >> 5
    across = m["tile_bits"]
    x = (tile % m["tiles"] << across) | (node & ((1 << across) - 1))
    y = (tile // m["tiles"] << (5 - across)) | ((node & 31) >> across)
    return y * m["width"] + x


@njit
def takes(cell, side, depth, at, port, fixed):
    """Whether the router ``at`` takes a wavelet that comes in by ``port``."""
    there = np.int64(cell[u(at)])
    if (there & 15) >= depth:
        return False
    if fixed:
        return True
    if (there >> 8) & 7 != port:
        return False
    return (there & 15) == 0 or side[u(at)] == port


@njit
def tag_at(m, cell_tags, up_tags, at, port):
    """Tag of the wavelet at the head of a colour's source."""
    if port == RAMP:
        return np.int64(up_tags[at * m["up_depth"]])
    return np.int64(cell_tags[at * m["depth"]])


@inlined
def decide(m, cell, side, up, down, mask, pointer, moves, cell_tags, up_tags, steps,
           node):  # fmt: skip
    """Choose the colours of a router that move; the others sleep, but for those whose port is
    taken. Returns whether some are awake."""
    nodes, depth = m["nodes"], m["depth"]
    low = node & 31
    awake = np.int64(mask[u(node)])
    first = np.int64(pointer[u(node)])
    group = (awake >> first) << first
    rest = awake ^ group
    taken = 0
    count = m["moves"]
    begun = count
    while True:
        if group == 0:
            if rest == 0:
                break
            group = rest
            rest = 0
        k = lowest(group)
        group &= group - 1
        at = k * nodes + node
        here = np.int64(cell[u(at)])
        port = (here >> 8) & 7
        outs = here >> 11
        fixed = (m["fixed"] >> k) & 1 == 1
        if port == RAMP:
            ready = up[u(at)] >= HEAD
        else:
            ready = here & 0xF0 != 0 and (fixed or side[u(at)] == port)
        if ready and m["controls"] and tag_at(m, cell_tags, up_tags, at, port):
            outs &= ~RAMP_OUT
        links = outs & 15
        while ready and links:
            out = lowest(links)
            links &= links - 1
            ready = takes(cell, side, depth, at + steps[u(out << 5 | low)], out ^ 1, fixed)
        if ready and outs & RAMP_OUT:
            ready = (down[u(at)] & 0xFF) < m["down_depth"]
        if not ready:
            awake &= ~(1 << k)
        elif not outs & taken:
            taken |= outs
            moves[u(count)] = (node << 5) | k
            if count == begun:
                pointer[u(node)] = k + 1 if k + 1 < m["colours"] else 0
            count += 1
    m["moves"] = count
    m["router_steps"] += 1
    mask[u(node)] = awake
    return awake != 0


@njit
def wake_around(m, mask, router_bits, router_top, steps, node, k):
    """All routers that may send a colour to this one."""
    place = place_of(m, node)
    x = place % m["width"]
    y = place // m["width"]
    low = node & 31
    if x + 1 < m["width"]:
        wake_router(mask, router_bits, router_top, node + steps[u(low)], k)
    if x:
        wake_router(mask, router_bits, router_top, node + steps[u(32 | low)], k)
    if y + 1 < m["height"]:
        wake_router(mask, router_bits, router_top, node + steps[u(64 | low)], k)
    if y:
        wake_router(mask, router_bits, router_top, node + steps[u(96 | low)], k)


@njit
def pulled(words, at, depth, count):
    """Take the oldest of ``count`` words of a queue."""
    first = at * depth
    word = np.int64(words[first])
    for index in range(first, first + count - 1):
        words[index] = words[index + 1]
    return word


@njit
def arrive(m, cell, side, mask, router_bits, router_top, hop_due, counts, links, cell_words,
           cell_tags, node, k, out, there, word, tag):  # fmt: skip
    """A wavelet goes by the port ``out`` to the router ``there``."""
    at = k * m["nodes"] + there
    count = np.int64(cell[u(at)])
    if m["values"]:
        cell_words[at * m["depth"] + (count & 15)] = word
    if m["controls"]:
        cell_tags[at * m["depth"] + (count & 15)] = tag
    cell[u(at)] = count + m["pushed"]
    links[u(out * m["nodes"] + node)] += 1
    if not (m["fixed"] >> k) & 1:
        side[u(at)] = out ^ 1
    if m["hop"] == 1:
        wake_router(mask, router_bits, router_top, there, k)
    else:
        slot = m["hop_slot"]
        hop_due[u(slot * 4 * m["nodes"] + counts[u(64 + slot)])] = (there << 5) | k
        counts[u(64 + slot)] += 1


@njit
def plan(m, planned, changes, node, k, position, over):
    """A router goes to another position of a colour in the next cycle; ``over`` what is planned."""
    at = k * m["nodes"] + node
    if planned[at] == 0:
        changes[m["changes"]] = (node << 5) | k
        m["changes"] += 1
    elif not over:
        return
    planned[at] = position + 1


@njit
def obey(m, place, planned, changes, router_class, last_place, first_place, node, k, control):
    """A router does what a control wavelet tells it."""
    kind = router_class[node] * m["colours"] + k
    position = np.int64(place[k * m["nodes"] + node])
    if control == 1:
        plan(m, planned, changes, node, k, min(position + 1, np.int64(last_place[kind])), False)
    elif control == 2:
        plan(m, planned, changes, node, k, np.int64(first_place[kind]), False)


@inlined
def carry(m, cell, side, place, planned, up, down, mask, router_bits, router_top, pe_bits, pe_top,
          changes, down_due, hop_due, counts, links, router_class, last_place, first_place,
          cell_words, up_words, down_words, cell_tags, up_tags, steps, node, k,
          now):  # fmt: skip
    """Move a wavelet of a colour."""
    nodes = m["nodes"]
    low = node & 31
    at = k * nodes + node
    here = np.int64(cell[u(at)])
    port = (here >> 8) & 7
    outs = here >> 11
    word = 0
    tag = 0
    if port == RAMP:
        count = np.int64(up[u(at)]) & 0xFF
        if m["values"]:
            word = pulled(up_words, at, m["up_depth"], count)
        if m["controls"]:
            tag = pulled(up_tags, at, m["up_depth"], count)
        up[u(at)] -= BOTH
        if count >= m["up_wakes"]:
            set_bit(pe_bits, pe_top, node)
        m["used"] = now
    else:
        count = here & 15
        if m["values"]:
            word = pulled(cell_words, at, m["depth"], count)
        if m["controls"]:
            tag = pulled(cell_tags, at, m["depth"], count)
        cell[u(at)] = here - 0x11
        if count == m["depth"]:
            wake_router(mask, router_bits, router_top, node + steps[u(port << 5 | low)], k)
        if count == 1 and not (m["fixed"] >> k) & 1:
            wake_around(m, mask, router_bits, router_top, steps, node, k)
    if tag:
        obey(m, place, planned, changes, router_class, last_place, first_place, node, k, tag & 3)
        tag = CONTROL | (tag & 0xFFFF) >> 2
        outs &= ~RAMP_OUT
    copies = 0
    rest = outs & 15
    while rest:
        out = lowest(rest)
        rest &= rest - 1
        arrive(m, cell, side, mask, router_bits, router_top, hop_due, counts, links, cell_words,
               cell_tags, node, k, out, node + steps[u(out << 5 | low)], word, tag)  # fmt: skip
        copies += 1
    if outs & RAMP_OUT:
        if m["values"]:
            down_words[at * m["down_depth"] + (np.int64(down[u(at)]) & 0xFF)] = word
        down[u(at)] += 1
        links[u(RAMP * nodes + node)] += 1
        slot = m["down_slot"]
        down_due[u(slot * nodes + counts[u(slot)])] = (node << 5) | k
        counts[u(slot)] += 1
        m["used"] = now
        copies += 1
    if copies == 0:
        m["absorbed"] += 1


@njit
def switch(m, cell, place, planned, mask, router_bits, router_top, router_class, routes, steps,
           node, k):  # fmt: skip
    """The position planned for a colour becomes the active one."""
    at = k * m["nodes"] + node
    position = np.int64(planned[at]) - 1
    planned[at] = 0
    place[at] = position
    route = np.int64(routes[(router_class[node] * m["colours"] + k) * 4 + position])
    cell[u(at)] = (np.int64(cell[u(at)]) & 0xFF) | route << 8
    wake_router(mask, router_bits, router_top, node, k)
    wake_around(m, mask, router_bits, router_top, steps, node, k)
