"""The cycles of a mesh of wavelet routers and PEs; docs/wavelet.md has the rules.

Only who may do something is visited; others sleep until a wavelet, room, a route or a timer wakes
them. In a cycle first wavelets come to the ends of hops and ramps and timers ring; then routers
decide on what is there; then PEs go on; last, what routers decided is moved. PEs and routers meet
in the queues of the ramp alone: what a PE puts its router sees later, and what it takes is taken
behind the router's decision. All this is done for a block of 1024 nodes after the other, so that a
block is in the cache once a cycle; only moving waits until nobody who has yet to decide can look
there.
"""

import numpy as np

from sim.jit import inlined, njit
from sim.mesh.wavelet_pe import step_pe
from sim.mesh.wavelet_router import carry, decide, switch
from sim.mesh.wavelet_state import DONE, FAILED, FULL, HEAD, MARKED, PAUSED, ROUND
from sim.mesh.wavelet_wakes import next_bit, next_timer, ring, set_bit, u, wake_router


@inlined
def land_hops(m, cell, mask, router_bits, router_top, hop_due, counts):
    """Wavelets that come from other routers and can go on from this cycle on."""
    nodes = m["nodes"]
    slot = m["hop_slot"]
    count = counts[u(64 + slot)]
    counts[u(64 + slot)] = 0
    first = slot * 4 * nodes
    for index in range(first, first + count):
        entry = np.int64(hop_due[u(index)])
        node = entry >> 5
        k = entry & 31
        cell[u(k * nodes + node)] += 0x10
        wake_router(mask, router_bits, router_top, node, k)


@inlined
def land_ramps(m, pes, up, down, mask, router_bits, router_top, pe_bits, pe_top, down_due,
               up_due, counts, high):  # fmt: skip
    """Wavelets that PEs and routers of a block get from each other and can use from this cycle on.

    They lie in the order in which blocks are visited.
    """
    nodes = m["nodes"]
    slot = m["down_lands"]
    count = counts[u(slot)]
    at = m["down_landed"]
    while at < count and down_due[u(slot * nodes + at)] >> 15 == high:
        entry = np.int64(down_due[u(slot * nodes + at)])
        node = entry >> 5
        k = entry & 31
        down[u(k * nodes + node)] += HEAD
        if (pes[u(node)]["listen"] >> k) & 1:
            set_bit(pe_bits, pe_top, node)
        at += 1
    m["down_landed"] = at
    slot = m["up_lands"]
    first = slot * m["together"] * nodes
    count = counts[u(32 + slot)]
    at = m["up_landed"]
    while at < count and up_due[u(first + at)] >> 15 == high:
        entry = np.int64(up_due[u(first + at)])
        node = entry >> 5
        k = entry & 31
        up[u(k * nodes + node)] += HEAD
        wake_router(mask, router_bits, router_top, node, k)
        at += 1
    m["up_landed"] = at


@njit
def _wake_all(m, there, mask, router_bits, router_top, pe_bits, pe_top):
    """Every colour of every router, and every PE."""
    for node in range(m["nodes"]):
        if not there[node]:
            continue
        mask[u(node)] = (1 << m["colours"]) - 1
        if m["colours"]:
            set_bit(router_bits, router_top, node)
        set_bit(pe_bits, pe_top, node)


@njit
def _asleep(m, router_top, pe_top, counts):
    """Whether no router and no PE is awake, and no wavelet on a hop or a ramp."""
    awake = np.int64(0)
    for index in range(len(counts)):
        awake |= counts[u(index)]
    for index in range(m["tops"]):
        awake |= router_top[u(index)] | pe_top[u(index)]
    return awake == 0


