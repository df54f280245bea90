"""What the main slot of a PE does: tasks, and commands up to one that takes time."""

import numpy as np

from sim.jit import inlined, njit
from sim.mesh.wavelet_router import place_of, plan
from sim.mesh.wavelet_state import (
    BEGIN,
    COMPUTE,
    DELAY,
    END,
    FABRIC,
    HALTED,
    HEAD,
    NEXT,
    NO_TASK,
    NO_TIME,
    OVERHEAD,
    SLOTS,
    TO_BEGIN,
    TO_COMPUTE,
    TO_NEXT,
    TO_TARGET,
    TWO_IN,
    TWO_OUT,
)
from sim.mesh.wavelet_values import compute
from sim.mesh.wavelet_wakes import lowest

SEND, RECV, RADD, RELAY, FMA, VEC, DELAYS, ROUTE, CTRL, WAIT, TASK, LOOP, MARK, HALT = range(14)
CHAIN_MAX = 1_000_000
"""Commands one after another that take no time."""


@njit
def with_bit(mask, bit):
    """A mask and one more."""
    return np.int64(mask) | (np.int64(1) << np.int64(bit))


@njit
def without(mask, bit):
    """A mask but for one."""
    return np.int64(mask) & ~(np.int64(1) << np.int64(bit))


@njit
def act(p, action, task):
    """Activate, block or unblock a task."""
    if action == 0:
        p["active"] = with_bit(p["active"], task)
    elif action == 1:
        p["blocked"] = with_bit(p["blocked"], task)
    else:
        p["blocked"] = without(p["blocked"], task)


@njit
def end_of(p, command):
    """What follows when a command is finished."""
    if command["then"] >= 0:
        act(p, command["then_action"], command["then"])


@njit
def write_log(m, log, begins, chosen, node, slot, pc, end):
    """Note that the command of a slot is over."""
    if m["logging"] and chosen[node]:
        entry = log[m["logged"]]
        entry["pe"] = node
        entry["slot"] = slot
        entry["command"] = pc
        entry["begin"] = begins[slot * m["nodes"] + node]
        entry["end"] = end
        m["logged"] += 1


@njit
def begin_log(m, begins, chosen, node, slot, now):
    """Note that a slot begins a command."""
    if m["logging"] and chosen[node]:
        begins[slot * m["nodes"] + node] = now


@njit
def pick(m, p, kind, classes, task_colour, down, node):
    """The task that the main slot picks, or -1."""
    which = classes[kind]
    choice = np.int64(p["active"])
    coloured = which["coloured"]
    while coloured:
        task = lowest(coloured)
        coloured &= coloured - 1
        if down[task_colour[kind * 32 + task] * m["nodes"] + node] >= HEAD:
            choice |= 1 << task
    choice &= ~np.int64(p["blocked"])
    if choice == 0:
        return -1
    behind = np.int64(p["picked"]) + 1
    later = (choice >> behind) << behind
    return lowest(later if later else choice)


@njit
def place_operands(m, p, command, addresses, node, slot):
    """Addresses of a command that begins."""
    at = slot * 3 * m["nodes"] + node
    turn0 = np.int64(p["turn0"])
    turn1 = np.int64(p["turn1"])
    addresses[at] = command["dst"] + command["dst_turn0"] * turn0 + command["dst_turn1"] * turn1
    at += m["nodes"]
    addresses[at] = command["a"] + command["a_turn0"] * turn0 + command["a_turn1"] * turn1
    at += m["nodes"]
    addresses[at] = command["b"] + command["b_turn0"] * turn0 + command["b_turn1"] * turn1


@njit
def fail(m, error, node, pc, other):
    """Note an error; the first one of a cycle by the place of its PE."""
    if m["error"] == 0 or place_of(m, node) < place_of(m, m["error_pe"]):
        m["error"] = error
        m["error_pe"] = node
        m["error_pc"] = pc
        m["error_other"] = other


@njit
def other_command(m, commands, slots, p, node, colour, sends):
    """The command of a slot that uses a colour."""
    for slot in range(1, 8):
        if (p["busy"] >> slot) & 1:
            pc = slots[(slot - 1) * m["nodes"] + node]["pc"]
            used = commands[pc]["put"] if sends else commands[pc]["took"]
            if used == colour:
                return np.int64(pc)
    return np.int64(-1)


@njit
def hold(m, p, commands, slots, node, pc):
    """The colours of a command that begins are in use; False if one was already."""
    command = commands[pc]
    took = command["took"]
    put = command["put"]
    if took >= 0:
        if (p["taking"] >> took) & 1:
            fail(m, TWO_IN, node, pc, other_command(m, commands, slots, p, node, took, False))
            return False
        p["taking"] = with_bit(p["taking"], took)
    if put >= 0:
        if (p["putting"] >> put) & 1:
            fail(m, TWO_OUT, node, pc, other_command(m, commands, slots, p, node, put, True))
            return False
        p["putting"] = with_bit(p["putting"], put)
    return True


@njit
def release(p, command):
    """The colours of a command that is finished are free."""
    if command["took"] >= 0:
        p["taking"] = without(p["taking"], command["took"])
    if command["put"] >= 0:
        p["putting"] = without(p["putting"], command["put"])


