"""The cycles of a mesh of wavelet routers and PEs; docs/wavelet.md has the rules.

Only who may do something is visited, in the order of numbers; others sleep until a wavelet, room, a
route or a timer wakes them. In a cycle first wavelets come to the ends of hops and ramps and timers
ring, then routers decide on what is there, then PEs go on, and last what routers decided is moved.
PEs and routers meet only in the queues of the ramp: what a PE puts a router sees later, what it takes
is taken behind the routers' decisions.
"""

import numpy as np

from sim.jit import inlined, njit
from sim.mesh.wavelet_pe import step_pe
from sim.mesh.wavelet_router import carry, decide, switch
from sim.mesh.wavelet_state import DONE, FAILED, FULL, HEAD, MARKED, PAUSED, ROUND
from sim.mesh.wavelet_wakes import next_bit, next_timer, ring, set_bit, wake_router


@inlined
def land(m, cell, up, down, mask, listen, router_bits, router_top, pe_bits, pe_top, down_due,
         up_due, hop_due, counts, now, backwards):  # fmt: skip
    """Wavelets that can be used from this cycle on."""
    nodes = m["nodes"]
    slot = now % m["to_pe"]
    count = counts[slot]
    counts[slot] = 0
    m["due"] -= count
    first = slot * nodes
    for index in range(count):
        entry = np.int64(down_due[first + (count - 1 - index if backwards else index)])
        node = entry >> 5
        k = entry & 31
        down[k * nodes + node] += HEAD
        if (listen[node] >> k) & 1:
            set_bit(pe_bits, pe_top, node)
    slot = now % m["to_router"]
    count = counts[32 + slot]
    counts[32 + slot] = 0
    m["due"] -= count
    first = slot * nodes
    for index in range(count):
        entry = np.int64(up_due[first + (count - 1 - index if backwards else index)])
        node = entry >> 5
        k = entry & 31
        up[k * nodes + node] += HEAD
        wake_router(mask, router_bits, router_top, node, k)
    if m["hop"] > 1:
        slot = now % m["hop"]
        count = counts[64 + slot]
        counts[64 + slot] = 0
        m["due"] -= count
        first = slot * 4 * nodes
        for index in range(count):
            entry = np.int64(hop_due[first + (count - 1 - index if backwards else index)])
            node = entry >> 5
            k = entry & 31
            cell[k * nodes + node] += 0x10
            wake_router(mask, router_bits, router_top, node, k)


@njit
def _wake_all(m, mask, listen, router_bits, router_top, pe_bits, pe_top):
    """Every colour of every router, and every PE."""
    for node in range(m["nodes"]):
        mask[node] = (1 << m["colours"]) - 1
        if m["colours"]:
            set_bit(router_bits, router_top, node)
        set_bit(pe_bits, pe_top, node)


@njit
def _asleep(m, router_top, pe_top):
    """Whether no router and no PE is awake."""
    for index in range(m["tops"]):
        if router_top[index] | pe_top[index]:
            return False
    return True


@njit
def run(mesh, commands, task_pc, task_colour, classes, pe_class, pes, slots, cell, side, place,
        planned, up, down, mask, pointer, listen, router_bits, router_top, pe_bits, pe_top, moves,
        changes, down_due, up_due, hop_due, counts, wheel, following, timer, links, accounts, marks,
        router_class, routes, last_place, first_place, memory, memory_bits, addresses, cell_words,
        up_words, down_words, cell_tags, up_tags, log, begins, chosen, table, now, until, forced,
        backwards):  # fmt: skip
    """Cycles from ``now`` on, up to ``until`` at most; arrays as of ``WaveletState``.

    ``forced``: every router and PE in every cycle; ``backwards``: in another order. Neither changes
    anything. Returns the cycle to go on with and how it ended.
    """
    m = mesh[0]
    nodes = m["nodes"]
    tops = m["tops"]
    m["marked"] = 0
    while now < until:
        if m["due"] == 0 and _asleep(m, router_top, pe_top):
            if m["timers"] == 0:
                return now, DONE
            if not forced:
                if wheel[now & (m["span"] - 1)] < 0:
                    now = min(next_timer(m, wheel, now), until)
                    continue
        if m["logging"] and m["logged"] + m["log_room"] > len(log):
            return now, FULL
        if m["timers"] == 0 and now - m["used"] > m["longest"]:
            return now, ROUND
        if m["due"]:
            land(m, cell, up, down, mask, listen, router_bits, router_top, pe_bits, pe_top,
                 down_due, up_due, hop_due, counts, now, backwards)  # fmt: skip
        if m["timers"]:
            ring(m, wheel, following, timer, pe_bits, pe_top, now)
        if forced:
            _wake_all(m, mask, listen, router_bits, router_top, pe_bits, pe_top)

        m["moves"] = 0
        for index in range(tops):
            high = tops - 1 - index if backwards else index
            upper = np.int64(router_top[high])
            while upper:
                bit = next_bit(upper, table, backwards)
                upper &= ~(1 << bit)
                middle = high * 32 + bit
                word = np.int64(router_bits[middle])
                kept = word
                while word:
                    low = next_bit(word, table, backwards)
                    word &= ~(1 << low)
                    awake = decide(
                        m, cell, side, up, down, mask, pointer, moves, cell_tags, up_tags, table,
                        middle * 32 + low,
                    )  # fmt: skip
                    if not awake:
                        kept &= ~(1 << low)
                router_bits[middle] = kept
                if kept == 0:
                    router_top[high] = np.int64(router_top[high]) & ~(1 << bit)

        for index in range(tops):
            high = tops - 1 - index if backwards else index
            upper = np.int64(pe_top[high])
            while upper:
                bit = next_bit(upper, table, backwards)
                upper &= ~(1 << bit)
                middle = high * 32 + bit
                word = np.int64(pe_bits[middle])
                kept = word
                while word:
                    low = next_bit(word, table, backwards)
                    word &= ~(1 << low)
                    awake = step_pe(
                        m, commands, task_pc, task_colour, classes, pe_class, pes, slots, planned,
                        up, down, mask, listen, router_bits, router_top, changes, up_due, counts,
                        wheel, following, timer, accounts, marks, memory, memory_bits, addresses,
                        up_words, down_words, up_tags, log, begins, chosen, table,
                        middle * 32 + low, now,
                    )  # fmt: skip
                    if not awake:
                        kept &= ~(1 << low)
                pe_bits[middle] = kept
                if kept == 0:
                    pe_top[high] = np.int64(pe_top[high]) & ~(1 << bit)

        for index in range(m["moves"]):
            entry = np.int64(moves[index])
            carry(m, cell, side, place, planned, up, down, mask, router_bits, router_top, pe_bits,
                  pe_top, changes, down_due, hop_due, counts, links, router_class, last_place,
                  first_place, cell_words, up_words, down_words, cell_tags, up_tags, entry >> 5,
                  entry & 31, now)  # fmt: skip
        m["moved"] += m["moves"]
        if m["moves"]:
            m["acted"] = now
        for index in range(m["changes"]):
            entry = np.int64(changes[index])
            switch(m, cell, place, planned, mask, router_bits, router_top, router_class, routes,
                   entry >> 5, entry & 31)  # fmt: skip
        m["changes"] = 0
        now += 1
        if m["error"]:
            return now, FAILED
        if m["marked"]:
            m["marked"] = 0
            return now, MARKED
    return now, PAUSED