@njit
def run(mesh, commands, task_pc, task_colour, classes, pe_class, pes, slots, cell, side, place,
        planned, up, down, mask, pointer, router_bits, router_top, pe_bits, pe_top, moves,
        changes, down_due, up_due, hop_due, counts, wheel, following, timer, ends, turned,
        links, accounts, marks, router_class, routes, last_place, first_place, memory, memory_bits,
        addresses, cell_words, up_words, down_words, cell_tags, up_tags, log, begins, chosen,
        there, steps, now, until, forced, backwards):  # fmt: skip
    """Cycles from ``now`` on, up to ``until`` at most; arrays as of ``WaveletState``.

    ``forced``: every router and PE in every cycle; ``backwards``: in another order. Neither changes
    anything. Returns the cycle to go on with and how it ended.
    """
    m = mesh[0]
    tops = m["tops"]
    m["marked"] = 0
    while now < until:
        if _asleep(m, router_top, pe_top, counts):
            if m["timers"] == 0:
                return now, DONE
            if not forced and wheel[now & (m["span"] - 1)] < 0:
                now = min(next_timer(m, wheel, now), until)
                continue
        if m["logging"] and m["logged"] + m["log_room"] > len(log):
            return now, FULL
        if m["timers"] == 0 and now - m["used"] > m["longest"]:
            return now, ROUND
        rings = m["to_pe"] + 1
        m["down_lands"] = now % rings
        m["down_slot"] = (now + m["to_pe"]) % rings
        m["down_landed"] = 0
        rings = m["to_router"] + 1
        m["up_lands"] = now % rings
        m["up_slot"] = (now + m["to_router"]) % rings
        m["up_landed"] = 0
        m["hop_slot"] = now % m["hop"]
        if m["hop"] > 1:
            land_hops(m, cell, mask, router_bits, router_top, hop_due, counts)
        if m["timers"]:
            ring(m, wheel, following, timer, pe_bits, pe_top, now)
        if forced:
            _wake_all(m, there, mask, router_bits, router_top, pe_bits, pe_top)

        m["moves"] = 0
        moved = 0
        for index in range(tops):
            high = tops - 1 - index if backwards else index
            land_ramps(m, pes, up, down, mask, router_bits, router_top, pe_bits, pe_top,
                       down_due, up_due, counts, high)  # fmt: skip
            upper = np.int64(router_top[u(high)])
            while upper:
                bit = next_bit(upper, backwards)
                upper &= ~(1 << bit)
                middle = high * 32 + bit
                word = np.int64(router_bits[u(middle)])
                kept = word
                while word:
                    low = next_bit(word, backwards)
                    word &= ~(1 << low)
                    awake = decide(
                        m, cell, side, up, down, mask, pointer, moves, cell_tags, up_tags, steps,
                        middle * 32 + low,
                    )  # fmt: skip
                    if not awake:
                        kept &= ~(1 << low)
                router_bits[u(middle)] = kept
                if kept == 0:
                    router_top[u(high)] = np.int64(router_top[u(high)]) & ~(1 << bit)
            upper = np.int64(pe_top[u(high)])
            while upper:
                bit = next_bit(upper, backwards)
                upper &= ~(1 << bit)
                middle = high * 32 + bit
                word = np.int64(pe_bits[u(middle)])
                kept = word
                while word:
                    low = next_bit(word, backwards)
                    word &= ~(1 << low)
                    awake = step_pe(
                        m, commands, task_pc, task_colour, classes, pe_class, pes, slots, planned,
                        up, down, mask, router_bits, router_top, changes, up_due, counts,
                        wheel, following, timer, ends, turned, accounts, marks, memory, memory_bits,
                        addresses, up_words, down_words, up_tags, log, begins, chosen,
                        middle * 32 + low, now,
                    )  # fmt: skip
                    if not awake:
                        kept &= ~(1 << low)
                pe_bits[u(middle)] = kept
                if kept == 0:
                    pe_top[u(high)] = np.int64(pe_top[u(high)]) & ~(1 << bit)
            while moved < m["moves"]:
                entry = np.int64(moves[u(moved)])
                if index + 1 < tops and abs(high - (entry >> 15)) < m["lag"]:
                    break
                moved += 1
                carry(m, cell, side, place, planned, up, down, mask, router_bits, router_top,
                      pe_bits, pe_top, changes, down_due, hop_due, counts, links, router_class,
                      last_place, first_place, cell_words, up_words, down_words, cell_tags,
                      up_tags, steps, entry >> 5, entry & 31, now)  # fmt: skip
        counts[u(m["down_lands"])] = 0
        counts[u(32 + m["up_lands"])] = 0
        if moved:
            m["moved"] += moved
            m["acted"] = now
        for index in range(m["changes"]):
            entry = np.int64(changes[index])
            switch(m, cell, place, planned, mask, router_bits, router_top, router_class, routes,
                   steps, entry >> 5, entry & 31)  # fmt: skip
        m["changes"] = 0
        now += 1
        if m["error"]:
            return now, FAILED
        if m["marked"]:
            m["marked"] = 0
            return now, MARKED
    return now, PAUSED
