"""PIM commands of a machine: when their instructions go to their channels, and when they end."""

import numpy as np

from sim.contract import NEVER, finish, first_missing, seen_at
from sim.jit import njit
from sim.pim.joint.state import COMP

NONE = -1

PIM_QUEUE = np.dtype(
    [
        ("head", np.int64),  # position in the queue of the command that is next
        ("queue_end", np.int64),
        ("waits_for", np.int64),  # command that the next one was last seen to wait for, or NONE
        ("ending", np.int64),  # commands all of whose instructions are given: a list, or NONE
        ("working", np.int64),  # 1: the channel has work that will go on
        ("changed", np.int64),  # 1: what the next command waits for is to be accounted for
    ]
)

PIM_COMMAND = np.dtype(
    [
        ("items", np.int64),  # of the channel's ring
        ("ends_at", np.int64),  # cycle of its last answer
        ("next", np.int64),  # in the list of those that end
    ]
)

DISPATCH = np.dtype(
    [
        ("width", np.int64),  # instructions a cycle of all channels; 0: each channel by itself
        ("slot", np.int64),  # the next that is free, ``width`` a cycle
    ]
)


@njit
def is_ready(units, unit, now, p, commands, dependencies, runtime, queue):
    """Whether a channel's next command has all that it waits for."""
    if p["head"] >= p["queue_end"]:
        return False
    before = p["waits_for"]
    if before != NONE and seen_at(units, runtime, unit, before) > now:
        return False
    command = queue[p["head"]]
    missing = first_missing(units, commands, dependencies, runtime, unit, command, now)
    p["waits_for"] = missing
    if missing != before:
        p["changed"] = 1
    return missing < 0


@njit
def give(p, lane, m, d, items, pim_commands, runtime, queue, now, cycle):
    """Put the items of a channel's next command where the channel may take them from the next cycle
    on, or as the dispatch hands them out."""
    command = queue[p["head"]]
    count, mask = pim_commands[command]["items"], items.shape[0] - 1
    for at in range(m["tail"], m["tail"] + count):
        item = items[at & mask]
        item["arrival"] = cycle + 1
        if d["width"] > 0:
            d["slot"] = max(d["slot"], (cycle + 1) * d["width"])
            item["arrival"] = d["slot"] // d["width"]
            d["slot"] += item["count"] if item["op"] == COMP else 1
    m["tail"] += count
    runtime[command]["start"] = now
    p["head"] += 1
    p["working"] = p["changed"] = 1
    lane["due"] = min(lane["due"], cycle + 1)


@njit
def release(units, unit, now, cycle, lanes, pim_queues, states, dispatch, items, pim_commands,
            commands, dependencies, runtime, queue):  # fmt: skip
    """Release what is ready; returns the tick at which more may be seen to be.

    What is released in one cycle shares a dispatch in the order of the trace.
    """
    d = dispatch[0]
    channels = pim_queues.shape[0]
    while True:
        first = NONE
        for channel in range(channels):
            p = pim_queues[channel]
            while is_ready(units, unit, now, p, commands, dependencies, runtime, queue):
                if d["width"] == 0:
                    give(p, lanes[channel], states[channel], d, items[channel], pim_commands,
                         runtime, queue, now, cycle)  # fmt: skip
                    continue
                if first == NONE or queue[p["head"]] < queue[pim_queues[first]["head"]]:
                    first = channel
                break
        if first == NONE:
            break
        give(pim_queues[first], lanes[first], states[first], d, items[first], pim_commands, runtime,
             queue, now, cycle)  # fmt: skip
    due = NEVER
    for channel in range(channels):
        p = pim_queues[channel]
        if p["head"] < p["queue_end"] and p["waits_for"] != NONE:
            due = min(due, seen_at(units, runtime, unit, p["waits_for"]))
    return due


@njit
def note_end(p, m, pim_commands):
    """Keep the command whose last instruction the channel has just given until its answer comes."""
    tag = m["done_tag"]
    if tag < 0 or m["head_part"] > 0:
        return
    pim_commands[tag]["ends_at"] = m["done_at"]
    pim_commands[tag]["next"] = p["ending"]
    p["ending"] = tag


@njit
def end_commands(units, unit, now, cycle, p, pim_commands, runtime):
    """End those whose answers have come; returns the cycle of the next answer."""
    soonest, before, command = NEVER, NONE, p["ending"]
    while command != NONE:
        own = pim_commands[command]
        after = own["next"]
        if own["ends_at"] <= cycle:
            finish(units, runtime, unit, command, now)
            if before == NONE:
                p["ending"] = after
            else:
                pim_commands[before]["next"] = after
        else:
            soonest = min(soonest, own["ends_at"])
            before = command
        command = after
    return soonest
