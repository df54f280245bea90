"""The unit of a machine's channels that hold memory and PIM commands together.

The front splits requests among channels as that of ``sim.dram.unit``; a channel goes through its
cycle as in ``sim.pim.joint.kernel``.
"""

from sim.contract import BUSY_TRANSFER, IDLE, NEVER, STALL_QUEUE, charge
from sim.dram.accounting import settle_channel
from sim.dram.front import drop_first, end_burst
from sim.dram.front_state import NONE
from sim.dram.state import READS
from sim.dram.unit import take_requests
from sim.jit import inlined, njit
from sim.pim.joint.accounting import cause
from sim.pim.joint.cycle import advance, offer, settle, stuck, take_pim
from sim.pim.joint.release import end_commands, note_end, release


@inlined
def step_channel(units, unit, now, period, f, lane, p, channel, tables, joint, runtime, responses,
                 response_ends):  # fmt: skip
    """Step a channel in a cycle, and note when it is due again."""
    config, commands, rules = tables[:3]
    limits, settings = tables[6:8]
    channels, arbiters, states = joint[:3]
    (pim_commands, entries, lists, queue, soon, queues, shared, marks, banks, pim_rows, ready,
     history, issued, latencies, finished, items, came, log, bursts,
     transfers) = joint[5:]  # fmt: skip
    c, k, j = config[0], limits[0], settings[0]
    s, q, m = channels[channel], arbiters[channel], states[channel]
    cycle = now // period
    s["now"] = cycle
    settle(s, m)
    head = lane["head"]
    offered = head != NONE and not s["refused"] and bursts[head]["cycle"] < cycle
    if offered and lane["open_from"] <= now:
        if offer(
            c, j, s, q, m, entries[channel], lists[channel], queue[channel], queues[channel],
            shared[channel], marks[channel], latencies[channel], finished[channel], bursts[head],
        ):  # fmt: skip
            drop_first(f, bursts, lane)
            if f["port_period"] > 0:
                lane["open_from"] = (now // f["port_period"] + 1) * f["port_period"]
        else:
            s["refused"] = 1
    due = take_pim(c, j, s, m, items[channel], came[channel])
    due = min(due, advance(
        c, k, j, s, q, m, commands, rules, banks[channel], pim_rows[channel], ready[channel],
        history[channel], issued[channel], latencies[channel], finished[channel], log[channel],
        entries[channel], lists[channel], queue[channel], soon[channel], queues[channel],
        shared[channel], marks[channel], items[channel], came[channel],
    ))  # fmt: skip
    for i in range(s["finished"]):
        ended = finished[channel, i]
        end_burst(f, units, unit, transfers, ended["tag"], ended["cycle"], responses,
                  response_ends, now, period)  # fmt: skip
    s["finished"] = 0
    note_end(p, m, pim_commands)
    due = min(due, end_commands(units, unit, now, cycle, p, pim_commands, runtime))
    head = lane["head"]
    lane["held"] = 0
    if head != NONE:
        if s["refused"]:
            lane["held"] = 1
        else:
            opens = (lane["open_from"] + period - 1) // period
            due = min(due, max(max(cycle, bursts[head]["cycle"]) + 1, opens))
    given = m["head"] < m["tail"] or s["counts"][READS] + q["queued"] > 0
    p["working"] = 0
    if not stuck(c, j, s, q, m) and (given or head != NONE):
        p["working"] = 1
    if p["ending"] != NONE:
        p["working"] = 1
    lane["due"] = due if due >= NEVER else max(due, cycle + 1)


@njit
def note_cause(now, period, channel, joint, commands, accounts, ticks_by_cause, row):
    """Account for a channel up to ``now``, and note what holds from there on."""
    channels, arbiters, states, pim_queues = joint[:4]
    queue = joint[8]
    s = channels[channel]
    settle_channel(s, accounts, ticks_by_cause, row, now, period)
    accounts[row]["why"] = cause(
        s, arbiters[channel], states[channel], pim_queues[channel], queue[channel], commands
    )


@inlined
def step_joint(
    units, unit, now, force, tables, fronts, lanes, joint, accounts, ticks_by_cause, commands,
    dependencies, runtime, queue, requests, request_ends, responses, response_ends,
):  # fmt: skip
    """Let every channel that is due go through its cycle, then take new requests and PIM commands.

    Refreshes alone are housekeeping: they do not keep a simulation going.
    """
    states, pim_queues, dispatch, pim_commands = joint[2:6]
    items, bursts, transfers = joint[20], joint[-2], joint[-1]
    f = fronts[0]
    period = units[unit]["period"]
    row = units[unit]["first_account"]
    cycle = now // period
    held, working = 0, 0
    for channel in range(pim_queues.shape[0]):
        lane = lanes[channel]
        # A new trace may begin in the cycle in which the one before has ended.
        if lane["due"] <= cycle or (force and states[channel]["since"] < cycle):
            settle_channel(joint[0][channel], accounts, ticks_by_cause, row + 1 + channel, now,
                           period)  # fmt: skip
            step_channel(units, unit, now, period, f, lane, pim_queues[channel], channel, tables,
                         joint, runtime, responses, response_ends)  # fmt: skip
            pim_queues[channel]["changed"] = 1
        held += lane["held"]
    taken = f["requests"]
    due = take_requests(f, tables, lanes, transfers, bursts, requests, request_ends, now, cycle)
    due = min(due, release(units, unit, now, cycle, lanes, pim_queues, states, dispatch, items,
                           pim_commands, commands, dependencies, runtime, queue))  # fmt: skip
    if due < NEVER or f["requests"] > taken:
        working = 1
    soonest = NEVER
    for channel in range(pim_queues.shape[0]):
        p = pim_queues[channel]
        if p["changed"]:
            p["changed"] = 0
            note_cause(now, period, channel, joint, commands, accounts, ticks_by_cause,
                       row + 1 + channel)  # fmt: skip
        working += p["working"]
        soonest = min(soonest, lanes[channel]["due"])
    units[unit]["housekeeping"] = 0 if working else 1
    if soonest < NEVER:
        due = min(due, soonest * period)
    why = IDLE
    if f["open"] > 0:
        why = STALL_QUEUE if held > 0 else BUSY_TRANSFER
    charge(accounts, ticks_by_cause, row, why, now)
    return due
