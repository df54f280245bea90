"""The engine: one loop over units that obey one contract (docs/house.md).

In each cycle in which a unit is due, all due units are marked, their ``due`` is cleared, they
step in any order, and each is due again at the earlier of what its step returned and what others
woke it for.
"""

from sim.array.timing import charge_beats, step_array
from sim.buffer.arbiter import settle
from sim.buffer.dma import step_buffer
from sim.contract import (
    KIND_ARRAY,
    KIND_BUFFER,
    KIND_DRAM,
    KIND_JOINT,
    KIND_LINK,
    KIND_MEMORY,
    NEVER,
    charge,
    edge_at_or_after,
)
from sim.dram.accounting import settle_channel
from sim.dram.unit import step_dram
from sim.jit import njit
from sim.link import step_link
from sim.memory import step_memory
from sim.pim.joint.cycle import settle as settle_joint
from sim.pim.joint.unit import step_joint
from sim.vector import step_vector

DONE, PAUSED, DEADLOCK = range(3)


@njit
def shuffle(order, count, seed):
    """Shuffle the first entries of ``order``; return the next seed (an LCG of Knuth's)."""
    for at in range(count - 1, 0, -1):
        seed = (seed * 6364136223846793005 + 1442695040888963407) & 0x7FFFFFFFFFFFFFFF
        other = (seed >> 33) % (at + 1)
        order[at], order[other] = order[other], order[at]
    return seed


@njit
def unfinished(runtime):
    """Index of the first command that has not ended, -1 if there is none."""
    for command in range(runtime.shape[0]):
        if runtime[command]["end"] < 0:
            return command
    return -1


@njit
def run(
    units, marked, arrays, outs, demands, demand_tails, buffers, pads, engines, memories,
    interfaces, vectors, links, dram_tables, fronts, lanes, dram, joint_tables, joint, accounts,
    ticks_by_cause, requests, request_ends, responses, response_ends, commands, dependencies,
    runtime, queue, clock, limit, steps, force, seed,
):  # fmt: skip
    """Step units until all commands are done, ``limit`` (tick) or ``steps`` is reached.

    ``clock[0]`` is the last cycle simulated. ``force`` steps every unit at every edge of its
    clock, a ``seed`` other than 0 shuffles the order within a cycle: neither changes anything
    but the time that it takes. Returns DONE, PAUSED or DEADLOCK.
    """
    count = units.shape[0]
    checked = 0
    while True:
        now = NEVER
        working = False
        for unit in range(count):
            due = units[unit]["due"]
            now = min(now, due)
            if due < NEVER and not units[unit]["housekeeping"]:
                working = True
        while checked < runtime.shape[0] and runtime[checked]["end"] >= 0:
            checked += 1
        if checked == runtime.shape[0]:
            return DONE
        if not working:
            return DEADLOCK
        if now >= limit or steps <= 0:
            return PAUSED
        steps -= 1
        clock[0] = now
        due_count = 0
        for unit in range(count):
            if units[unit]["due"] == now:
                marked[due_count] = unit
                due_count += 1
                units[unit]["due"] = units[unit]["later"]
                units[unit]["later"] = NEVER
        if seed != 0:
            seed = shuffle(marked, due_count, seed)
        for at in range(due_count):
            unit = marked[at]
            kind = units[unit]["kind"]
            if kind == KIND_BUFFER:
                due = step_buffer(
                    units, unit, now, buffers, pads, engines, demands, demand_tails, accounts,
                    ticks_by_cause, commands, dependencies, runtime, queue, requests,
                    request_ends, responses, response_ends,
                )  # fmt: skip
            elif kind == KIND_MEMORY:
                due = step_memory(
                    units, unit, now, memories, interfaces, accounts, ticks_by_cause, requests,
                    request_ends, responses, response_ends,
                )  # fmt: skip
            elif kind == KIND_DRAM:
                # None for machines without, whose engine then compiles without its kernels.
                if dram is not None:
                    due = step_dram(
                        units, unit, now, force, dram_tables, fronts, lanes, dram, accounts,
                        ticks_by_cause, requests, request_ends, responses, response_ends,
                    )  # fmt: skip
            elif kind == KIND_JOINT:
                if joint is not None:
                    due = step_joint(
                        units, unit, now, force, joint_tables, fronts, lanes, joint, accounts,
                        ticks_by_cause, commands, dependencies, runtime, queue, requests,
                        request_ends, responses, response_ends,
                    )  # fmt: skip
            elif kind == KIND_LINK:
                due = step_link(
                    units, unit, now, links, accounts, ticks_by_cause, commands, dependencies,
                    runtime, queue,
                )  # fmt: skip
            elif kind == KIND_ARRAY:
                due = step_array(
                    units, unit, now, arrays, outs, demands, demand_tails, accounts,
                    ticks_by_cause, commands, dependencies, runtime, queue,
                )  # fmt: skip
            else:
                due = step_vector(
                    units, unit, now, vectors, accounts, ticks_by_cause, commands, dependencies,
                    runtime, queue,
                )  # fmt: skip
            if force:
                due = min(due, now + units[unit]["period"])
            units[unit]["due"] = min(units[unit]["due"], due)


@njit
def flush(
    units, arrays, demands, demand_tails, buffers, pads, engines, memories, channels,
    joint_channels, joint_states, accounts, ticks_by_cause, end,
):  # fmt: skip
    """Account for every cycle that began before ``end`` (tick)."""
    for unit in range(units.shape[0]):
        period = units[unit]["period"]
        kind = units[unit]["kind"]
        index = units[unit]["index"]
        row = units[unit]["first_account"]
        edge = edge_at_or_after(end, period)
        rows = 1
        if kind == KIND_ARRAY:
            charge_beats(arrays[index], accounts, ticks_by_cause, row, edge, period)
            continue
        if kind == KIND_BUFFER:
            settle(buffers[index], pads, engines, index, demands, demand_tails[index], edge, period)
            rows = 2
        elif kind == KIND_MEMORY:
            rows = memories[0]["interfaces"]
        elif kind == KIND_DRAM:
            for channel in range(channels.shape[0]):
                s = channels[channel]
                s["now"] = edge // period
                settle_channel(s, accounts, ticks_by_cause, row + 1 + channel, edge, period)
        elif kind == KIND_JOINT:
            for channel in range(joint_channels.shape[0]):
                s = joint_channels[channel]
                s["now"] = edge // period
                settle_joint(s, joint_states[channel])
                settle_channel(s, accounts, ticks_by_cause, row + 1 + channel, edge, period)
        for account in range(row, row + rows):
            charge(accounts, ticks_by_cause, account, accounts[account]["why"], edge)