@inlined
def go_on(m, commands, task_pc, task_colour, classes, pe_class, p, slots, planned, down, changes,
          marks, addresses, ends, turned, log, begins, chosen, node,
          now):  # fmt: skip
    """The main slot goes on until it has a command that takes time; no task or HALT is one too."""
    nodes = m["nodes"]
    phase = p["phase"]
    steps = 0
    while True:
        if phase == NO_TASK:
            kind = pe_class[node]
            task = pick(m, p, kind, classes, task_colour, down, node)
            if task < 0:
                break
            steps += 1
            m["acted"] = now
            p["turn0"] = 0
            p["turn1"] = 0
            p["active"] = without(p["active"], task)
            p["picked"] = task
            p["pc"] = task_pc[kind * 32 + task]
            phase = NEXT
            if steps > CHAIN_MAX:
                fail(m, NO_TIME, node, p["pc"], -1)
                break
            if m["task_cycles"]:
                p["after"] = TO_NEXT
                p["left"] = m["task_cycles"]
                phase = OVERHEAD
                begin_log(m, begins, chosen, node, 0, now)
                break
            continue
        pc = np.int64(p["pc"])
        command = commands[pc]
        op = command["op"]
        if op == END:
            phase = NO_TASK
            continue
        if phase == NEXT:
            steps += 1
            m["acted"] = now
            if steps > CHAIN_MAX:
                fail(m, NO_TIME, node, pc, -1)
                break
        if op <= RELAY or op == CTRL:
            slot = command["slot"]
            if phase != BEGIN:
                if command["work"] == 0:
                    end_of(p, command)
                    p["pc"] = pc + 1
                    continue
                if phase != SLOTS:
                    begin_log(m, begins, chosen, node, 0, now)
                if slot and (p["busy"] >> slot) & 1:
                    phase = SLOTS
                    break
                if command["lead"]:
                    p["after"] = TO_BEGIN
                    p["left"] = command["lead"]
                    phase = OVERHEAD
                    break
            if not hold(m, p, commands, slots, node, pc):
                break
            if m["values"]:
                place_operands(m, p, command, addresses, node, slot)
            if slot == 0:
                p["left"] = command["work"]
                p["took"] = command["took"]
                p["put"] = command["put"]
                phase = FABRIC
                break
            state = slots[(slot - 1) * nodes + node]
            state["left"] = command["work"]
            state["pc"] = pc
            state["took"] = command["took"]
            state["put"] = command["put"]
            p["busy"] = with_bit(p["busy"], slot)
            if m["logging"] and chosen[node] and begins[node] < now:
                write_log(m, log, begins, chosen, node, 0, pc, now)
            begin_log(m, begins, chosen, node, slot, now)
        elif op <= DELAYS:
            if command["work"]:
                begin_log(m, begins, chosen, node, 0, now)
                if op == DELAYS:
                    ends[node] = now + command["work"]
                    phase = DELAY
                else:
                    p["left"] = command["work"]
                    phase = COMPUTE
                    if command["lead"]:
                        p["left"] = command["lead"]
                        p["after"] = TO_COMPUTE
                        phase = OVERHEAD
                    if m["values"]:
                        place_operands(m, p, command, addresses, node, 0)
                break
            end_of(p, command)
        elif op == ROUTE:
            plan(m, planned, changes, node, command["put"], command["target"], True)
            end_of(p, command)
        elif op == WAIT:
            if p["busy"] & command["target"]:
                if phase != SLOTS:
                    begin_log(m, begins, chosen, node, 0, now)
                phase = SLOTS
                break
            if phase == SLOTS:
                write_log(m, log, begins, chosen, node, 0, pc, now)
            end_of(p, command)
        elif op == TASK:
            act(p, command["action"], command["target"])
            end_of(p, command)
        elif op == LOOP:
            turned[command["level"] * nodes + node] += 1
            turn = np.int64(p["turn1"] if command["level"] else p["turn0"]) + 1
            again = turn < command["count"]
            if not again:
                turn = 0
            if command["level"]:
                p["turn1"] = turn
            else:
                p["turn0"] = turn
            if again:
                if m["loop_cycles"]:
                    p["after"] = TO_TARGET
                    p["left"] = m["loop_cycles"]
                    phase = OVERHEAD
                    begin_log(m, begins, chosen, node, 0, now)
                    break
                p["pc"] = command["target"]
                phase = NEXT
                continue
            end_of(p, command)
        elif op == MARK:
            at = command["target"] * 3
            if marks[at + 2] == 0 or now < marks[at]:
                marks[at] = now
            marks[at + 1] = max(marks[at + 1], now)
            marks[at + 2] += 1
            if node == m["mark_pe"] and command["target"] == m["mark"]:
                m["marked"] = 1
            end_of(p, command)
        else:
            phase = HALTED
            break
        p["pc"] = pc + 1
        phase = NEXT
    p["phase"] = phase


@njit
def end_main(m, commands, p, ends, memory, addresses, log, begins, chosen, node, end):
    """What the main slot was about is over; its last cycle was the one before ``end``."""
    pc = np.int64(p["pc"])
    command = commands[pc]
    m["last"] = max(m["last"], end - 1)
    ends[node] = 0
    if p["phase"] == OVERHEAD:
        if p["after"] == TO_BEGIN:
            p["phase"] = BEGIN
            return
        if p["after"] == TO_COMPUTE:
            p["phase"] = COMPUTE
            p["left"] = command["work"]
            return
        p["phase"] = NEXT
        if p["after"] == TO_TARGET:
            write_log(m, log, begins, chosen, node, 0, pc, end)
            p["pc"] = command["target"]
        else:
            write_log(m, log, begins, chosen, node, 0, -1 - pc, end)
        return
    write_log(m, log, begins, chosen, node, 0, pc, end)
    if p["phase"] == COMPUTE and m["values"]:
        compute(m, command, memory, addresses, node)
    elif p["phase"] == FABRIC:
        release(p, command)
    end_of(p, command)
    p["pc"] = pc + 1
    p["phase"] = NEXT
