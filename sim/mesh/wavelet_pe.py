"""What a PE does in a cycle: its main slot goes on, then its datapath does an operation."""

import numpy as np

from sim.jit import inlined, njit
from sim.mesh.wavelet_state import (
    AT_COMPUTE,
    AT_FABRIC,
    AT_OVERHEAD,
    AWAKE,
    BOTH,
    COMPUTE,
    CONTROL,
    DELAY,
    FABRIC,
    FINISHED,
    FOR_ROOM,
    FOR_SLOTS,
    FOR_WAVELETS,
    HALTED,
    HEAD,
    IDLE,
    IN_DELAY,
    NO_TASK,
    OVERHEAD,
    SLOTS,
)
from sim.mesh.wavelet_tasks import CTRL, end_main, end_of, go_on, release, without, write_log
from sim.mesh.wavelet_values import receive
from sim.mesh.wavelet_wakes import arm, lowest, u, wake_router


@njit
def charge(accounts, p, node, nodes, since, why):
    """The cycles from ``since`` on are charged to ``why``."""
    if p["why"] != why:
        if since > p["since"]:
            accounts[u(p["why"] * nodes + node)] += since - p["since"]
            p["before"] = p["why"]
            p["since"] = since
        p["why"] = why


@njit
def lacks(m, slot, up, down, node, ramp=0):
    """What an operation of a slot's fabric command waits for: FOR_WAVELETS, FOR_ROOM, or nothing
    (0); the main slot is its PE. ``ramp``: whether it still carries a wavelet up."""
    took = slot["took"]
    put = slot["put"]
    if took >= 0 and down[u(took * m["nodes"] + node)] < HEAD:
        return FOR_WAVELETS
    if m["together"] > 1 and slot["left"] > 1:
        if took >= 0 and down[u(took * m["nodes"] + node)] < 2 * HEAD:
            return FOR_WAVELETS
        if put >= 0 and (up[u(put * m["nodes"] + node)] & 0xFF) + 1 >= m["up_depth"]:
            return FOR_ROOM
    if put >= 0 and (ramp or (up[u(put * m["nodes"] + node)] & 0xFF) >= m["up_depth"]):
        return FOR_ROOM
    return 0


@inlined
def exchange(m, commands, up, down, mask, router_bits, router_top, up_due, counts, memory,
             memory_bits, addresses, up_words, down_words, up_tags, node, slot, pc, took, put,
             left):  # fmt: skip
    """A wavelet of an operation of a fabric command: from the router, to it, or both."""
    nodes = m["nodes"]
    word = 0
    if took >= 0:
        at = took * nodes + node
        count = np.int64(down[u(at)])
        if m["values"]:
            first = at * m["down_depth"]
            word = np.int64(down_words[first])
            for index in range(first, first + (count & 0xFF) - 1):
                down_words[index] = down_words[index + 1]
        down[u(at)] = count - BOTH
        if count & 0xFF == m["down_depth"]:
            wake_router(mask, router_bits, router_top, node, took)
        m["taken"] += 1
    if m["values"]:
        word = receive(
            m, commands[u(pc)], memory, memory_bits, addresses, node, slot,
            commands[u(pc)]["work"] - left, word,
        )  # fmt: skip
    if put >= 0:
        at = put * nodes + node
        count = np.int64(up[u(at)])
        if m["values"]:
            up_words[at * m["up_depth"] + (count & 0xFF)] = word
        if m["controls"]:
            tag = 0
            if commands[u(pc)]["op"] == CTRL:
                tag = CONTROL | commands[u(pc)]["controls"]
            up_tags[at * m["up_depth"] + (count & 0xFF)] = tag
        up[u(at)] = count + 1
        due = m["up_slot"]
        up_due[u(due * m["together"] * nodes + counts[u(32 + due)])] = (node << 5) | put
        counts[u(32 + due)] += 1
        m["sent"] += 1


@njit
def waiting(m, commands, p, slots, up, down, node, ramp=0):
    """The account of a cycle in which no slot can have an operation."""
    phase = p["phase"]
    if phase == FABRIC:
        return lacks(m, p, up, down, node, ramp)
    if phase == SLOTS:
        return FOR_SLOTS
    if phase == DELAY:
        return IN_DELAY
    if p["busy"]:
        slot = lowest(np.int64(p["busy"]))
        return lacks(m, slots[u((slot - 1) * m["nodes"] + node)], up, down, node, ramp)
    return FINISHED if phase == HALTED else IDLE


