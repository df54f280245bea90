"""What drives a DRAM channel's hardware and model, and what is counted of it."""

from rtl.lockstep.dram_model import OUTPUTS, show_outputs, show_registers, step
from rtl.lockstep.draws import draw
from rtl.lockstep.requests import (
    EPOCH_CYCLES,
    PASSED,
    REFUSED,
    TAKEN,
    VALID,
    WRITE,
    begin_bursts,
    begin_places,
    offer_request,
)
from rtl.lockstep.streams import changed, copy, keep
from sim.dram.state import ACTIVATED, READS, WRITES
from sim.jit import njit

EVENTS = (
    "request taken",
    "command for a request that comes in",
    "list full",
    "write behind a read of its place",
    "read served by a waiting write",
    "write takes the place of another",
    "drain begins",
    "drain ends",
    "request has waited for long",
    "row kept for who opened it",
    "refresh waits for an owner",
    "refresh postponed",
    "refresh closes rows",
    "stalled stream changes",
    "reset while dirty",
)
"""Counted in cycles, in the order of ``count``."""


@njit
def begin_epoch(t, shape):
    """Choose rates, places and manners."""
    begin_bursts(t)
    if draw(t, 2):
        t["rate"], t["gap_below"] = 64, 1
    begin_places(t, shape, shape["rows"])


@njit
def stimulate(t, shape, ready, given):
    """The stimulus of a cycle, from that of the cycle before, still in ``given``, and whether the
    stream was ready then. Returns whether it resets."""
    if t["cycle"] % EPOCH_CYCLES == 0:
        begin_epoch(t, shape)
    t["cycle"] += 1
    offer_request(t, shape, ready, given)
    return 1 if draw(t, 65536) < t["reset_rate"] else 0


@njit
def binds(rule, span, bank, before):
    """Whether a rule keeps a command to the node of ``bank`` back from one that went to the node
    of ``before``."""
    first = bank - bank % span
    own = before - before % rule["span"]
    if rule["sibling_span"] > 0:
        above = before - before % rule["sibling_span"]
        for other in range(first, first + span):
            inside = above <= other < above + rule["sibling_span"]
            if inside and not own <= other < own + rule["span"]:
                return True
        return False
    return first < own + rule["span"] and own < first + span


@njit
def count_rules(config, commands, rules, ready, last, recent, log, now, bindings):
    """Count the rules without which a command would have come sooner.

    ``last`` [command, bank] and ``recent`` [rule, bank, command back]: cycles of commands.
    """
    c = config[0]
    command, bank = log[0]["command"], log[0]["bank"]
    span = commands[command]["span"]
    for preceding in range(c["commands"]):
        for i in range(commands[preceding]["first_rule"], commands[preceding]["end_rule"]):
            rule = rules[i]
            if rule["following"] != command:
                continue
            for before in range(c["banks"]):
                since = last[preceding, before]
                if rule["window"] > 1:
                    since = recent[i, before - before % rule["span"], rule["window"] - 1]
                late = since >= 0 and since + rule["cycles"] == now
                if late and binds(rule, span, bank, before):
                    bindings[i] += 1
                    break
    last[command, bank] = now
    for i in range(commands[command]["first_rule"], commands[command]["end_rule"]):
        if rules[i]["window"] > 1:
            past = recent[i, bank - bank % rules[i]["span"]]
            for j in range(past.shape[0] - 1, 0, -1):
                past[j] = past[j - 1]
            past[0] = now


