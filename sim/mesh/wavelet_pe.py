"""What a PE does in a cycle: its main slot goes on, then its datapath does an operation."""

import numpy as np

from sim.jit import inlined, njit
from sim.mesh.wavelet_router import place_of, plan
from sim.mesh.wavelet_state import (
    AT_COMPUTE,
    AT_FABRIC,
    AT_OVERHEAD,
    AWAKE,
    BEGIN,
    BOTH,
    COMPUTE,
    CONTROL,
    DELAY,
    END,
    FABRIC,
    FINISHED,
    FOR_ROOM,
    FOR_SLOTS,
    FOR_WAVELETS,
    HALTED,
    HEAD,
    IDLE,
    IN_DELAY,
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
from sim.mesh.wavelet_values import compute, receive
from sim.mesh.wavelet_wakes import arm, lowest, wake_router

SEND, RECV, RADD, RELAY, FMA, VEC, DELAYS, ROUTE, CTRL, WAIT, TASK, LOOP, MARK, HALT = range(14)
CHAIN_MAX = 1_000_000
"""Commands one after another that take no time."""


@njit
def charge(accounts, p, node, nodes, since, why):
    """The cycles from ``since`` on are charged to ``why``."""
    if p["why"] != why:
        if since > p["since"]:
            accounts[p["why"] * nodes + node] += since - p["since"]
            p["before"] = p["why"]
            p["since"] = since
        p["why"] = why


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
def lacks(m, slot, up, down, node):
    """What an operation of a slot's fabric command waits for: FOR_WAVELETS, FOR_ROOM, or nothing
    (0); the main slot is its PE."""
    took = slot["took"]
    if took >= 0 and down[took * m["nodes"] + node] < HEAD:
        return FOR_WAVELETS
    put = slot["put"]
    if put >= 0 and (up[put * m["nodes"] + node] & 0xFF) >= m["up_depth"]:
        return FOR_ROOM
    return 0


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
                if m["fabric_cycles"]:
                    p["after"] = TO_BEGIN
                    p["left"] = m["fabric_cycles"]
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


@inlined
def exchange(m, commands, up, down, mask, router_bits, router_top, up_due, counts, memory,
             memory_bits, addresses, up_words, down_words, up_tags, node, slot, pc, took, put,
             left):  # fmt: skip
    """An operation of a fabric command: a wavelet from the router, to it, or both."""
    nodes = m["nodes"]
    word = 0
    if took >= 0:
        at = took * nodes + node
        count = np.int64(down[at])
        if m["values"]:
            first = at * m["down_depth"]
            word = np.int64(down_words[first])
            for index in range(first, first + (count & 0xFF) - 1):
                down_words[index] = down_words[index + 1]
        down[at] = count - BOTH
        if count & 0xFF == m["down_depth"]:
            wake_router(mask, router_bits, router_top, node, took)
        m["taken"] += 1
    if m["values"]:
        word = receive(
            m, commands[pc], memory, memory_bits, addresses, node, slot,
            commands[pc]["work"] - left, word,
        )  # fmt: skip
    if put >= 0:
        at = put * nodes + node
        count = np.int64(up[at])
        if m["values"]:
            up_words[at * m["up_depth"] + (count & 0xFF)] = word
        if m["controls"]:
            tag = 0
            if commands[pc]["op"] == CTRL:
                tag = CONTROL | commands[pc]["controls"]
            up_tags[at * m["up_depth"] + (count & 0xFF)] = tag
        up[at] = count + 1
        due = m["up_slot"]
        up_due[due * nodes + counts[32 + due]] = (node << 5) | put
        counts[32 + due] += 1
        m["due"] += 1
        m["sent"] += 1


@njit
def waiting(m, commands, p, slots, up, down, node):
    """The account of a cycle in which no slot can have an operation."""
    phase = p["phase"]
    if phase == FABRIC:
        return lacks(m, p, up, down, node)
    if phase == SLOTS:
        return FOR_SLOTS
    if phase == DELAY:
        return IN_DELAY
    if p["busy"]:
        slot = lowest(np.int64(p["busy"]))
        return lacks(m, slots[(slot - 1) * m["nodes"] + node], up, down, node)
    return FINISHED if phase == HALTED else IDLE


@njit
def step_pe(m, commands, task_pc, task_colour, classes, pe_class, pes, slots, planned, up, down,
            mask, router_bits, router_top, changes, up_due, counts, wheel, following,
            timer, ends, turned, accounts, marks, memory, memory_bits, addresses, up_words, down_words, up_tags,
            log, begins, chosen, node, now):  # fmt: skip
    """A cycle of a PE that is awake; returns whether it stays so."""
    nodes = m["nodes"]
    p = pes[node]
    m["pe_steps"] += 1
    if p["nap"] != AWAKE:
        if now > p["slept"]:
            charge(accounts, p, node, nodes, p["slept"], p["nap"])
        p["nap"] = AWAKE
    phase = p["phase"]
    if phase == DELAY:
        if now >= ends[node]:
            end_main(m, commands, p, ends, memory, addresses, log, begins, chosen, node, now)
    elif (phase == OVERHEAD or phase == COMPUTE) and ends[node]:
        left = ends[node] - now
        ends[node] = 0
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
    computes = phase == OVERHEAD or phase == COMPUTE
    if computes:
        ready = 1
    elif phase == FABRIC:
        if lacks(m, p, up, down, node) == 0:
            ready = 1
    busy = np.int64(p["busy"])
    while busy:
        slot = lowest(busy)
        busy &= busy - 1
        if lacks(m, slots[(slot - 1) * nodes + node], up, down, node) == 0:
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
                state = slots[(slot - 1) * nodes + node]
                pc = np.int64(state["pc"])
                left = np.int64(state["left"])
                took = np.int64(state["took"])
                put = np.int64(state["put"])
            else:
                pc = np.int64(p["pc"])
                left = np.int64(p["left"])
                took = np.int64(p["took"])
                put = np.int64(p["put"])
            exchange(m, commands, up, down, mask, router_bits, router_top, up_due, counts, memory,
                     memory_bits, addresses, up_words, down_words, up_tags, node, slot, pc,
                     took, put, left)  # fmt: skip
            left -= 1
            lack = 0
            if slot:
                slots[(slot - 1) * nodes + node]["left"] = left
                if left == 0:
                    p["busy"] = without(p["busy"], slot)
                    release(p, commands[pc])
                    end_of(p, commands[pc])
                    write_log(m, log, begins, chosen, node, slot, pc, now + 1)
                    return True
                lack = lacks(m, slots[(slot - 1) * nodes + node], up, down, node)
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
    if computes:
        p["nap"] = AT_COMPUTE if phase == COMPUTE else AT_OVERHEAD
        ends[node] = now + 1 + p["left"]
        arm(m, wheel, following, timer, node, ends[node])
    else:
        p["nap"] = waiting(m, commands, p, slots, up, down, node)
        if phase == DELAY:
            arm(m, wheel, following, timer, node, ends[node])
    p["slept"] = since
    listens = np.int64(p["taking"])
    if phase == NO_TASK:
        listens |= classes[pe_class[node]]["colours"]
    p["listen"] = listens
    return False