@njit
def step_pe(m, commands, task_pc, task_colour, classes, pe_class, pes, slots, planned, up, down,
            mask, router_bits, router_top, changes, up_due, counts, wheel, following,
            timer, ends, turned, accounts, marks, memory, memory_bits, addresses, up_words,
            down_words, up_tags, log, begins, chosen, node, now):  # fmt: skip
    """A cycle of a PE that is awake; returns whether it stays so."""
    nodes = m["nodes"]
    p = pes[u(node)]
    m["pe_steps"] += 1
    if p["nap"] != AWAKE:
        if now > p["slept"]:
            charge(accounts, p, node, nodes, p["slept"], p["nap"])
        p["nap"] = AWAKE
    phase = p["phase"]
    if phase == DELAY:
        if now >= ends[u(node)]:
            end_main(m, commands, p, ends, memory, addresses, log, begins, chosen, node, now)
    elif phase in (OVERHEAD, COMPUTE) and ends[u(node)]:
        left = ends[u(node)] - now
        ends[u(node)] = 0
        p["left"] = left
        if now > p["slept"]:
            p["last"] = 0
            m["last"] = max(m["last"], now - 1)
        if left == 0:
            end_main(m, commands, p, ends, memory, addresses, log, begins, chosen, node, now)
    if p["phase"] <= NO_TASK:
        go_on(m, commands, task_pc, task_colour, classes, pe_class, p, slots, planned, down,
              changes, marks, addresses, ends, turned, log, begins, chosen, node, now)  # fmt: skip
    phase = p["phase"]
    ready = 0
    ramp = np.int64(p["ramp"])
    if ramp:
        p["ramp"] = 0
    computes = phase in (OVERHEAD, COMPUTE)
    if computes or (phase == FABRIC and lacks(m, p, up, down, node, ramp) == 0):
        ready = 1
    busy = np.int64(p["busy"])
    while busy:
        slot = lowest(busy)
        busy &= busy - 1
        if lacks(m, slots[u((slot - 1) * nodes + node)], up, down, node, ramp) == 0:
            ready |= 1 << slot
    since = now
    if ready:
        behind = np.int64(p["last"]) + 1
        later = (ready >> behind) << behind
        slot = lowest(later if later else ready)
        p["last"] = slot
        m["last"] = max(m["last"], now)
        m["used"] = now
        since = now + 1
        if slot == 0 and computes:
            charge(accounts, p, node, nodes, now, AT_COMPUTE if phase == COMPUTE else AT_OVERHEAD)
            left = np.int64(p["left"]) - 1
            p["left"] = left
            if left == 0:
                end_main(
                    m, commands, p, ends, memory, addresses, log, begins, chosen, node, now + 1
                )
                return True
        else:
            charge(accounts, p, node, nodes, now, AT_FABRIC)
            if slot:
                state = slots[u((slot - 1) * nodes + node)]
                pc = np.int64(state["pc"])
                left = np.int64(state["left"])
                took = np.int64(state["took"])
                put = np.int64(state["put"])
            else:
                pc = np.int64(p["pc"])
                left = np.int64(p["left"])
                took = np.int64(p["took"])
                put = np.int64(p["put"])
            before = left
            while True:
                exchange(m, commands, up, down, mask, router_bits, router_top, up_due, counts,
                         memory, memory_bits, addresses, up_words, down_words, up_tags, node, slot,
                         pc, took, put, left)  # fmt: skip
                left -= 1
                if left == 0 or before - left == m["together"]:
                    break
            if put >= 0:
                p["ramp"] = before - left - 1
            lack = 0
            if slot:
                slots[u((slot - 1) * nodes + node)]["left"] = left
                if left == 0:
                    p["busy"] = without(p["busy"], slot)
                    release(p, commands[u(pc)])
                    end_of(p, commands[u(pc)])
                    write_log(m, log, begins, chosen, node, slot, pc, now + 1)
                    return True
                lack = lacks(m, slots[u((slot - 1) * nodes + node)], up, down, node)
            else:
                p["left"] = left
                if left == 0:
                    end_main(
                        m, commands, p, ends, memory, addresses, log, begins, chosen, node, now + 1
                    )
                    return True
                lack = lacks(m, p, up, down, node)
            if lack:
                ready &= ~(1 << slot)
        if ready > 1 or (ready and (not computes or p["left"] < 2)):
            return True
    if ramp or p["ramp"]:
        # A slot may wait for the ramp alone, which nobody wakes it for.
        if since == now:
            charge(
                accounts, p, node, nodes, now, waiting(m, commands, p, slots, up, down, node, ramp)
            )
        return True
    if computes:
        p["nap"] = AT_COMPUTE if phase == COMPUTE else AT_OVERHEAD
        ends[u(node)] = now + 1 + p["left"]
        arm(m, wheel, following, timer, node, ends[u(node)])
    else:
        p["nap"] = waiting(m, commands, p, slots, up, down, node)
        if phase == DELAY:
            arm(m, wheel, following, timer, node, ends[u(node)])
    p["slept"] = since
    listens = np.int64(p["taking"])
    if phase == NO_TASK:
        listens |= classes[pe_class[node]]["colours"]
    p["listen"] = listens
    return False