@njit
def count_before(shape, c, s, entries, banks, pending, reset, events):
    """Count what a cycle shows of the state with which it begins."""
    held, long = False, False
    for kind in range(ACTIVATED):
        for i in range(s["counts"][kind]):
            entry = entries[kind, i]
            bank = banks[entry["bank"]]
            held = held or (bank["owners"] > 0 and bank["row"] != entry["row"])
            age = s["now"] - entry["arrival"]
            long = long or (shape["cap_cycles"] > 0 and age >= shape["cap_cycles"])
    events[8] += long
    events[9] += held
    if s["pending"] > 0:
        first = pending[s["pending_at"]]
        owners = 0
        for bank in range(first, first + shape["refresh_span"]):
            owners += banks[bank]["owners"]
        waiting = s["counts"][READS] + s["counts"][WRITES] + s["counts"][ACTIVATED]
        events[10] += owners > 0
        events[11] += waiting > 0 and s["pending"] <= c["refresh_slack"]
    events[14] += reset == 1 and s["counts"][READS] + s["counts"][WRITES] > 0


@njit
def is_full(c, s, incoming):
    """Whether the list has no room for the request that comes in."""
    if incoming[WRITE]:
        return s["counts"][WRITES] >= c["write_entries"]
    return s["counts"][READS] >= c["read_entries"]


@njit
def count_after(c, s, entries, log, incoming, came, full, drained, issued, events):
    """Count what a cycle has done. ``full``: whether the list had no room when it began;
    ``drained``: whether writes went first then; ``issued`` [command of the kernel]."""
    write = incoming[WRITE] == 1
    events[0] += came == TAKEN
    if came == TAKEN:
        waits = False
        kind = WRITES if write else READS
        for i in range(s["counts"][kind]):
            waits = waits or entries[kind, i]["sequence"] == s["taken"] - 1
        events[1] += not waits
    if incoming[VALID] and came == REFUSED:
        events[2] += full
        events[3] += write and not full
    events[4] += came == PASSED and not write
    events[5] += came == PASSED and write
    events[6] += s["draining"] > drained
    events[7] += s["draining"] < drained
    if s["logged"] > 0:
        issued[log[0]["command"]] += 1
        events[12] += log[0]["row"] < 0 and log[0]["command"] != c["command_refresh"]


@njit
def drive(config, commands, rules, channel, picks, entries, keys, banks, ready, history,
          issues, latencies, pending, finished, log, request, shapes, timers, wide, pasts, codes,
          rows, order, incoming, before, traffic, last, recent, events, issued, bindings,
          stimuli, resets, responses):  # fmt: skip
    """Cycles in a row of stimuli, the model's responses, and what they show.

    Ends early after a reset; returns how many cycles there were. ``before`` [inputs + 1]: the
    stimulus of the cycle before, and whether the stream was ready then.
    """
    c, s, t, shape = config[0], channel[0], traffic[0], shapes[0]
    inputs = stimuli.shape[1]
    for x in range(stimuli.shape[0]):
        given, shown = stimuli[x], responses[x]
        copy(before, inputs, given)
        resets[x] = stimulate(t, shape, before[inputs], given)
        show_registers(shape, s, entries, banks, ready, history, pending, incoming, order, timers,
                       wide, pasts, rows, shown, OUTPUTS)  # fmt: skip
        count_before(shape, c, s, entries, banks, pending, resets[x], events)
        drained, full = s["draining"], is_full(c, s, incoming)
        came = step(config, commands, rules, channel, picks, entries, keys, banks, ready,
                    history, issues, latencies, pending, finished, log, shapes, incoming,
                    request)  # fmt: skip
        show_outputs(s, finished, log, codes, incoming, came, shown)
        count_after(c, s, entries, log, incoming, came, full, drained, issued, events)
        if s["logged"] > 0:
            count_rules(config, commands, rules, ready, last, recent, log, s["now"] - 1, bindings)
        events[13] += changed(before, given, 0, VALID, before[inputs])
        waiting = s["counts"][READS] + s["counts"][WRITES] + s["counts"][ACTIVATED]
        t["useful_cycles"] += waiting + s["logged"] + given[VALID] + incoming[VALID] > 0
        copy(given, inputs, before)
        before[inputs] = shown[0]
        if resets[x]:
            return x + 1
        if shown[0]:
            keep(given, incoming, 0, VALID)
    return stimuli.shape[0]
