"""A channel's model under its traffic: stimuli, responses and events."""

from rtl.lockstep.joint_events import count_after, count_before, probe
from rtl.lockstep.joint_model import INPUTS, PIM_FIRST, PIM_VALID, go, receive
from rtl.lockstep.joint_show import show_outputs, show_registers
from rtl.lockstep.joint_traffic import stimulate
from rtl.lockstep.requests import VALID
from rtl.lockstep.streams import copy, keep
from sim.dram.state import READS, WRITES
from sim.jit import njit


@njit
def is_useful(s, q, m, given, incoming):
    """Whether anything waits, comes in or goes."""
    waiting = s["counts"][READS] + s["counts"][WRITES] + q["queued"] + m["waiting"] + m["queued"]
    offered = given[VALID] + given[PIM_FIRST + PIM_VALID]
    comes = incoming[VALID] + incoming[PIM_FIRST + PIM_VALID]
    return waiting + s["logged"] + offered + comes > 0


@njit
def drive(config, commands, rules, limits, joint, channel, arbiter, state, entries, lists, queue,
          soon, queues, shared, marks, banks, pim_rows, ready, history, issues, latencies, finished,
          items, came, log, request, shapes, timers, wide, pasts, codes, incoming, before, traffic,
          old, tried, events, issued, stimuli, resets, responses):  # fmt: skip
    """Cycles in a row of stimuli, the model's responses, and what they show.

    Ends early after a reset; returns how many cycles there were. ``before`` [INPUTS + 2]: the
    stimulus of the cycle before, and whether each stream was ready then. ``old``, ``tried``: room
    for copies of the state.
    """
    s, q, m, t, shape = channel[0], arbiter[0], state[0], traffic[0], shapes[0]
    for x in range(stimuli.shape[0]):
        given, shown = stimuli[x], responses[x]
        copy(before, INPUTS, given)
        resets[x] = stimulate(t, shape, before, given)
        show_registers(config, joint, shapes, channel, arbiter, state, entries, lists, queue,
                       queues, banks, pim_rows, ready, history, items, came, incoming, timers,
                       wide, pasts, shown)  # fmt: skip
        full = count_before(config, joint, channel, arbiter, state, queue, queues, banks,
                            pim_rows, incoming, resets[x], events)  # fmt: skip
        drained = s["draining"]
        old[0] = state[0]
        became, pim_taken = receive(
            config, joint, shapes, channel, arbiter, state, entries, lists, queue, queues, shared,
            marks, latencies, finished, items, came, incoming, request,
        )  # fmt: skip
        ended = s["finished"]
        tried[0] = state[0]
        could = probe(config, joint, channel, arbiter, tried, commands, banks, pim_rows, ready,
                      queue, soon, queues, items)  # fmt: skip
        go(config, commands, rules, limits, joint, channel, arbiter, state, entries, lists, queue,
           soon, queues, shared, marks, banks, pim_rows, ready, history, issues, latencies,
           finished, items, came, log)  # fmt: skip
        show_outputs(channel, state, finished, log, codes, incoming, became, pim_taken, ended,
                     shown)  # fmt: skip
        count_after(config, joint, channel, state, log, incoming, became, pim_taken, full, drained,
                    old, could, events, issued)  # fmt: skip
        if (before[VALID] and not before[INPUTS]) or (
            before[PIM_FIRST + PIM_VALID] and not before[INPUTS + 1]
        ):
            changed = 0
            for i in range(INPUTS):
                mine = before[INPUTS] if i < PIM_FIRST else before[INPUTS + 1]
                changed |= given[i] != before[i] and not mine
            events[26] += changed
        t["useful_cycles"] += is_useful(s, q, m, given, incoming)
        copy(given, INPUTS, before)
        before[INPUTS], before[INPUTS + 1] = shown[0], shown[1]
        t["quiet"] = 0 if s["logged"] > 0 and log[0]["row"] >= 0 else t["quiet"] + 1
        if resets[x]:
            t["quiet"] = 0
            return x + 1
        if shown[0]:
            keep(given, incoming, 0, VALID)
        if shown[1]:
            keep(given, incoming, PIM_FIRST, PIM_FIRST + PIM_VALID)
    return stimuli.shape[0]
